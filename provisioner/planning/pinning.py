"""A plan -> the pins that an approval holds on to. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from operator import attrgetter

from provisioner.definitions.desired import Desired
from provisioner.model import Json
from provisioner.planning.pins import Pin
from provisioner.planning.plan import Accept, Action, Change, Delete, Patch, Plan
from provisioner.sensitive import Sensitive, Symbolic
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import Record, State


def pinned(plan: Plan, state: State, fingerprinter: Fingerprinter) -> Plan:
    """The plan with the pins of all that it would do, and of all that the files ask for and is held back."""
    records = {record.key: record for record in state.records}
    touched = (change for change in plan.changes if change.action not in (Action.NO_OP, Action.UNMANAGED))
    pins = (_pin(change, records.get(change.key), fingerprinter) for change in touched)
    kept = tuple(pin for pin in pins if pin.public or pin.action != Action.BLOCKED)
    return replace(plan, pins=kept, lineage=state.lineage)


def is_done(pin: Pin, now: Change | None) -> bool:
    """Whether what was reviewed is there already, as an earlier run of the same plan leaves it. ``now`` is what the
    plan of this moment says of that key."""
    if now is None:
        return pin.action == Action.DELETE
    if now.action is not Action.NO_OP or now.desired is None or now.record is None:
        return False
    prior = _prior(now.record)
    same = pin.action == Action.CREATE or (pin.prior is not None and pin.prior["id"] == prior["id"])
    return same and pin.desired == _desired(now.desired) == prior["fields"]


def _pin(change: Change, record: Record | None, fingerprinter: Fingerprinter) -> Pin:
    desired = _desired(change.desired) if change.desired else None
    prior = _prior(record) if record else None
    return Pin(
        change.key,
        change.action.value,
        _public(change, desired, prior),
        desired,
        prior,
        dict(_fingerprints(change.desired, record, fingerprinter)) if change.desired else {},
        _remote(change),
    )


def _desired(desired: Desired) -> Json:
    return {
        field.path: str(field.value) for field in desired.fields if isinstance(field.value, Symbolic) or field.value
    }


def _prior(record: Record) -> Json:
    texts = {path: text for path, text in record.fields if text}
    return {"id": record.id, "fields": {**texts, **{secret.path: secret.origin for secret in record.secrets}}}


def _public(change: Change, desired: Json | None, prior: Json | None) -> str:
    if desired is None:
        return Action.DELETE.value if prior and change.action in (Action.DELETE, Action.BLOCKED) else ""
    if prior is None:
        return Action.CREATE.value
    return Action.UPDATE.value if prior["fields"] != desired else ""


def _fingerprints(desired: Desired, record: Record | None, fingerprinter: Fingerprinter) -> Iterator[tuple[str, Json]]:
    # Before there is a record its salt has to be the same whenever it is asked for; the record will have a random one.
    salt = record.salt if record else hashlib.sha256(desired.key.encode()).hexdigest()[:32]
    for field in desired.fields:
        if isinstance(field.value, Sensitive):
            yield field.path, asdict(fingerprinter.make(field.path, field.value.reveal(), salt))


def _remote(change: Change) -> Json:
    shows = attrgetter("after" if change.action is Action.REFRESH else "before")
    drift = {field.path: shows(field) or "" for field in change.fields if field.drifted}
    etags = [step.etag or "" for step in change.steps if isinstance(step, Patch | Delete)]
    etags += [step.record.etag or "" for step in change.steps if isinstance(step, Accept)]
    return {**({"etag": etags[0]} if etags else {}), **({"drift": drift} if drift else {})}
