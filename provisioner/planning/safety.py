"""Guards: which changes of a plan need a word of their own. Pure."""

from __future__ import annotations

from dataclasses import replace

from provisioner.planning.plan import Action, Change, Plan


def hold_back_drift(plan: Plan) -> Plan:
    """The plan with every change that would overwrite drift blocked: nobody has confirmed it."""
    return replace(plan, changes=tuple(_hold_back(change) for change in plan.changes))


def _hold_back(change: Change) -> Change:
    if not change.drifted:
        return change
    remedy = "`--overwrite-drift` puts back what is declared; or make the definition say what is there"
    return replace(change, action=Action.BLOCKED, steps=(), remedy=remedy)
