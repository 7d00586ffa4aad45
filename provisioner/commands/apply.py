"""``apply``: make it so, once and only once.

1. Hold the lock; nothing is read before it is ours.
2. Read the definitions; a variable that is not set is a problem, before any call.
3. Settle what an earlier run left open.
4. Plan, show, ask.
5. Carry out the plan, every step recorded; fold the journal into the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from provisioner.applying.executor import Executor, Ledger, Writer
from provisioner.applying.outcome import Applied, Outcome
from provisioner.applying.resume import Resumption
from provisioner.commands.plan import Place, look, read_desired
from provisioner.definitions.desired import Desired
from provisioner.errors import Declined, ProblemsFound, StaleError, StateError
from provisioner.model import Problem
from provisioner.planning.plan import Plan
from provisioner.planning.planner import Context, make_plan
from provisioner.planning.safety import hold_back_drift
from provisioner.service.flow_service import Reader
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import State


class Service(Reader, Writer, Protocol):
    """What apply needs of the Flow Service."""


class Remembered(Ledger, Protocol):
    """What apply needs of the store, beside the lock that its caller holds."""

    def load(self) -> State: ...
    def fold(self) -> State: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """How apply reaches the world. ``sleep`` takes seconds."""

    store: Remembered
    service: Service
    sleep: Callable[[float], None]
    new_id: Callable[[], str]
    tell: Callable[[str], None]
    show: Callable[[Plan], None]
    confirm: Callable[[], bool]
    progress: Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. ``confirmed``: the plan is not asked about (``--yes``)."""

    parallelism: int = 8
    confirmed: bool = False
    adopt: bool = False
    overwrite_drift: bool = False


def apply(place: Place, desired: tuple[Desired, ...], ports: Ports, options: Options) -> Applied:
    """Carry out what the definitions ask for. The lock is held by the caller.

    Raises whatever reading the service may raise, with nothing done; ``Declined`` when the answer was no.
    """
    state = ports.store.load()
    # One for planning and executing: without a team key each distinct secret costs 40 ms, once.
    fingerprinter = place.fingerprinter(state.lineage)
    made = _plan(place, ports, options, desired, state, fingerprinter)
    ports.show(made)
    if not made.pending:
        ports.store.fold()
        return Applied((), made.blocked)
    if not options.confirmed and not ports.confirm():
        raise Declined("not confirmed; nothing was done")
    executor = Executor(ports.service, ports.store, fingerprinter, ports.new_id, ports.progress, options.parallelism)
    return folded(ports, executor.execute(made))


def read_complete(place: Place) -> tuple[Desired, ...]:
    """What is asked for, with every secret at hand. Raises ``ProblemsFound``, also for a variable that is not set."""
    desired = read_desired(place)
    unset = tuple(_unset(desired))
    if unset:
        raise ProblemsFound(unset)
    return desired


def _unset(desired: tuple[Desired, ...]) -> Iterator[Problem]:
    for one in desired:
        for field in one.unset:
            yield Problem(field.location, "secret.unset", f"{field.value} is not set, or empty", "set the variable")


def _plan(
    place: Place,
    ports: Ports,
    options: Options,
    desired: tuple[Desired, ...],
    state: State,
    fingerprinter: Fingerprinter,
) -> Plan:
    resumption = Resumption(
        ports.store,
        lambda: look(ports.service),
        ports.service,
        ports.sleep,
        ports.tell,
        place.settle,
        place.client,
    )
    undecided = resumption.resume(state)
    context = Context(
        ports.store.load() if state.intents else state,
        look(ports.service),
        fingerprinter,
        client=place.client,
        adopt=options.adopt,
        undecided=undecided,
    )
    made = make_plan(place.target.name, place.identity, desired, context)
    asked = options.overwrite_drift or not options.confirmed
    return made if asked else hold_back_drift(made)


def folded(ports: Ports, applied: Applied) -> Applied:
    """What was done stays done, and is told, also where the state cannot be written: the journal has it all."""
    try:
        ports.store.fold()
    except (StateError, StaleError) as error:
        return replace(applied, unfolded=f"{error.message}; the journal beside it holds everything, keep both")
    return applied
