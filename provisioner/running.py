"""What commands have in common that work on a target: the place, the lock, the log."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from provisioner import wiring
from provisioner.definitions.project import read_project
from provisioner.report.style import safe

if TYPE_CHECKING:
    from provisioner.commands.plan import Place
    from provisioner.service.exchange import CallLog, Log
    from provisioner.settings import Settings
    from provisioner.shell import Shell
    from provisioner.state.store import FileStore


def place_of(shell: Shell, settings: Settings, name: str | None, lineage: str | None = None) -> tuple[Place, FileStore]:
    project = read_project(shell.folder)
    target = wiring.choose_target(project, name, settings)
    where = wiring.place(project, target, settings, shell.egress.scanner, shell.progress)
    return where, wiring.store(project, target, where.identity, shell.egress, lineage)


def held(
    shell: Shell, store: FileStore, where: Place, settings: Settings, command: str, timeout: float
) -> AbstractContextManager[None]:
    holder = wiring.holder(f"provisioner {command} --target {where.target.name}", settings)
    return store.hold(holder, timeout, lambda whom: shell.egress.note(f"waiting for {safe(str(whom))}"))


def new_id() -> str:
    return os.urandom(16).hex()


def log_of(shell: Shell) -> Log:
    return (lambda call: shell.egress.note(safe(_call(call)))) if shell.verbose else (lambda _: None)


def _call(call: CallLog) -> str:
    note = f" {call.note}" if call.note else ""
    request = f" request {call.request_id}" if call.request_id else ""
    return f"{call.method} {call.host}{call.path} {call.status or '-'} {call.seconds:.3f} s{request}{note}"
