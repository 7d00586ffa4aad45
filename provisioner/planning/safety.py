"""Guards: which changes of a plan need a word of their own. Pure."""

from __future__ import annotations

from dataclasses import replace

from provisioner.planning.plan import Action, Change, Plan


def hold_back_drift(plan: Plan) -> Plan:
    """The plan with every change that would overwrite drift blocked: nobody has confirmed it."""
    return replace(plan, changes=tuple(_hold_back(change) for change in plan.changes))


MOST_DELETED = 0.3
"""The part of the records that may be deleted without a word of its own, where there are at least ten."""


def hold_back_mass_delete(plan: Plan, whole: Plan | None = None) -> Plan:
    """The plan with all deletes blocked if they are more than 30 % of at least ten records, or nothing is declared: a
    wrong folder or a wrong target looks like this. ``whole`` is the plan of all keys where
    ``plan`` holds a selection."""
    deleted = sum(change.action is Action.DELETE and change.record is not None for change in plan.changes)
    everything = (whole or plan).changes
    known = sum(change.record is not None for change in everything)
    declared = any(change.desired is not None for change in everything)
    if not deleted or (declared and (known < 10 or deleted <= MOST_DELETED * known)):
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


def _hold_back(change: Change) -> Change:
    if not change.drifted or change.action is Action.REFRESH:
        return change
    remedy = "`--overwrite-drift` puts back what is declared; or make the definition say what is there"
    return replace(change, action=Action.BLOCKED, steps=(), remedy=remedy)
