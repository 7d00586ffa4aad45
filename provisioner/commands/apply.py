"""``apply``: make it so, once and only once.

1. Hold the lock; nothing is read before it is ours.
2. Read the definitions; a variable that is not set is a problem, before any call.
3. Settle what an earlier run left open, as far as that can be told at once.
4. Plan, show, ask.
5. Carry out the plan, every step recorded. What has to wait for the service to show the result of an earlier create
   comes last, so that nothing else waits.
6. Fold the journal into the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from threading import Event
from typing import Protocol

from provisioner.applying.executor import Executor, not_attempted
from provisioner.applying.outcome import Applied, Outcome, Verdict
from provisioner.applying.resume import Register, Resumption, Seen
from provisioner.applying.trials import Ledger, Writer
from provisioner.commands.plan import Place, look, planned, read_desired
from provisioner.definitions.desired import Desired
from provisioner.errors import Declined, ProblemsFound, StaleError, StateError, UsageError
from provisioner.model import Key, Problem
from provisioner.planning.approval import Approval, SavedPlan, hold_to
from provisioner.planning.moves import moved_records
from provisioner.planning.plan import Action, Asked, Change, Plan
from provisioner.planning.planner import Context
from provisioner.planning.renewal import GIVE_UP_KEY, forgotten_key, key_note, renewed
from provisioner.planning.safety import hold_back_drift
from provisioner.service.flow_service import Reader
from provisioner.state.fingerprint import KEY_VARIABLE, Fingerprinter
from provisioner.state.records import State


class Service(Reader, Writer, Protocol):
    """What apply needs of the Flow Service."""


class Remembered(Ledger, Register, Protocol):
    """What apply needs of the store, beside the lock that its caller holds."""

    def check_room(self, steps: int) -> None: ...
    def fold(self) -> State: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """How apply reaches the world. ``sleep`` takes seconds and ends early once ``interrupted``, which is set from
    outside; ``undisturbed`` is around what must not be cut off half-way: meanwhile an interrupt only sets it."""

    store: Remembered
    service: Service
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

    ``approved`` is what was reviewed: the plan has to be that one, and is not asked about either.
    """

    parallelism: int = 8
    confirmed: bool = False
    asked: Asked = field(default_factory=Asked)
    approved: Approval | None = None


def apply(place: Place, desired: tuple[Desired, ...], ports: Ports, options: Options) -> Applied:
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
        hold_to(options.approved, made, run.fingerprinter(seen))
    waiting = {} if options.asked.refresh else seen.resolved.waiting
    if not made.pending and not waiting:
        run.renew(made)
        ports.store.fold()
        return Applied((), made.blocked)
    if made.pending and not (options.confirmed or options.approved) and not ports.confirm():
        raise Declined("not confirmed; nothing was done")
    ports.store.check_room(len(made.pending))
    with ports.undisturbed():
        made = run.renew(made)
        applied = run.execute(made.without(waiting))
        return folded(ports, applied + run.late(made, waiting) if waiting else applied)


class _Run:
    """One apply: what its parts share."""

    def __init__(self, place: Place, desired: tuple[Desired, ...], ports: Ports, options: Options) -> None:
        self._place, self._desired, self._ports, self._options = place, desired, ports, options
        clock, look_at = ports.service, partial(look, ports.service)
        self._resumption = Resumption(ports.store, look_at, clock, ports.tell, place.settle, place.client)
        # One for planning and executing: without a team key each distinct secret costs 40 ms, once.
        self._fingerprinter = cache(place.fingerprinter)

    def look(self) -> Seen:
        """See what there is; settle what an earlier run left open, as far as that can be told now."""
        return self._resumption.resume()

    def fingerprinter(self, seen: Seen) -> Fingerprinter:
        return self._fingerprinter(seen.state.lineage)

    def plan(self, seen: Seen) -> Plan:
        place, options = self._place, self._options
        context = Context(
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

    def execute(self, made: Plan) -> Applied:
        ports = self._ports
        fingerprinter, parallelism = self._todays_fingerprinter(), self._options.parallelism
        return Executor(
            ports.service,
            ports.store,
            fingerprinter,
            ports.new_id,
            ports.progress,
            parallelism,
            ports.interrupted,
            self._place.client,
            ports.tell,
        ).execute(made)

    def late(self, shown: Plan, waiting: Mapping[Key, datetime]) -> Applied:
        """The changes that had to wait for the service to show what became of an earlier create; one wait for all.

        What is then carried out leads to what was shown: the same base connections, as declared.
        """
        mine = shown.only(waiting)
        seen = self._settled(waiting)
        if seen is None:
            return Applied(tuple(not_attempted(change) for change in mine.pending), interrupted=True)
        again = self.plan(seen).only({change.key for change in mine.pending})
        found = tuple(self._found(change) for change in again.changes if change.action is Action.NO_OP)
        return Applied(found) + self.execute(again)

    def _settled(self, waiting: Mapping[Key, datetime]) -> Seen | None:
        """None when interrupted."""
        while True:
            self._wait(max(waiting.values()), len(waiting))
            if self._ports.interrupted.is_set():
                return None
            seen = self.look()
            waiting = seen.resolved.waiting
            if not waiting:
                return seen

    def _wait(self, until: datetime, number: int) -> None:
        seconds = max(0.0, (until - self._ports.service.service_time()).total_seconds())
        results = "result" if number == 1 else "results"
        self._ports.tell(f"waiting {seconds:.0f} s for the service to show the {results} of {number} earlier create(s)")
        self._ports.sleep(seconds)

    def _found(self, change: Change) -> Outcome:
        outcome = Outcome(
            replace(change, action=Action.CREATE), Verdict.DONE, change.record.id if change.record else ""
        )
        self._ports.progress(outcome)
        return outcome


def read_complete(place: Place, asked: Asked, allow_none: bool) -> tuple[Desired, ...]:
    """Return the same as ``read_desired``, with every secret at hand: a variable that is not set and that a selected
    definition needs is a problem too. To take drift into the state no secret is needed."""
    desired = read_desired(place, allow_none)
    if asked.refresh:
        return desired
    unset = tuple(_unset(one for one in desired if asked.selects(one.key)))
    if unset:
        raise ProblemsFound(unset)
    return desired


def _unset(desired: Iterable[Desired]) -> Iterator[Problem]:
    for one in desired:
        for path, symbol in one.unset:
            message = f"{symbol.origin} is not set, or empty"
            yield Problem(one.location_of(path), "secret.unset", message, "set the variable")


def folded(ports: Ports, applied: Applied) -> Applied:
    """What was done stays done, and is told, also where the state cannot be written: the journal has it all."""
    try:
        ports.store.fold()
    except (StateError, StaleError) as error:
        return replace(applied, unfolded=f"{error.message}; the journal beside it holds everything, keep both")
    return applied
