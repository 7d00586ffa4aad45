"""No option takes an empty value, and none counts once that is given twice."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from tests.acceptance.support import Project
from tests.every_command import all_commands

ROOT = Path(__file__).parents[2]


def taking_values() -> Iterator[Any]:
    for path, command in all_commands():
        for param in command.params:
            if isinstance(param, click.Option) and not param.is_flag:
                yield pytest.param(path, param, id=f"{' '.join(path)} {param.opts[-1]}")


@pytest.mark.parametrize("written", ["{}=", "{}= ", "{} ''"])
@pytest.mark.parametrize(("path", "option"), [*taking_values()])
def test_an_empty_value_is_refused(bare: Project, path: tuple[str, ...], option: click.Option, written: str) -> None:
    name = option.opts[-1]
    words = [name, ""] if written.endswith("''") else [written.format(name)]
    refused = bare.run(*path, *words)
    assert (refused.code, f"error: {name} is empty" in refused.err) == (64, True), refused.err
    assert "remedy: set the variable that it comes from" in refused.err


@pytest.mark.parametrize("words", [("apply", ""), ("rotate", ""), ("state", "show", " "), ("state", "rm", "a", "")])
def test_so_is_an_empty_argument(bare: Project, words: tuple[str, ...]) -> None:
    refused = bare.run(*words)
    assert (refused.code, " is empty" in refused.err) == (64, True)


@pytest.mark.parametrize(("path", "option"), [*taking_values()])
def test_what_counts_once_is_not_taken_twice(bare: Project, path: tuple[str, ...], option: click.Option) -> None:
    name = option.opts[-1]
    refused = bare.run(*path, f"{name}=a", f"{name}=b")
    assert (f"{name} is given 2 times, and only one counts" in refused.err) is not option.multiple


def test_nothing_is_applied_for_a_digest_that_a_step_did_not_give(bare: Project) -> None:
    for words in (("apply", "--yes"), ("plan",), ("apply", "saved.plan")):
        refused = bare.run(*words, "--expect-digest", "")
        assert (refused.code, refused.out) == (64, "")


def test_help_and_completion_are_not_asked_for_values(bare: Project) -> None:
    assert bare.run("plan", "--help").code == 0


@pytest.mark.parametrize("target", ["plan", "apply", "validate"])
@pytest.mark.parametrize("on_the_command_line", [True, False])
def test_nor_does_make_take_an_empty_target(target: str, on_the_command_line: bool) -> None:
    """``make apply TARGET="$TARGET"``, where nothing has set it."""
    words = ["make", "-n", target, *(["TARGET="] if on_the_command_line else [])]
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environ = outer if on_the_command_line else {**outer, "TARGET": ""}
    done = subprocess.run(words, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "TARGET is empty" in done.stderr, done.stdout) == (2, True, "")
