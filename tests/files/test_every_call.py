"""Whatever call of a file fails, no command ends as a bug: it names the file and what to do, or goes on without it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from provisioner.cli import run
from provisioner.cli.console import Console
from tests.files.failing import Calls, Screen, counting

DEFINITION = """\
name: {name}
auth:
  specName: Basic Authentication
  params:
    server: db1.example.com
    database: orders
    username: svc_aep
    password: "{{{{ env('MYSQL_ORDERS_PASSWORD') }}}}"
"""
PROJECT = """\
version: 1
default_target: local
targets:
  local:
    emulator: true
    env: {MYSQL_ORDERS_PASSWORD: sample-orders-secret}
"""
COMMANDS = {
    "validate": ["validate", "--report", "junit=out.xml"],
    "plan": ["plan", "--out", "out.plan", "--report", "html=out.html"],
    "plan offline": ["plan", "--offline"],
    "apply": ["apply", "--yes", "--report", "json=out.json"],
    "rotate": ["rotate", "orders", "--yes"],
    "state list": ["state", "list"],
    "state show": ["state", "show", "orders"],
    "state mv": ["state", "mv", "orders", "moved"],
    "state rm": ["state", "rm", "orders"],
    "state rebuild": ["state", "rebuild"],
    "output": ["output"],
    "test": ["test"],
    "explore": ["explore", "orders"],
    "import": ["import", "--all"],
    "init": ["init", "new"],
    "doctor": ["doctor", "--out", "facts.json"],
    "show": ["show", "saved.plan", "--report", "html=out.html"],
    "show --check": ["show", "saved.plan", "--check"],
    "a saved plan": ["apply", "saved.plan"],
}
CODES = (errno.EACCES, errno.ENOSPC, errno.EIO)


def is_named(path: Path, said: str) -> bool:
    """The file itself, the one that it accompanies (``prod.json.tmp``), or the folder that it is to be in."""
    return any(name in said for name in (path.name, path.stem, path.parent.name))


def command(folder: Path, words: list[str]) -> tuple[int, str, str]:
    out, err = Screen(), Screen()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code = run(words, {"HOME": str(folder.parent)}, None, Console(out, err))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two definitions, the first of which is applied and then changed."""
    folder = tmp_path_factory.mktemp("applied") / "p"
    (folder / "connections").mkdir(parents=True)
    (folder / "provisioner.yaml").write_text(PROJECT, "utf-8")
    (folder / "connections/orders.yaml").write_text(DEFINITION.format(name="Orders"), "utf-8")
    assert command(folder, ["apply", "--yes"])[0] == 0
    (folder / "connections/orders.yaml").write_text(DEFINITION.format(name="Orders of today"), "utf-8")
    (folder / "connections/stock.yaml").write_text(DEFINITION.format(name="Stock"), "utf-8")
    assert command(folder, ["plan", "--out", "saved.plan"])[0] == 0
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_call_fails_the_command_says_so(name: str, applied: Path, tmp_path: Path) -> None:
    """Each call fails once, in turn with each of the codes."""
    number, folder = 0, tmp_path / "p"
    while True:
        shutil.copytree(applied, folder, symlinks=True)
        calls = Calls(folder, number, CODES[number % len(CODES)])
        with counting(calls):
            ended, out, err = command(folder, COMMANDS[name])
        story = f"call {number}: {calls.what}\nexit {ended}\n{out}\n{err}"
        assert ended != 3, story
        assert "bug in provisioner" not in err, story
        if calls.what and ended not in (0, 4):
            assert "remedy:" in err + out, story
            assert is_named(calls.path, err + out), story
        if name in ("apply", "rotate", "a saved plan"):
            assert command(folder, ["apply", "--yes"])[0] == 0, story
            assert command(folder, ["plan", "--detailed-exitcode"])[0] == 0, story
            assert sorted(command(folder, ["output", "--format", "env"])[1].splitlines()), story
        shutil.rmtree(folder)
        if not calls.what:
            break
        number += 1
    assert number > 3, "too few calls were counted for this to mean anything"
