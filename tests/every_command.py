"""Every command of the command line, whichever module it is in."""

from __future__ import annotations

from collections.abc import Iterator

import click

from provisioner.cli import COMMANDS, load_command


def all_commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each command with its path, such as ``("state", "show")``; a group is not one."""
    for name in COMMANDS:
        yield from _within(load_command(name), (name,))


def _within(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, part in command.commands.items():
            yield from _within(part, (*path, name))
    else:
        yield path, command
