"""The documentation of faults agrees with code and schema: kinds, fields, defaults, and an example that works."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator.fault_config import DEFAULT_ROUTES, Existing, Fault, fault_config

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Faults\n")[2].partition("\n## ")[0]
KIND_ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `([\w-]+)` \| ([^|]*) \| ([^|]*) \|$", SECTION, re.MULTILINE)}
FIELD_ROWS = re.findall(r"^\| `([\w-]+)` \| ([^|]*) \|$", SECTION, re.MULTILINE)
SCHEMA = json.loads((ROOT / "schemas" / "faults.schema.json").read_text(encoding="utf-8"))
FAULT, EXISTING = SCHEMA["$defs"]["fault"], SCHEMA["$defs"]["existing"]


def rules(kind: str) -> list[dict[str, Any]]:
    """What the schema says of a kind."""
    of = [(rule["if"]["properties"]["kind"], rule["then"]) for rule in FAULT["allOf"]]
    return [then for kinds, then in of if kind in kinds.get("enum", [kinds.get("const")])]


def of_kind(kind: str) -> dict[str, Any]:
    """The fields that belong to a kind, and ``when``."""
    return {name: each for rule in rules(kind) for name, each in rule["properties"].items()}


def required(kind: str) -> set[str]:
    """The fields without which a fault of this kind is none."""
    return {name for rule in rules(kind) for name in rule.get("required", [])}


def test_every_kind_has_a_row_and_every_row_a_kind():
    assert list(KIND_ROWS) == FAULT["properties"]["kind"]["enum"]


@pytest.mark.parametrize("kind", KIND_ROWS)
def test_a_row_states_when_the_fields_and_where(kind):
    when, what = KIND_ROWS[kind]
    own = of_kind(kind)
    assert when.split(", ") == ([own.pop("when")["const"]] if "when" in own else ["before", "after"])
    needed = {name: value for name, value in {"seconds": 1, "status": 103}.items() if name in required(kind)}
    assert fault_config([{"kind": kind, **needed}]).faults[0].when == when.split(", ")[0]
    _, _, otherwise = what.partition("Otherwise: ")
    assert otherwise == ("{} `{}`".format(*DEFAULT_ROUTES[kind]) if kind in DEFAULT_ROUTES else "")
    # The foreign client is described once, below the table.
    described = set(re.findall(r"`(\w+)`", what)) | {"client", "connection"}
    assert set(own) <= described


def test_every_field_that_chooses_requests_or_describes_what_exists_has_a_row():
    assert [name for name, _ in FIELD_ROWS] == [*FAULT["properties"], *EXISTING["properties"]]


def test_schema_and_code_know_the_same_fields_and_defaults():
    own = {name: each for kind in KIND_ROWS for name, each in of_kind(kind).items()}
    for value, described in ((Fault, own | FAULT["properties"]), (Existing, EXISTING["properties"])):
        usual = {each.name: each.default for each in fields(value)}
        assert set(usual) == set(described)
        assert all(each.get("description") for each in described.values())
        said = {name: each["default"] for name, each in described.items() if "default" in each}
        assert said == {name: usual[name] for name in said}


def test_defaults_are_those_of_the_code():
    usual = {each.name: each.default for each in (*fields(Fault), *fields(Existing))}
    assert f"`status` ({usual['status']})" in SECTION
    assert f"`client` (`{usual['client']}`)" in SECTION
    assert usual["sandbox"] == "prod"
    assert (usual["count"], usual["age"]) == (1, 0)


def test_the_examples_work():
    for text in re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL):
        assert fault_config(json.loads(text)).faults
    calls = re.findall(r"fault_config\((\[.*?\])\)", SECTION)
    assert calls
    for text in calls:
        assert fault_config(json.loads(text)).faults
