"""What the documentation shows is what a user sees: the console blocks of a page run in order, in one folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Step:
    """A command of a console block, and the output that it shows. A line `...` stands for any lines, or none."""

    command: str
    output: str


def steps(page: str) -> Iterator[Step]:
    for block in blocks(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Step(command, output.rstrip("\n"))


def comparable(text: str) -> str:
    """Ids and times differ from run to run."""
    return re.sub(r"in \d+\.\d s", "in 0.1 s", _UUID.sub("ID", text)).strip()


def pattern(shown: str) -> re.Pattern[str]:
    lines = [r"(?:.*\n)?" if line == "..." else re.escape(line) + r"\n" for line in comparable(shown).split("\n")]
    return re.compile("".join(lines), re.DOTALL)


def sample(folder: Path) -> None:
    for name in ("connections", "schemas"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "provisioner.yaml", folder)


def nothing(_: Path) -> None:
    """An empty folder."""


BEGINNINGS = {"README.md": sample, "docs/start.md": nothing}
"""What lies in the folder before the first command of the page."""


@pytest.mark.parametrize("page", BEGINNINGS)
def test_a_page_shows_what_a_user_sees(page: str, tmp_path: Path) -> None:
    begin: Callable[[Path], None] = BEGINNINGS[page]
    begin(tmp_path)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    for step in steps(page):
        done = subprocess.run(
            step.command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        seen = comparable(done.stdout + done.stderr)
        assert pattern(step.output).fullmatch(f"{seen}\n"), f"$ {step.command}\n{seen}"


def test_every_console_block_is_run() -> None:
    assert {page for page in PAGES if blocks(page, "console")} == set(BEGINNINGS)
    for page in BEGINNINGS:
        assert len(list(steps(page))) >= 4
        assert all(step.output for step in steps(page) if step.command.startswith("provisioner"))
