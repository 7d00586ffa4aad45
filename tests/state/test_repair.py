"""Repair of a state whose journal is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.state.journal import Journal, JournalContents
from provisioner.state.records import State
from provisioner.state.repair import repair

from .examples import create, done, opened_on

EMPTY = State.empty("l")
SETTLED = done("i1", "id-9", '"e9"')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prod.json"


def journal(path: Path) -> Path:
    """Of a state that nothing else is left of: a create, its outcome."""
    file = path.with_name("prod.json.journal")
    made = Journal(file, opened_on(EMPTY), JournalContents())
    made.append([create()])
    made.append([SETTLED])
    made.close()
    return file


def test_a_valid_journal_is_replayed_completely(path: Path) -> None:
    journal(path)
    assert [one.id for one in repair(path, EMPTY).state.records] == ["id-9"]


def test_lines_before_the_damage_are_used(path: Path) -> None:
    file = journal(path)
    whole = file.read_bytes()
    file.write_bytes(whole + b"damage\n" + whole)
    found = repair(path, EMPTY)
    assert [one.id for one in found.state.records] == ["id-9"]
    lines = whole.count(b"\n")
    assert f"{file} is damaged after line {lines}; the lines before were used" in found.notes


def test_a_journal_without_a_valid_line_is_reported(path: Path) -> None:
    file = journal(path)
    file.write_bytes(b"damage\nmore damage\n")
    found = repair(path, EMPTY)
    assert found.state.records == ()
    assert f"{file} holds no readable line" in found.notes


def test_an_unreadable_journal_is_reported(path: Path) -> None:
    path.with_name("prod.json.journal").mkdir()
    assert any("prod.json.journal" in note for note in repair(path, EMPTY).notes)
