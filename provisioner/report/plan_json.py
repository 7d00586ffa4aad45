"""A plan as JSON in the shapes of Terraform's, for tools that read those. See ``schemas/plan.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from provisioner.model import Json
from provisioner.planning.diff import FieldChange
from provisioner.planning.plan import Action, Change, Plan
from provisioner.report.terminal import json_text
from provisioner.state.records import Record

FORMAT_VERSION = "2.1"

_ACTIONS = {Action.CREATE: ["create"], Action.UPDATE: ["update"], Action.DELETE: ["delete"]}


def as_json(plan: Plan) -> str:
    """Return the whole plan. Sensitive values are replaced by their origin, and their paths are marked."""
    return json_text(as_dict(plan))


def as_dict(plan: Plan) -> Json:
    """Return the document of the JSON report."""
    return {
        "format_version": FORMAT_VERSION,
        "provisioner_version": plan.provenance.version,
        "target": {
            "name": plan.target,
            "endpoint": plan.identity.endpoint,
            "org_id": plan.identity.org_id,
            "sandbox": plan.identity.sandbox,
        },
        "offline": plan.offline,
        "asked": list(plan.options.flags),
        "digest": plan.digest,
        "not_in_digest": list(plan.not_in_digest),
        "notes": list(plan.notes),
        "resource_changes": [_change(change) for change in plan.changes],
        "summary": {action.value: plan.count(action) for action in Action},
    }


def _change(change: Change) -> Json:
    before, before_sensitive = _before(change)
    after, after_sensitive = _after(change)
    return {
        "address": change.key,
        "previous_address": change.moved_from or None,
        "type": "base_connection",
        "name": change.name,
        "id": change.record.id if change.record else None,
        "action": change.action.value,
        "action_reason": change.reason,
        "remedy": change.remedy,
        "notes": list(change.notes),
        "file": change.location.file if change.location else None,
        "line": change.location.line if change.location else None,
        "change": {
            "actions": _ACTIONS.get(change.action, ["no-op"]),
            "before": before,
            "after": after,
            "before_sensitive": before_sensitive,
            "after_sensitive": after_sensitive,
        },
        "fields": [_field(field) for field in change.fields],
    }


def _before(change: Change) -> tuple[Json | None, Json]:
    """Return the fields before the change and the sensitive paths; None if nothing exists, or nothing is known."""
    if change.record is None:
        if change.action is Action.UPDATE and change.desired is not None:
            return dict(change.desired.texts), {}
        return None, {}
    recorded, sensitive = _recorded(change.record)
    return (recorded if change.action is Action.REFRESH else _with_drift(recorded, change, "before")), sensitive


def _after(change: Change) -> tuple[Json | None, Json]:
    if change.action is Action.REFRESH and change.record is not None:
        recorded, sensitive = _recorded(change.record)
        return _with_drift(recorded, change, "after"), sensitive
    if change.desired is None:
        return None, {}
    fields = {field.path: str(field.value) for field in change.desired.fields if field.value}
    return fields, dict.fromkeys(change.desired.symbols, True)


def _recorded(record: Record) -> tuple[Json, Json]:
    origins = {secret.path: secret.origin for secret in record.secrets}
    return {**record.texts, **origins}, dict.fromkeys(origins, True)


def _with_drift(fields: Mapping[str, str], change: Change, side: Literal["before", "after"]) -> Json:
    """Return the fields, with those that were changed outside taken from one side of the change."""
    drift = {field.path: getattr(field, side) for field in change.fields if field.drifted or field.already_set}
    return {path: value for path, value in {**fields, **drift}.items() if value is not None}


def _field(field: FieldChange) -> Json:
    return {
        "path": field.path,
        "before": field.before,
        "after": field.after,
        "sensitive": field.sensitive,
        "comparison": field.comparison.value if field.comparison else None,
        "drift": field.drifted,
        "file": field.location.file if field.location else None,
        "line": field.location.line if field.location else None,
        "column": field.location.column if field.location else None,
    }
