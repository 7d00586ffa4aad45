"""``output``: print the ids of managed base connections."""

from __future__ import annotations

import click

from provisioner.cli import options
from provisioner.cli.context import Context
from provisioner.errors import NotWritten
from provisioner.report import ids
from provisioner.state.records import record_of


@click.command(cls=options.StrictCommand)
@click.argument("key", required=False, shell_complete=options.complete_key, callback=options.read_key)
@options.target
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "env", "github"]),
    default="json",
    show_default=True,
    help="Format of the result; github: step outputs, appended to the file named by GITHUB_OUTPUT.",
)
@options.offline_project
def output(context: Context, key: str | None, target: str | None, form: str) -> int:
    """Print the ids of managed base connections, or only the id of KEY, for the next step of a pipeline."""
    run = context.open(target)
    state = run.store.load()
    if key is not None:
        context.console.out(ids.as_id(record_of(state, key)))
        return 0
    renderers = {"json": ids.as_json, "env": ids.as_env, "github": ids.as_github}
    result = renderers[form](state.records)
    file = run.settings.github_output
    if form != "github" or file is None:
        context.console.out(result)
        return 0
    try:
        context.console.append(file, f"{result}\n")
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise NotWritten(message, "check the file that GITHUB_OUTPUT names") from None
    return 0
