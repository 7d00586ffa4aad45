"""Invisible characters: all that Unicode defines, and no visible one."""

from __future__ import annotations

import unicodedata

import pytest

from provisioner.definitions.yaml_loader import parse
from provisioner.report.escaping import code_span, markdown_text
from provisioner.report.terminal import command_text, json_line, json_text, safe
from provisioner.text import INVISIBLE

GIVEN = (
    *(0xA0, 0x202F, 0x2000, 0x3000, 0x3164, 0xFFA0, 0x115F, 0x1160, 0x2800, 0x34F, 0xFE00, 0xFE0F, 0x180B, 0x180F),
    *(0x17B4, 0xE0100, 0xE01EF, 0x1D159, 0xFFFC, 0x200C, 0x200D, 0x180E, 0x200B, 0xAD, 0x2062),
)
SIBLINGS = (
    *(0x1680, 0x2007, 0x200A, 0x205F, 0x2028, 0x2029, 0x061C, 0x200E, 0x202E, 0x2066, 0x206F, 0xFEFF, 0x17B5, 0x180C),
    *(0x180D, 0xFE01, 0xFFF0, 0xFFF8, 0xFFF9, 0x1BCA0, 0x1BCA3, 0x1D173, 0x1D17A, 0xE0000, 0xE0001, 0xE0041, 0xE0FFF),
    *(0x13430, 0x1343F, 0x13441, 0x13442, 0x16FE4, 0x00, 0x1B, 0x7F, 0x85, 0x9B, 0xD800, 0xDFFF),
)
UNSEEN_CODES = [*GIVEN, *SIBLINGS]
SEEN = [
    "Orders and Stock",
    "Café, naïve, Größe",
    "\u2764\ufe0f",  # a heart, as an emoji
    "\u2764\ufe0f\u200d\U0001f525",  # one on fire
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
    "1\ufe0f\u20e3",  # a keycap
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
    "\u0915\u094d\u200d\u0937",  # Devanagari
    "\u30c7\u30fc\u30bf\u3000\u30d9\u30fc\u30b9",  # Japanese, with its own blank
    "\u0600 1",  # a format that is drawn
    "tab\tand\nlines\r\n",
]
DRAWN_FORMATS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
"""Prepended_Concatenation_Mark."""


@pytest.mark.parametrize("code_point", UNSEEN_CODES, ids=lambda code_point: f"U+{code_point:04X}")
def test_invisible_characters_are_neither_accepted_nor_shown(code_point: int) -> None:
    char = chr(code_point)
    text = f"or{char}ders"
    assert INVISIBLE.search(text)
    assert {problem.rule for problem in parse("orders.yaml", f'name: "{text}"\n').problems} == {"yaml.character"}
    assert {problem.rule for problem in parse("orders.yaml", f"# {text}\n").problems} == {"yaml.character"}
    for write in (safe, markdown_text, code_span, command_text, json_text, json_line):
        assert char not in write(text), write


@pytest.mark.parametrize("code_point", UNSEEN_CODES, ids=lambda code_point: f"U+{code_point:04X}")
def test_escapes_do_not_bring_them_in(code_point: int) -> None:
    problems = parse("orders.yaml", f'name: "or\\U{code_point:08x}ders"\n').problems
    assert len(problems) == 1
    assert problems[0].location[1:] == (1, 7) or problems[0].rule != "yaml.character"


@pytest.mark.parametrize("text", SEEN)
def test_visible_characters_pass(text: str) -> None:
    assert not INVISIBLE.search(text)


def test_every_character_of_these_properties_is_known() -> None:
    """As far as this Python knows Unicode."""
    unseen = {
        code_point
        for code_point in range(0x110000)
        if unicodedata.category(chr(code_point)) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
        and chr(code_point) not in " \t\n\r"
    }
    assert {code_point for code_point in unseen - DRAWN_FORMATS if not INVISIBLE.match(chr(code_point))} == set()
    assert not any(INVISIBLE.match(chr(code_point)) for code_point in DRAWN_FORMATS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u3164b", "a\\u3164b"),
        ("a\U000e0100b", "a\\U000e0100b"),
        ("a\x1b[31mb", "a\\u001b[31mb"),
        ("a\nb", "a\\u000ab"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
    ],
)
def test_escaped_form(text: str, shown: str) -> None:
    assert safe(text) == shown
