"""Record x observed -> the plan of ``--refresh-only``: what was changed outside, and nothing else. Pure.

Definitions only lend it their lines. Carried out, it changes the state and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.model import Key, TargetIdentity
from provisioner.planning.diff import accepted, drift_of, touched
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.planner import PlanInputs
from provisioner.planning.steps import Accept, Forget
from provisioner.state.records import Record


def refresh_plan(target: str, identity: TargetIdentity, desired: Iterable[Desired], context: PlanInputs) -> Plan:
    """Every record that is not as the service shows it. Raises ``ValueError`` where the service was not asked."""
    observation = context.observation
    if observation is None:
        raise ValueError("without looking there is nothing to refresh from")
    declared = {one.key: one for one in desired}
    context = context.owned(declared.values())
    changes = (_change(record, observation, declared, context) for record in context.state.records)
    return Plan(target, identity, tuple(changes))


def _change(record: Record, observation: Observation, declared: dict[Key, Desired], context: PlanInputs) -> Change:
    definition = declared.get(record.key)
    name = record.texts.get("name", "")
    where = definition.location if definition else None
    change = Change(record.key, name, Action.NO_OP, "as recorded", where, record=record)
    if observation.is_gone(record.id):
        reason = f"{record.id} was deleted outside; its record will be removed"
        return replace(change, action=Action.FORGET, reason=reason, steps=(Forget(),))
    if doubt := context.owners.doubt(record, observation):
        return replace(change, action=Action.BLOCKED, reason=doubt.reason, remedy=doubt.remedy)
    observed = observation.by_id[record.id]
    locations = {path: definition.location_of(path) for path in definition.positions} if definition else {}
    fields = drift_of(record, observed, locations)
    if not fields and not touched(record, observed):
        return change
    what = "changed" if fields else f"{observed.unlike_before}: touched"
    return replace(
        change,
        action=Action.REFRESH,
        reason=f"{what} by {observed.last_edit(context.client)}",
        fields=fields,
        notes=("declare it as well, or the next apply puts back what is declared",) if fields else (),
        steps=(Accept(replace(accepted(record, fields), etag=observed.etag)),),
    )
