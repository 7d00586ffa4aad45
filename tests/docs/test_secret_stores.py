"""The script in docs/secret-stores.md stops if the store fails, and the forms that the page warns of do not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import blocks

(SCRIPT,) = blocks("docs/secret-stores.md", "sh")
SECRET = "Two words; $HOME \"and\" 'quotes'"
EXPORT_IN_ONE_LINE = 'set -e; export MYSQL_ORDERS_PASSWORD="$(bao kv get orders)"; provisioner apply'
BEFORE_THE_COMMAND = 'set -e; MYSQL_ORDERS_PASSWORD="$(bao kv get orders)" provisioner apply'


def run(folder: Path, script: str, store: str) -> tuple[int, str]:
    """Return exit code and output of a script, with ``store`` as bao, and a provisioner that prints the password."""
    for name, text in (("bao", store), ("provisioner", 'printf "[%s]" "$MYSQL_ORDERS_PASSWORD"')):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        (folder / name).chmod(0o755)
    environ = {"PATH": f"{folder}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_the_script_hands_on_the_value_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    assert run(tmp_path, SCRIPT, f"cat '{tmp_path}/secret'") == (0, f"[{SECRET}]")


@pytest.mark.parametrize(
    ("script", "ended"),
    [(SCRIPT, (3, "")), (EXPORT_IN_ONE_LINE, (0, "[]")), (BEFORE_THE_COMMAND, (0, "[]"))],
    ids=["read, then export", "export in one line", "before the command"],
)
def test_a_read_that_fails(script: str, ended: tuple[int, str], tmp_path: Path) -> None:
    assert run(tmp_path, script, "exit 3") == ended
