"""The command line: flags in, exit code out. Parses and wires; every command is a function in ``commands``.

What a command needs is imported when it runs, so that ``--help`` and ``--version`` wait for nothing but click.
"""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from provisioner import __version__
from provisioner.egress import Egress
from provisioner.settings import own_secrets
from provisioner.shell import Shell, guarded

if TYPE_CHECKING:
    from provisioner.planning.plan import Asked

Command = TypeVar("Command", bound=Callable[..., Any])

_FORMAT = click.Choice(["text", "json"])

_PLAN_REPORTS = ("text", "json", "markdown", "github", "gitlab-terraform", "gitlab-codequality")
_APPLY_REPORTS = ("json", "markdown", "junit")
_CHECK_REPORTS = ("json", "github", "gitlab-codequality", "junit")


def main() -> None:
    """The installed command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks must not end a run half-way.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:], os.environ, sys.stdin, Egress(sys.stdout, sys.stderr)))


def run(args: Sequence[str], environ: Mapping[str, str], stdin: TextIO | None, egress: Egress) -> int:
    """One command from flags to exit code."""
    egress.wall.watch(own_secrets(environ))
    shell = Shell(environ, stdin, egress)
    with egress.redirected():
        return guarded(shell, lambda: cli.main(args, "provisioner", standalone_mode=False, obj=shell))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="provisioner %(version)s")
def cli() -> None:
    """MySQL base connections of Adobe Experience Platform, declared in YAML.

    Reads provisioner.yaml and connections/ in the current folder.
    """


def _common(command: Command) -> Command:
    """Options of every command that reads the project. They may stand behind the command's name."""

    @click.option("--project", metavar="DIR", help="Folder of provisioner.yaml.  [default: .]")
    @click.option("-v", "--verbose", is_flag=True, help="Log each call: method, path, status, time, request id.")
    @click.pass_obj
    @functools.wraps(command)
    def wrapped(shell: Shell, /, project: str | None, verbose: bool, **options: Any) -> Any:
        return command(shell.at(Path(project or ".").resolve(), verbose), **options)

    return wrapped  # type: ignore[return-value]


_target = click.option("--target", metavar="NAME", help="Target of the project file.  [default: default_target]")
_format = click.option(
    "--format", "output", type=_FORMAT, default="text", show_default=True, help="Form of the result."
)


def _reports(formats: tuple[str, ...]) -> Callable[[Command], Command]:
    """``--report FORMAT=FILE`` -> the two, for each time it is given."""

    def read(value: str) -> tuple[str, str]:
        form, _, file = value.partition("=")
        if form not in formats or not file:
            raise click.BadParameter(f"{value!r} is not FORMAT=FILE with one of the formats {', '.join(formats)}")
        return form, file

    words = f"Write this as well: {', '.join(formats)}; FILE may be - for standard output; may be repeated."
    return click.option("--report", "reports", metavar="FORMAT=FILE", type=read, multiple=True, help=words)


def _asked(command: Command) -> Command:
    """What plan and apply may be asked for alike, so that the one shows what the other does."""
    options = (
        click.option("--import-existing", is_flag=True, help="Take over base connections that are as declared."),
        click.option("--allow-delete", is_flag=True, help="Delete what is recorded and has no definition any more."),
        click.option("--allow-mass-delete", is_flag=True, help="Also more than 30 % of ten or more, or all."),
        click.option("--allow-protected-delete", is_flag=True, help="Also what lifecycle.preventDestroy protects."),
        click.option("--refresh-only", is_flag=True, help="Only take what was changed outside into the state."),
        click.option("--select", metavar="KEY", multiple=True, help="Only these keys; globs; may be repeated."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _read_asked(flags: dict[str, Any]) -> Asked:
    from provisioner.planning.plan import Asked

    asked = Asked(
        adopt=flags["import_existing"],
        delete=flags["allow_delete"],
        mass_delete=flags["allow_mass_delete"],
        protected_delete=flags["allow_protected_delete"],
        refresh=flags["refresh_only"],
        select=flags["select"],
    )
    if asked.refresh and asked != Asked(refresh=True, select=asked.select):
        raise click.UsageError("--refresh-only changes the state alone: leave out --import-existing and --allow-...")
    return asked


@cli.command()
@click.option("--target", "targets", metavar="NAME", multiple=True, help="Check for this target only; may be repeated.")
@_format
@_reports(_CHECK_REPORTS)
@_common
def validate(shell: Shell, targets: tuple[str, ...], output: str, reports: tuple[tuple[str, str], ...]) -> int:
    """Check every definition, for every target. Needs no secret, no network, no state."""
    from provisioner import running

    return running.in_form(shell, output, reports, lambda: running.validate(shell, targets, output, reports))


@cli.command()
@_target
@_format
@click.option("--offline", is_flag=True, help="Compare with the state alone; ask the service nothing.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when the plan holds changes.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan, for `apply FILE`.")
@_reports(_PLAN_REPORTS)
@_asked
@_common
def plan(
    shell: Shell,
    target: str | None,
    output: str,
    offline: bool,
    detailed_exitcode: bool,
    out: Path | None,
    reports: tuple[tuple[str, str], ...],
    **asked: Any,
) -> int:
    """Show what would change. Changes nothing: towards the service it only looks."""
    from provisioner import running

    wanted = _read_asked(asked)
    return running.in_form(
        shell,
        output,
        reports,
        lambda: running.plan(shell, target, output, offline, detailed_exitcode, wanted, out, reports),
    )


@cli.command()
@click.argument("plan_file", metavar="[FILE]", required=False, type=click.Path(dir_okay=False, path_type=Path))
@_target
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "events"]),
    default="text",
    show_default=True,
    help="Form of the result; events: what is done as it is done, one JSON object a line.",
)
@_reports(_APPLY_REPORTS)
@click.option("--expect-digest", metavar="DIGEST", help="Apply only if the plan has this digest.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--parallelism", type=click.IntRange(1, 64), default=8, show_default=True, help="Calls at a time.")
@_asked
@click.option("--overwrite-drift", is_flag=True, help="Put back what was changed outside, without being asked.")
@click.option("--lock-timeout", type=click.FloatRange(0), default=0, metavar="SECONDS", help="Wait for another run.")
@_common
def apply(
    shell: Shell,
    plan_file: Path | None,
    target: str | None,
    output: str,
    reports: tuple[tuple[str, str], ...],
    expect_digest: str | None,
    yes: bool,
    parallelism: int,
    overwrite_drift: bool,
    lock_timeout: float,
    **asked: Any,
) -> int:
    """Make it so: show the plan, ask, carry it out, record every step.

    FILE is a plan that `plan --out` saved: exactly that is carried out, or nothing.
    """
    from provisioner import running
    from provisioner.commands.apply import Options
    from provisioner.planning.approval import ExpectedDigest
    from provisioner.planning.plan import Asked

    wanted = _read_asked(asked)
    options = Options(parallelism, yes, overwrite_drift, wanted)
    if plan_file:
        if wanted != Asked() or expect_digest or overwrite_drift:
            raise click.UsageError("a saved plan holds what it was asked for: leave out the other flags")
        saved = running.read_saved(plan_file, target)
        target, options = saved.target, replace(options, asked=saved.asked, approved=saved)
    elif expect_digest:
        options = replace(options, approved=ExpectedDigest(expect_digest, overwrite_drift))
    return running.in_form(
        shell, output, reports, lambda: running.apply(shell, target, output, options, lock_timeout, reports)
    )


@cli.group()
def state() -> None:
    """What is recorded of a target, and what to do where that was lost."""


_lock_timeout = click.option(
    "--lock-timeout", type=click.FloatRange(0), default=0, metavar="SECONDS", help="Wait for another run."
)


@state.command("list")
@_target
@_format
@_common
def state_list(shell: Shell, target: str | None, output: str) -> int:
    """List what is recorded, and every call of which the outcome is not known."""
    from provisioner import running

    return running.state_list(shell, target, output)


@state.command("show")
@click.argument("key")
@_target
@_format
@_common
def state_show(shell: Shell, key: str, target: str | None, output: str) -> int:
    """Show all that is recorded under one key. Of secrets only where they came from."""
    from provisioner import running

    return running.state_show(shell, target, output, key)


@state.command("rebuild")
@_target
@_lock_timeout
@_common
def state_rebuild(shell: Shell, target: str | None, lock_timeout: float) -> int:
    """Make a lost or damaged state anew, of what is left of it, the service and the definitions.

    Takes up what is as declared and was created by our own client, and says what it could not decide.
    """
    from provisioner import running

    return running.state_rebuild(shell, target, lock_timeout)


@state.command("recover")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_target
@_lock_timeout
@_common
def state_recover(shell: Shell, file: Path, target: str | None, lock_timeout: float) -> int:
    """Record what an apply could not record and kept in FILE, such as on a full disk."""
    from provisioner import running

    return running.state_recover(shell, target, file, lock_timeout)


@cli.command()
@click.argument("name", type=click.Choice(["connection", "project", "plan"]), default="connection")
@click.option("--cloud", type=click.Choice(["azure", "aws"]), help="Only the vocabulary of this cloud.")
@click.pass_obj
def schema(shell: Shell, name: str, cloud: str | None) -> int:
    """Print the JSON Schema of definitions, of the project file, or of a plan as JSON."""
    from provisioner.commands.schema import schema_text

    shell.egress.result(schema_text(name, cloud))
    return 0


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 picks a free one.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep base connections in this file.")
@click.option(
    "--behaviour", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON file of switches."
)
@click.option(
    "--faults", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON file of what is to go wrong."
)
@click.pass_obj
def emulator(shell: Shell, port: int, data: Path | None, behaviour: Path | None, faults: Path | None) -> int:
    """Run an emulator of the Flow Service on 127.0.0.1. Prints its URL; docs/emulator.md describes it."""
    from provisioner.commands.emulator import run

    run(port, data, behaviour, shell.egress.result, faults)
    return 0


if __name__ == "__main__":
    main()
