"""Make the plan of ``--refresh-only``: update records from the service, change nothing else. Pure.

Definitions are only used for the locations of fields. Carrying out the plan changes the state and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.model import Key, TargetIdentity
from provisioner.planning.changes import PlanInputs
from provisioner.planning.diff import accepted, drift_of, touched
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Accept, Forget
from provisioner.state.records import Record


def refresh_plan(target: str, identity: TargetIdentity, desired: Iterable[Desired], inputs: PlanInputs) -> Plan:
    """Return a change for each record. Raise ``ValueError`` without an observation."""
    observation = inputs.observation
    if observation is None:
        raise ValueError("a refresh needs an observation")
    definitions = {definition.key: definition for definition in desired}
    inputs = inputs.with_owners(definitions.values())
    changes = (_change(record, observation, definitions, inputs) for record in inputs.state.records)
    return Plan(target, identity, tuple(changes))


def _change(record: Record, observation: Observation, definitions: dict[Key, Desired], inputs: PlanInputs) -> Change:
    definition = definitions.get(record.key)
    location = definition.location if definition else None
    change = Change(record.key, record.texts.get("name", ""), Action.NO_OP, "as recorded", location, record=record)
    if observation.is_gone(record.id):
        reason = f"{record.id} was deleted outside provisioner; its record will be removed"
        return replace(change, action=Action.FORGET, reason=reason, steps=(Forget(),))
    if doubt := inputs.owners.doubtful_identity(record, observation):
        return replace(change, action=Action.BLOCKED, reason=doubt.reason, remedy=doubt.remedy)
    observed = observation.by_id[record.id]
    locations = {path: definition.location_of(path) for path in definition.positions} if definition else {}
    fields = drift_of(record, observed, locations)
    if not fields and not touched(record, observed):
        return change
    edit = "changed" if fields else f"{observed.invisible_edit}: touched"
    return replace(
        change,
        action=Action.REFRESH,
        reason=f"{edit} by {observed.last_edit(inputs.client)}",
        fields=fields,
        last_edit=observed.last_edit(inputs.client),
        notes=("change the definition to match, or the next apply restores its values",) if fields else (),
        steps=(Accept(replace(accepted(record, fields), etag=observed.etag)),),
    )
