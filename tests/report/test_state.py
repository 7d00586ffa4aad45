"""The state as a table: what it says, and how it fits a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from provisioner.report.state import as_json, as_list, as_text
from provisioner.report.tables import aligned, fitted
from provisioner.report.terminal import PLAIN, Style, columns
from provisioner.state.fingerprint import Fingerprint
from provisioner.state.records import Intent, Record, SecretRecord, StateEntry

SENT = "2026-11-27T21:48:13.123456+00:00"
APPLIED, TESTED = "2026-11-27T21:48:13+00:00", "2026-11-26T23:59:59+00:00"
IDENT = "c07598f1-6e18-4f9c-a56c-0a60fb1f4d4b"


def record(key: str = "orders", name: str = "Orders", **changed: str) -> Record:
    texts = {path.replace("__", "."): text for path, text in changed.items()}
    return Record(key, IDENT, '"e1"', {"name": name, **texts}, (), "00", applied_at=APPLIED, tested_at=TESTED)


def secret(path: str, origin: str) -> SecretRecord:
    return SecretRecord(path, origin, Fingerprint("scrypt", "", "00", "ff"))


def entry(of: Record, *intents: Intent) -> StateEntry:
    return StateEntry(of.key, of, intents)


def intent(step: str, ident: str | None) -> Intent:
    return Intent("i1", "orders", step, "Orders", "spec", ident, None, SENT, (), None)  # type: ignore[arg-type]


def cells(of: Record) -> dict[str, str]:
    """Return the cells of the row of a record, by title."""
    head, row = as_list((entry(of),), "here", PLAIN).splitlines()
    return dict(zip(*(re.split(" {2,}", line) for line in (head, row)), strict=True))


SERVER = "auth__params__server"
TESTED_AT, APPLIED_AT = "TESTED (UTC)", "LAST APPLIED (UTC)"
ROWS: dict[str, tuple[Record, dict[str, str]]] = {
    "all": (
        record(**{SERVER: "db1"}),
        {
            "KEY": "orders",
            "NAME": "Orders",
            "ID": IDENT,
            "SERVER": "db1",
            TESTED_AT: "2026-11-26 23:59",
            APPLIED_AT: "2026-11-27 21:48",
        },
    ),
    "imported": (replace(record(), applied_at="", tested_at=""), {TESTED_AT: "never", APPLIED_AT: "-"}),
    "a test that did not pass": (replace(record(), tested_at="", untested=True), {TESTED_AT: "not passed"}),
    "a time of another zone": (
        replace(record(), applied_at="2026-01-01T00:30:00+02:00", tested_at="2026-01-01T00:30:00+02:00"),
        {TESTED_AT: "2025-12-31 22:30", APPLIED_AT: "2025-12-31 22:30"},
    ),
    "a time without a zone": (
        replace(record(), applied_at="2026-01-01T00:30:00"),
        {APPLIED_AT: "2026-01-01 00:30"},
    ),
    "no time": (replace(record(), applied_at="once"), {APPLIED_AT: "once"}),
    "a time before all times": (
        replace(record(), applied_at="0001-01-01T00:00:00+05:00"),
        {APPLIED_AT: "0001-01-01T00:00:00+05:00"},
    ),
    "no server": (record(), {"SERVER": "-"}),
    "a secret server": (
        replace(record(), secrets=(secret("auth.params.server", "env(HOST)"),)),
        {"SERVER": "env(HOST)"},
    ),
    "the server of a connection string": (
        replace(
            record(auth__params__connectionString__server="db2"),
            secrets=(secret("auth.params.connectionString.password", "env(P)"),),
        ),
        {"SERVER": "db2"},
    ),
    "a secret connection string": (
        replace(record(), secrets=(secret("auth.params.connectionString", "env(DSN)"),)),
        {"SERVER": "env(DSN)"},
    ),
    "a command to a runner": (record(name="::error::x"), {"NAME": ":\\u003aerror::x"}),
}


@pytest.mark.parametrize(("known", "shown"), ROWS.values(), ids=ROWS)
def test_a_row(known: Record, shown: dict[str, str]) -> None:
    assert {**cells(known), **shown} == cells(known)


def test_open_calls_stand_below_their_key() -> None:
    entries = (entry(record(), intent("patch", IDENT)), StateEntry("stock", None, (intent("create", None),)))
    _, orders, patch, stock, create = as_list(entries, "here", PLAIN).splitlines()
    assert (orders.split()[0], stock.split()) == ("orders", ["stock", *"-----"])
    rest = "sent at 2026-11-27 21:48 UTC, has no known outcome; the next apply determines it first"
    assert patch == f"    open: a patch of {IDENT}, {rest}"
    assert create == f'    open: a create of "Orders", {rest}'


def test_an_empty_state_names_the_next_step() -> None:
    said = as_list((), "stage", PLAIN)
    assert said.startswith("nothing is recorded for target stage: run `provisioner apply --target stage`")
    assert "`provisioner import --all --target stage`" in said


LONG = (
    entry(
        record("billing", "Billing ledger (production, read replica)", **{SERVER: "replica-1.db.internal.example.com"})
    ),
    entry(
        record("marketing/analytics", "マーケティング分析データベース", **{SERVER: "db3.example.com"}),
        intent("delete", IDENT),
    ),
    entry(replace(record("orders", **{SERVER: "db1.example.com"}), untested=True)),
)
NARROW = {
    60: ["KEY", TESTED_AT, APPLIED_AT],
    80: ["KEY", "NAME", TESTED_AT, APPLIED_AT],
    100: ["KEY", "NAME", "SERVER", TESTED_AT, APPLIED_AT],
    120: ["KEY", "NAME", "ID", "SERVER", TESTED_AT, APPLIED_AT],
    200: ["KEY", "NAME", "ID", "SERVER", TESTED_AT, APPLIED_AT],
}


@pytest.mark.parametrize(("width", "titles"), NARROW.items())
def test_no_row_is_wider_than_the_terminal(width: int, titles: list[str]) -> None:
    lines = as_list(LONG, "here", Style(width=width)).splitlines()
    assert re.split(" {2,}", lines[0]) == titles
    assert all(columns(line) <= width for line in lines)
    for key in ("billing", "marketing/analytics", "orders"):
        assert any(line.startswith(f"{key} ") and "2026-11-27 21:48" in line for line in lines), "keys stay whole"
    note = f"cut to {width} columns: `state show KEY` or `--format json` has everything"
    assert (note in " ".join(" ".join(lines).split())) is (width < 200)


def test_a_pipe_gets_everything() -> None:
    assert all(
        f"  {IDENT}  " in line for line in as_list(LONG, "here", PLAIN).splitlines() if not line.startswith(("K", " "))
    )


@pytest.mark.parametrize("width", [0, 80])
def test_colour_changes_no_word(width: int) -> None:
    painted = as_list(LONG, "here", Style(colour=True, width=width))
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == as_list(LONG, "here", Style(width=width))
    assert "\x1b[33mnot passed\x1b[0m" in painted
    assert re.match(r"\x1b\[2mKEY [^\x1b]* LAST APPLIED \(UTC\)\x1b\[0m\n\x1b\[1mbilling\x1b\[0m ", painted)


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (0, ["K   A       B         C", "k1  aaaaaa  bbbbbbbb  注文注文"]),
        (30, ["K   A       B         C", "k1  aaaaaa  bbbbbbbb  注文注文"]),
        (29, ["K   A      B         C", "k1  aa...  bbbbbbbb  注文注文"]),
        (28, ["K   A     B         C", "k1  a...  bbbbbbbb  注文注文"]),
        (27, ["K   A     B        C", "k1  a...  bbbb...  注文注文"]),
        (25, ["K   A     B       C", "k1  a...  bbb...  注文..."]),
        (20, ["K   A     B     C", "k1  a...  b...  ..."]),
        (19, ["K   B       C", "k1  bbb...  注文..."]),
        (9, ["K   C", "k1  注..."]),
        (5, ["K", "k1"]),
        (1, ["K", "k1"]),
    ],
)
def test_what_is_cut_and_what_is_left_out(width: int, lines: list[str]) -> None:
    table = (("K", "A", "B", "C"), ("k1", "aaaaaa", "bbbbbbbb", "注文注文"))
    head, *rows = fitted(table, {"A": 4, "B": 4, "C": 4}, width)
    assert aligned(head, rows, PLAIN).splitlines() == lines
    assert max(map(columns, lines)) <= width or lines[0] == "K" or not width


def test_json_has_everything() -> None:
    known = replace(record(**{SERVER: "db1"}), applied_at="")
    document = json.loads(as_json([entry(known), StateEntry("stock", None, (intent("create", None),))]))
    first, second = document["entries"]
    assert document["format_version"] == "1.1"
    assert (first["server"], first["tested_at"], first["applied_at"]) == ("db1", TESTED, None)
    assert (second["server"], second["tested_at"], second["applied_at"]) == (None, None, None)
    assert [entry["test"] for entry in (first, second)] == ["passed", None]
    assert second["open"] == [{"step": "create", "id": None, "sent_at": SENT}]


@pytest.mark.parametrize(
    ("known", "test"),
    [
        (record(), "passed"),
        (replace(record(), tested_at=""), "never"),
        (replace(record(), untested=True), "not passed"),
        (replace(record(), tested_at="", untested=True), "not passed"),
    ],
)
def test_json_says_how_the_last_test_ended(known: Record, test: str) -> None:
    (found,) = json.loads(as_json([entry(known)]))["entries"]
    assert found["test"] == test


@pytest.mark.parametrize(
    ("known", "applied", "tested"),
    [
        (record(), "2026-11-27 21:48 UTC", "2026-11-26 23:59 UTC"),
        (replace(record(), applied_at="", tested_at=""), "(not recorded)", "never with these credentials"),
        (replace(record(), untested=True), "2026-11-27 21:48 UTC", "not passed; `apply --test` tests again"),
    ],
)
def test_one_key(known: Record, applied: str, tested: str) -> None:
    rows = dict(re.split(" {2,}", line.strip(), maxsplit=1) for line in as_text(entry(known), PLAIN).splitlines()[1:])
    assert (rows["last applied"], rows["tested"]) == (applied, tested)
