"""The section on faults says what the code does: every kind and field, the defaults, and an example that works."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from provisioner.emulator.faults import GARBLINGS, PLACES, Existing, Fault
from provisioner.emulator.rehearsal import rehearsal
from provisioner.json_schema import load

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Faults\n")[2].partition("\n## ")[0]
KIND_ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `([\w-]+)` \| ([^|]*) \| ([^|]*) \|$", SECTION, re.MULTILINE)}
FIELD_ROWS = re.findall(r"^\| `([\w-]+)` \| ([^|]*) \|$", SECTION, re.MULTILINE)


FAULT = load("faults")["$defs"]["fault"]
KINDS = FAULT["properties"]["kind"]["enum"]


def own(kind, what="properties"):
    """The fields of a kind alone, or what of them must be given."""
    rules = [rule["then"] for rule in FAULT["allOf"] if kind in _kinds(rule["if"]["properties"]["kind"])]
    return [name for rule in rules for name in rule.get(what, ()) if name != "when"]


def _kinds(chosen):
    return chosen["enum"] if "enum" in chosen else [chosen["const"]]


def test_every_kind_has_a_row_and_every_row_a_kind():
    assert list(KIND_ROWS) == KINDS


@pytest.mark.parametrize("name", KINDS)
def test_a_row_states_when_the_fields_and_where(name):
    when, what = KIND_ROWS[name]
    only = {"initializing": "before", "lag": "before"} | dict.fromkeys(GARBLINGS, "after")
    assert when == only.get(name, "before, after")
    _, _, otherwise = what.partition("Otherwise: ")
    assert otherwise == ("{} `{}`".format(*PLACES[name]) if name in PLACES else "")
    # The foreign client is described once, below the table.
    described = set(re.findall(r"`(\w+)`", what)) | {"client", "connection"}
    assert set(own(name)) <= described


def test_every_field_that_chooses_requests_or_describes_what_exists_has_a_row():
    assert [name for name, _ in FIELD_ROWS] == [*FAULT["properties"], *(each.name for each in fields(Existing))]


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


def test_a_fault_can_be_told_everything_that_the_schema_admits():
    assert {each.name for each in fields(Fault)} == {
        *FAULT["properties"],
        *(name for kind in KINDS for name in own(kind)),
    }
