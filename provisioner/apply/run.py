"""``apply``: make it so, once and only once.

1. Hold the lock; nothing is read before it is ours.
2. Read the definitions; a variable that is not set is a problem, before any call.
3. Settle what an earlier run left open, as far as that can be told at once.
4. Plan, show, ask.
5. Carry out the plan, every step recorded. What has to wait until it shows what became of an earlier call comes last,
   so that nothing else waits, together with the calls of this run whose answer was lost.
6. Fold the journal into the state.

Settle what an earlier run left open: look, decide, record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, partial
from threading import Event

from provisioner.apply.executor import Executor, left_open, not_attempted
from provisioner.apply.id_checks import KnownIds, create_of, creation_notes, known_ids, not_ours, young_ids
from provisioner.apply.outcome import (
    Applied,
    Outcome,
    Verdict,
    changes_of,
    creates,
    found,
    leads_to,
    left_probe,
    moved_meanwhile,
    patched,
)
from provisioner.commands.plan import TargetContext, look, look_for, planned, read_desired
from provisioner.definitions.desired import Desired
from provisioner.errors import Declined, ProvisionerError, StaleError, StateError, UsageError
from provisioner.model import Key
from provisioner.planning.added_steps import definition_key, probe_key
from provisioner.planning.approval import Approval, SavedPlan, verify
from provisioner.planning.guards import hold_back_drift
from provisioner.planning.moves import moved_records
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Change, Plan, PlanOptions
from provisioner.planning.planner import PlanInputs
from provisioner.planning.recovery import Resolved, resolve
from provisioner.planning.renewal import GIVE_UP_KEY, forgotten_key, key_note, renewed
from provisioner.planning.steps import Create, Probe
from provisioner.service.client import FlowService
from provisioner.state.fingerprint import KEY_VARIABLE, Fingerprinter
from provisioner.state.records import State
from provisioner.state.store import Store


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state with everything settled that can be, what the service showed, and what is still open."""

    state: State
    observation: Observation
    resolved: Resolved


@dataclass(frozen=True, slots=True)
class Resumption:
    """How standing intents are settled. ``look`` is given the state; ``client`` is our client id."""

    store: Store
    look: Callable[[State], Observation]
    tell: Callable[[str], None]
    client: str

    def resume(self, waited: bool) -> Snapshot:
        """Look once, and record what became of every standing intent of which that can be told now. ``waited``: they
        had their time to take effect and to be shown."""
        state = self.store.load()
        observation = self.look(state)
        resolved = resolve(state, observation, self.client, waited)
        if not resolved.settled:
            return Snapshot(state, observation, resolved)
        self.store.adopt(resolved.adopted)
        self.store.settle(resolved.settled)
        for key, note in resolved.found.items():
            self.tell(f"{key}: {note}")
        return Snapshot(self.store.load(), observation, resolved)


@dataclass(frozen=True, slots=True)
class Ports:
    """How apply reaches the world. ``monotonic`` is in seconds; ``sleep`` takes seconds and ends early once
    ``interrupted``, which is set from outside; ``undisturbed`` is around what must not be cut off half-way: meanwhile
    an interrupt only sets it."""

    store: Store
    service: FlowService
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    new_id: Callable[[], str]
    tell: Callable[[str], None]
    show: Callable[[Plan], None]
    confirm: Callable[[], bool]
    progress: Callable[[Outcome], None]
    interrupted: Event = field(default_factory=Event)
    undisturbed: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. ``confirmed``: the plan is not asked about (``--yes``).

    ``approved`` is what was reviewed: the plan has to be that one, and is not asked about either. ``no_wait``: what
    became of a call is not waited for, and what is open stays so.
    """

    parallelism: int = 8
    confirmed: bool = False
    asked: PlanOptions = field(default_factory=PlanOptions)
    approved: Approval | None = None
    no_wait: bool = False


def apply(place: TargetContext, desired: tuple[Desired, ...], ports: Ports, options: Options) -> Applied:
    """Carry out what the definitions ask for. The lock is held by the caller.

    Raises whatever reading the service may raise, with nothing done; ``Declined`` when the answer was no.
    """
    run = _Run(place, desired, ports, options)
    seen = run.look()
    key = "" if options.asked.refresh else forgotten_key(seen.state, run.fingerprinter(seen))
    if key:
        raise UsageError(f"{KEY_VARIABLE} is not set, and secrets are recorded with key {key}", GIVE_UP_KEY)
    if words := key_note(seen.state, run.fingerprinter(seen), place.loopback):
        ports.tell(f"note: {words}")
    made = run.plan(seen)
    ports.show(made)
    if options.approved:
        verify(options.approved, made, run.fingerprinter(seen))
    if not made.pending and not run.waiting(made, seen):
        run.renew(made)
        ports.store.compact()
        return Applied((), made.blocked)
    if made.pending and not (options.confirmed or options.approved):
        if not ports.confirm():
            raise Declined("not confirmed; nothing was done")
        seen, made = run.confirmed(made)
    ports.store.check_room(len(made.pending))
    with ports.undisturbed():
        return folded(ports, run.carry_out(run.renew(made), seen))


class _Run:
    """One apply: what its parts share."""

    def __init__(self, place: TargetContext, desired: tuple[Desired, ...], ports: Ports, options: Options) -> None:
        self._place, self._desired, self._ports, self._options = place, desired, ports, options
        self._resumption = Resumption(ports.store, partial(look, ports.service), ports.tell, place.client)
        # One for planning and executing: without a team key each distinct secret costs 40 ms, once.
        self._fingerprinter = cache(place.fingerprinter)
        self._ids = KnownIds(())
        self._began = ports.monotonic()
        self._stopped = False

    def look(self, waited: bool = False) -> Snapshot:
        """See what there is; settle what an earlier call left open, as far as that can be told now."""
        seen = self._resumption.resume(waited)
        self._ids.add(known_ids(seen.state, seen.observation))
        return seen

    def confirmed(self, shown: Plan) -> tuple[Snapshot, Plan]:
        """Look once more: a question may stand for hours. Raise ``StaleError`` unless the plan is the one shown."""
        seen = self.look()
        now = self.plan(seen)
        if now.pins != shown.pins:
            before, after = ({pin.key: pin for pin in plan.pins} for plan in (shown, now))
            moved = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
            message = f"{', '.join(moved)} moved while the question was open; nothing was done"
            raise StaleError(message, "run apply again, and read the new plan")
        return seen, now

    def fingerprinter(self, seen: Snapshot) -> Fingerprinter:
        return self._fingerprinter(seen.state.lineage)

    def plan(self, seen: Snapshot) -> Plan:
        place, options = self._place, self._options
        context = PlanInputs(
            seen.state,
            seen.observation,
            self.fingerprinter(seen),
            client=place.client,
            undecided=seen.resolved.undecided,
        )
        reviewed = isinstance(options.approved, SavedPlan)
        made = planned(place, self._desired, context, options.asked, self._ports.service, reviewed)
        return hold_back_drift(made) if options.confirmed and not self._drift_is_seen() else made

    def _drift_is_seen(self) -> bool:
        """Whether it was asked for by name; an approved plan shows its drift, or is not the approved one."""
        return self._options.asked.overwrite_drift or self._options.approved is not None

    def renew(self, made: Plan) -> Plan:
        """Record declared moves, and give up older fingerprint keys; towards the service that is no change. Returns the
        plan with the records as they are then."""
        moved = moved_records(made, self._ports.store.load())
        if moved:
            self._ports.store.adopt(moved)
        for change in made.changes:
            if change.moved_from and change.record is not None:
                self._ports.tell(f"{change.key}: moved here from {change.moved_from}; nothing is sent for it")
        records = renewed(made, self._todays_fingerprinter())
        if records:
            self._ports.store.adopt(records)
            number = f"{len(records):,} record{'' if len(records) == 1 else 's'}"
            self._ports.tell(
                f"{number} of secrets brought up to date (origin, fingerprint key); nothing is sent for it"
            )
        now = {record.key: record for record in records}
        return replace(made, changes=tuple(replace(one, record=now.get(one.key, one.record)) for one in made.changes))

    def _todays_fingerprinter(self) -> Fingerprinter:
        return self._fingerprinter(self._ports.store.load().lineage)

    def waiting(self, made: Plan, seen: Snapshot) -> frozenset[Key]:
        """Return the keys of earlier calls that are waited for. One that is sent again with the same etag is not."""
        if self._options.asked.refresh:
            return frozenset()
        open_keys = seen.resolved.waiting | (seen.resolved.fenced.keys() - patched(made))
        return frozenset(key for key in open_keys if self._options.asked.selects(definition_key(key)))

    def carry_out(self, made: Plan, seen: Snapshot) -> Applied:
        """Carry out a plan; then wait once for all open calls, look, and send once more what had no effect.

        What is carried out after the wait leads to what was shown: the same base connections, as declared.
        """
        waiting = self.waiting(made, seen)
        again = [settled for key in patched(made) for settled in seen.resolved.fenced.get(key, ())]
        if again:
            self._ports.store.settle(tuple(again))
        first = self._execute(made.without(waiting), seen)
        lost = {one.change.key: one for one in first.outcomes if one.verdict is Verdict.UNKNOWN}
        if not (waiting or lost):
            return first
        if self._options.no_wait or self._stopped:
            remedy = "run apply without --no-wait" if self._options.no_wait else "run apply again"
            return first + Applied(tuple(left_open(change, remedy) for change in changes_of(made, waiting)))
        since = [*([self._began] if waiting else ()), *(one.ended for one in lost.values())]
        probes = {probe_key(key) for key in lost}
        shown = {one.key: one for one in (*made.changes, *(outcome.change for outcome in lost.values()))}
        later = self._after_wait(shown, waiting | lost.keys() | probes, len(waiting) + len(lost), max(since))
        if later is None and self._ports.interrupted.is_set():
            held = Applied(tuple(not_attempted(change) for change in made.only(waiting).pending))
            return replace(first + held, interrupted=True)
        if later is None:
            return first + Applied(tuple(left_open(change, "run apply again") for change in changes_of(made, waiting)))
        applied, undecided = first.replaced(later, lost), {change.key for change in later.blocked}
        for outcome in applied.outcomes:
            if outcome.change.key in undecided:
                self._ports.progress(outcome)
        return applied

    def _after_wait(
        self, shown: Mapping[Key, Change], keys: Collection[Key], number: int, since: float
    ) -> Applied | None:
        """Return what became of these keys; None where it was not waited for, or nothing could be seen."""
        if self._ports.interrupted.is_set():
            return None
        seconds = max(0.0, since + self._place.deadlines.settled - self._ports.monotonic())
        calls = f"{number:,} call{'' if number == 1 else 's'}"
        self._ports.tell(f"waiting {seconds:.0f} s until it shows what became of {calls}; an interrupt ends the wait")
        self._ports.sleep(seconds)
        if self._ports.interrupted.is_set():
            return None
        try:
            seen = self.look(waited=True)
            now = self.plan(seen).only(keys)
        except ProvisionerError as error:
            self._ports.tell(f"what became of them could not be seen: {error.message}")
            return None
        meant = {one.key for one in now.changes if not one.steps or leads_to(shown.get(one.key), one)}
        planned = {one.key: one for one in now.changes}
        done = [one for key in sorted(keys) if (one := found(shown.get(key), planned.get(key), key)) is not None]
        for outcome in done:
            self._ports.progress(outcome)
        sent = self._execute(now.only(meant), seen)
        return Applied((*done, *map(moved_meanwhile, now.without(meant).changes))) + sent

    def _execute(self, made: Plan, seen: Snapshot) -> Applied:
        ports = self._ports
        if any(isinstance(step, Create | Probe) for change in made.pending for step in change.steps):
            ports.store.remember_ids(young_ids(seen.observation, ports.service.service_time()))
        began = ports.service.service_time().isoformat()
        executor = Executor(
            ports.service,
            ports.store,
            self._ids,
            self._todays_fingerprinter(),
            ports.new_id,
            ports.progress,
            self._options.parallelism,
            ports.interrupted,
            self._place.client,
            ports.tell,
            ports.monotonic,
        )
        applied = executor.execute(made)
        self._stopped = executor.stop.is_set()
        return self._checked(applied, began) + Applied(tuple(self._left_probes(made, applied, seen)))

    def _left_probes(self, made: Plan, applied: Applied, seen: Snapshot) -> Iterator[Outcome]:
        """Yield the outcome of each probe of this run that may be there yet, but for those of changes that are open."""
        if not any(isinstance(step, Probe) for change in made.pending for step in change.steps):
            return
        known = {intent.intent_id for intent in seen.state.intents}
        unknown = {one.change.key for one in applied.outcomes if one.verdict is Verdict.UNKNOWN}
        for intent in self._ports.store.load().intents:
            if intent.step == "probe" and intent.intent_id not in known and intent.key not in unknown:
                outcome = left_probe(intent, self._ports.monotonic())
                self._ports.progress(outcome)
                yield outcome

    def _checked(self, applied: Applied, began: str) -> Applied:
        """Look once whether what was created is there under its own name. What is not is open again: its id may be that
        of another call, or of none."""
        created = {one.id: one for one in applied.outcomes if one.id and creates(one.change)}
        if not created:
            return applied
        try:
            observation, state = look_for(self._ports.service, created), self._ports.store.load()
            reopened = [new for one in created.values() if (new := self._reopened(one, state, observation, began))]
        except ProvisionerError as error:
            return applied if self._ports.interrupted.is_set() else replace(applied, unchecked=error.message)
        again = {one.change.key for one in reopened}
        kept = {ident: one for ident, one in created.items() if one.change.key not in again}
        managed = frozenset(one.id for one in state.records)
        for words in creation_notes(kept, observation, managed):
            self._ports.tell(words)
        for outcome in reopened:
            self._ports.progress(outcome)
        return applied.replaced(Applied(tuple(reopened)), ())

    def _reopened(self, outcome: Outcome, state: State, observation: Observation, began: str) -> Outcome | None:
        record = state.record(outcome.change.key)
        why = not_ours(record, observation) if record else ""
        if record is None or not why:
            return None
        self._ports.store.reopen(create_of(record, self._ports.new_id(), began))
        message = f"{outcome.id}, the id that was answered, {why}; its record was given up"
        return replace(outcome, verdict=Verdict.UNKNOWN, id="", message=message, ended=self._ports.monotonic())


def read_complete(place: TargetContext, asked: PlanOptions, allow_none: bool) -> tuple[Desired, ...]:
    """Return the same as ``read_desired``, with every secret at hand: a variable that is not set and that a selected
    definition needs is a problem too. To take drift into the state no secret is needed."""
    return read_desired(place, allow_none, lambda key: not asked.refresh and asked.selects(key))


def folded(ports: Ports, applied: Applied) -> Applied:
    """What was done stays done, and is told, also where the state cannot be written: the journal has it all."""
    try:
        ports.store.compact()
    except (StateError, StaleError) as error:
        return replace(applied, uncompacted=f"{error.message}; the journal beside it holds everything, keep both")
    return applied
