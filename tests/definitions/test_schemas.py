"""The published schemas: sound, described for editors, and their annotations found by path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from provisioner.definitions.schema import FieldRules, narrowed
from provisioner.definitions.yaml_loader import YamlPath
from provisioner.json_schema import load
from provisioner.model import Cloud, Json

SCHEMAS = {
    "connection": load("connection"),
    "project": load("project"),
    **{f"connection on {cloud}": narrowed(cloud) for cloud in Cloud},
}
HELPING = {"examples", "enum", "const", "default", "properties", "additionalProperties", "anyOf", "then"}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_is_a_schema(schema: Json) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_every_reference_leads_somewhere_and_every_definition_is_used(schema: Json) -> None:
    used = {part["$ref"].removeprefix("#/$defs/") for part in parts(schema) if "$ref" in part}
    assert used <= set(schema["$defs"])
    assert {name for name in schema["$defs"] if "-" not in name} <= used


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_editors_can_describe_and_complete_every_property(schema: Json) -> None:
    for name, found in properties(schema):
        assert found.get("description"), f"{name} has no description"
        assert HELPING & set(found), f"{name} has nothing to complete from"


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_examples_are_valid_themselves(schema: Json) -> None:
    for part in parts(schema):
        for value in [*part.get("examples", ()), *([part["default"]] if "default" in part else [])]:
            Draft202012Validator({"$defs": schema["$defs"], **part}).validate(value)


def test_a_narrowed_schema_knows_one_cloud() -> None:
    azure, aws = (narrowed(cloud)["$defs"] for cloud in (Cloud.AZURE, Cloud.AWS))
    assert aws["specName"]["enum"] == ["Basic Authentication"]
    assert len(azure["specName"]["enum"]) == 2
    assert "REQUIRED" in str(azure["sslMode"])
    assert "REQUIRED" not in str(aws["sslMode"])
    assert not [name for name in (*azure, *aws) if "-" in name]
    assert "sslMode-aws" in load("connection")["$defs"]


PARAMS: YamlPath = ("auth", "params")
STRING: YamlPath = (*PARAMS, "connectionString")


@pytest.mark.parametrize(
    ("path", "sensitive", "may_use_env"),
    [
        (("name",), False, False),
        (("description",), False, False),
        ((*PARAMS, "server"), False, True),
        ((*PARAMS, "port"), False, True),
        ((*PARAMS, "database"), False, True),
        ((*PARAMS, "username"), False, True),
        ((*PARAMS, "password"), True, True),
        ((*PARAMS, "sslMode"), False, False),
        (STRING, True, True),
        ((*STRING, "server"), False, True),
        ((*STRING, "password"), True, True),
        ((*STRING, "options", "SslMode"), False, False),
        ((*STRING, "options", "CertificatePassword"), True, True),
        ((*STRING, "options", "PWD2"), True, True),
        (("nowhere",), False, False),
        ((*PARAMS, "server", "deeper"), False, False),
    ],
)
def test_annotations_of_a_field(path: YamlPath, sensitive: bool, may_use_env: bool) -> None:
    rule = FieldRules(load("connection")).at(path)
    assert (rule.sensitive, rule.may_use_env) == (sensitive, may_use_env)


def parts(schema: Any) -> Iterator[Json]:
    """Every schema within a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from parts(item)
    if isinstance(schema, dict):
        yield schema
        for word, inner in schema.items():
            if word in ("properties", "patternProperties", "$defs"):
                yield from parts(list(inner.values()))
            elif word not in ("examples", "default", "enum", "const"):
                yield from parts(inner)


def properties(schema: Json) -> Iterator[tuple[str, Json]]:
    """Every property that a user can write, references followed; conditions and refusals are no properties."""
    conditions = [part["if"] for part in parts(schema) if "if" in part]
    for part in parts(schema):
        if any(part is condition for condition in conditions):
            continue
        for name, found in part.get("properties", {}).items():
            target = schema["$defs"][found["$ref"].rpartition("/")[2]] if "$ref" in found else found
            if "not" not in target or "pattern" in target:
                yield name, target
