"""The run of ``apply``: from reading state and service to the compacted state. The caller holds the lock.

1. Observe the service, and settle calls of earlier runs as far as their outcome is known without waiting.
2. Plan and show. Verify the approval; or ask, then observe and plan once more: the plan must be the one shown.
3. Record moves and renewed origins of secrets, which send nothing.
4. Send, step by step (``executor.py``), and check that what was created exists under its own name.
5. Wait once for all calls whose outcome is unknown, of earlier runs and of this one. Then observe and plan their keys
   again, and send what was shown and had no effect.
6. Compact the journal into the state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from threading import Event

from provisioner.apply.executor import Executor
from provisioner.apply.id_checks import KnownIds, create_of, creation_notes, known_ids, not_ours, young_ids
from provisioner.apply.outcome import (
    Applied,
    Outcome,
    Verdict,
    changes_of,
    creates,
    is_covered,
    left_open,
    leftover_probe,
    not_attempted,
    not_shown,
    patched_keys,
    succeeded_late,
)
from provisioner.definitions.desired import Desired
from provisioner.errors import Declined, ProvisionerError, StaleError, StateError
from provisioner.model import Key
from provisioner.planning.approval import Approval, SavedPlan, verify
from provisioner.planning.changes import PlanInputs
from provisioner.planning.guards import hold_back_drift
from provisioner.planning.lookup import look, look_for
from provisioner.planning.moves import moved_records, moving
from provisioner.planning.observed import Observation
from provisioner.planning.plan import NO_OPTIONS, Change, Plan, PlanOptions
from provisioner.planning.planner import make_plan
from provisioner.planning.recovery import Resolved, resolve
from provisioner.planning.secret_records import key_note, refuse_forgotten_key, renewed
from provisioner.planning.steps import Create, Probe
from provisioner.planning.target_context import TargetContext
from provisioner.planning.verification_steps import definition_key, probe_key
from provisioner.service.client import FlowService
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import State
from provisioner.state.store import Store
from provisioner.text import count


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world of an apply.

    ``monotonic`` is in seconds. ``sleep`` takes seconds and returns early once ``interrupted`` is set, which happens
    from outside. ``undisturbed`` is entered around everything that must not be cut off half-way: meanwhile an interrupt
    only sets ``interrupted``. ``working_on`` is as for the executor.
    """

    store: Store
    service: FlowService
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    new_id: Callable[[], str]
    tell: Callable[[str], None]
    show: Callable[[Plan], None]
    confirm: Callable[[], bool]
    report_outcome: Callable[[Outcome], None]
    interrupted: Event = field(default_factory=Event)
    undisturbed: Callable[[], AbstractContextManager[None]] = nullcontext
    working_on: Callable[[Key], AbstractContextManager[None]] = lambda _: nullcontext()


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """The options of an apply.

    ``skip_question``: ``--yes``. ``approved``: the plan has to agree with this approval, and is not asked
    about either. ``no_wait``: do not wait for the outcomes of calls; what is open stays open.
    """

    parallelism: int = 8
    skip_question: bool = False
    plan_options: PlanOptions = NO_OPTIONS
    approved: Approval | None = None
    no_wait: bool = False


def run_apply(target: TargetContext, desired: tuple[Desired, ...], ports: Ports, options: ApplyOptions) -> Applied:
    """Carry out what the definitions ask for. The caller holds the lock.

    Raise ``Declined`` if the answer was no, and the errors of reading the service. Then nothing was sent; outcomes of
    earlier calls that became known are recorded all the same.
    """
    run = _Run(target, desired, ports, options)
    snapshot = run.settle_and_observe()
    fingerprinter = run.fingerprinter(snapshot.state)
    if not options.plan_options.refresh_only:
        refuse_forgotten_key(snapshot.state, fingerprinter)
    if note := key_note(snapshot.state, fingerprinter, target.loopback):
        ports.tell(f"note: {note}")
    plan = run.plan(snapshot, options.plan_options)
    ports.show(plan)
    if options.approved:
        verify(options.approved, plan, fingerprinter)
    if not plan.pending and not run.awaited_keys(plan, snapshot):
        run.update_records(plan)
        ports.store.compact()
        return Applied((), plan.blocked)
    if plan.pending and not (options.skip_question or options.approved):
        if not ports.confirm():
            raise Declined("not confirmed; nothing was sent")
        snapshot, plan = run.observe_again(plan)
    ports.store.check_room(len(plan.pending))
    with ports.undisturbed():
        plan = run.update_records(plan)
        applied = run.send_and_wait(plan, snapshot)
        return compact_state(ports, applied)


def compact_state(ports: Ports, applied: Applied) -> Applied:
    """Compact the state after calls. If that fails, return the outcomes with the reason: the journal holds everything.

    Without calls there is nothing to save the outcome of, and the error ends the run.
    """
    try:
        ports.store.compact()
    except (StateError, StaleError) as error:
        return replace(applied, uncompacted=f"{error.message}; the journal beside it holds everything, keep both")
    return applied


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state with all outcomes settled that are known, what the service showed, and what is still open."""

    state: State
    observation: Observation
    resolved: Resolved


class _Run:
    """The shared data of one apply."""

    def __init__(
        self, target: TargetContext, desired: tuple[Desired, ...], ports: Ports, options: ApplyOptions
    ) -> None:
        self._target, self._desired, self._ports, self._options = target, desired, ports, options
        # One for planning and executing: without a team key each distinct secret costs 40 ms, once.
        self._cached_fingerprinter = cache(target.fingerprinter)
        self._ids = KnownIds(())
        self._began = ports.monotonic()
        self._stopped = False

    def fingerprinter(self, state: State) -> Fingerprinter:
        return self._cached_fingerprinter(state.lineage)

    def settle_and_observe(self, waited: bool = False) -> Snapshot:
        """Observe the service, and record the outcomes of open calls as far as they are known now.

        ``waited``: all calls had the time to take effect and to be shown.
        """
        state = self._ports.store.load()
        observation = look(self._ports.service, state)
        resolved = resolve(state, observation, self._target.client, waited)
        if resolved.settled:
            self._ports.store.adopt(resolved.adopted)
            self._ports.store.settle(resolved.settled)
            for key, found in resolved.found.items():
                self._ports.tell(f"{key}: {found.recorded}")
            state = self._ports.store.load()
        self._ids.add(known_ids(state, observation))
        return Snapshot(state, observation, resolved)

    def observe_again(self, shown: Plan) -> tuple[Snapshot, Plan]:
        """Return a fresh snapshot and plan after a question, which may have been open for hours.

        Raise ``StaleError`` unless the plan is the one that was shown.
        """
        snapshot = self.settle_and_observe()
        plan = self.plan(snapshot, self._options.plan_options)
        if plan.pins != shown.pins:
            before, after = ({pin.key: pin for pin in each.pins} for each in (shown, plan))
            changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
            message = f"{', '.join(changed)} changed while the question was open; nothing was sent"
            raise StaleError(message, "run apply again, and read the new plan")
        return snapshot, plan

    def plan(self, snapshot: Snapshot, plan_options: PlanOptions) -> Plan:
        target, options = self._target, self._options
        inputs = PlanInputs(
            snapshot.state,
            snapshot.observation,
            self.fingerprinter(snapshot.state),
            client=target.client,
            undecided=snapshot.resolved.undecided,
        )
        from_saved_plan = isinstance(options.approved, SavedPlan)
        plan = make_plan(target, self._desired, inputs, plan_options, self._ports.service, from_saved_plan)
        # ``verify`` refuses drift that an approval does not cover, so only a bare --yes is held back.
        drift_is_approved = plan_options.overwrite_drift or options.approved is not None
        return hold_back_drift(plan) if options.skip_question and not drift_is_approved else plan

    def update_records(self, plan: Plan) -> Plan:
        """Move records as declared; renew origins and fingerprints. Send nothing. Return the plan with the records."""
        store, tell = self._ports.store, self._ports.tell
        state = store.load()
        if moved := moved_records(plan, state):
            store.adopt(moved)
        for change in moving(plan):
            if change.record is not None:
                tell(f"{change.key}: moved here from {change.moved_from}; nothing is sent")
        if records := renewed(plan, self.fingerprinter(state)):
            store.adopt(records)
            tell(f"{count(len(records), 'record')} of secrets updated (origin, fingerprint key); nothing is sent")
        by_key = {record.key: record for record in records}
        changes = (replace(change, record=by_key.get(change.key, change.record)) for change in plan.changes)
        return replace(plan, changes=tuple(changes))

    def awaited_keys(self, plan: Plan, snapshot: Snapshot) -> frozenset[Key]:
        """Return the keys whose earlier call is waited for.

        A PATCH that this plan repeats is not: the etag lets only one of the two take effect.
        """
        if self._options.plan_options.refresh_only:
            return frozenset()
        open_keys = snapshot.resolved.waiting | (snapshot.resolved.fenced.keys() - patched_keys(plan))
        return frozenset(key for key in open_keys if self._options.plan_options.selects(definition_key(key)))

    def send_and_wait(self, plan: Plan, snapshot: Snapshot) -> Applied:
        """Carry out a plan; then wait once for all open calls, observe, and send again what had no effect.

        What is sent after the wait leads to what was shown: the same base connections, as declared.
        """
        awaited = self.awaited_keys(plan, snapshot)
        sent_again = [entry for key in patched_keys(plan) for entry in snapshot.resolved.fenced.get(key, ())]
        if sent_again:
            self._ports.store.settle(tuple(sent_again))
        first = self._send(plan.without(awaited), snapshot)
        unknown = {outcome.change.key: outcome for outcome in first.outcomes if outcome.verdict is Verdict.UNKNOWN}
        if not (awaited or unknown):
            return first
        later = None
        if not (self._options.no_wait or self._stopped):
            ended = [outcome.ended for outcome in unknown.values()]
            if awaited:
                ended.append(self._began)  # calls of earlier runs ended before this one began
            keys = awaited | unknown.keys() | {probe_key(key) for key in unknown}
            shown = {change.key: change for change in plan.changes}
            shown |= {outcome.change.key: outcome.change for outcome in unknown.values()}
            later = self._after_wait(shown, keys, len(awaited) + len(unknown), max(ended))
            if later is None and self._ports.interrupted.is_set():
                rest = self._reported(not_attempted(change) for change in plan.only(awaited).pending)
                return replace(first + Applied(rest), interrupted=True)
        if later is None:
            remedy = "run apply without --no-wait" if self._options.no_wait else "run apply again"
            return first + Applied(self._reported(left_open(change, remedy) for change in changes_of(plan, awaited)))
        applied = first.updated(later, unknown)
        undecided = {change.key for change in later.blocked}
        self._reported(outcome for outcome in applied.outcomes if outcome.change.key in undecided)
        return applied

    def _reported(self, outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
        """Report outcomes that no call reported, and return them."""
        reported = tuple(outcomes)
        for outcome in reported:
            self._ports.report_outcome(outcome)
        return reported

    def _after_wait(
        self, shown: Mapping[Key, Change], keys: Collection[Key], number: int, since: float
    ) -> Applied | None:
        """Return the outcomes of these keys; None if the wait was interrupted or they could not be determined.

        ``shown`` are the changes that the user saw, ``number`` is that of open calls, ``since`` is when the last of
        them ended.
        """
        ports = self._ports
        if ports.interrupted.is_set():
            return None
        seconds = max(0.0, since + self._target.deadlines.settled - ports.monotonic())
        ports.tell(f"waiting {seconds:.0f} s for the outcome of {count(number, 'call')}; an interrupt ends the wait")
        ports.sleep(seconds)
        if ports.interrupted.is_set():
            return None
        try:
            snapshot = self.settle_and_observe(waited=True)
            # The plan that was shown is within the limits, and only changes that it covers are sent.
            plan = self.plan(snapshot, replace(self._options.plan_options, exceed_limits=True)).only(keys)
        except ProvisionerError as error:
            ports.tell(f"their outcome could not be determined: {error.message}")
            return None
        changes = {change.key: change for change in plan.changes}
        succeeded = self._reported(
            outcome
            for key in sorted(keys)
            if (outcome := succeeded_late(shown.get(key), changes.get(key), key)) is not None
        )
        covered = {key for key, change in changes.items() if not change.steps or is_covered(change, shown.get(key))}
        sent = self._send(plan.only(covered), snapshot)
        return Applied((*succeeded, *self._reported(map(not_shown, plan.without(covered).changes)))) + sent

    def _send(self, plan: Plan, snapshot: Snapshot) -> Applied:
        ports = self._ports
        if any(isinstance(step, Create | Probe) for change in plan.pending for step in change.steps):
            ports.store.remember_ids(young_ids(snapshot.observation, ports.service.service_time()))
        began = ports.service.service_time().isoformat()
        executor = Executor(
            service=ports.service,
            store=ports.store,
            ids=self._ids,
            fingerprinter=self.fingerprinter(ports.store.load()),
            new_id=ports.new_id,
            report_outcome=ports.report_outcome,
            parallelism=self._options.parallelism,
            interrupted=ports.interrupted,
            client=self._target.client,
            tell=ports.tell,
            monotonic=ports.monotonic,
            working_on=ports.working_on,
        )
        applied = executor.send(plan)
        self._stopped = executor.stop.is_set()
        return self._check_created(applied, began) + Applied(tuple(self._leftover_probes(plan, applied, snapshot)))

    def _check_created(self, applied: Applied, began: str) -> Applied:
        """Check that everything that was created exists under its own name, and return the corrected outcomes.

        A create that fails the check is open again: its id may be that of another call, or of none. ``began`` is when
        the first create was sent, at the earliest.
        """
        created = {outcome.id: outcome for outcome in applied.outcomes if outcome.id and creates(outcome.change)}
        if not created:
            return applied
        reopened = {}
        try:
            observation, state = look_for(self._ports.service, created), self._ports.store.load()
            for ident, outcome in created.items():
                if corrected := self._reopened(outcome, state, observation, began):
                    reopened[ident] = corrected
        except ProvisionerError as error:
            return applied if self._ports.interrupted.is_set() else replace(applied, unchecked=error.message)
        confirmed = {ident: outcome for ident, outcome in created.items() if ident not in reopened}
        managed = frozenset(record.id for record in state.records)
        for note in creation_notes(confirmed, observation, managed):
            self._ports.tell(note)
        return applied.updated(Applied(self._reported(reopened.values())), ())

    def _reopened(self, outcome: Outcome, state: State, observation: Observation, began: str) -> Outcome | None:
        """Reopen a create whose id is not that of its base connection, and return its outcome; None for any other."""
        record = state.record(outcome.change.key)
        reason = not_ours(record, observation) if record else ""
        if record is None or not reason:
            return None
        self._ports.store.reopen(create_of(record, self._ports.new_id(), began))
        message = f"{outcome.id}, the id in the answer, {reason}; its record was removed"
        return replace(outcome, verdict=Verdict.UNKNOWN, id="", message=message, ended=self._ports.monotonic())

    def _leftover_probes(self, plan: Plan, applied: Applied, snapshot: Snapshot) -> Iterator[Outcome]:
        """Yield the outcome of each probe of this run that may be left over, if the outcome of its change is known."""
        if not any(isinstance(step, Probe) for change in plan.pending for step in change.steps):
            return
        earlier = {intent.intent_id for intent in snapshot.state.intents}
        unknown = {outcome.change.key for outcome in applied.outcomes if outcome.verdict is Verdict.UNKNOWN}
        for intent in self._ports.store.load().intents:
            if intent.step == "probe" and intent.intent_id not in earlier and intent.key not in unknown:
                outcome = leftover_probe(intent, self._ports.monotonic())
                self._ports.report_outcome(outcome)
                yield outcome
