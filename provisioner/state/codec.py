"""States and journal entries to and from JSON.

A state file is sorted and indented, one member per record, and ends with a newline, so that git diffs are small. JSON
that is read is first validated against ``schemas/state.schema.json`` as a whole; the functions that build values from
it check only what a schema cannot express.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

from provisioner import json_schema
from provisioner.errors import StateError
from provisioner.model import Json, Key, TargetIdentity, interner
from provisioner.state.fingerprint import Fingerprint
from provisioner.state.records import (
    FORMAT_VERSION,
    Completed,
    Header,
    Intent,
    JournalEntry,
    PriorIds,
    Record,
    Recorded,
    Removed,
    SecretRecord,
    State,
)
from provisioner.text import pasted_into_json

UPGRADES: dict[int, Callable[[Json], Json]] = {}
"""Functions from a format to the next one, by the number of the older."""

_RESTORE = (
    "put back its last good version (version control, or the backup beside it), "
    "or rebuild it: provisioner state rebuild"
)
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |\r?$)", re.MULTILINE)
_TYPE_NAMES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
}
_PYTHON_TYPE_NAMES = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
_intern = interner(str)


def state_to_bytes(state: State) -> bytes:
    """Return the content of a state file."""
    document = {
        "format_version": state.format_version,
        "lineage": state.lineage,
        "serial": state.serial,
        "journal": state.journal,
        "target": _target_to_json(state.target),
        "records": {record.key: record_to_json(record) for record in state.records},
        "intents": {intent.intent_id: entry_to_json(intent) for intent in state.intents},
    }
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogatepass")


def state_from_bytes(data: bytes, where: str) -> State:
    """Return the state in a file; ``where`` is its name, for messages. Raise ``StateError``."""
    document = _upgrade(_parse_file(data, where), where)
    _validate(document, "", where)
    try:
        state = _state_from_json(document)
    except ValueError as error:
        raise StateError(f"{where}: {error}", _RESTORE) from None
    keys: dict[str, Key] = {}
    for record in state.records:
        if (other := keys.setdefault(record.id, record.key)) != record.key:
            raise StateError(
                f"{where}: {other} and {record.key} are recorded with the same id, {record.id}",
                "put back the last version of the state file that was not edited or merged by hand",
            )
    return state


def entry_to_json(entry: JournalEntry) -> Json:
    """Return a journal entry as JSON; ``kind`` says which."""
    match entry:
        case Intent():
            return {
                "kind": "intent",
                "intent_id": entry.intent_id,
                "key": entry.key,
                "step": entry.step,
                "name": entry.name,
                "spec_id": entry.spec_id,
                "id": entry.id,
                "etag": entry.etag,
                "sent_at": entry.sent_at,
                "seen": list(entry.seen),
                "record": record_to_json(entry.record) if entry.record else None,
            }
        case Completed(intent_id, verdict, ident, etag):
            return {"kind": "settled", "intent_id": intent_id, "verdict": verdict, "id": ident, "etag": etag}
        case Recorded(record):
            return {"kind": "adopted", "key": record.key, "record": record_to_json(record)}
        case Removed(key):
            return {"kind": "forgotten", "key": key}
        case PriorIds(ids):
            return {"kind": "prior_ids", "ids": list(ids)}
        case Header(journal, lineage, serial, target):
            return {
                "kind": "opened",
                "format_version": FORMAT_VERSION,
                "journal": journal,
                "lineage": lineage,
                "serial": serial,
                "target": _target_to_json(target),
            }


def entries_from_line(line: bytes, where: str) -> list[JournalEntry]:
    """Return the entries of a line of a journal.

    Raise ``ValueError`` if it is not JSON or contradicts itself, ``StateError`` if its JSON is something else.
    """
    document = _parse(line.decode())
    entries = document.get("entries")
    if isinstance(entries, list) and entries:
        _read_version(entries[0], where)
    _validate(document, "journalLine", where)
    return [_entry_from_json(entry) for entry in entries]


def record_to_json(record: Record) -> Json:
    """Return a record as JSON, without its key. All secrets share its salt."""
    secrets = {}
    for secret in record.secrets:
        fingerprint = secret.fingerprint
        secrets[secret.path] = {
            "origin": secret.origin,
            "alg": fingerprint.alg,
            "key_id": fingerprint.key_id,
            "mac": fingerprint.mac,
        }
    return {
        "id": record.id,
        "etag": record.etag,
        "salt": record.salt,
        "fields": dict(record.texts),
        "secrets": secrets,
        **({"untested": True} if record.untested else {}),
        **({"applied_at": record.applied_at} if record.applied_at else {}),
        **({"tested_at": record.tested_at} if record.tested_at else {}),
    }


def _target_to_json(target: TargetIdentity | None) -> Json | None:
    if target is None:
        return None
    return {"endpoint": target.endpoint, "org_id": target.org_id, "sandbox": target.sandbox}


def _state_from_json(document: Json) -> State:
    for intent_id, intent in document["intents"].items():
        if intent["intent_id"] != intent_id:
            raise ValueError(f"intents.{intent_id}.intent_id: expected {intent_id!r}")
    return State(
        format_version=FORMAT_VERSION,
        lineage=document["lineage"],
        serial=int(document["serial"]),
        target=_target_from_json(document.get("target")),
        records=tuple(record_from_json(key, value) for key, value in document["records"].items()),
        intents=tuple(_intent_from_json(value) for value in document["intents"].values()),
        journal=document["journal"],
    )


def record_from_json(key: Key, document: Json) -> Record:
    salt = document["salt"]
    return Record(
        key=key,
        id=document["id"],
        etag=document.get("etag"),
        texts={path: _intern(text) for path, text in document["fields"].items()},
        secrets=tuple(
            SecretRecord(path, secret["origin"], Fingerprint(secret["alg"], secret["key_id"], salt, secret["mac"]))
            for path, secret in document["secrets"].items()
        ),
        salt=salt,
        untested=document.get("untested") is True,
        applied_at=document.get("applied_at") or "",
        tested_at=document.get("tested_at") or "",
    )


def _entry_from_json(document: Json) -> JournalEntry:
    match document["kind"]:
        case "intent":
            return _intent_from_json(document)
        case "settled":
            return Completed(document["intent_id"], document["verdict"], document.get("id"), document.get("etag"))
        case "adopted":
            return Recorded(record_from_json(document["key"], document["record"]))
        case "forgotten":
            return Removed(document["key"])
        case "prior_ids":
            return PriorIds(tuple(document["ids"]))
        case _:
            return Header(
                document["journal"],
                document["lineage"],
                int(document["serial"]),
                _target_from_json(document.get("target")),
            )


def _intent_from_json(document: Json) -> Intent:
    record = document.get("record")
    return Intent(
        intent_id=document["intent_id"],
        key=document["key"],
        step=document["step"],
        name=document["name"],
        spec_id=document["spec_id"],
        id=document.get("id"),
        etag=document.get("etag"),
        sent_at=document["sent_at"],
        seen=tuple(document["seen"]),
        record=None if record is None else record_from_json(document["key"], record),
    )


def _target_from_json(document: Json | None) -> TargetIdentity | None:
    return None if document is None else TargetIdentity(document["endpoint"], document["org_id"], document["sandbox"])


def _parse_file(data: bytes, where: str) -> Any:
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise StateError(f"{where}: not UTF-8 at byte {error.start}", _RESTORE) from None
    try:
        return _parse(text)
    except ValueError as error:
        # Only texts that are not JSON are searched: a line of JSON never begins with a conflict marker.
        if conflict := _CONFLICT.search(text):
            line = text.count("\n", 0, conflict.start()) + 1
            raise StateError(
                f"{where}:{line}: an unresolved merge conflict",
                "take one side whole, never parts of both (git checkout --theirs FILE, or --ours); "
                "or rebuild it: provisioner state rebuild",
            ) from None
        if not isinstance(error, json.JSONDecodeError):
            raise StateError(f"{where}: {error}", _RESTORE) from None
        message, remedy = pasted_into_json(text, error.pos)
        where = f"{where}:{error.lineno}:{error.colno}"
        if message:
            raise StateError(f"{where}: {message}", f"{remedy}; or {_RESTORE}") from None
        raise StateError(f"{where}: not JSON: {error.msg}", _RESTORE) from None


def _parse(text: str) -> Any:
    """Return plain data. Raise ``ValueError`` for duplicate members, which merging two versions creates."""
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    members = dict(pairs)
    if len(members) != len(pairs):
        duplicate = next(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
        raise ValueError(f"{json.dumps(duplicate)} occurs twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _upgrade(document: Any, where: str) -> Any:
    version = _read_version(document, where)
    while version is not None and version < FORMAT_VERSION:
        if version not in UPGRADES:
            raise StateError(f"{where}: unknown format {version}", _RESTORE)
        document = UPGRADES[version](document)
        version += 1
    return document


def _read_version(document: Any, where: str) -> int | None:
    """Return the ``format_version``, None if it is not an integer. Raise ``StateError`` for a newer one."""
    version = document.get("format_version") if isinstance(document, dict) else None
    if type(version) is not int:
        return None
    if version > FORMAT_VERSION:
        raise StateError(
            f"{where}: written by a newer provisioner (format {version}; this one supports up to {FORMAT_VERSION})",
            "install the newer provisioner; an older one would lose data",
        )
    return version


@cache
def _schema(part: str) -> tuple[Json, Callable[[Any], bool]]:
    """Return the schema of a state, or of a definition in it, and the function that accepts valid values."""
    schema = json_schema.load("state")
    if part:
        schema = {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]}
    return schema, json_schema.accepts(schema)


def _validate(document: Any, part: str, where: str) -> None:
    schema, accepts = _schema(part)
    if accepts(document):
        return
    try:
        error = next(json_schema.errors(schema, document), None)
    except RecursionError:  # jsonschema formats the invalid value for its messages
        raise StateError(f"{where}: it is nested too deeply", _RESTORE) from None
    if error is not None:
        raise StateError(f"{where}: {_explain(error)}", _RESTORE)


def _explain(error: Any) -> str:
    """Return the path, the expected and the actual type; never the value, which may be anything."""
    path, schema, value = list(error.absolute_path), error.schema, error.instance
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in value)
        path, schema, value = [*path, missing], schema["properties"][missing], None
    if "$ref" in schema:
        schema = json_schema.load("state")["$defs"][schema["$ref"].rpartition("/")[2]]
    shown_path = ".".join(map(str, path))
    message = f"expected {_expected_type(schema)}, found {_PYTHON_TYPE_NAMES.get(type(value), 'a number')}"
    return f"{shown_path}: {message}" if shown_path else message


def _expected_type(schema: Any) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(map(repr, schema["enum"]))
    if "minLength" in schema:
        return "text that is not empty"
    types = schema["type"]
    return " or ".join(_TYPE_NAMES[name] for name in ([types] if isinstance(types, str) else types) if name != "null")
