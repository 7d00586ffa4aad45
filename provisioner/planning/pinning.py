"""A plan -> the pins that an approval holds on to. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from operator import attrgetter
from typing import NamedTuple

from provisioner.definitions.desired import Desired
from provisioner.model import Json
from provisioner.planning.pins import Pin
from provisioner.planning.plan import Accept, Action, Change, Delete, Patch, Plan
from provisioner.planning.proving import is_probe
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import Record, State


class Seen(NamedTuple):
    """What a reader may see of the values: a text that reads like an origin is not one."""

    texts: Mapping[str, str]
    origins: Mapping[str, str]


def pinned(plan: Plan, state: State, fingerprinter: Fingerprinter) -> Plan:
    """The plan with the pins of all that it would do, and of all that the files ask for: also of what is held back, or
    cannot be told without a variable that is not set."""
    records = {record.key: record for record in state.records}
    touched = (change for change in plan.changes if _is_touched(change))
    pins = (_pin(change, records.get(change.key), fingerprinter) for change in touched)
    kept = tuple(pin for pin in pins if pin.declared or pin.action not in (Action.BLOCKED, Action.NO_OP))
    return replace(plan, pins=kept, lineage=state.lineage, is_first=state.serial == 0)


def _is_touched(change: Change) -> bool:
    if is_probe(change.key):
        return False  # whatever was approved, what a run has left behind is no part of it
    if change.action is Action.NO_OP:
        return change.desired is not None and change.record is not None and _asks(change.desired, change.record)
    return change.action is not Action.UNMANAGED


def is_done(pin: Pin, now: Change | None, fingerprinter: Fingerprinter) -> bool:
    """Whether what was reviewed is there already, as an earlier run of the same plan leaves it. ``now`` is what the
    plan of this moment says of that key."""
    if now is None:
        return pin.action in (Action.DELETE, Action.FORGET)
    if now.action is not Action.NO_OP or now.record is None:
        return False
    if pin.action == Action.REFRESH:
        shown = {
            "etag": now.record.etag or "",
            "drift": {path: now.record.texts.get(path, "") for path in _drift(pin)},
        }
        return {"drift": {}, **pin.remote} == shown
    if now.desired is None:
        return False
    if pin.prior is not None and pin.prior["id"] != now.record.id:
        return False
    record = now.record if pin.prior else None  # its salt is the pin's, where the pin knew one
    secrets = dict(_fingerprints(now.desired, record, fingerprinter))
    return pin.desired == _desired(now.desired) and pin.secrets == secrets and not _asks(now.desired, now.record)


def _drift(pin: Pin) -> Json:
    drift: Json = pin.remote.get("drift", {})
    return drift


def _pin(change: Change, record: Record | None, fingerprinter: Fingerprinter) -> Pin:
    return Pin(
        change.key,
        change.action.value,
        _declared_action(change, record),
        _desired(change.desired) if change.desired else None,
        _prior(record) if record else None,
        dict(_fingerprints(change.desired, record, fingerprinter)) if change.desired else {},
        _remote(change),
    )


def _desired(desired: Desired) -> Json:
    """All that is sent, as far as it may be seen: texts and origins, of what variables, by which keywords."""
    return {
        "fields": _as_json(_declared(desired)),
        "variables": {path: list(symbol.names) for path, symbol in desired.symbols.items()},
        "keywords": [keyword for keyword, _ in desired.keywords],
    }


def _declared(desired: Desired) -> Seen:
    return Seen(desired.texts, {path: symbol.origin for path, symbol in desired.symbols.items()})


def _prior(record: Record) -> Json:
    return {"id": record.id, "fields": _as_json(_recorded(record))}


def _recorded(record: Record) -> Seen:
    texts = {path: text for path, text in record.texts.items() if text}
    return Seen(texts, {secret.path: secret.origin for secret in record.secrets})


def _as_json(seen: Seen) -> Json:
    texts = {path: {"text": text} for path, text in seen.texts.items()}
    return {**texts, **{path: {"origin": origin} for path, origin in seen.origins.items()}}


def _asks(desired: Desired, record: Record) -> bool:
    """Whether the files ask for anything, for all that can be told without a secret."""
    return _declared(desired) != _recorded(record)


def _declared_action(change: Change, record: Record | None) -> str:
    if change.held:
        return Action.DELETE.value
    if change.action is Action.MOVE:
        return Action.MOVE.value
    if change.desired is None:
        return change.action.value if record and change.action in (Action.DELETE, Action.BLOCKED) else ""
    if record is None:
        return Action.CREATE.value
    return Action.UPDATE.value if _asks(change.desired, record) else ""


def _fingerprints(desired: Desired, record: Record | None, fingerprinter: Fingerprinter) -> Iterator[tuple[str, Json]]:
    # Before there is a record its salt has to be the same whenever it is asked for; the record will have a random one.
    salt = record.salt if record else hashlib.sha256(desired.key.encode()).hexdigest()[:32]
    for path, value in desired.sensitive:
        yield path, asdict(fingerprinter.make(path, value.reveal(), salt))


def _remote(change: Change) -> Json:
    shows = attrgetter("after" if change.action is Action.REFRESH else "before")
    drift = {field.path: shows(field) or "" for field in change.fields if field.drifted}
    etags = [step.etag or "" for step in change.steps if isinstance(step, Patch | Delete)]
    etags += [step.record.etag or "" for step in change.steps if isinstance(step, Accept)]
    return {**({"etag": etags[0]} if etags else {}), **({"drift": drift} if drift else {})}
