"""Secrets that several definitions read: what a plan of some of them leaves with the others. Pure."""

from __future__ import annotations

from collections import defaultdict

from provisioner.model import Key
from provisioner.planning.plan import Change, Patch, Plan
from provisioner.planning.sentences import listed


def with_other_readers(plan: Plan, whole: Plan) -> Plan:
    """Return the plan in which each change of a secret names the base connections outside the plan that read the same
    variable. ``whole`` is the plan of all keys."""
    planned = {change.key for change in plan.changes}
    readers = defaultdict[str, list[Key]](list)
    for change in whole.changes:
        if change.key not in planned and change.record is not None and change.desired is not None:
            for name in {name for _, symbol in change.desired.confidential for name in symbol.names}:
                readers[name].append(change.key)
    if not readers:
        return plan
    left = {
        name: f"{name} is also read by {listed(sorted(keys))}, which this run does not update"
        for name, keys in readers.items()
    }
    words = {change.key: "; ".join(left[name] for name in _sent(change) if name in left) for change in plan.changes}
    return plan.noting({key: note for key, note in words.items() if note})


def _sent(change: Change) -> list[str]:
    """Return the variables whose value a change sends to a base connection that exists."""
    if change.desired is None or not any(isinstance(step, Patch) and step.signs_in_anew for step in change.steps):
        return []
    paths = {field.path for field in change.fields if field.sensitive}
    return sorted({name for path, symbol in change.desired.confidential if path in paths for name in symbol.names})
