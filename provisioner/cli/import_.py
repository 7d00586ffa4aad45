"""``import`` as the command line runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioner import guarding, running
from provisioner.cli import connect
from provisioner.cli.settings import read_settings
from provisioner.commands import plan as planning
from provisioner.definitions.files import NO_FOLDER
from provisioner.errors import NotWritten, ProblemsFound
from provisioner.importing import importer
from provisioner.report import problems
from provisioner.report.terminal import count, safe

if TYPE_CHECKING:
    from provisioner.cli.context import Context
    from provisioner.commands.plan import TargetContext
    from provisioner.definitions.desired import Desired
    from provisioner.importing.importer import Imported, ImportOptions
    from provisioner.model import TargetIdentity
    from provisioner.report.terminal import Style


def import_(shell: Context, name: str | None, wanted: ImportOptions, lock_timeout: float) -> int:
    """Take up what exists; write drafts, then records. 1 where something was left out that was asked for."""
    settings = read_settings(shell.environ)
    where, store = running.place_of(shell, settings, name, running.Needs.DEFINITIONS)
    with running.held(shell, store, where, settings, "import", lock_timeout):
        desired = _declared(where)
        guarding.warn(shell, settings, desired)
        with connect.connect(where, settings, running.log_of(shell), shell.console.scanner.contains) as service:
            state = store.load()
            done = importer.prepare(where, desired, state, service.reading(), wanted, running.new_id)
        _write(shell, done)
        if done.taken:
            store.adopt([one.record for one in done.taken])
            store.compact()
    for warning in done.warnings:
        shell.console.err(problems.as_warning(warning, shell.note_style))
    shell.console.check(word for one in done.skipped for word in (one.name, one.reason))
    style = shell.result_style
    shell.console.out(style.fold("\n".join(_lines(done, where.identity, style))))
    return 0 if all(one.managed for one in done.skipped) else 1


def _declared(where: TargetContext) -> tuple[Desired, ...]:
    """Return what the definitions ask for; nothing where their folder is still to be made, by the first draft."""
    try:
        return planning.read_desired(where, allow_none=True)
    except ProblemsFound as error:
        if {problem.rule for problem in error.problems} != {NO_FOLDER} or os.path.lexists(where.project.connections):
            raise
        return ()


def _write(shell: Context, done: Imported) -> None:
    for one in importer.drafts(done):
        path = shell.folder / one.file
        try:
            shell.console.create(path, one.text)
        except OSError as error:
            raise NotWritten(
                f"{path} cannot be written: {error.strerror}", "nothing is recorded; run it again"
            ) from None
    for one in done.taken:
        shell.console.remove_litter(shell.folder / one.file)


def _lines(done: Imported, where: TargetIdentity, style: Style) -> Iterator[str]:
    for one in done.taken:
        what = "drafted " if one.text else "recorded"
        yield f"{style.paint(what, 'green')}  {safe(one.record.key)}  {safe(one.record.id)}  {safe(one.file)}"
    for other in done.skipped:
        what = style.paint("skipped ", "yellow")
        yield f'{what}  {safe(other.id)}  "{safe(other.name)}": {safe(other.reason)}'
    for one in done.taken:
        yield from (
            f"    {style.paint('note:', 'yellow')} {safe(one.record.key)}: {safe(words)}" for words in one.unsaid
        )
    variables = list(dict.fromkeys(name for one in done.taken for name in one.variables))
    if variables:
        yield ""
        yield "set these before the next apply, each to its current value in the database:"
        yield from (f"  {name}" for name in variables)
    yield ""
    if not done.taken and not done.skipped:
        yield f"there is none of MySQL in sandbox {where.sandbox} of {where.org_id} at {where.endpoint}"
    yield style.paint(f"{count(len(done.taken), 'base connection')} imported, {len(done.skipped)} skipped.", "bold")
