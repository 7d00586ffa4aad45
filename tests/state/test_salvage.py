"""What can still be read of a state whose journal is damaged, and where outcomes go that the journal cannot take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.errors import StateError
from provisioner.state import rescue
from provisioner.state.journal import Contents, Journal
from provisioner.state.records import State
from provisioner.state.salvage import salvage

from .examples import create, done, opened_on

EMPTY = State.empty("l")
SETTLED = done("i1", "id-9", '"e9"')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prod.json"


def journal(path: Path) -> Path:
    """Of a state that nothing else is left of: a create, its outcome."""
    file = path.with_name("prod.json.journal")
    made = Journal(file, opened_on(EMPTY), Contents())
    made.append([create()])
    made.append([SETTLED])
    made.close()
    return file


def test_a_whole_journal_gives_all(path: Path) -> None:
    journal(path)
    assert [one.id for one in salvage(path, EMPTY).state.records] == ["id-9"]


def test_lines_before_the_damage_are_used(path: Path) -> None:
    file = journal(path)
    whole = file.read_bytes()
    file.write_bytes(whole + b"damage\n" + whole)
    found = salvage(path, EMPTY)
    assert [one.id for one in found.state.records] == ["id-9"]
    lines = whole.count(b"\n")
    assert f"{file} is damaged after line {lines}; the lines before were used" in found.notes


def test_a_journal_without_a_line_is_said(path: Path) -> None:
    file = journal(path)
    file.write_bytes(b"damage\nmore damage\n")
    found = salvage(path, EMPTY)
    assert found.state.records == ()
    assert f"{file} holds no line that can be read" in found.notes


def test_a_journal_that_cannot_be_read_is_said(path: Path) -> None:
    path.with_name("prod.json.journal").mkdir()
    assert any("prod.json.journal" in note for note in salvage(path, EMPTY).notes)


def test_an_outcome_is_kept_beside_the_state_and_read_again(path: Path) -> None:
    assert rescue.keep(path, SETTLED) == rescue.path_of(path)
    assert rescue.keep(path, SETTLED) == rescue.path_of(path)
    assert rescue.read(rescue.path_of(path)) == (SETTLED, SETTLED)


def test_or_else_where_temporary_files_are(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    rescue.path_of(path).mkdir()
    kept = rescue.keep(path, SETTLED)
    assert kept is not None
    assert kept.parent == elsewhere
    assert rescue.read(kept) == (SETTLED,)
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere / "gone"))
    assert rescue.keep(path, SETTLED) is None


def test_a_line_that_was_cut_is_left_out(path: Path) -> None:
    file = rescue.keep(path, SETTLED)
    assert file is not None
    with file.open("a") as more:
        more.write(rescue.line(SETTLED)[:20])
    assert rescue.read(file) == (SETTLED,)


UNREADABLE = {"no JSON": b"{\n", "no outcome": b"[]\n", "not text": b"\xff\n"}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_anything_else_is_refused(path: Path, data: bytes) -> None:
    rescue.path_of(path).write_bytes(data)
    with pytest.raises(StateError):
        rescue.read(rescue.path_of(path))


def test_no_file_holds_nothing(path: Path) -> None:
    assert rescue.read(rescue.path_of(path)) == ()
    assert os.listdir(path.parent) == []
