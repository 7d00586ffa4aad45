"""Guards against accidents: block mass deletes, mass recreates, overwriting drift, and what exceeds the limits of the
project file, unless a flag allows it. Pure.

Guards that concern one definition or one record alone are in ``changes.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from provisioner.definitions.project import Limit, Limits
from provisioner.model import Key
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Patch
from provisioner.state.records import State
from provisioner.text import count

MASS_FRACTION = 0.3
"""The fraction of at least ten records above which deleting or recreating them takes a flag."""

_DRIFT_NOTE = "without an approved plan, `apply --yes` carries this out only with --overwrite-drift"


def announce_drift(plan: Plan) -> Plan:
    """Return the plan with a note on each change that ``hold_back_drift`` may block."""
    return plan.with_notes({change.key: _DRIFT_NOTE for change in plan.changes if _overwrites_drift(change)})


def hold_back_drift(plan: Plan) -> Plan:
    """Return the plan with each change blocked that would overwrite drift, because nobody has confirmed it."""
    changes = []
    for change in plan.changes:
        if _overwrites_drift(change):
            remedy = "`--overwrite-drift` restores the declared values; or change the definition to the observed values"
            if change.action is Action.DELETE:
                remedy = "`--overwrite-drift` deletes it all the same; or restore the definition"
            notes = tuple(note for note in change.notes if note != _DRIFT_NOTE)
            change = replace(change, action=Action.BLOCKED, steps=(), remedy=remedy, notes=notes)
        changes.append(change)
    return replace(plan, changes=tuple(changes))


def _overwrites_drift(change: Change) -> bool:
    return change.drifted and bool(change.steps) and change.action is not Action.REFRESH


def hold_back_mass_delete(plan: Plan, whole: Plan | None = None) -> Plan:
    """Return the plan with all deletes blocked if they are too many, or if no definition is left.

    Too many are more than 30 % of at least ten records: probably the folder or the target is wrong. ``whole`` is the
    plan of all keys if ``plan`` is a selection.
    """
    deleted = _deleted(plan)
    all_changes = (whole or plan).changes
    recorded = sum(change.record is not None for change in all_changes)
    declared = any(change.desired is not None for change in all_changes)
    if not deleted or (declared and not _is_mass(len(deleted), recorded)):
        return plan
    none_left = "" if declared else " and no definition is left for this target"
    reason = f"this would delete {len(deleted)} of {recorded} base connections{none_left}, so nothing is deleted"
    return _with_blocked(plan, deleted, reason, "if this is intended, add --allow-mass-delete")


def hold_back_mass_recreate(plan: Plan, state: State, observation: Observation | None) -> Plan:
    """Return the plan with the changes of vanished base connections blocked if too many have vanished.

    Too many are all of at least two records, or more than 30 % of at least ten: probably the service is a copy without
    its data.
    """
    if observation is None:
        return plan
    gone = {record.key for record in state.records if observation.is_gone(record.id)}
    recorded = len(state.records)
    if not gone or recorded < 2 or (len(gone) < recorded and not _is_mass(len(gone), recorded)):
        return plan
    reason = f"{len(gone):,} of {recorded:,} recorded base connections are gone at once"
    remedy = "look at Experience Platform; if they are gone, use --allow-mass-recreate"
    return _with_blocked(plan, {change.key for change in plan.pending if change.key in gone}, reason, remedy)


def hold_to_limits(plan: Plan, limits: Limits) -> Plan:
    """Return the plan with all deletes blocked if they are more than the limit, and likewise all updates.

    An update that is only recorded does not count, nor does the deletion of a leftover probe.
    """
    for verb, keys, limit in _exceeded(plan, limits):
        place = f"`limits.{verb}s`, {limit.location.file}:{limit.location.line}"
        number = count(len(keys), "base connection")
        reason = f"this would {verb} {number}, and the limit is {limit.number:,} ({place}), so nothing is {verb}d"
        plan = _with_blocked(plan, keys, reason, "if this is intended, add --exceed-limits")
        plan = replace(plan, over_limits=(*plan.over_limits, f"{verb}s"))
    return plan


def announce_limits(plan: Plan, limits: Limits) -> Plan:
    """Return the plan with a note on each limit that it exceeds, where a flag allows that."""
    notes = (
        f"exceeds limits.{verb}s: {count(len(keys), 'base connection')}, the limit is {limit.number:,} "
        f"({limit.location.file}:{limit.location.line})"
        for verb, keys, limit in _exceeded(plan, limits)
    )
    return replace(plan, notes=(*plan.notes, *notes))


def _exceeded(plan: Plan, limits: Limits) -> tuple[tuple[str, frozenset[Key], Limit], ...]:
    """Return the limits that a plan exceeds, each with its verb and the keys that count."""
    updated = frozenset(
        change.key
        for change in plan.changes
        if change.action is Action.UPDATE and any(isinstance(step, Patch) for step in change.steps)
    )
    counted = (("delete", _deleted(plan), limits.deletes), ("update", updated, limits.updates))
    return tuple((verb, keys, limit) for verb, keys, limit in counted if limit and len(keys) > limit.number)


def _deleted(plan: Plan) -> frozenset[Key]:
    """Return the keys of the records whose base connections the plan would delete."""
    return frozenset(
        change.key for change in plan.changes if change.action is Action.DELETE and change.record is not None
    )


def _is_mass(number: int, recorded: int) -> bool:
    return recorded >= 10 and number > MASS_FRACTION * recorded


def _with_blocked(plan: Plan, keys: Collection[Key], reason: str, remedy: str) -> Plan:
    """Return the plan with these changes blocked; creates and deletes without their fields, which would read as an
    update."""
    changes = (
        replace(
            change,
            action=Action.BLOCKED,
            steps=(),
            fields=change.fields if change.action is Action.UPDATE else (),
            reason=reason,
            remedy=remedy,
        )
        if change.key in keys
        else change
        for change in plan.changes
    )
    return replace(plan, changes=tuple(changes))
