"""For any text, a definition can be written that renders to exactly this text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.definitions.templates import compile_template, is_template, render
from provisioner.definitions.yaml_loader import parse
from provisioner.definitions.yaml_problems import find_invisible
from provisioner.importing.drafts import definition_text, literal

PIECES = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{",
    "%",
    "'",
    '"',
    "\\",
    "\\n",
    "env('A')",
    "a",
    " ",
    ": ",
    "#",
    "é",
    "007",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text().filter(
    lambda text: not find_invisible(text)
)


def rendered(text: str) -> object:
    return render(compile_template(text), {}, {}) if is_template(text) else text


@given(text=TEXTS)
def test_a_value_renders_to_its_text(text: str) -> None:
    assert rendered(literal(text)) == text


@given(text=TEXTS.filter(lambda text: "\n" not in text and "\r" not in text))
def test_written_definitions_are_read_back(text: str) -> None:
    document = parse("a.yaml", definition_text({"name": literal(text), "auth": {"params": {"server": text}}}, "x"))
    assert not document.problems
    assert rendered(document.data["name"]) == text
    assert document.data["auth"]["params"]["server"] == text


@pytest.mark.parametrize("text", ["no", "007", "0o14", "null", "~", "", " a ", "2026-01-01", "a: b", "- a", "true"])
def test_values_are_always_read_as_text(text: str) -> None:
    assert parse("a.yaml", definition_text({"name": text}, "x")).data["name"] == text
