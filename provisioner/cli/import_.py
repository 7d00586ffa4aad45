"""``import``: bring existing base connections under management."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from provisioner.cli import options
from provisioner.cli.context import Context, Needs, Run, new_id
from provisioner.definitions.desired import Desired
from provisioner.definitions.files import NO_FOLDER
from provisioner.errors import NotWritten, ProblemsFound
from provisioner.importing import importer
from provisioner.importing.importer import Imported, ImportOptions
from provisioner.model import TargetIdentity
from provisioner.report import problems
from provisioner.report.terminal import Style, safe
from provisioner.text import count


@click.command("import", cls=options.StrictCommand)
@click.argument("what", metavar="[[KEY] ID]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Import every MySQL base connection in the sandbox.")
@click.option("--folder", default="", metavar="DIR", help="Folder for the new definitions, below connections/.")
@options.target
@options.lock_timeout
@options.project
def import_(
    context: Context, what: tuple[str, ...], everything: bool, folder: str, target: str | None, lock_timeout: float
) -> int:
    """Bring existing base connections under management: one by its ID, or all with --all.

    Write a definition of each for review, and record it. Secrets become variables, listed at the end. Nothing in the
    service changes. KEY is the key of the definition; by default it is derived from the name.
    """
    if everything == bool(what) or len(what) > 2:
        raise click.UsageError("give the ID of a base connection, optionally preceded by a KEY, or --all")
    *key, ident = what or (None,)
    import_options = ImportOptions(ident, key[0] or "" if key else "", folder.strip("/"))
    run = context.open(target, Needs.DEFINITIONS)
    with run.hold("import", lock_timeout):
        desired = _load_definitions(run)
        with run.connect() as service:
            state = run.store.load()
            imported = importer.prepare(run.target, desired, state, service.reading(), import_options, new_id)
        _write_drafts(context, imported)
        if imported.taken:
            run.store.adopt([connection.record for connection in imported.taken])
            run.store.compact()
    for warning in imported.warnings:
        context.console.err(problems.as_warning(warning, context.err_style))
    context.console.refuse_secrets(text for skipped in imported.skipped for text in (skipped.name, skipped.reason))
    style = context.out_style
    context.console.out(style.fold("\n".join(_lines(imported, run.target.identity, style))))
    return 0 if all(skipped.managed for skipped in imported.skipped) else 1


def _load_definitions(run: Run) -> tuple[Desired, ...]:
    """Return what the definitions ask for; nothing where the first draft is yet to create their folder."""
    try:
        return run.load_definitions(allow_none=True)
    except ProblemsFound as error:
        rules = {problem.rule for problem in error.problems}
        if rules != {NO_FOLDER} or os.path.lexists(run.target.project.connections):
            raise
        run.warn(())
        return ()


def _write_drafts(context: Context, imported: Imported) -> None:
    for draft in importer.connections_to_define(imported):
        path = context.folder / draft.file
        try:
            context.console.create(path, draft.text)
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror}"
            raise NotWritten(message, "nothing is recorded; run it again") from None
    for connection in imported.taken:
        context.console.remove_temporary_files(context.folder / connection.file)


def _lines(imported: Imported, identity: TargetIdentity, style: Style) -> Iterator[str]:
    for connection in imported.taken:
        verb = style.paint("drafted " if connection.text else "recorded", "green")
        yield f"{verb}  {safe(connection.record.key)}  {safe(connection.record.id)}  {safe(connection.file)}"
    for skipped in imported.skipped:
        verb = style.paint("skipped ", "yellow")
        yield f'{verb}  {safe(skipped.id)}  "{safe(skipped.name)}": {safe(skipped.reason)}'
    for connection in imported.taken:
        for note in connection.unsaid:
            yield f"    {style.paint('note:', 'yellow')} {safe(connection.record.key)}: {safe(note)}"
    variables = dict.fromkeys(name for connection in imported.taken for name in connection.variables)
    if variables:
        yield ""
        yield "set these before the next apply, each to its current value in the database:"
        yield from (f"  {name}" for name in variables)
    yield ""
    if not imported.taken and not imported.skipped:
        place = f"sandbox {identity.sandbox} of {identity.org_id} at {identity.endpoint}"
        yield f"there are no MySQL base connections in {place}"
    yield style.paint(
        f"{count(len(imported.taken), 'base connection')} imported, {len(imported.skipped)} skipped.", "bold"
    )
