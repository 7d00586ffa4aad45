"""``explore``: list the tables of a database, or the columns of one."""

from __future__ import annotations

import click

from provisioner.cli import options
from provisioner.cli.context import Context, Needs
from provisioner.report import tables
from provisioner.state.records import record_of


@click.command(cls=options.StrictCommand)
@click.argument("key", shell_complete=options.complete_key, callback=options.read_key)
@click.argument("table", required=False)
@click.option("--preview", is_flag=True, help="Include sample rows of TABLE, if available.")
@options.target
@options.form
@options.project
def explore(context: Context, key: str, table: str | None, preview: bool, target: str | None, form: str) -> int:
    """List the tables in the database of KEY, or the columns of TABLE with the types that the service reports."""
    if preview and table is None:
        raise click.UsageError("--preview is of a table: name one, as `explore KEY` lists them")
    style = context.out_style
    run = context.open(target, Needs.SERVICE)
    state = run.store.load()
    with run.connect() as service:
        ident = record_of(state, key).id
        if table is None:
            found = service.tables(ident)
            context.console.refuse_secrets(text for item in found for text in (item.name, item.path, item.kind))
            result = tables.tables_as_json(found) if form == "json" else tables.tables_as_text(found, style)
        else:
            contents = service.contents(ident, table, preview)
            context.console.refuse_secrets(tables.foreign_texts(contents))
            if form == "json":
                result = tables.contents_as_json(contents)
            else:
                result = tables.contents_as_text(contents, style, preview)
    context.console.out(result)
    return 0
