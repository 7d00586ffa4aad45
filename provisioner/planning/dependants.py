"""Plan x the dataflows that read from its base connections -> a plan that names them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provisioner.planning.plan import Action, Change, Delete, Patch, Plan, Step
from provisioner.planning.sentences import listed
from provisioner.service.dependants import Flow


def affected(plan: Plan) -> tuple[str, ...]:
    """The ids of what is deleted or signs in otherwise: what its dataflows would notice."""
    return tuple(ident for change in plan.changes for step in change.steps for ident in _noticed(step))


def _noticed(step: Step) -> tuple[str, ...]:
    return (step.id,) if isinstance(step, Delete) or (isinstance(step, Patch) and step.signs_in_anew) else ()


def with_dependants(plan: Plan, flows: Mapping[str, tuple[Flow, ...]]) -> Plan:
    """The plan with deletes blocked that dataflows hold back, and changes of credentials that name theirs."""
    return replace(plan, changes=tuple(_named(change, flows) for change in plan.changes))


def _named(change: Change, flows: Mapping[str, tuple[Flow, ...]]) -> Change:
    used = next((flows[step.id] for step in change.steps if isinstance(step, Delete | Patch) and step.id in flows), ())
    if not used:
        return change
    if change.action is Action.DELETE:
        reason = f"used by {_listed(used)}: the service would refuse to delete it (1418)"
        remedy = "delete these dataflows first, or put the definition back"
        return replace(change, action=Action.BLOCKED, steps=(), reason=reason, remedy=remedy, held=True)
    return replace(
        change, notes=(*change.notes, f"used by {_listed(used)}: they sign in with this from their next run")
    )


def without_dependants(plan: Plan, why: str) -> Plan:
    """The plan that says of what is affected that nobody knows its dataflows."""
    words = f"which dataflows use it could not be read: {why}"
    return plan.noting({change.key: words for change in plan.changes if any(map(_noticed, change.steps))})


def _listed(flows: tuple[Flow, ...]) -> str:
    number = f"{len(flows)} dataflow{'' if len(flows) == 1 else 's'}"
    return f"{number}: {listed(flows)}"
