"""Records that a definition says were its own under another key (``movedFrom``), taken there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.model import Key
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Accept
from provisioner.state.records import Record, State


def moved(state: State, desired: Iterable[Desired]) -> tuple[State, dict[Key, Key]]:
    """The state as it is once every declared move has happened, and where each came from, by its new key.

    A move whose record is at its new key already has happened; one without a record at either key is none. A key that
    is declared again, or under which a call is open, keeps its record.
    """
    wanted = tuple(desired)
    open_keys = {intent.key for intent in state.intents}
    kept = {one.key for one in wanted} | open_keys
    moves = {
        one.key: one.moved_from
        for one in wanted
        if one.moved_from in state.by_key
        and one.moved_from not in kept
        and one.key not in state.by_key
        and one.key not in open_keys
    }
    return (replace(state, records=tuple(_at_new_keys(state, moves))), moves) if moves else (state, {})


def without_effect(state: State, desired: Iterable[Desired]) -> dict[Key, str]:
    """Return why a declared move is none, by the key of its definition. One that has happened is not among them."""
    wanted = tuple(desired)
    declared = {one.key for one in wanted}
    open_keys = {intent.key for intent in state.intents}
    found: dict[Key, str] = {}
    for one in wanted:
        old = one.moved_from
        if not old or (one.key in state.by_key and old not in state.by_key):
            continue
        if old in declared:
            why = f"{old} has a definition"
        elif old not in state.by_key and old not in open_keys:
            why = f"nothing is recorded under {old}"
        elif one.key in state.by_key:
            why = f"{one.key} has a record of its own; `state rm` gives up one of the two"
        elif {one.key, old} & open_keys:
            why = "a call is open; apply finds out first"
        else:
            continue
        found[one.key] = f"movedFrom has no effect: {why}"
    return found


def _at_new_keys(state: State, moves: dict[Key, Key]) -> Iterator[Record]:
    new_keys = {old: new for new, old in moves.items()}
    for record in state.records:
        yield replace(record, key=new_keys.get(record.key, record.key))


def naming_moves(plan: Plan, moves: dict[Key, Key]) -> Plan:
    """Return the plan with where each record came from; what only moves is something to do as well."""
    changes = (_moving(one, moves[one.key]) if one.key in moves else one for one in plan.changes)
    kept = {one.key for one in plan.changes if one.record is not None}
    notes = {
        new: f"moved here from {old}, whose record and base connection it keeps"
        for new, old in moves.items()
        if new in kept
    }
    return replace(plan, changes=tuple(changes)).noting(notes)


def _moving(change: Change, old: Key) -> Change:
    change = replace(change, moved_from=old)
    if change.action is not Action.NO_OP or change.record is None:
        return change
    return replace(change, action=Action.MOVE, reason=f"recorded under {old} so far", steps=(Accept(change.record),))


def moved_records(plan: Plan, state: State) -> tuple[Record, ...]:
    """What is to be recorded for the moves alone, ``state`` being that before them."""
    moves = ((one.key, state.record(one.moved_from)) for one in plan.changes if one.moved_from)
    return tuple(replace(record, key=key) for key, record in moves if record is not None)
