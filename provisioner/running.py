"""What commands have in common that work on a target: the place, the lock, the log."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from enum import Enum
from typing import TYPE_CHECKING

from provisioner.cli import connect
from provisioner.definitions.check import open_project
from provisioner.definitions.desired import unset_variables
from provisioner.definitions.files import NO_DEFINITION, NO_FOLDER
from provisioner.definitions.read import read
from provisioner.errors import ProblemsFound, ProvisionerError
from provisioner.model import Problem
from provisioner.report.terminal import safe

if TYPE_CHECKING:
    from provisioner.cli.context import Context
    from provisioner.cli.settings import Settings
    from provisioner.commands.plan import TargetContext
    from provisioner.definitions.project import Project, Target
    from provisioner.service.http import CallLog, Log
    from provisioner.state.store import FileStore


class Needs(Enum):
    """What a command needs: of these, each needs what the one before does."""

    STATE = 0
    SERVICE = 1
    DEFINITIONS = 2
    SECRETS = 3


def place_of(
    shell: Context, settings: Settings, name: str | None, needs: Needs = Needs.STATE, lineage: str | None = None
) -> tuple[TargetContext, FileStore]:
    """Return a target and its state. Raise all at once what is missing of settings and wrong with definitions, where
    settings are missing that the command needs."""
    project = open_project(shell.folder)
    target = connect.choose_target(project, name, settings)
    try:
        connect.check_settings(target, settings, needs is not Needs.STATE)
    except ProvisionerError as missing:
        problems = _problems(project, target, settings, needs)
        raise ProblemsFound(problems, also=missing) if problems else missing from None
    where = connect.place(project, target, settings, shell.console.scanner, shell.progress, shell.waits)
    return where, connect.store(project, target, where.identity, shell.console, lineage)


def _problems(project: Project, target: Target, settings: Settings, needs: Needs) -> tuple[Problem, ...]:
    if needs in (Needs.STATE, Needs.SERVICE):
        return ()
    whole = read(project, (target,), {})
    (built,) = whole.built
    unset = unset_variables(built.desired, settings.variables) if needs is Needs.SECRETS else ()
    found = {*whole.problems, *built.problems, *unset}
    return tuple(sorted(one for one in found if one.rule not in (NO_DEFINITION, NO_FOLDER)))  # the state judges these


def held(
    shell: Context, store: FileStore, where: TargetContext, settings: Settings, command: str, timeout: float
) -> AbstractContextManager[None]:
    holder = connect.holder(f"provisioner {command} --target {where.target.name}", settings)
    return store.hold(holder, timeout, lambda whom: shell.console.err(f"waiting for {safe(str(whom))}"))


def new_id() -> str:
    return os.urandom(16).hex()


def log_of(shell: Context) -> Log:
    return (lambda call: shell.console.err(safe(_call(call)))) if shell.verbose else (lambda _: None)


def _call(call: CallLog) -> str:
    note = f" {call.note}" if call.note else ""
    request = f" request {call.request_id}" if call.request_id else ""
    return f"{call.method} {call.host}{call.path} {call.status or '-'} {call.seconds:.3f} s{request}{note}"
