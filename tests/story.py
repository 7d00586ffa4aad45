"""A story told by commands: a throwaway project, the installed command, and what it shows. For `make demo...`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("provisioner")
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Unexpected(Exception):
    """A step ended otherwise than the story says."""


class Story:
    """A project in a temporary folder, and the commands that are run in it. The secrets are samples."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._chapters = 0
        # In CI nobody watches, but a target is named in every command, so nothing else has to differ.
        self.environ = {**os.environ}
        for name in [name for name in self.environ if name.startswith(("MYSQL_", "AEP_", "PROVISIONER_"))]:
            del self.environ[name]

    def chapter(self, text: str) -> None:
        self._chapters += 1
        say(f"\n{paint(f'{self._chapters}. {text}', '1;36')}\n")

    def aside(self, *lines: str) -> None:
        """Something that happens outside of the command."""
        say("".join(f"\n{paint(f'  {line}', '2')}" for line in lines) + "\n")

    def show(self, name: str) -> None:
        text = (self.folder / name).read_text("utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        say("\n" + "\n".join(paint(f"    {line}", "2") for line in lines) + "\n")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise Unexpected(f"{name} does not hold {old!r} once")
        path.write_text(text.replace(old, new), "utf-8")
        say(f"\n  {name}:  {paint(f'- {old}', '31')}   {paint(f'+ {new}', '32')}\n")

    def begin(self, name: str, line: str) -> None:
        """A new first line, below the comments."""
        path = self.folder / name
        lines = path.read_text("utf-8").splitlines()
        place = next(number for number, one in enumerate(lines) if not one.startswith("#"))
        path.write_text("\n".join([*lines[:place], line, *lines[place:], ""]), "utf-8")
        say(f"\n  {name}:  {paint(f'+ {line}', '32')}\n")

    def move(self, name: str, to: str) -> None:
        (self.folder / name).rename(self.folder / to)
        say(f"\n{paint(f'$ mv {name} {to}', '1')}\n")

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()
        say(f"\n{paint(f'$ rm {name}', '1')}\n")

    def export(self, name: str, value: str) -> None:
        self.environ[name] = value
        self.aside(f"export {name}=...")

    def run(self, *arguments: str, expected: int = 0) -> None:
        say(f"\n{paint('$ provisioner ' + ' '.join(arguments), '1')}\n")
        done = subprocess.run([COMMAND, *arguments], cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL)
        if done.returncode != expected:
            raise Unexpected(f"provisioner {arguments[0]} ended with {done.returncode}, not {expected}")
        if expected:
            self.aside(f"(exit code {expected}, as it should be)")

    def expect(self, holds: bool, what: str) -> None:
        """Something that the story claims, seen to be so."""
        if not holds:
            raise Unexpected(f"it is not so that {what}")
        self.aside(f"({what})")


def tell(story: Callable[[Story], None]) -> int:
    """Tell it in a folder of its own. Returns 0 when every step ended as it should."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            story(Story(Path(folder)))
        except Unexpected as error:
            say(f"\nThe demo did not go as it should: {error}\n")
            return 1
    return 0


def told_by(demo: str, folder: Path) -> str:
    """All that a demo says, told as in CI by a process that keeps what it needs in ``folder``; and it ended well."""
    done = subprocess.run(
        [sys.executable, "-m", demo],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "CI": "true"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    return told


def paint(text: str, codes: str) -> str:
    return f"\x1b[{codes}m{text}\x1b[0m" if COLOUR else text


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
