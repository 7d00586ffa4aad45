"""Guards: which changes of a plan need a word of their own. Pure."""

from __future__ import annotations

from dataclasses import replace

from provisioner.model import Key
from provisioner.names import fold
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Change, Plan
from provisioner.state.records import State


def hold_back_drift(plan: Plan) -> Plan:
    """The plan with every change that would overwrite drift blocked: nobody has confirmed it."""
    return replace(plan, changes=tuple(_hold_back(change) for change in plan.changes))


MOST_AT_ONCE = 0.3
"""The part of the records that may be deleted, or made anew, without a word of its own, where there are at least
ten."""


def hold_back_renames(plan: Plan, state: State) -> Plan:
    """Return the plan with no delete of what has the name of a definition that is blocked and has no record: a renamed
    file looks like this, and `movedFrom` could not keep what is gone."""
    names = {
        fold(change.name): change.key
        for change in plan.changes
        if change.action is Action.BLOCKED and change.desired is not None and change.key not in state.by_key
    }
    return replace(plan, changes=tuple(_keep_renamed(change, names.get(fold(change.name))) for change in plan.changes))


def _keep_renamed(change: Change, new_key: Key | None) -> Change:
    if new_key is None or change.action is not Action.DELETE:
        return change
    reason = f"no definition for this target, but {new_key} has its name: this looks like a rename"
    remedy = f"`movedFrom: {change.key}` in the file of {new_key} keeps it; if that is a new one, give it another name"
    return replace(change, action=Action.BLOCKED, steps=(), reason=reason, remedy=remedy)


def hold_back_mass_delete(plan: Plan, whole: Plan | None = None) -> Plan:
    """The plan with all deletes blocked if they are more than 30 % of at least ten records, or nothing is declared: a
    wrong folder or a wrong target looks like this. ``whole`` is the plan of all keys where
    ``plan`` holds a selection."""
    deleted = sum(change.action is Action.DELETE and change.record is not None for change in plan.changes)
    everything = (whole or plan).changes
    known = sum(change.record is not None for change in everything)
    declared = any(change.desired is not None for change in everything)
    if not deleted or (declared and (known < 10 or deleted <= MOST_AT_ONCE * known)):
        return plan
    none_left = "" if declared else ", and no definition is left for this target"
    held = f"{deleted} of {known} would be deleted{none_left}"
    remedy = "if that is meant: --allow-delete with --allow-mass-delete"
    changes = (
        replace(change, action=Action.BLOCKED, steps=(), reason=f"{held}; so it is not deleted", remedy=remedy)
        if change.action is Action.DELETE and change.record is not None
        else change
        for change in plan.changes
    )
    return replace(plan, changes=tuple(changes))


def hold_back_mass_recreate(plan: Plan, state: State, observation: Observation | None) -> Plan:
    """Return the plan with all changes of what is gone blocked where that is every record, of two or more, or more than
    30 % of ten or more: a copy of the service without its data looks like this."""
    if observation is None:
        return plan
    gone = {record.key for record in state.records if observation.is_gone(record.id)}
    known = len(state.records)
    if not gone or (len(gone) < known and (known < 10 or len(gone) <= MOST_AT_ONCE * known)) or known < 2:
        return plan
    reason = f"{len(gone):,} of {known:,} recorded base connections are gone at once"
    remedy = "look into Experience Platform; if that is so: --allow-mass-recreate"
    changes = (
        replace(change, action=Action.BLOCKED, steps=(), reason=reason, remedy=remedy)
        if change.key in gone and change.steps
        else change
        for change in plan.changes
    )
    return replace(plan, changes=tuple(changes))


def _hold_back(change: Change) -> Change:
    if not change.drifted or change.action is Action.REFRESH:
        return change
    remedy = "`--overwrite-drift` puts back what is declared; or make the definition say what is there"
    return replace(change, action=Action.BLOCKED, steps=(), remedy=remedy)
