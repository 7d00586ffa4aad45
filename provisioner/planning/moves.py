"""Moves of records to new keys, as definitions declare them with ``movedFrom``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.model import Key
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Accept
from provisioner.state.records import Record, State


def apply_moves(state: State, desired: Iterable[Desired]) -> tuple[State, dict[Key, Key]]:
    """Return the state after all declared moves, and the old key of each moved record by its new key.

    A move has no effect if its record is at the new key already, if there is no record at the old key, if the old key
    has a definition, or if a call is open under either key.
    """
    definitions = tuple(desired)
    open_keys = {intent.key for intent in state.intents}
    declared = {definition.key for definition in definitions}
    moves = {
        definition.key: definition.moved_from
        for definition in definitions
        if definition.moved_from in state.by_key
        and definition.key not in state.by_key
        and definition.moved_from not in declared
        and not {definition.key, definition.moved_from} & open_keys
    }
    if not moves:
        return state, {}
    new_keys = {old: new for new, old in moves.items()}
    records = tuple(replace(record, key=new_keys.get(record.key, record.key)) for record in state.records)
    return replace(state, records=records), moves


def move_notes(state: State, desired: Iterable[Desired]) -> dict[Key, str]:
    """Return a note on each declared move that has no effect, by the key of its definition.

    A move that has been carried out already gets none.
    """
    definitions = tuple(desired)
    declared = {definition.key for definition in definitions}
    open_keys = {intent.key for intent in state.intents}
    notes: dict[Key, str] = {}
    for definition in definitions:
        key, old = definition.key, definition.moved_from
        if not old or (key in state.by_key and old not in state.by_key):
            continue
        if old in declared:
            reason = f"{old} has a definition"
        elif old not in state.by_key and old not in open_keys:
            reason = f"nothing is recorded under {old}"
        elif key in state.by_key:
            reason = f"{key} has a record of its own; `state rm` removes one of the two"
        elif {key, old} & open_keys:
            reason = "the outcome of an earlier call is unknown; apply determines it first"
        else:
            continue
        notes[key] = f"movedFrom has no effect: {reason}"
    return notes


def with_moves(plan: Plan, moves: dict[Key, Key]) -> Plan:
    """Return the plan with the old key in each moved change; a no-op becomes a move."""
    changes, notes = [], {}
    for change in plan.changes:
        if change.key in moves:
            old = moves[change.key]
            change = replace(change, moved_from=old)
            if change.record is not None:
                if change.action is not Action.NO_OP:
                    notes[change.key] = f"moved here from {old}, whose record and base connection it keeps"
                else:
                    reason, steps = f"its record moves here from {old}", (Accept(change.record),)
                    change = replace(change, action=Action.MOVE, reason=reason, steps=steps)
        changes.append(change)
    return replace(plan, changes=tuple(changes)).with_notes(notes)


def moving(plan: Plan) -> tuple[Change, ...]:
    """Return the changes whose record moves. A blocked change stays as it is, its record too."""
    return tuple(change for change in plan.changes if change.moved_from and change.action is not Action.BLOCKED)


def moved_records(plan: Plan, state: State) -> tuple[Record, ...]:
    """Return the moved records of a plan under their new keys. ``state`` is the state before the moves."""
    moves = ((change.key, state.record(change.moved_from)) for change in moving(plan))
    return tuple(replace(record, key=key) for key, record in moves if record is not None)
