"""The section on faults says what the code does: every kind and field, the defaults, and an example that works."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from provisioner.emulator.faults import KINDS, Existing, Fault
from provisioner.emulator.rehearsal import COMMON, rehearsal

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Faults\n")[2].partition("\n## ")[0]
KIND_ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `([\w-]+)` \| ([^|]*) \| ([^|]*) \|$", SECTION, re.MULTILINE)}
FIELD_ROWS = re.findall(r"^\| `([\w-]+)` \| ([^|]*) \|$", SECTION, re.MULTILINE)


def test_every_kind_has_a_row_and_every_row_a_kind():
    assert list(KIND_ROWS) == list(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_row_states_when_the_fields_and_where(name):
    when, what = KIND_ROWS[name]
    kind = KINDS[name]
    assert when == ", ".join(kind.whens)
    _, _, otherwise = what.partition("Otherwise: ")
    assert otherwise == ("" if kind.path is None else f"{kind.method} `{kind.path}`")
    # The foreign client is described once, below the table.
    described = set(re.findall(r"`(\w+)`", what)) | {"client", "connection"}
    assert set(kind.fields) <= described


def test_every_field_that_chooses_requests_or_describes_what_exists_has_a_row():
    assert [name for name, _ in FIELD_ROWS] == [*COMMON, *(each.name for each in fields(Existing))]


def test_defaults_are_those_of_the_code():
    usual = {each.name: each.default for each in (*fields(Fault), *fields(Existing))}
    assert f"`status` ({usual['status']})" in SECTION
    assert f"`client` (`{usual['client']}`)" in SECTION
    assert usual["sandbox"] == "prod"
    assert (usual["count"], usual["age"]) == (1, 0)


def test_the_examples_work():
    for text in re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL):
        assert rehearsal(json.loads(text)).faults
    for text in re.findall(r"rehearsal\((\[.*?\])\)", SECTION):
        assert rehearsal(json.loads(text)).faults


def test_a_fault_shown_says_all_that_was_said():
    """Every field of a fault is either common to all kinds or belongs to at least one."""
    assert {each.name for each in fields(Fault)} == set(COMMON) | {
        name for kind in KINDS.values() for name in kind.fields
    }
