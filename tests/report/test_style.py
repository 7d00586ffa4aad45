"""Folding, width and colour of terminal text."""

from __future__ import annotations

import re

import pytest

from provisioner.report.plan_text import as_text
from provisioner.report.terminal import Style, columns, safe
from tests.report.examples import EVERYTHING, many_different

RED = "\x1b[31mred\x1b[0m"


@pytest.mark.parametrize(
    ("text", "columns_taken"), [("abc", 3), (RED, 3), ("\u6ce8\u6587", 4), ("e\u0301", 1), ("", 0)]
)
def test_columns(text: str, columns_taken: int) -> None:
    assert columns(text) == columns_taken


@pytest.mark.parametrize(
    ("width", "text", "folded"),
    [
        (0, "a " * 50, "a " * 50),
        (20, "short", "short"),
        (20, "reason: one two three four", "reason: one two\n    three four"),
        (20, "    reason: one two three", "    reason: one two\n        three"),
        (20, "  - " + "x" * 30 + " y", "  -\n      " + "x" * 30 + "\n      y"),
        (20, f"{RED} {RED} {RED} {RED} {RED} {RED}", f"{RED} {RED} {RED} {RED} {RED}\n    {RED}"),
        (20, "\u6ce8\u6587 " * 4, "\u6ce8\u6587 \u6ce8\u6587 \u6ce8\u6587 \u6ce8\u6587"),
        (20, "one\n\ntwo", "one\n\ntwo"),
        (20, "    a         b", "    a         b"),
        (5, "narrower than anybody reads", "narrower than anybody reads"),
    ],
)
def test_folding(width: int, text: str, folded: str) -> None:
    assert Style(width=width).fold(text) == folded


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("plan", [EVERYTHING, many_different(3)], ids=["everything", "long values"])
def test_no_word_of_a_plan_is_broken_or_lost(plan: object, width: int) -> None:
    wide, narrow = as_text(plan), as_text(plan, Style(width=width))  # type: ignore[arg-type]
    assert narrow.split() == wide.split()
    for line in narrow.split("\n"):
        assert columns(line) <= width or len(line.split()) == 1, line


def test_colour_changes_no_word() -> None:
    painted = as_text(EVERYTHING, Style(colour=True, width=60))
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == as_text(EVERYTHING, Style(width=60))
    assert safe("\x1b") not in painted
