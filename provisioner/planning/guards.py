"""Guards: which changes of a plan need a word of their own. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from provisioner.model import Key
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Change, Plan
from provisioner.state.records import State

_NOT_WITHOUT_A_WORD = "without an approved plan, `apply --yes` carries this out only with --overwrite-drift"


def announce_drift(plan: Plan) -> Plan:
    """Return the plan with a note at every change that would overwrite drift: ``hold_back_drift`` may block it."""
    return plan.noting({change.key: _NOT_WITHOUT_A_WORD for change in plan.changes if _overwrites_drift(change)})


def hold_back_drift(plan: Plan) -> Plan:
    """Return the plan with every change that would overwrite drift blocked: nobody has confirmed it."""
    return replace(
        plan, changes=tuple(_hold_back(change) if _overwrites_drift(change) else change for change in plan.changes)
    )


MOST_AT_ONCE = 0.3
"""The part of the records that may be deleted, or made anew, without a word of its own, where there are at least
ten."""


def hold_back_mass_delete(plan: Plan, whole: Plan | None = None) -> Plan:
    """The plan with all deletes blocked if they are more than 30 % of at least ten records, or nothing is declared: a
    wrong folder or a wrong target looks like this. ``whole`` is the plan of all keys where
    ``plan`` holds a selection."""
    deleted = sum(change.action is Action.DELETE and change.record is not None for change in plan.changes)
    everything = (whole or plan).changes
    known = sum(change.record is not None for change in everything)
    declared = any(change.desired is not None for change in everything)
    if not deleted or (declared and not _is_mass(deleted, known)):
        return plan
    none_left = "" if declared else ", and no definition is left for this target"
    held = f"{deleted} of {known} would be deleted{none_left}"
    remedy = "if that is meant: --allow-delete with --allow-mass-delete"
    keys = {change.key for change in plan.changes if change.action is Action.DELETE and change.record is not None}
    return _blocked(plan, keys, f"{held}; so it is not deleted", remedy)


def hold_back_mass_recreate(plan: Plan, state: State, observation: Observation | None) -> Plan:
    """Return the plan with all changes of what is gone blocked where that is every record, of two or more, or more than
    30 % of ten or more: a copy of the service without its data looks like this."""
    if observation is None:
        return plan
    gone = {record.key for record in state.records if observation.is_gone(record.id)}
    known = len(state.records)
    if not gone or known < 2 or (len(gone) < known and not _is_mass(len(gone), known)):
        return plan
    reason = f"{len(gone):,} of {known:,} recorded base connections are gone at once"
    remedy = "look into Experience Platform; if that is so: --allow-mass-recreate"
    return _blocked(plan, {change.key for change in plan.pending if change.key in gone}, reason, remedy)


def _is_mass(number: int, known: int) -> bool:
    return known >= 10 and number > MOST_AT_ONCE * known


def _blocked(plan: Plan, keys: Collection[Key], reason: str, remedy: str) -> Plan:
    changes = (
        replace(change, action=Action.BLOCKED, steps=(), reason=reason, remedy=remedy) if change.key in keys else change
        for change in plan.changes
    )
    return replace(plan, changes=tuple(changes))


def _overwrites_drift(change: Change) -> bool:
    return change.drifted and bool(change.steps) and change.action is not Action.REFRESH


def _hold_back(change: Change) -> Change:
    remedy = "`--overwrite-drift` puts back what is declared; or make the definition say what is there"
    if change.action is Action.DELETE:
        remedy = "`--overwrite-drift` deletes it all the same; or put the definition back"
    notes = tuple(note for note in change.notes if note != _NOT_WITHOUT_A_WORD)
    return replace(change, action=Action.BLOCKED, steps=(), remedy=remedy, notes=notes)
