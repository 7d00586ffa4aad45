"""The commands of a base connection's life beside plan and apply: import, test, explore, output."""

from __future__ import annotations

import click

from provisioner.cli.context import Context
from provisioner.cli.options import (
    StrictCommand,
    common_options,
    complete_key,
    format_option,
    lock_timeout_option,
    no_wait_option,
    offline_options,
    overwrite_drift_option,
    parallelism_option,
    read_key,
    select_option,
    target_option,
    yes_option,
)


@click.command("import", cls=StrictCommand, short_help="Bring existing base connections under management.")
@click.argument("what", metavar="[KEY] [ID]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every base connection of MySQL in the sandbox.")
@click.option("--folder", default="", metavar="DIR", help="Folder for drafts, below connections/.")
@target_option
@lock_timeout_option
@common_options
def import_(
    shell: Context, what: tuple[str, ...], everything: bool, folder: str, target: str | None, lock_timeout: float
) -> int:
    """Bring existing base connections under management: one by its ID, or --all.

    Writes a definition of each for review, and records it. Secrets become variables, listed at the end. Nothing is sent
    to the service. KEY names the definition; without it the key is made of the name.
    """
    from provisioner.cli import import_
    from provisioner.importing.importer import ImportOptions

    if everything == bool(what) or len(what) > 2:
        raise click.UsageError("name a base connection by its ID, with a KEY before it if you like; or --all")
    *key, identity = what or (None,)
    wanted = ImportOptions(identity, key[0] or "" if key else "", folder.strip("/"))
    return import_.import_(shell, target, wanted, lock_timeout)


@click.command(cls=StrictCommand, short_help="Print the ids of managed base connections.")
@click.argument("key", required=False, shell_complete=complete_key, callback=read_key)
@target_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "env", "github"]),
    default="json",
    show_default=True,
    help="Form of the result; github: outputs of the step, appended to the file named by GITHUB_OUTPUT.",
)
@offline_options
def output(shell: Context, key: str | None, target: str | None, form: str) -> int:
    """Print the ids of managed base connections, or of KEY its id alone, for whatever comes next in a pipeline."""
    from provisioner import running_output

    return running_output.output(shell, target, form, key)


@click.command(cls=StrictCommand, short_help="Test whether databases can be reached.")
@target_option
@format_option
@select_option
@parallelism_option
@common_options
def test(shell: Context, target: str | None, output: str, select: tuple[str, ...], parallelism: int) -> int:
    """Have the service test whether it reaches the databases of managed base connections. Changes nothing.

    Exits with 1 where one cannot be reached.
    """
    from provisioner.cli import inspect

    return inspect.test(shell, target, output, select, parallelism)


@click.command(cls=StrictCommand, short_help="List tables, or the columns of one.")
@click.argument("key", shell_complete=complete_key, callback=read_key)
@click.argument("table", required=False)
@click.option("--preview", is_flag=True, help="Include sample rows of TABLE, if available.")
@target_option
@format_option
@common_options
def explore(shell: Context, key: str, table: str | None, preview: bool, target: str | None, output: str) -> int:
    """List the tables behind KEY, or the columns of TABLE with their types as the service reports them."""
    from provisioner.cli import inspect

    if preview and table is None:
        raise click.UsageError("--preview is of a table: name one, as `explore KEY` lists them")
    return inspect.explore(shell, target, output, key, table, preview)


@click.command(cls=StrictCommand, short_help="Send a new password, proved first.")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True, shell_complete=complete_key, callback=read_key)
@target_option
@overwrite_drift_option
@yes_option
@no_wait_option
@lock_timeout_option
@common_options
def rotate(
    shell: Context,
    keys: tuple[str, ...],
    target: str | None,
    overwrite_drift: bool,
    yes: bool,
    no_wait: bool,
    lock_timeout: float,
) -> int:
    """Send the credentials of each KEY: `apply --select KEY --prove --resend --test`. Globs select several.

    They are first proved on a throwaway base connection, so that a wrong password never reaches a live dataflow; then
    sent, also if they are the ones that were sent last; then tested. The dataflows that use it, and other definitions
    that read the same variable, are shown before anything is asked.
    """
    from provisioner.apply.run import Options
    from provisioner.cli import apply as running
    from provisioner.planning.plan import PlanOptions

    asked = PlanOptions(select=keys, prove=True, resend=True, test=True, overwrite_drift=overwrite_drift)
    options = Options(1, yes, asked, no_wait=no_wait)
    return running.apply(shell, target, "text", options, lock_timeout)
