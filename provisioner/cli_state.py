"""``state ...``: what is recorded, read and put right."""

from __future__ import annotations

import click

from provisioner.cli.context import Context
from provisioner.cli.options import (
    StrictGroup,
    common_options,
    complete_key,
    format_option,
    lock_timeout_option,
    offline_options,
    read_key,
    target_option,
)


@click.group(cls=StrictGroup, short_help="What is recorded of a target.")
def state() -> None:
    """What is recorded of a target, and what to do where that was lost."""


@state.command("list", short_help="List what is recorded, and calls whose outcome is unknown.")
@target_option
@format_option
@offline_options
def state_list(shell: Context, target: str | None, output: str) -> int:
    """List what is recorded, and calls whose outcome is unknown."""
    from provisioner.cli import state

    return state.state_list(shell, target, output)


@state.command("show", short_help="Show all that is recorded under a key.")
@click.argument("key", shell_complete=complete_key, callback=read_key)
@target_option
@format_option
@offline_options
def state_show(shell: Context, key: str, target: str | None, output: str) -> int:
    """Show all that is recorded under one key. Of secrets only where they came from."""
    from provisioner.cli import state

    return state.state_show(shell, target, output, key)


@state.command("rebuild", short_help="Rebuild a lost or damaged state.")
@target_option
@lock_timeout_option
@common_options
def state_rebuild(shell: Context, target: str | None, lock_timeout: float) -> int:
    """Rebuild a lost or damaged state from what is left of it, the service and the definitions.

    Takes up what is as declared and was created by our own client, and says what it could not decide.
    """
    from provisioner.cli import state

    return state.state_rebuild(shell, target, lock_timeout)


@state.command("mv", short_help="Record under NEW what is recorded under OLD.")
@click.argument("old", shell_complete=complete_key, callback=read_key)
@click.argument("new", shell_complete=complete_key, callback=read_key)
@target_option
@lock_timeout_option
@offline_options
def state_move(shell: Context, old: str, new: str, target: str | None, lock_timeout: float) -> int:
    """Record under NEW what is recorded under OLD. In git, `movedFrom: OLD` does the same for every target."""
    from provisioner.cli import state

    return state.state_move(shell, target, old, new, lock_timeout)


@state.command("rm", short_help="Forget records; base connections stay.")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True, shell_complete=complete_key, callback=read_key)
@target_option
@lock_timeout_option
@offline_options
def state_remove(shell: Context, keys: tuple[str, ...], target: str | None, lock_timeout: float) -> int:
    """Forget what is recorded under these keys. The base connections themselves stay as they are."""
    from provisioner.cli import state

    return state.state_remove(shell, target, keys, lock_timeout)
