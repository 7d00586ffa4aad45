"""Records, entries and states <-> plain data for JSON.

``..._to_json`` cannot fail; ``..._from_json`` checks what a file holds and raises ``StateError`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from provisioner.errors import StateError
from provisioner.model import Json, Key, TargetIdentity
from provisioner.state.fingerprint import Fingerprint
from provisioner.state.reading import Reader, check_not_newer
from provisioner.state.records import (
    FORMAT_VERSION,
    Adopted,
    Entry,
    Forgotten,
    Intent,
    Opened,
    Record,
    SecretRecord,
    Settled,
    State,
    Step,
    Verdict,
)


def state_to_json(state: State) -> Json:
    """The content of a state file: one member per record, by key."""
    return {
        "format_version": state.format_version,
        "lineage": state.lineage,
        "serial": state.serial,
        "journal": state.journal,
        "target": _target_to_json(state.target),
        "records": {record.key: record_to_json(record) for record in state.records},
        "intents": {intent.intent_id: entry_to_json(intent) for intent in state.intents},
    }


def state_from_json(json: Reader) -> State:
    """A state of the present format; ``formats.py`` upgrades older ones first."""
    version = json.member("format_version")
    if version.number() != FORMAT_VERSION:
        version.fail(str(FORMAT_VERSION))
    return State(
        format_version=FORMAT_VERSION,
        lineage=json.member("lineage").name(),
        serial=json.member("serial").number(),
        target=_target_from_json(json.member("target")),
        records=_distinct(tuple(_recorded(key, value) for key, value in json.member("records").members()), json),
        intents=tuple(_standing_from_json(name, value) for name, value in json.member("intents").members()),
        journal=json.member("journal").text(),
    )


def record_to_json(record: Record) -> Json:
    """One record without its key. The salt stands once, for all secrets."""
    return {
        "id": record.id,
        "etag": record.etag,
        "salt": record.salt,
        "fields": dict(record.texts),
        "secrets": {secret.path: _secret_to_json(secret) for secret in record.secrets},
        **({"untested": True} if record.untested else {}),
    }


def record_from_json(key: Key, json: Reader) -> Record:
    """The inverse of ``record_to_json``."""
    ident, salt = json.texts_of("id", "salt")
    texts = json.member("fields").texts()
    secrets = tuple(_secret_from_json(path, salt, value) for path, value in json.member("secrets").members())
    for secret in secrets:
        if secret.path in texts:
            raise StateError(f"{json.where}: {secret.path} is both visible and sensitive")
    untested = json.member("untested").flag_or_none() is True
    return Record(key, ident, json.member("etag").text_or_none(), texts, secrets, salt, untested)


def entry_to_json(entry: Entry) -> Json:
    """An entry of any kind; ``kind`` says which."""
    match entry:
        case Intent():
            return {"kind": "intent", **_intent_to_json(entry)}
        case Settled(intent_id, verdict, ident, etag):
            return {"kind": "settled", "intent_id": intent_id, "verdict": verdict, "id": ident, "etag": etag}
        case Adopted(record):
            return {"kind": "adopted", "key": record.key, "record": record_to_json(record)}
        case Forgotten(key):
            return {"kind": "forgotten", "key": key}
        case Opened(journal, lineage, serial, target):
            stands_on = {"lineage": lineage, "serial": serial, "target": _target_to_json(target)}
            return {"kind": "opened", "format_version": FORMAT_VERSION, "journal": journal, **stands_on}


def entry_from_json(json: Reader) -> Entry:
    """The inverse of ``entry_to_json``."""
    kinds: dict[str, Callable[[Reader], Entry]] = {
        "intent": _intent_from_json,
        "settled": _settled_from_json,
        "adopted": lambda json: Adopted(_recorded(json.member("key").name(), json.member("record"))),
        "forgotten": lambda json: Forgotten(json.member("key").name()),
        "opened": _opened_from_json,
    }
    return kinds[json.member("kind").choice(*kinds)](json)


def _recorded(key: Key, json: Reader) -> Record:
    record = record_from_json(key, json)
    return record if record.id else json.member("id").fail("text with something in it")  # "" only inside an intent


def _distinct(records: tuple[Record, ...], json: Reader) -> tuple[Record, ...]:
    keys: dict[str, Key] = {}
    for record in records:
        other = keys.setdefault(record.id, record.key)
        if other != record.key:
            raise StateError(
                f"{json.where}: {other} and {record.key} are recorded with one and the same id, {record.id}",
                "put back the last version of the state file that was not edited or merged by hand",
            )
    return records


def _secret_to_json(secret: SecretRecord) -> Json:
    made = secret.fingerprint
    return {"origin": secret.origin, "alg": made.alg, "key_id": made.key_id, "mac": made.mac}


def _secret_from_json(path: str, salt: str, json: Reader) -> SecretRecord:
    alg, key_id, mac, origin = json.texts_of("alg", "key_id", "mac", "origin")
    return SecretRecord(path, origin, Fingerprint(alg, key_id, salt, mac))


def _intent_to_json(intent: Intent) -> Json:
    return {
        "intent_id": intent.intent_id,
        "key": intent.key,
        "step": intent.step,
        "name": intent.name,
        "spec_id": intent.spec_id,
        "id": intent.id,
        "etag": intent.etag,
        "sent_at": intent.sent_at,
        "seen": list(intent.seen),
        "record": record_to_json(intent.record) if intent.record else None,
    }


def _intent_from_json(json: Reader) -> Intent:
    key, record = json.member("key").name(), json.member("record")
    return Intent(
        intent_id=json.member("intent_id").name(),
        key=key,
        step=cast(Step, json.member("step").choice("create", "patch", "delete", "probe")),
        name=json.member("name").text(),
        spec_id=json.member("spec_id").text(),
        id=json.member("id").text_or_none(),
        etag=json.member("etag").text_or_none(),
        sent_at=json.member("sent_at").text(),
        seen=tuple(element.text() for element in json.member("seen").elements()),
        record=None if record.value is None else record_from_json(key, record),
    )


def _standing_from_json(intent_id: str, json: Reader) -> Intent:
    json.member("intent_id").choice(intent_id)
    return _intent_from_json(json)


def _settled_from_json(json: Reader) -> Settled:
    verdict = cast(Verdict, json.member("verdict").choice("done", "failed"))
    ident, etag = json.member("id").text_or_none(), json.member("etag").text_or_none()
    return Settled(json.member("intent_id").name(), verdict, ident, etag)


def _opened_from_json(json: Reader) -> Opened:
    check_not_newer(json, FORMAT_VERSION)
    journal, lineage = json.member("journal").name(), json.member("lineage").name()
    return Opened(journal, lineage, json.member("serial").number(), _target_from_json(json.member("target")))


def _target_to_json(target: TargetIdentity | None) -> Json | None:
    if target is None:
        return None
    return {"endpoint": target.endpoint, "org_id": target.org_id, "sandbox": target.sandbox}


def _target_from_json(json: Reader) -> TargetIdentity | None:
    if json.value is None:
        return None
    return TargetIdentity(*json.texts_of("endpoint", "org_id", "sandbox"))
