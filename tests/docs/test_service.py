"""docs/service.md has a row for each mark such as ``(assumed: list-lag)``, and the code has a mark for each row.

The emulator is left out: docs/emulator.md lists its facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import pytest

from provisioner.doctor.lines import LINE_IDS
from tests.docs.pages import ROOT, text_of

PAGE = text_of("docs/service.md")
PACKAGE = ROOT / "provisioner"
FILES = {
    **{
        path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8")
        for path in PACKAGE.rglob("*.py")
        if PACKAGE / "emulator" not in path.parents
    },
    **{f"schemas/{path.name}": path.read_text("utf-8") for path in (ROOT / "schemas").glob("*.json")},
}
"""The sources by the names that the page uses."""

MARK = re.compile(r"\((assumed|inferred):\s+([a-z]+(?:-[a-z]+)*)\)")
WORD = re.compile(r"\b(assum(?!e-yes)\w*|inferr?(ed|s|ing|ence)?)\b", re.IGNORECASE)
WRITING = re.compile(r"write\.[a-z]+(-[a-z]+)*")
"""The id of a line that takes a throwaway base connection, which ``doctor`` does not have yet."""


class Mark(NamedTuple):
    id: str
    standing: str
    file: str


def marks(files: Mapping[str, str]) -> set[Mark]:
    return {Mark(name, standing, file) for file, text in files.items() for standing, name in MARK.findall(text)}


def rows(heading: str) -> Iterator[list[str]]:
    """Yield the cells of the table below a heading."""
    for line in PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines():
        if line.startswith("| ") and not line.startswith(("| id |", "| what |")):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


RELIED_ON, UNKNOWN = list(rows("What the code relies on")), list(rows("Unknown, and nothing relies on it"))


def rows_as_marks(table: Iterable[list[str]]) -> set[Mark]:
    return {
        Mark(quoted(name)[0], re.split("[:;]", standing)[0], file)
        for name, _, standing, where, *_ in table
        for file in quoted(where)
    }


def test_the_rows_are_the_marks() -> None:
    assert rows_as_marks(RELIED_ON) == marks(FILES)


def test_an_id_has_one_row() -> None:
    ids = [quoted(row[0])[0] for row in RELIED_ON]
    assert len(ids) > 20
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("row", [*RELIED_ON, *UNKNOWN], ids=lambda row: row[0])
def test_a_row_is_whole_and_names_a_line_of_doctor(row: list[str]) -> None:
    assert len(row) == (6 if row in RELIED_ON else 3)
    assert all(row)
    lines = quoted(row[-1])
    assert lines
    assert row[-1] == ", ".join(f"`{line}`" for line in lines)
    assert [line for line in lines if line not in LINE_IDS and not WRITING.fullmatch(line)] == []


@pytest.mark.parametrize("file", [file for file in FILES if not file.startswith("schemas/")])
def test_nothing_is_said_to_be_assumed_without_a_mark(file: str) -> None:
    """In a schema the words may also stand in a description, which users read."""
    assert [found[0] for found in WORD.finditer(MARK.sub("", FILES[file]))] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a list may lag (assumed: list-lag).", {("list-lag", "assumed")}),
        ("it had no effect (inferred:\n    refusal).", {("refusal", "inferred")}),
        ("it had no effect (assumed), as inferred from: a", set()),
    ],
)
def test_a_mark_may_be_broken_over_two_lines(text: str, found: set[tuple[str, str]]) -> None:
    assert {(mark.id, mark.standing) for mark in marks({"a.py": text})} == found
    assert bool(WORD.search(MARK.sub("", text))) == (not found)
