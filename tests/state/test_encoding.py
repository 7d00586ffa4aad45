"""Values -> JSON -> the same values; anything else -> StateError."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import StateError
from provisioner.state import formats
from provisioner.state.encoding import (
    entry_from_json,
    entry_to_json,
    record_from_json,
    record_to_json,
    state_from_json,
    state_to_json,
)
from provisioner.state.formats import state_from_bytes, state_to_bytes
from provisioner.state.reading import Reader, parse
from provisioner.state.records import Adopted, Entry, Intent, Opened, Record, State

from .examples import SALT, TARGET, create, happenings, mutated, openeds, record, records, states

STATE = State(1, "lineage", 3, TARGET, (record(),), (create("sales"),), "j0")
TEXT = state_to_bytes(STATE).decode()


@given(states())
def test_a_state_survives_the_file(state: State) -> None:
    assert state_from_bytes(state_to_bytes(state), "f") == state


@given(happenings | openeds)
def test_an_entry_survives(entry: Entry) -> None:
    assert entry_from_json(Reader(parse(json.dumps(entry_to_json(entry))), "f")) == entry


@given(records())
def test_a_record_survives(one: Record) -> None:
    assert record_from_json(one.key, Reader(record_to_json(one), "f")) == one


@given(mutated(state_to_json(STATE)))
def test_a_mutated_state_is_a_state_or_a_state_error(found: object) -> None:
    with suppress(StateError):
        assert isinstance(state_from_json(Reader(found, "f")), State)
    with suppress(StateError):
        assert isinstance(state_from_bytes(json.dumps(found).encode(), "f"), State)


@pytest.mark.parametrize("entry", [create(), Adopted(record()), Opened("j", "l", 1, TARGET)])
@given(data=st.data())
def test_a_mutated_entry_is_an_entry_or_a_state_error(entry: Entry, data: st.DataObject) -> None:
    with suppress(StateError):
        entry_from_json(Reader(data.draw(mutated(entry_to_json(entry))), "f"))


@given(st.binary() | st.text().map(str.encode))
def test_bytes_are_never_anything_but_a_state_error(data: bytes) -> None:
    with pytest.raises(StateError):
        state_from_bytes(data, "f")


def put(*path: str, to: object) -> bytes:
    """The example's file with one value replaced."""
    found = state_to_json(STATE)
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
        (b"[]", "f: expected an object, found a list"),
        (b"{}", "f: format_version: expected a whole number, found nothing"),
        (b'{"serial": NaN}', "f: NaN is not JSON"),
        (TEXT.replace('"records": {', '"records": {"orders": {},').encode(), 'f: "orders" is there twice'),
        (
            re.sub(r'"serial": \d+', f'"serial": {"9" * 4300}', TEXT).encode(),
            "f: serial: expected a whole number, found a number",
        ),
        (TEXT.replace("{\n", "{\n<<<<<<< HEAD\n", 1).encode(), "f:2: an unresolved merge conflict"),
        (TEXT.replace("{\n", "{\n>>>>>>> x\n", 1).encode(), "f:2: an unresolved merge conflict"),
        (put("format_version", to=2), "f: written by a newer provisioner (format 2; this one knows up to 1)"),
        (put("format_version", to=0), "f: format 0 is not known"),
        (put("format_version", to=True), "f: format_version: expected a whole number, found a boolean"),
        (put("lineage", to=""), "f: lineage: expected text with something in it, found text"),
        (put("serial", to=-1), "f: serial: expected a whole number, found a number"),
        (put("records", "orders", "id", to=""), "f: records.orders.id: expected text with something in it, found text"),
        (put("records", "orders", "fields", "name", to=3), "f: records.orders.fields.name: expected text"),
        (put("records", "orders", "secrets", "name", to={}), "f: records.orders.secrets.name.alg: expected text"),
        (
            put("records", "sales", to=record_to_json(record())),
            "f: orders and sales are recorded with one and the same",
        ),
        (
            put("records", "orders", "fields", "auth.params.password", to="x"),
            "f: records.orders: auth.params.password is both visible and sensitive",
        ),
        (put("intents", "i1", "step", to="post"), "f: intents.i1.step: expected 'create' or 'patch' or 'delete'"),
        (put("intents", "i1", "intent_id", to="i9"), "f: intents.i1.intent_id: expected 'i1', found text"),
        (put("intents", "i1", "seen", to="x"), "f: intents.i1.seen: expected a list, found text"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(StateError) as caught:
        state_from_bytes(data, "f")
    assert caught.value.message.startswith(message)


def test_a_value_out_of_place_is_not_echoed() -> None:
    with pytest.raises(StateError) as caught:
        state_from_bytes(put("records", "orders", "etag", to={"p": "hunter22"}), "f")
    assert "hunter22" not in caught.value.message


def test_an_older_format_is_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    old = put("format_version", to=0)
    monkeypatch.setitem(formats.UPGRADES, 0, lambda data: {**data, "format_version": 1})
    assert state_from_bytes(old, "f") == STATE


def test_the_file_is_friendly_to_diffs() -> None:
    changed = state_to_bytes(replace(STATE, records=(record(server="db2"),))).decode().splitlines()
    assert sum(one != other for one, other in zip(TEXT.splitlines(), changed, strict=True)) == 1
    assert TEXT.endswith("}\n")
    assert json.dumps(json.loads(TEXT), indent=2, sort_keys=True) + "\n" == TEXT
    assert TEXT.count(SALT) == 2  # once in the record, once in the intent's


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
        lambda: Adopted(record(ident="")),
    ],
)
def test_values_that_contradict_themselves_cannot_be_made(wrong: object) -> None:
    with pytest.raises(ValueError, match="record"):
        wrong()  # type: ignore[operator]


def test_a_journal_of_a_newer_provisioner_is_refused() -> None:
    found = {**entry_to_json(Opened("j", "l", 1, None)), "format_version": 2}
    with pytest.raises(StateError, match="written by a newer provisioner"):
        entry_from_json(Reader(found, "f"))
    assert isinstance(entry_from_json(Reader(entry_to_json(create()), "f")), Intent)
