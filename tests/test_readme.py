"""What the README shows is what a user sees: its console blocks run in order, in a copy of the sample project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from provisioner.cli import cli
from provisioner.definitions.documents import parse
from provisioner.definitions.schema import Checker, load

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"(public|full)-[0-9a-f]{64}")


@dataclass(frozen=True)
class Step:
    """A command of a console block, and the output that it shows. A line `...` stands for any lines, or none."""

    command: str
    output: str


def blocks(language: str) -> list[str]:
    return [text for kind, text in _BLOCK.findall(README) if kind == language]


def steps() -> Iterator[Step]:
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Step(command, output.rstrip("\n"))


def comparable(text: str) -> str:
    """Ids, digests and times differ from run to run."""
    same = _DIGEST.sub(r"\1-DIGEST", _UUID.sub("ID", text))
    return re.sub(r"in \d+\.\d s", "in 0.1 s", same).strip()


def pattern(shown: str) -> re.Pattern[str]:
    lines = [r"(?:.*\n)?" if line == "..." else re.escape(line) + r"\n" for line in comparable(shown).split("\n")]
    return re.compile("".join(lines), re.DOTALL)


def test_the_tour_shows_what_a_user_sees(tmp_path: Path) -> None:
    for name in ("connections", "schemas"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "provisioner.yaml", tmp_path)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    for step in steps():
        done = subprocess.run(
            step.command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        seen = comparable(done.stdout + done.stderr)
        assert pattern(step.output).fullmatch(f"{seen}\n"), f"$ {step.command}\n{seen}"


def test_there_is_a_tour() -> None:
    assert len(list(steps())) >= 6
    assert all(step.output for step in steps() if step.command.startswith("provisioner"))


def test_the_definition_it_shows_is_valid() -> None:
    definition = next(block for block in blocks("yaml") if block.startswith("# connections/"))
    document = parse("README.md", definition)
    assert not document.problems
    assert Checker(load("connection")).check(document) == ()


def test_the_project_file_it_shows_is_valid() -> None:
    project = next(block for block in blocks("yaml") if "targets:" in block)
    assert Checker(load("project")).check(parse("README.md", project)) == ()


def test_every_command_and_flag_it_names_exists() -> None:
    assert isinstance(cli, click.Group)
    flags = {flag for command in cli.commands.values() for option in command.params for flag in option.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert named <= flags
    commands = set(re.findall(r"\bprovisioner ([a-z]+)", "\n".join(blocks("sh") + blocks("console"))))
    assert commands <= set(cli.commands)


def test_the_exit_codes_are_those_of_the_errors() -> None:
    from provisioner import errors

    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    classes = [
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ProvisionerError)
    ]
    assert {one.exit_code for one in classes} <= listed
    assert listed == {0, 1, 2, 3, 4, 5, 6, 64, 130}
