"""Plans to and from JSON, for saved plans. Pure.

The types of a plan come back as they were, so that a report of a saved plan needs no code of its own. The exception are
sensitive values: only their origins are written. Pins are not written either but made again from the changes, so that
what is shown cannot differ from what is approved; of a pin the JSON holds only what its change does not say, its
fingerprints and the record of a base connection that is gone.

The JSON must have been validated against ``schemas/saved-plan.schema.json``. What a schema cannot express is a
``ValueError`` or ``TypeError`` here.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import Any

from provisioner.definitions.desired import Desired
from provisioner.model import Json, Key, Location, TargetIdentity
from provisioner.planning.approval import pin_of, prior_as_json
from provisioner.planning.diff import FieldChange
from provisioner.planning.digest import Pin
from provisioner.planning.plan import Action, Change, Plan, PlanOptions, Provenance
from provisioner.planning.steps import Accept, Await, Create, Delete, Forget, Operation, Patch, Probe, Step, Test
from provisioner.secrets import Symbolic
from provisioner.state.codec import record_from_json, record_to_json
from provisioner.state.fingerprint import Comparison

_STEPS: dict[str, type[Step]] = {
    step.__name__.lower(): step for step in (Create, Patch, Delete, Accept, Forget, Await, Probe, Test)
}


def plan_to_json(plan: Plan) -> Json:
    """Return a plan as JSON. Its secrets are left out. Raise ``ValueError`` for a plan that does not say when it was
    made."""
    provenance = plan.provenance
    if provenance.created_at is None:
        raise ValueError("a plan without a time cannot be saved")
    pins = {pin.key: pin for pin in plan.pins}
    return {
        "provisioner_version": provenance.version,
        "created_at": provenance.created_at.isoformat(timespec="seconds"),
        "commit": provenance.commit,
        "target": {"name": plan.target, **asdict(plan.identity)},
        "lineage": plan.lineage,
        "is_first": plan.is_first,
        "offline": plan.offline,
        "asked": asdict(plan.options),
        "notes": plan.notes,
        "over_limits": plan.over_limits,
        "changes": [_change_to_json(change, pins.get(change.key)) for change in plan.changes],
    }


def plan_from_json(document: Json) -> Plan:
    """Return the plan, with its pins."""
    target = dict(document["target"])
    changes = tuple(_change_from_json(item) for item in document["changes"])
    return Plan(
        target=target.pop("name"),
        identity=TargetIdentity(**target),
        changes=changes,
        offline=document["offline"],
        options=_options_from_json(document["asked"]),
        lineage=document["lineage"],
        pins=tuple(
            pin for change, item in zip(changes, document["changes"], strict=True) if (pin := _pin(change, item))
        ),
        is_first=document["is_first"],
        notes=tuple(document["notes"]),
        over_limits=tuple(document["over_limits"]),
        provenance=Provenance(
            datetime.fromisoformat(document["created_at"]).astimezone(UTC),
            document["provisioner_version"],
            document["commit"],
        ),
        is_saved=True,
    )


def _options_from_json(item: Json) -> PlanOptions:
    tuples: Json = {name: tuple(value) for name, value in item.items() if isinstance(value, list)}
    return PlanOptions(**{**item, **tuples})


def _pin(change: Change, item: Json) -> Pin | None:
    if "pin" not in item:
        return None
    pin = pin_of(change, prior_as_json(change.record) if change.record else item["pin"]["prior"])
    return replace(pin, secrets=item["pin"]["secrets"]) if pin else None


def _members(value: Any) -> Json:
    """Return the fields of a dataclass that do not have their default."""
    return {field.name: content for field in fields(value) if (content := getattr(value, field.name)) != field.default}


def _change_to_json(change: Change, pin: Pin | None) -> Json:
    item = {
        **_members(change),
        "fields": [_members(field) for field in change.fields],
        "steps": [_step_to_json(step) for step in change.steps],
        "desired": _desired_to_json(change.desired) if change.desired else None,
        "record": record_to_json(change.record) if change.record else None,
    }
    return {**item, "pin": {"secrets": pin.secrets, "prior": None if change.record else pin.prior}} if pin else item


def _change_from_json(item: Json) -> Change:
    key, desired, record = item["key"], item["desired"], item["record"]
    members = {name: value for name, value in item.items() if name != "pin"}
    members |= {
        "action": Action(item["action"]),
        "location": _location(item.get("location")),
        "fields": tuple(map(_field_from_json, item["fields"])),
        "steps": tuple(_step_from_json(key, step) for step in item["steps"]),
        "notes": tuple(item.get("notes", ())),
        "desired": _desired_from_json(key, desired) if desired else None,
        "record": record_from_json(key, record) if record else None,
        "new_servers": tuple(item.get("new_servers", ())),
    }
    return Change(**members)


def _field_from_json(item: Json) -> FieldChange:
    comparison = item.get("comparison")
    return FieldChange(
        **{
            **item,
            "location": _location(item["location"]),
            "comparison": Comparison(comparison) if comparison else None,
        }
    )


def _location(item: Any) -> Location | None:
    return Location(*item) if item else None


def _step_to_json(step: Step) -> Json:
    item = {"step": type(step).__name__.lower(), **_members(step)}
    if isinstance(step, Patch):
        item["operations"] = [asdict(operation) for operation in step.operations]
    if isinstance(step, Accept):
        item["record"] = record_to_json(step.record)
    return item


def _step_from_json(key: Key, item: Json) -> Step:
    members = {name: value for name, value in item.items() if name != "step"}
    if "operations" in members:
        members["operations"] = tuple(Operation(**operation) for operation in members["operations"])
    if "record" in members:
        members["record"] = record_from_json(key, members["record"])
    return _STEPS[item["step"]](**members)


def _desired_to_json(desired: Desired) -> Json:
    return {
        "location": desired.location,
        "texts": dict(desired.texts),
        "symbols": {path: {"origin": value.origin, "names": value.names} for path, value in desired.symbols.items()},
        "positions": [[path, *position] for path, position in desired.positions.items()],
        "keywords": desired.keywords,
        "moved_from": desired.moved_from,
    }


def _desired_from_json(key: Key, item: Json) -> Desired:
    return Desired(
        key=key,
        location=Location(*item["location"]),
        texts=item["texts"],
        symbols={path: Symbolic(symbol["origin"], tuple(symbol["names"])) for path, symbol in item["symbols"].items()},
        positions={path: (line, column) for path, line, column in item["positions"]},
        keywords=tuple((keyword, path) for keyword, path in item["keywords"]),
        moved_from=item["moved_from"],
    )
