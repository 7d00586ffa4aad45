"""``state``: what is remembered, and what to do where that was lost. Never writes to the service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from provisioner.applying.outcome import Rebuilt
from provisioner.applying.recovery import resolve
from provisioner.commands.plan import Place, look, planned
from provisioner.definitions.desired import Desired
from provisioner.errors import StateError, UsageError
from provisioner.planning.changes import visible_record_of
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Asked, Change, Patch
from provisioner.planning.planner import Context
from provisioner.service.flow_service import Reader
from provisioner.state import rescue
from provisioner.state.records import Record, Settled, State


class Rebuildable(Protocol):
    """What these commands need of the store, beside the lock."""

    def load(self) -> State: ...
    def salvage(self) -> tuple[State, tuple[str, ...]]: ...
    def adopt(self, records: Iterable[Record]) -> None: ...
    def settle(self, settled: Iterable[Settled]) -> None: ...
    def fold(self) -> State: ...


def rebuild(
    place: Place, desired: tuple[Desired, ...], store: Rebuildable, service: Reader, new_id: Callable[[], str]
) -> Rebuilt:
    """Make a state of what is left of the old one, the service and the definitions.

    A base connection is taken up by the test of ``--import-existing``: the only one of its name and spec, visible
    fields as declared, created by our client. Nothing is known of its secret, so that the next apply sends it.
    """
    state, mended = store.salvage()
    observation = look(service, state)
    resolved = resolve(state, observation, service.service_time(), place.settle, place.client)
    fingerprinter, undecided = place.fingerprinter(state.lineage), resolved.undecided
    context = Context(state, observation, fingerprinter, client=place.client, undecided=undecided)
    plan = planned(place, desired, context, Asked(adopt=True))
    adopted = tuple(_taken_up(plan.changes, observation, new_id))
    store.adopt(adopted)
    store.fold()
    return Rebuilt(len(state.records), adopted, plan.blocked, mended)


def _taken_up(changes: Iterable[Change], observation: Observation, new_id: Callable[[], str]) -> Iterator[Record]:
    for change in changes:
        if change.action is Action.UPDATE and change.record is None and change.desired is not None:
            for step in change.steps:
                if isinstance(step, Patch):
                    etag = observation.by_id[step.id].etag
                    yield visible_record_of(change.desired, step.id, etag, new_id())


def recover(store: Rebuildable, file: Path) -> tuple[str, ...]:
    """Record the outcomes that an apply kept in ``file``. Returns the keys they are about.

    Raises ``UsageError`` for an outcome of no call that stands, and ``StateError`` for a file that holds none.
    """
    settled = rescue.read(file)
    if not settled:
        raise StateError(f"{file} holds no outcome", "name the file that apply wrote")
    standing = {one.intent_id: one.key for one in store.load().intents}
    if not any(one.intent_id in standing for one in settled):
        raise UsageError(f"no call stands that {file} is about: it was settled before, or belongs to another target")
    store.settle([one for one in settled if one.intent_id in standing])
    store.fold()
    return tuple(standing[one.intent_id] for one in settled if one.intent_id in standing)
