"""Both JSON Schema validators agree: the fast one accepts exactly the values in which the other finds no error."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from provisioner import json_schema
from provisioner.definitions import schema
from provisioner.definitions.yaml_loader import Document, parse
from provisioner.model import Cloud
from tests.definitions.support import CASES

VALID = [
    document.data
    for path in sorted((CASES / "valid").glob("*.yaml"))
    if isinstance((document := parse(path.name, path.read_text("utf-8-sig"))).data, dict)
]
SCHEMAS = {"both clouds": json_schema.load("connection"), **{str(one): schema.narrowed(one) for one in Cloud}}
NAMES = [
    "name",
    "auth",
    "specName",
    "params",
    "server",
    "port",
    "sslMode",
    "options",
    "key",
    "targets",
    "connectionSpec",
]
WORDS = [
    "",
    " ",
    "a",
    "3306",
    "65536",
    "REQUIRED",
    "true",
    "{{ env('A') }}",
    "Basic Authentication",
    "1.0",
    "a\n",
    "é\x85",
]
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from([0, 1, 65535, 65536]) | st.sampled_from(WORDS)
values = st.recursive(
    scalars | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """A valid definition with some of its values left out, replaced or added, anywhere."""
    data = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        holder = data
        while (inner := [value for value in holder.values() if isinstance(value, dict)]) and draw(st.booleans()):
            holder = draw(st.sampled_from(inner))
        name = draw(st.sampled_from([*holder, *NAMES]) | st.text(max_size=4))
        if draw(st.booleans()):
            holder.pop(name, None)
        else:
            holder[name] = draw(values)
    return data


@pytest.mark.parametrize("name", SCHEMAS)
@given(data=changed())
@settings(max_examples=1000, deadline=None)
def test_both_validators_agree(name: str, data: Any) -> None:
    explaining = Draft202012Validator(SCHEMAS[name])
    assert json_schema.accepts(SCHEMAS[name])(data) == (next(explaining.iter_errors(data), None) is None)


@pytest.mark.parametrize("data", [{"a": "\ud800"}, {"a": 10**400}, {1: "a"}, {"a": float("nan")}])
def test_values_that_the_fast_validator_cannot_read_are_explained(data: Any) -> None:
    assert schema.Checker({"type": "array"}).check(Document("f", "", data))
