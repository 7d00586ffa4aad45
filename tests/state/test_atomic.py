"""The order of operations that survives a power cut: content, fsync, rename, fsync of the directory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.state.atomic import remove_file, replace_file, sync_directory
from provisioner.state.journal import Journal, JournalContents
from provisioner.state.records import State

from .examples import create, opened_on


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system was asked to do, in order, as ``fsync prod.json.tmp``."""
    said: list[str] = []
    names: dict[int, str] = {}

    def watch(name: str, about: Callable[..., str]) -> None:
        real = getattr(os, name)

        def operation(*arguments: object, **named: object) -> object:
            result = real(*arguments, **named)
            if name == "open":
                names[result] = Path(str(arguments[0])).name
            else:
                said.append(f"{name} {about(*arguments)}")
            return result

        monkeypatch.setattr(os, name, operation)

    watch("open", str)
    watch("write", lambda descriptor, _: names[descriptor])
    watch("fsync", lambda descriptor: names[descriptor])
    watch("replace", lambda _, there: Path(there).name)
    return said


def test_a_replacement_is_complete_before_it_has_the_name(tmp_path: Path, calls: list[str]) -> None:
    replace_file(tmp_path / "prod.json", b"{}")
    assert calls == ["write prod.json.tmp", "fsync prod.json.tmp", "replace prod.json", f"fsync {tmp_path.name}"]


def test_a_removal_is_durable(tmp_path: Path, calls: list[str]) -> None:
    (tmp_path / "x").touch()
    remove_file(tmp_path / "x")
    remove_file(tmp_path / "x")
    assert calls == [f"fsync {tmp_path.name}"]


def test_the_first_line_of_a_journal_is_durable_with_its_name_and_later_ones_cost_one_fsync(
    tmp_path: Path, calls: list[str]
) -> None:
    journal = Journal(tmp_path / "j", opened_on(State.empty("l")), JournalContents())
    journal.append([create()])
    assert calls == [f"fsync {tmp_path.name}", "write j", "fsync j"]
    journal.append([create()])
    assert calls[3:] == ["write j", "fsync j"]
    journal.close()


def test_a_temporary_file_of_a_crash_is_replaced_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("kept")
    (tmp_path / "prod.json.tmp").symlink_to(tmp_path / "victim")
    replace_file(tmp_path / "prod.json", b"{}")
    assert (tmp_path / "victim").read_text() == "kept"
    assert sorted(os.listdir(tmp_path)) == ["prod.json", "victim"]


def failing(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP], ids=errno.errorcode.get)
def test_a_file_system_without_directory_fsync_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """As on CIFS, Azure Files and some FUSE mounts."""
    monkeypatch.setattr(os, "fsync", failing(code))
    sync_directory(tmp_path)


def test_a_directory_that_cannot_be_synced_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        sync_directory(tmp_path)


def test_a_file_system_without_modes_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fchmod", failing(errno.EPERM))
    replace_file(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"
