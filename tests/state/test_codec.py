"""The JSON of states and journal entries: round trips, and errors for everything else."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from provisioner import json_schema
from provisioner.errors import StateError
from provisioner.model import Json
from provisioner.state import codec
from provisioner.state.codec import entries_from_line, entry_to_json, state_from_bytes, state_to_bytes
from provisioner.state.records import Header, Intent, JournalEntry, Recorded, State

from .examples import SALT, TARGET, create, done, happenings, mutated, openeds, prior_ids, record, states

STATE = State(1, "lineage", 3, TARGET, (record(),), (create("sales"),), "j0")
TEXT = state_to_bytes(STATE).decode()
SCHEMA = json_schema.load("state")


def entry_from_json(found: object) -> JournalEntry:
    (entry,) = entries_from_line(json.dumps({"entries": [found]}).encode(), "f:1")
    return entry


@given(states())
def test_a_state_round_trips(state: State) -> None:
    assert state_from_bytes(state_to_bytes(state), "f") == state


@given(happenings | openeds | prior_ids)
def test_an_entry_round_trips(entry: JournalEntry) -> None:
    assert entry_from_json(entry_to_json(entry)) == entry


@given(mutated(json.loads(TEXT)))
def test_a_mutated_state_is_a_state_or_a_state_error(found: object) -> None:
    with suppress(StateError):
        assert isinstance(state_from_bytes(json.dumps(found).encode(), "f"), State)


@pytest.mark.parametrize("entry", [create(), done("i1"), Recorded(record()), Header("j", "l", 1, TARGET)])
@given(data=st.data())
def test_a_mutated_entry_is_an_entry_or_an_error(entry: JournalEntry, data: st.DataObject) -> None:
    with suppress(StateError, ValueError):
        entry_from_json(data.draw(mutated(entry_to_json(entry))))


@given(mutated(json.loads(TEXT)))
def test_both_schema_engines_agree(found: object) -> None:
    assert json_schema.accepts(SCHEMA)(found) == (not any(json_schema.errors(SCHEMA, found)))


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_raise_only_state_error(data: bytes) -> None:
    with pytest.raises(StateError):
        state_from_bytes(data, "f")


def put(*path: str, to: object) -> bytes:
    """The example's file with one value replaced."""
    found: Any = json.loads(TEXT)
    inner = found
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = to
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "f:1:1: not JSON"),
        (b"{\n  1}", "f:2:3: not JSON"),
        (b"\xff", "f: not UTF-8 at byte 0"),
        (b"[" * 200_000, "f: it is nested too deeply"),
        (b"9" * 5000, "f: "),
        ("{\u00a0}".encode(), "f:1:2: U+00A0 (no-break space) where JSON needs a space"),
        ("{\n\u3000}".encode(), "f:2:1: U+3000 (ideographic space) where JSON needs a space"),
        ("\ufeff{}".encode(), "f:1:1: begins with a byte order mark"),
        ("{“serial”: 1}".encode(), "f:1:2: a typographic quote where JSON needs a plain one"),
        ('{"serial": „1“}'.encode(), "f:1:12: a typographic quote where JSON needs a plain one"),
        (b"[]", "f: expected an object, found a list"),
        (b"{}", "f: format_version: expected 1, found nothing"),
        (b'{"serial": NaN}', "f: NaN is not JSON"),
        (TEXT.replace('"records": {', '"records": {"orders": {},').encode(), 'f: "orders" occurs twice'),
        (
            re.sub(r'"serial": \d+', f'"serial": {"9" * 4300}', TEXT).encode(),
            "f: serial: expected a whole number, found a number",
        ),
        (TEXT.replace("{\n", "{\n<<<<<<< HEAD\n", 1).encode(), "f:2: an unresolved merge conflict"),
        (TEXT.replace("{\n", "{\n>>>>>>> x\n", 1).encode(), "f:2: an unresolved merge conflict"),
        (put("format_version", to=2), "f: written by a newer provisioner (format 2; this one supports up to 1)"),
        (put("format_version", to=0), "f: unknown format 0"),
        (put("format_version", to=True), "f: format_version: expected 1, found true or false"),
        (put("format_version", to="1"), "f: format_version: expected 1, found text"),
        (put("lineage", to=""), "f: lineage: expected text that is not empty, found text"),
        (put("serial", to=-1), "f: serial: expected a whole number, found a number"),
        (put("records", "orders", "id", to=""), "f: records.orders.id: expected text that is not empty, found text"),
        (put("records", "orders", "fields", "name", to=3), "f: records.orders.fields.name: expected text"),
        (
            put("records", "orders", "secrets", "name", to={}),
            "f: records.orders.secrets.name.origin: expected text, found",
        ),
        (
            put("records", "sales", to=json.loads(TEXT)["records"]["orders"]),
            "f: orders and sales are recorded with the same",
        ),
        (
            put("records", "orders", "fields", "auth.params.password", to="x"),
            "f: record orders: auth.params.password is both visible and sensitive",
        ),
        (
            put("intents", "i1", "step", to="post"),
            "f: intents.i1.step: expected 'create' or 'patch' or 'delete' or 'probe', found text",
        ),
        (put("intents", "i1", "intent_id", to="i9"), "f: intents.i1.intent_id: expected 'i1'"),
        (put("intents", "i1", "seen", to="x"), "f: intents.i1.seen: expected a list, found text"),
        (put("intents", "i1", "seen", to=["x", None]), "f: intents.i1.seen.1: expected text, found nothing"),
        (put("intents", "i1", "record", "untested", to=0), "f: intents.i1.record.untested: expected true or false"),
        (put("records", "orders", "applied_at", to=3), "f: records.orders.applied_at: expected text, found a number"),
        (put("intents", "i1", "record", "tested_at", to=True), "f: intents.i1.record.tested_at: expected text, found"),
        (put("target", to=[]), "f: target: expected an object, found a list"),
        (put("serial", to=2**63), "f: serial: expected a whole number, found a number"),
    ],
)
def test_messages_name_the_position(data: bytes, message: str) -> None:
    with pytest.raises(StateError) as caught:
        state_from_bytes(data, "f")
    assert caught.value.message.startswith(message)


def test_any_nesting_depth_raises_only_state_error() -> None:
    """Also just below the depth that cannot be parsed, where an explanation finds less room on the stack."""
    data = put("serial", to="deep")

    def message(depth: int) -> str:
        with pytest.raises(StateError) as caught:
            state_from_bytes(data.replace(b'"deep"', b"[" * depth + b"1" + b"]" * depth), "f")
        return caught.value.message

    too_deep = bisect_left(range(200_000), True, key=lambda depth: "too deeply" in message(depth))
    assert too_deep > 100
    assert message(too_deep - 20) == "f: serial: expected a whole number, found a list"
    assert [message(depth) for depth in range(too_deep - 20, too_deep)]


def test_an_invalid_value_is_not_quoted() -> None:
    with pytest.raises(StateError) as caught:
        state_from_bytes(put("records", "orders", "etag", to={"p": "hunter22"}), "f")
    assert caught.value.message == "f: records.orders.etag: expected text, found an object"


TOLERATED = {
    "members of later versions": put("later", to={"seconds": 1.5, "deep": [[[]]]}),
    "members of later versions in a record": put("records", "orders", "later", to={"seconds": 1.5}),
    "no time": put("records", "orders", "applied_at", to=None),
    "no etag": TEXT.replace('"etag": "\\"e1\\"",', "").encode(),
    "an empty etag": put("records", "orders", "etag", to=None),
    "no target": put("target", to=None),
    "a lone surrogate": TEXT.replace('"Orders"', '"\\ud800"').encode(),
    "a whole number that is written as a fraction": put("serial", to=3.0),
}


@pytest.mark.parametrize("data", TOLERATED.values(), ids=TOLERATED)
def test_harmless_differences_are_accepted(data: bytes) -> None:
    state = state_from_bytes(data, "f")
    assert (repr(state.serial), state.by_key.keys()) == ("3", {"orders"})
    assert state_from_bytes(state_to_bytes(state), "f") == state


def test_an_older_format_is_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    old = put("format_version", to=0)
    monkeypatch.setitem(codec.UPGRADES, 0, lambda data: {**data, "format_version": 1})
    assert state_from_bytes(old, "f") == STATE


def test_the_file_is_friendly_to_diffs() -> None:
    changed = state_to_bytes(replace(STATE, records=(record(server="db2"),))).decode().splitlines()
    assert sum(one != other for one, other in zip(TEXT.splitlines(), changed, strict=True)) == 1
    assert TEXT.endswith("}\n")
    assert json.dumps(json.loads(TEXT), indent=2, sort_keys=True) + "\n" == TEXT
    assert TEXT.count(SALT) == 2  # once in the record, once in the intent's


def test_a_time_is_a_line_of_its_record_and_none_is_no_line() -> None:
    timed = replace(record(), applied_at="2025-01-02T03:04:05+00:00", tested_at="2025-01-02T03:04:06+00:00")
    lines = state_to_bytes(replace(STATE, records=(timed,))).decode().splitlines()
    added = [line.strip() for line in lines if line not in TEXT.splitlines()]
    assert added == ['"applied_at": "2025-01-02T03:04:05+00:00",', '"tested_at": "2025-01-02T03:04:06+00:00"']
    assert "_at" not in TEXT.replace("sent_at", "")


def test_records_are_found_by_key_and_sorted() -> None:
    state = State(1, "l", 0, None, (record("b", "2"), record("a", "1")))
    assert [one.key for one in state.records] == ["a", "b"]
    assert state.record("b") == record("b", "2")
    assert state.record("c") is None
    assert list(record().texts) == ["auth.params.server", "name"]
    assert list(record().secrets_as_dict) == ["auth.params.password"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: replace(record(), salt="other"),
        lambda: replace(record(), secrets=record().secrets * 2),
        lambda: replace(record(), texts={"auth.params.password": "1"}),
        lambda: replace(create(), key="sales"),
        lambda: Recorded(record(ident="")),
    ],
)
def test_contradictory_values_cannot_be_created(wrong: object) -> None:
    with pytest.raises(ValueError, match="record"):
        wrong()  # type: ignore[operator]


def test_a_journal_of_a_newer_provisioner_is_refused() -> None:
    newer = {"kind": "opened", "format_version": 2, "unheard": "of"}
    with pytest.raises(StateError, match=r"f:1: written by a newer provisioner \(format 2"):
        entry_from_json(newer)
    assert isinstance(entry_from_json(entry_to_json(create())), Intent)


WRONG_ENTRIES = {
    "no object": ([], "entries.0: expected an object, found a list"),
    "no kind": (
        {},
        "entries.0.kind: expected 'opened' or 'prior_ids' or 'intent' or 'settled' or 'adopted' or 'forgotten'",
    ),
    "another kind": ({"kind": "x"}, "entries.0.kind: expected 'opened' or"),
    "no verdict": (
        {"kind": "settled", "intent_id": "i"},
        "entries.0.verdict: expected 'done' or 'failed', found nothing",
    ),
    "no id": (
        {"kind": "adopted", "key": "k", "record": {"id": "", "salt": "", "fields": {}, "secrets": {}}},
        "entries.0.record.id: expected text that is not empty, found text",
    ),
    "a beginning of nothing": ({"kind": "opened"}, "entries.0.format_version: expected a whole number, found nothing"),
}


@pytest.mark.parametrize(("entry", "message"), WRONG_ENTRIES.values(), ids=WRONG_ENTRIES)
def test_messages_about_entries_name_the_position(entry: object, message: str) -> None:
    with pytest.raises(StateError) as caught:
        entry_from_json(entry)
    assert caught.value.message.startswith(f"f:1: {message}")


def parts(schema: Any) -> Iterator[Json]:
    """Every schema within a schema."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(inner)


def test_the_schema_is_valid_and_described() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    used = {part["$ref"].removeprefix("#/$defs/") for part in parts(SCHEMA) if isinstance(part.get("$ref"), str)}
    assert used | {"journalLine"} == set(SCHEMA["$defs"])
    assert all("title" in definition for definition in SCHEMA["$defs"].values())
    conditions = [part["if"] for part in parts(SCHEMA) if "if" in part]
    for part in parts(SCHEMA):
        if part not in conditions and isinstance(part.get("properties"), dict):
            assert all("description" in found for found in part["properties"].values())
