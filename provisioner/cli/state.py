"""``state ...``: read and repair what is recorded of a target."""

from __future__ import annotations

import click

from provisioner.cli import options
from provisioner.cli.context import Context, Needs, new_id
from provisioner.cli.settings import read_settings
from provisioner.importing import rebuild
from provisioner.report import state
from provisioner.report.terminal import safe
from provisioner.state.records import entries_of, entry_of


@click.group("state", cls=options.StrictGroup)
def group() -> None:
    """Show and repair the state of a target."""


@group.command("list", short_help="List records and calls whose outcome is unknown.")
@options.target
@options.form
@options.offline_project
def list_entries(context: Context, target: str | None, form: str) -> int:
    """List records and calls whose outcome is unknown. Reads nothing but the state.

    A row has the key, name, id and server of a base connection, when its present credentials last passed a test
    (`apply --test`, or `--prove`), and when it was last created or changed by apply; times are UTC. On a narrow
    terminal, values are cut or left out; a pipe and `--format json` get all of them.
    """
    run = context.open(target)
    entries = entries_of(run.store.load())
    as_list = state.as_list(entries, run.target.name, context.out_style)
    context.console.out(state.as_json(entries) if form == "json" else as_list)
    return 0


@group.command("show", short_help="Show the record of a key.")
@click.argument("key", shell_complete=options.complete_key, callback=options.read_key)
@options.target
@options.form
@options.offline_project
def show_entry(context: Context, key: str, target: str | None, form: str) -> int:
    """Show the record of a key and its open calls. Secrets appear only by their origin."""
    entry = entry_of(context.open(target).store.load(), key)
    context.console.out(state.as_json([entry]) if form == "json" else state.as_text(entry, context.out_style))
    return 0


@group.command("path", short_help="Print the path of the state file.")
@options.target
@options.offline_project
def print_path(context: Context, target: str | None) -> int:
    """Print the path of the target's state file, relative to the folder of the project, as provisioner.yaml says.

    Needs no credentials and no state: for scripts that fetch or keep the file.
    """
    from provisioner.cli.connect import choose_target
    from provisioner.definitions.check import open_project

    chosen = choose_target(open_project(context.folder), target, read_settings(context.environ))
    context.console.out(chosen.state)
    return 0


@group.command("rebuild", short_help="Rebuild a lost or damaged state.")
@options.target
@options.lock_timeout
@options.project
def rebuild_state(context: Context, target: str | None, lock_timeout: float) -> int:
    """Rebuild a lost or damaged state from what is left of it, the service and the definitions.

    Adopt base connections that match their definition and were created with this AEP_API_KEY; name the others.
    """
    run = context.open(target, Needs.DEFINITIONS)
    with run.hold("state rebuild", lock_timeout):
        desired = run.load_definitions()
        with run.connect() as service:
            rebuilt = rebuild.rebuild(run.target, desired, run.store, service.reading(), new_id)
    context.console.out(state.rebuild_as_text(rebuilt, context.out_style))
    return 1 if rebuilt.open else 0


@group.command("mv", short_help="Move a record to another key.")
@click.argument("old", shell_complete=options.complete_key, callback=options.read_key)
@click.argument("new", shell_complete=options.complete_key, callback=options.read_key)
@options.target
@options.lock_timeout
@options.offline_project
def move_record(context: Context, old: str, new: str, target: str | None, lock_timeout: float) -> int:
    """Move the record of key OLD to key NEW. In a definition, `movedFrom: OLD` does this for every target."""
    run = context.open(target)
    with run.hold("state mv", lock_timeout):
        record = rebuild.move(run.store, old, new)
    context.console.out(safe(f"{old} is recorded as {new} now ({record.id}); give its definition that key"))
    return 0


@group.command("rm", short_help="Remove records; keep the base connections.")
@click.argument(
    "keys", metavar="KEY...", nargs=-1, required=True, shell_complete=options.complete_key, callback=options.read_key
)
@options.target
@options.lock_timeout
@options.offline_project
def remove_entries(context: Context, keys: tuple[str, ...], target: str | None, lock_timeout: float) -> int:
    """Remove the records and open calls of these keys. The base connections themselves stay as they are."""
    run = context.open(target)
    with run.hold("state rm", lock_timeout):
        removed = rebuild.remove(run.store, keys)
    for entry in removed:
        if entry.record:
            context.console.out(
                safe(f"removed the record of {entry.key}; base connection {entry.record.id} is unchanged")
            )
        for intent in entry.intents:
            call = f"{intent.step} of {intent.name} with an open outcome, sent at {intent.sent_at}"
            context.console.out(safe(f"gave up on a {call}: check in Experience Platform whether it took effect"))
    return 0
