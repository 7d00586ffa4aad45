"""Repair and editing of the state: ``state rebuild``, ``state mv`` and ``state rm``.

Nothing here writes to the service; only ``rebuild`` reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from provisioner.apply.outcome import Rebuilt
from provisioner.definitions.definition import check_key
from provisioner.definitions.desired import Desired
from provisioner.errors import UsageError
from provisioner.model import Key
from provisioner.planning.changes import PlanInputs
from provisioner.planning.diff import visible_record_of
from provisioner.planning.lookup import look
from provisioner.planning.plan import Action, PlanOptions
from provisioner.planning.planner import make_plan
from provisioner.planning.recovery import resolve
from provisioner.planning.steps import Patch
from provisioner.planning.target_context import TargetContext
from provisioner.service.client import FlowReader
from provisioner.state.records import Completed, Record, StateEntry, entry_of
from provisioner.state.store import Store


def rebuild(
    target: TargetContext, desired: tuple[Desired, ...], store: Store, service: FlowReader, new_id: Callable[[], str]
) -> Rebuilt:
    """Rebuild a state from what is left of it, the service and the definitions.

    A base connection gets a record under the conditions of ``--import-existing``: the only one of its name and spec,
    visible fields as declared, created by our client. Its secrets are not recorded, so the next apply sends them.
    """
    state, mended = store.repair()
    observation = look(service, state)
    resolved = resolve(state, observation, target.client)
    fingerprinter, undecided = target.fingerprinter(state.lineage), resolved.undecided
    inputs = PlanInputs(state, observation, fingerprinter, client=target.client, undecided=undecided)
    plan = make_plan(target, desired, inputs, PlanOptions(import_existing=True))
    adopted = tuple(
        visible_record_of(change.desired, step.id, observation.by_id[step.id].etag, new_id())
        for change in plan.changes
        if change.action is Action.UPDATE and change.record is None and change.desired is not None
        for step in change.steps
        if isinstance(step, Patch)
    )
    store.adopt(adopted)
    store.compact()
    return Rebuilt(len(state.records), adopted, plan.blocked, mended)


def move(store: Store, old: Key, new: Key) -> Record:
    """Move the record of a key to a new key.

    Raise ``UsageError`` if a call is open under the old key, or if the new key is invalid or in use.
    """
    state = store.load()
    entry = entry_of(state, old)
    if entry.intents or entry.record is None:
        raise UsageError(f"{old} has a call of which the outcome is open", "run apply: it determines the outcome")
    check_key(new)
    if new in state.by_key or any(intent.key == new for intent in state.intents):
        raise UsageError(f"something is recorded under {new} already", f"see `provisioner state show {new}`")
    store.adopt((replace(entry.record, key=new),))
    store.compact()
    return entry.record


def remove(store: Store, keys: Iterable[Key]) -> tuple[StateEntry, ...]:
    """Remove the records and open calls of these keys, all or none. The base connections are left alone."""
    state = store.load()
    entries = tuple(entry_of(state, key) for key in dict.fromkeys(keys))
    store.settle([Completed(intent.intent_id, "failed", None, None) for entry in entries for intent in entry.intents])
    store.forget([entry.key for entry in entries if entry.record])
    store.compact()
    return entries
