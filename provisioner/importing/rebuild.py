"""``state``: what is remembered, and what to do where that was lost. Never writes to the service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from provisioner.apply.outcome import Rebuilt
from provisioner.commands.plan import TargetContext, look, planned
from provisioner.definitions.definition import KEY
from provisioner.definitions.desired import Desired
from provisioner.errors import UsageError
from provisioner.model import Key
from provisioner.planning.diff import visible_record_of
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Change, PlanOptions
from provisioner.planning.planner import PlanInputs
from provisioner.planning.recovery import resolve
from provisioner.planning.steps import Patch
from provisioner.service.client import FlowReader
from provisioner.state.records import Completed, Record, State, StateEntry, entry_of
from provisioner.state.store import Store


def rebuild(
    place: TargetContext, desired: tuple[Desired, ...], store: Store, service: FlowReader, new_id: Callable[[], str]
) -> Rebuilt:
    """Make a state of what is left of the old one, the service and the definitions.

    A base connection is taken up by the test of ``--import-existing``: the only one of its name and spec, visible
    fields as declared, created by our client. Nothing is known of its secret, so that the next apply sends it.
    """
    state, mended = store.repair()
    observation = look(service, state)
    resolved = resolve(state, observation, place.client)
    fingerprinter, undecided = place.fingerprinter(state.lineage), resolved.undecided
    context = PlanInputs(state, observation, fingerprinter, client=place.client, undecided=undecided)
    plan = planned(place, desired, context, PlanOptions(adopt=True))
    adopted = tuple(_taken_up(plan.changes, observation, new_id))
    store.adopt(adopted)
    store.compact()
    return Rebuilt(len(state.records), adopted, plan.blocked, mended)


def _taken_up(changes: Iterable[Change], observation: Observation, new_id: Callable[[], str]) -> Iterator[Record]:
    for change in changes:
        if change.action is Action.UPDATE and change.record is None and change.desired is not None:
            for step in change.steps:
                if isinstance(step, Patch):
                    etag = observation.by_id[step.id].etag
                    yield visible_record_of(change.desired, step.id, etag, new_id())


def move(store: Store, old: Key, new: Key) -> Record:
    """Record under ``new`` what is recorded under ``old``. Raises ``UsageError`` where that cannot be meant."""
    state = store.load()
    record = _closed(state, old)
    if not KEY.fullmatch(new):
        raise UsageError(f"{new} cannot be a key", "letters, digits, `.`, `_` and `-`, in parts separated by `/`")
    if new in state.by_key or any(one.key == new for one in state.intents):
        raise UsageError(f"something is recorded under {new} already", f"provisioner state show {new}")
    store.adopt((replace(record, key=new),))
    store.compact()
    return record


def remove(store: Store, keys: Iterable[Key]) -> tuple[StateEntry, ...]:
    """Forget what is recorded under these keys, calls of which the outcome is open included; the base connections stay
    as they are. All of them or none."""
    state = store.load()
    found = tuple(entry_of(state, key) for key in dict.fromkeys(keys))
    store.settle([Completed(intent.intent_id, "failed", None, None) for one in found for intent in one.intents])
    store.forget([one.key for one in found if one.record])
    store.compact()
    return found


def _closed(state: State, key: Key) -> Record:
    """The record of a key under which no call is open."""
    found = entry_of(state, key)
    if found.intents or found.record is None:
        raise UsageError(f"{key} has a call of which the outcome is open", "run apply: it finds out")
    return found.record
