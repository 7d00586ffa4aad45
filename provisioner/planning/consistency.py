"""Find changes of a saved plan that show something else than they do. Pure.

What is compared when a saved plan is applied follows from the definition, the record and the steps of each change
(``plan_codec.py``). People read its fields. Only in a forged file can the two disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from provisioner.planning.diff import FieldChange
from provisioner.planning.digest import Pin
from provisioner.planning.plan import Action, Change, Plan
from provisioner.secrets import Symbolic
from provisioner.state.fingerprint import Comparison
from provisioner.state.records import Record


def contradictions(plan: Plan) -> Iterator[str]:
    """Yield key and path wherever a change that would be carried out shows something else than it does."""
    pins = {pin.key: pin for pin in plan.pins}
    for change in plan.changes:
        if change.steps or change.action not in _WITHOUT_STEPS:
            paths = [*_wrong_name(change), *_wrong_fields(change), *_missing_fields(change, pins.get(change.key))]
            paths += [] if change.steps else ["steps"]  # counted as nothing to do, and approved all the same
            yield from (f"{change.key}: {path}" for path in dict.fromkeys(paths))


_WITHOUT_STEPS = (Action.NO_OP, Action.BLOCKED, Action.UNMANAGED)


def _wrong_name(change: Change) -> Iterator[str]:
    if change.desired and change.name != change.desired.name:
        yield "name"
    if change.action is Action.DELETE and change.record and change.name != change.record.texts.get("name", ""):
        yield "name"


def _wrong_fields(change: Change) -> Iterator[str]:
    """Yield the fields with a value that is neither declared, nor recorded, nor part of what is compared as drift."""
    desired = change.desired
    recorded = _recorded(change.record) if change.record else {}
    for field in change.fields:
        declared = desired.value(field.path) if desired else ""
        is_refresh = change.action is Action.REFRESH
        shows_declared = is_refresh or (
            (field.after or "") == str(declared)
            and (field.after is None or field.sensitive == isinstance(declared, Symbolic))
        )
        shows_recorded = (field.before or "") == recorded.get(field.path, "")
        if not (shows_declared and (shows_recorded or field.already_set or (field.drifted and not is_refresh))):
            yield field.path


def _missing_fields(change: Change, pin: Pin | None) -> Iterator[str]:
    """Yield the fields that a create or an update sends and does not show as changed."""
    if pin is None or pin.desired is None or change.action not in (Action.CREATE, Action.UPDATE):
        return
    after, before = pin.desired["fields"], pin.prior["fields"] if pin.prior and change.record else {}
    rotated = set(_rotated(change.record, pin)) if change.record else set()
    shown = {field.path for field in change.fields if not _hides_rotation(field, rotated)}
    # Of what is adopted, everything visible is as declared.
    adopted = change.action is Action.UPDATE and change.record is None
    for path in {**before, **after}:
        is_sent = path in pin.desired["variables"] if adopted else before.get(path) != after.get(path)
        if (is_sent or path in rotated) and path not in shown:
            yield path


def _hides_rotation(field: FieldChange, rotated: set[str]) -> bool:
    return field.path in rotated and field.comparison is Comparison.UNCHANGED


def _rotated(record: Record, pin: Pin) -> Iterator[str]:
    """Yield the paths of secrets whose values are certainly not the recorded ones."""
    for secret in record.secrets:
        recorded, planned = asdict(secret.fingerprint), pin.secrets.get(secret.path)
        if planned and planned != recorded == {**planned, "mac": recorded["mac"]}:
            yield secret.path


def _recorded(record: Record) -> dict[str, str]:
    return {**record.texts, **{secret.path: secret.origin for secret in record.secrets}}
