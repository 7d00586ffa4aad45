"""What a run leaves on disk: private, nothing temporary, and nothing that git would take by accident."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .support import Project, basic

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def _open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    written = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in written}


@pytest.mark.usefixtures("_open_to_all")
def test_state_journal_and_what_is_beside_them_are_private(project: Project) -> None:
    project.define("orders", basic("Orders"))
    project.run("apply", "--yes")
    project.define("orders", basic("Orders", description="B"))
    project.run("apply", "--yes")
    found = modes(project.state_file.parent)
    # The lock holds nothing; its mode is the library's.
    assert {name: oct(mode) for name, mode in found.items() if mode != 0o600 and not name.endswith(".lock")} == {}
    assert project.state_file.name in found


@pytest.mark.usefixtures("_open_to_all")
def test_what_the_emulator_keeps_is_private_and_ignored_by_git(bare: Project) -> None:
    bare.environ["MYSQL_ORDERS_PASSWORD"] = "a-password-of-my-own"
    bare.project_file({"here": {"emulator": True}})
    bare.define("orders", basic("Orders"))
    assert bare.run("apply", "--yes").code == 0
    found = modes(bare.folder / ".provisioner" / "here")
    assert {name: oct(mode) for name, mode in found.items() if mode != 0o600 and not name.endswith(".lock")} == {}
    assert any("sqlite" in name for name in found)
    subprocess.run(["git", "init", "-q", "."], cwd=bare.folder, check=True)
    status = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=bare.folder, check=True, capture_output=True, text=True
    )
    assert ".provisioner" not in status.stdout


def test_what_a_killed_run_left_half_written_is_removed_by_the_next(project: Project) -> None:
    project.define("orders", basic("Orders"))
    project.run("apply", "--yes")
    litter = [project.state_file.with_name(f"{project.state_file.name}{suffix}.tmp") for suffix in ("", ".backup")]
    for path in litter:
        path.write_text("half a st", "utf-8")
    assert project.run("apply", "--yes").code == 0
    assert [path for path in litter if path.exists()] == []


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        (".provisioner/local/state.json", True),
        ("state/prod.json.backup", True),
        ("state/prod.json.tmp", True),
        ("state/prod.json.backup.tmp", True),
        ("state/prod.json.lock", True),
        ("state/prod.json.lock.info", True),
        ("state/prod.json.kept-1", True),
        ("provisioner-report-20261124T050335.txt", True),
        (".env", True),
        (".env.prod", True),
        ("state/prod.json", False),
        ("state/prod.json.journal", False),
        ("connections/orders.yaml", False),
    ],
)
def test_what_git_may_take(path: str, ignored: bool) -> None:
    done = subprocess.run(["git", "check-ignore", "-q", "--no-index", path], cwd=ROOT, check=False)
    assert (done.returncode == 0) is ignored
