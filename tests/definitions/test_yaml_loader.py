"""Parsing YAML: values of scalars, positions, limits and pasted characters."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.definitions import yaml_problems
from provisioner.definitions.yaml_loader import MAX_NODES, _scan, as_text, parse
from provisioner.definitions.yaml_problems import MAX_DEPTH

SCALARS: list[tuple[str, Any]] = [
    # null
    ("~", None),
    ("null", None),
    ("Null", None),
    ("NULL", None),
    ("nUll", "nUll"),
    ("none", "none"),
    # booleans: YAML 1.1 has many more
    ("true", True),
    ("True", True),
    ("FALSE", False),
    ("tRue", "tRue"),
    ("yes", "yes"),
    ("No", "No"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    # whole numbers
    ("0", 0),
    ("3306", 3306),
    ("-1", -1),
    ("+1", 1),
    ("007", 7),
    ("0777", 777),
    ("0o17", 15),
    ("0x1F", 31),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("9" * 40, int("9" * 40)),
    ("9" * 41, "9" * 41),
    ("\N{ARABIC-INDIC DIGIT ONE}", "\N{ARABIC-INDIC DIGIT ONE}"),
    ("1e", "1e"),
    (".", "."),
    ("-", "-"),
    ("+", "+"),
    ("1.2.3", "1.2.3"),
    ("10.0.0.1", "10.0.0.1"),
    # text
    ("2024-01-01", "2024-01-01"),
    ("=", "="),
    ("'3306'", "3306"),
    ('"true"', "true"),
    ('""', ""),
    ("!!str 3306", "3306"),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalar_values(text: str, value: Any) -> None:
    data = parse("f", f"a: {text}" if text != "-" else "a: '-'").data["a"]
    assert (type(data), data) == (type(value), value)


@pytest.mark.parametrize("text", ["1.0", ".5", "1.", "1e3", "-1.5E-3", "1e999", ".inf", "-.Inf", ".nan"])
def test_fractions_are_refused_and_keep_their_text(text: str) -> None:
    document = parse("f", f"a: {text}")
    assert [(problem.rule, str(problem.location)) for problem in document.problems] == [("yaml.fraction", "f:1:4")]
    assert document.data == {"a": text}
    assert parse("f", f"a: '{text}'").problems == ()


def test_source_text_of_non_string_scalars_is_kept() -> None:
    document = parse("f", "a: 007\nb: 'x'\nc: [True, y]\n")
    assert document.texts == {("a",): "007", ("c", 0): "True"}


@pytest.mark.parametrize(("value", "text"), [(3306, "3306"), (True, "true"), (False, "false"), ("No", "No")])
def test_canonical_text(value: str | int, text: str) -> None:
    assert as_text(value) == text


PLACED = """\
name: Orders
auth:
  params: {server: db, 'port': 1}
list:
- a
- b: |
    c
alias: &x {k: v}
again: *x
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), "f:1:1", "f:1:1"),
        (("name",), "f:1:1", "f:1:7"),
        (("auth", "params"), "f:3:3", "f:3:11"),
        (("auth", "params", "server"), "f:3:12", "f:3:20"),
        (("auth", "params", "port"), "f:3:24", "f:3:32"),
        (("list", 0), "f:5:3", "f:5:3"),
        (("list", 1, "b"), "f:6:3", "f:6:6"),
        (("again", "k"), "f:9:1", "f:9:1"),  # what an alias brings in stands at the key of the alias
        (("auth", "params", "missing"), "f:3:11", "f:3:11"),
        (("nowhere", "at", "all"), "f:1:1", "f:1:1"),
    ],
)
def test_positions(path: tuple[str | int, ...], key: str, value: str) -> None:
    document = parse("f", PLACED)
    assert document.problems == ()
    assert (str(document.key_location(path)), str(document.value_location(path))) == (key, value)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb", ["a", "b", ""]),
        ("a\r\nb", ["a", "b", ""]),
        ("a\rb", ["a", "b", ""]),
        ("a\u2028b\x85c", ["a", "b", "c"]),
    ],
)
def test_lines_are_counted_as_by_libyaml(text: str, lines: list[str]) -> None:
    document = parse("f", text)
    assert [document.line(number) for number in (1, 2, 3)] == lines
    assert document.line(0) == ""


def test_limits_are_exact() -> None:
    assert parse("f", "- x\n" * (MAX_NODES - 1)).problems == ()
    assert [problem.rule for problem in parse("f", "- x\n" * MAX_NODES).problems] == ["yaml.too-large"]
    assert parse("f", "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).problems == ()
    assert [problem.rule for problem in parse("f", "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2)).problems] == [
        "yaml.too-deep"
    ]


def test_one_key_too_many_is_refused_at_its_position() -> None:
    pairs = (MAX_NODES - 4) // 2  # the mapping, the first key, its list and the item in it
    (problem,) = parse("f", "a: [x]\n" + "".join(f"k{each}: v\n" for each in range(pairs)) + "zz: v\n").problems
    assert (problem.rule, problem.location.line, problem.location.column) == ("yaml.too-large", pairs + 2, 1)


NOT_YAML = {"a: \ufffe\n": (1, 4), "a: é\n# \uffff\n": (2, 3)}


@pytest.mark.parametrize(("text", "place"), NOT_YAML.items())
def test_characters_outside_yaml_are_reported_at_their_position(text: str, place: tuple[int, int]) -> None:
    (problem,) = parse("f.yaml", text).problems
    assert problem.rule == "yaml.character"
    assert (problem.location.line, problem.location.column) == place


PASTED = {
    "a: b\u00a0\nc:\u00a0d\n": "U+00A0 (no-break space) stands where YAML needs a space, also on line 2",
    "a:\u3000b\nc:\u3000d\ne:\u3000f": "U+3000 (ideographic space) stands where YAML needs a space, also on lines 2, 3",
    "a\uff1ab\n": "U+FF1A (fullwidth colon) stands where YAML needs a colon",
    "a:\n  b\uff1ac\n": "U+FF1A (fullwidth colon) stands where YAML needs a colon",
    "a: b\nc\uff1ad\ne: f\n": "U+FF1A (fullwidth colon) stands where YAML needs a colon",
}


@pytest.mark.parametrize(("text", "message"), PASTED.items())
def test_pasted_characters_are_reported_once_with_their_lines(text: str, message: str) -> None:
    assert [problem.message for problem in parse("f.yaml", text).problems] == [message]


IN_A_TEXT = [
    "a: '\u00a0b\u00a0'\n",
    'a: "b:\u00a0c"\n',
    "a: |\n  \u00a0b\n  c:\u3000d\n",
    "a: b\u00a0c\n",
    "# \u00a0a\u00a0\nb: c # \u00a0\n",
    "a: \u5099\u8003\uff1a\u6ce8\u6587\n",
    "a: customers\uff1aall\n",
    "a: of\n  customers\uff1aall\nb: c\n",
    "a: |\n  =======\n  <<<<<<< HEAD\n",
]


@pytest.mark.parametrize("text", IN_A_TEXT)
def test_pasted_characters_in_values_are_text(text: str) -> None:
    assert yaml_problems.clean("f.yaml", text, _scan) == (text, ())
