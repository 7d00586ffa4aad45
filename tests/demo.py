"""The main job, told as a story: `make demo`.

A copy of the sample project in a temporary folder, the installed command, and the embedded emulator. The secrets are
samples; the working tree is not touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("provisioner")
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def main() -> int:
    """Tell the story. Returns 0 when every step ended as it should."""
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder))
        try:
            tell(story)
        except Unexpected as error:
            say(f"\nThe demo did not go as it should: {error}\n")
            return 1
    return 0


def tell(story: Story) -> None:
    story.chapter(
        1,
        "Four YAML files in connections/ declare base connections, three of them for the target local.",
    )
    story.show("connections/orders.yaml")
    story.run("validate")
    story.chapter(2, "What would change? Nothing exists yet, so everything is to be added.")
    story.run("plan", "--target", "local")
    story.chapter(3, "Make it so. The target is an emulator of Adobe's Flow Service, here on this machine.")
    story.run("apply", "--target", "local", "--yes")
    story.chapter(4, "Plan again: what is declared is there.")
    story.run("plan", "--target", "local")
    story.chapter(5, "Somebody moves the inventory database, and the password of the orders database is rotated.")
    story.edit("connections/inventory.yaml", "inventory.example.com", "inventory-2.example.com")
    story.rotate("MYSQL_ORDERS_PASSWORD", "another-sample-secret")
    story.run("plan", "--target", "local")
    story.chapter(6, "The reviewer saw what changes and why, and no secret. Apply.")
    story.run("apply", "--target", "local", "--yes")
    story.chapter(7, "And a mistake, before it gets anywhere.")
    story.edit("connections/orders.yaml", "sslMode: DISABLED", "sslMode: REQUIERD")
    story.edit("connections/orders.yaml", "\"{{ env('MYSQL_ORDERS_PASSWORD') }}\"", "hunter2")
    story.run("validate", expected=1)
    say("\nThat was the main job. README.md has the rest.\n")


class Unexpected(Exception):
    """A step ended otherwise than the story says."""


class Story:
    """A throwaway copy of the sample project, and the commands that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # In CI nobody watches, but a target is named in every command, so nothing else has to differ.
        self.environ = {**os.environ}
        for name in [name for name in self.environ if name.startswith(("MYSQL_", "AEP_", "PROVISIONER_"))]:
            del self.environ[name]
        shutil.copy(ROOT / "provisioner.yaml", folder)
        shutil.copytree(ROOT / "connections", folder / "connections")
        shutil.copytree(ROOT / "schemas", folder / "schemas")

    def chapter(self, number: int, text: str) -> None:
        say(f"\n{paint(f'{number}. {text}', '1;36')}\n")

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

    def rotate(self, name: str, value: str) -> None:
        self.environ[name] = value
        say(f"\n  {paint(f'export {name}=...', '2')}\n")

    def run(self, *arguments: str, expected: int = 0) -> None:
        say(f"\n{paint('$ provisioner ' + ' '.join(arguments), '1')}\n")
        done = subprocess.run([COMMAND, *arguments], cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL)
        if done.returncode != expected:
            raise Unexpected(f"provisioner {arguments[0]} ended with {done.returncode}, not {expected}")


def paint(text: str, codes: str) -> str:
    return f"\x1b[{codes}m{text}\x1b[0m" if COLOUR else text


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
