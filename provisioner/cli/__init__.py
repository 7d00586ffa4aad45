"""The command line: one module a command. ``cli`` is the group, ``main`` the installed command.

A command's module is imported when the command runs, so that ``--help`` and ``--version`` wait for nothing but click.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TextIO

import click

from provisioner import __version__
from provisioner.cli.console import Console
from provisioner.cli.context import Context
from provisioner.cli.failures import run_command
from provisioner.cli.options import StrictGroup
from provisioner.cli.settings import own_secrets
from provisioner.errors import ExitCode

COMMANDS: Mapping[str, tuple[str, str]] = {
    "apply": ("apply:apply", "Apply a plan: create, change and delete base connections."),
    "completion": ("completion:completion", "Print a shell completion script."),
    "doctor": ("doctor:doctor", "Check everything on the way to the service; change nothing."),
    "emulator": ("emulator:emulator", "Run an emulator of the Flow Service."),
    "explore": ("explore:explore", "List tables, or the columns of a table."),
    "import": ("import_:import_", "Bring existing base connections under management."),
    "init": ("init:init", "Create a project with its pipeline."),
    "output": ("output:output", "Print the ids of managed base connections."),
    "plan": ("plan:plan", "Show what `apply` would change."),
    "rotate": ("apply:rotate", "Prove and send new credentials."),
    "schema": ("schema:schema", "Print a JSON Schema."),
    "show": ("show:show", "Show a saved plan, or check that it still holds."),
    "state": ("state:group", "Show and repair the state of a target."),
    "test": ("test:test", "Test whether databases can be reached."),
    "validate": ("validate:validate", "Check every definition for every target."),
}
"""By name: the command's module and function, and its line in ``--help``."""


def load_command(name: str) -> click.Command:
    """Import and return a command."""
    module, function = COMMANDS[name][0].split(":")
    command: click.Command = getattr(import_module(f"provisioner.cli.{module}"), function)
    return command


class LazyGroup(StrictGroup):
    """A group that imports a command when it runs; help and completion show placeholders."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name and placeholder else None, rest


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="provisioner %(version)s")
def cli() -> None:
    """Manage MySQL base connections of Adobe Experience Platform as YAML files.

    Reads provisioner.yaml and connections/ in the current folder.
    """


for _name, (_, _short_help) in COMMANDS.items():
    cli.add_command(click.Command(_name, short_help=_short_help))


def main() -> None:
    """Run the installed command."""
    collect_seldom()
    # Python has no stream where the caller closed it; what is opened here stays open until the end.
    out, err = (stream or open(os.devnull, "w", encoding="utf-8") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (out, err):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal's encoding lacks must not end a run half-way.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:], os.environ, sys.stdin, Console(out, err))
    except KeyboardInterrupt:  # a second one, while the first was being reported
        code = ExitCode.INTERRUPTED
    gc.freeze()  # the end of the process frees everything: Python need not look for cycles first
    sys.exit(code)


def collect_seldom() -> None:
    """Make the garbage collector run seldom.

    Ten thousand definitions are millions of objects that stay; looking for cycles among them, again and again, took a
    quarter of the time.
    """
    gc.set_threshold(1_000_000, 10, 10)


def run(args: Sequence[str], environ: Mapping[str, str], stdin: TextIO | None, console: Console) -> int:
    """Run one command; return its exit code."""
    console.scanner.register(own_secrets(environ))
    context = Context(environ, stdin, console)
    with console.redirected():
        try:
            return run_command(context, lambda: cli.main(args, "provisioner", standalone_mode=False, obj=context))
        finally:
            console.status("")
