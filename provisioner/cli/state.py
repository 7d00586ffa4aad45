"""``state ...`` as the command line runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provisioner import guarding, running
from provisioner.cli import connect
from provisioner.cli.settings import read_settings
from provisioner.commands import plan as planning
from provisioner.importing import rebuild as states
from provisioner.report import state
from provisioner.report.terminal import safe
from provisioner.state.records import entries_of, entry_of

if TYPE_CHECKING:
    from provisioner.cli.context import Context
    from provisioner.model import Key
    from provisioner.state.store import FileStore


def state_list(shell: Context, name: str | None, output: str) -> int:
    """What is recorded, by key."""
    _, store = running.place_of(shell, read_settings(shell.environ), name)
    entries = entries_of(store.load())
    shell.console.out(state.as_json(entries) if output == "json" else state.as_list(entries, shell.result_style))
    return 0


def state_show(shell: Context, name: str | None, output: str, key: str) -> int:
    """All that is recorded under one key."""
    _, store = running.place_of(shell, read_settings(shell.environ), name)
    found = entry_of(store.load(), key)
    shell.console.out(state.as_json([found]) if output == "json" else state.as_text(found, shell.result_style))
    return 0


def state_rebuild(shell: Context, name: str | None, lock_timeout: float) -> int:
    """Make a lost state anew. 1 where something has to be decided on."""
    settings = read_settings(shell.environ)
    where, store = running.place_of(shell, settings, name, running.Needs.DEFINITIONS)
    with running.held(shell, store, where, settings, "state rebuild", lock_timeout):
        desired = planning.read_desired(where)
        guarding.warn(shell, settings, desired)
        with connect.connect(where, settings, running.log_of(shell), shell.console.scanner.contains) as service:
            done = states.rebuild(where, desired, store, service.reading(), running.new_id)
    shell.console.out(state.rebuilt(done, shell.result_style))
    return 1 if done.open else 0


def state_move(shell: Context, name: str | None, old: Key, new: Key, lock_timeout: float) -> int:
    """Record under another key."""
    with _changed(shell, name, "state mv", lock_timeout) as store:
        record = states.move(store, old, new)
    shell.console.out(safe(f"{old} is recorded as {new} now ({record.id}); give its definition that key"))
    return 0


def state_remove(shell: Context, name: str | None, keys: tuple[Key, ...], lock_timeout: float) -> int:
    """Forget records."""
    with _changed(shell, name, "state rm", lock_timeout) as store:
        forgotten = states.remove(store, keys)
    for one in forgotten:
        if one.record:
            shell.console.out(safe(f"forgot {one.key}; {one.record.id} stays as it is"))
        for intent in one.intents:
            call = f"{intent.step} of {intent.name} with an open outcome, sent at {intent.sent_at}"
            shell.console.out(safe(f"gave up a {call}: look in Experience Platform whether it had its effect"))
    return 0


@contextmanager
def _changed(shell: Context, name: str | None, command: str, lock_timeout: float) -> Iterator[FileStore]:
    settings = read_settings(shell.environ)
    where, store = running.place_of(shell, settings, name)
    with running.held(shell, store, where, settings, command, lock_timeout):
        yield store
