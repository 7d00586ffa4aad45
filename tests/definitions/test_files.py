"""Files and folders that cannot be cases in git: links, permissions, sizes, pipes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from provisioner.definitions.files import MAX_BYTES
from provisioner.errors import UsageError
from provisioner.report import problems as report
from tests.definitions.support import CASES, brief, check, project

GOOD = (CASES / "valid" / "defaults.yaml").read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one good definition."""
    return project(tmp_path / "project", {"good.yaml": GOOD})


def found(folder: Path) -> list[str]:
    return [brief(problem, with_file=True) for problem in check(folder).problems]


def link(folder: Path, name: str, to: str) -> None:
    (folder / "connections" / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "connections" / name).symlink_to(to)


@pytest.mark.parametrize(
    ("name", "to", "problems"),
    [
        ("me.yaml", "me.yaml", ["connections/me.yaml:1:1 files.loop"]),
        ("up", ".", ["connections/up:1:1 files.loop"]),
        ("a/b/up", "..", ["connections/a/b/up:1:1 files.loop"]),
        ("a/top", "../../connections", ["connections/a/top:1:1 files.loop"]),
        ("gone.yaml", "nowhere.yaml", ["connections/gone.yaml:1:1 files.unreadable"]),
        ("out.yaml", "/etc/passwd", ["connections/out.yaml:1:1 files.outside"]),
        ("up.yaml", "../provisioner.yaml", ["connections/up.yaml:1:1 files.outside"]),
        ("out", "/", ["connections/out:1:1 files.outside"]),
        ("a/out", "../..", ["connections/a/out:1:1 files.outside"]),
        ("again.yaml", "good.yaml", ["connections/good.yaml:1:7 definition.duplicate-name"]),
        ("folder.yaml/x", ".", ["connections/folder.yaml/x:1:1 files.loop"]),
    ],
)
def test_links(folder: Path, name: str, to: str, problems: list[str]) -> None:
    link(folder, name, to)
    assert found(folder) == problems


def test_links_to_each_other(folder: Path) -> None:
    link(folder, "a.yaml", "b.yaml")
    link(folder, "b.yaml", "a.yaml")
    assert found(folder) == ["connections/a.yaml:1:1 files.loop", "connections/b.yaml:1:1 files.loop"]


@pytest.mark.parametrize(
    ("extra", "problems"), [(0, []), (1, ["connections/large.yaml:1:1 files.too-large"])], ids=["just", "too much"]
)
def test_size(folder: Path, extra: int, problems: list[str]) -> None:
    content = GOOD.replace(b"Orders", b"Large", 1)
    comment = b"#" * (MAX_BYTES - len(content) + extra)
    (folder / "connections" / "large.yaml").write_bytes(content + comment)
    assert found(folder) == problems


def test_a_folder_that_cannot_be_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(folder, {"a/closed/x.yaml": GOOD})
    listed = os.scandir

    def scandir(path: str) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert found(folder) == ["connections/a/closed:1:1 files.unreadable"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_unreadable_files(folder: Path) -> None:
    project(folder, {"secret.yaml": GOOD, "closed/x.yaml": GOOD})
    (folder / "connections" / "secret.yaml").chmod(0)
    (folder / "connections" / "closed").chmod(0)
    try:
        assert found(folder) == [
            "connections/closed:1:1 files.unreadable",
            "connections/secret.yaml:1:1 files.unreadable",
        ]
    finally:
        (folder / "connections" / "closed").chmod(0o700)


def test_a_pipe_does_not_block(folder: Path) -> None:
    os.mkfifo(folder / "connections" / "pipe.yaml")
    assert found(folder) == ["connections/pipe.yaml:1:1 files.unreadable"]


def test_hidden_and_other_files_are_skipped(folder: Path) -> None:
    project(folder, {".hidden.yaml": b"[", ".git/x.yaml": b"[", "README.md": b"[", "x.yaml~": b"[", "x.json": b"["})
    assert found(folder) == []


def test_suffixes_in_any_case_and_in_subfolders(folder: Path) -> None:
    project(folder, {"a.YML": b"", "b/c/d.yaml": b""})
    assert found(folder) == ["connections/a.YML:1:1 yaml.empty", "connections/b/c/d.yaml:1:1 yaml.empty"]


def test_no_folder_of_connections(folder: Path) -> None:
    (folder / "connections" / "good.yaml").unlink()
    (folder / "connections").rmdir()
    assert found(folder) == ["connections:1:1 files.no-folder"]


def test_connections_is_a_file(folder: Path) -> None:
    (folder / "connections" / "good.yaml").unlink()
    (folder / "connections").rmdir()
    (folder / "connections").write_text("x")
    assert found(folder) == ["connections:1:1 files.no-folder"]


def test_no_project_file(folder: Path) -> None:
    (folder / "provisioner.yaml").unlink()
    with pytest.raises(UsageError, match="there is no provisioner"):
        check(folder)


def test_a_file_name_that_is_not_utf_8(folder: Path) -> None:
    try:
        (folder / "connections" / os.fsdecode(b"\xff.yaml")).write_bytes(GOOD.replace(b"Orders", b"Other", 1))
    except OSError:
        pytest.skip("this file system admits no such name")
    checked = check(folder)
    assert [problem.rule for problem in checked.problems] == ["key.invalid"]
    assert "\\udcff.yaml" in report.as_text(checked.problems, source_line=checked.source_line)
    assert json.loads(report.as_json(checked.problems, 1, ()).encode("utf-8"))["valid"] is False
