"""The command line: flags in, exit code out. Parses and wires; every command is a function in ``commands``.

What a command needs is imported when it runs, so that ``--help`` and ``--version`` wait for nothing but click.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import click

from provisioner import __version__, cli_life, cli_state
from provisioner.cli.console import Console
from provisioner.cli.context import Context, guarded
from provisioner.cli.options import (
    APPLY_REPORTS,
    CHECK_REPORTS,
    PLAN_REPORTS,
    StrictGroup,
    asked_options,
    common_options,
    complete_target,
    format_option,
    lock_timeout_option,
    no_wait_option,
    offline_options,
    parallelism_option,
    read_asked,
    reports_option,
    target_option,
    yes_option,
)
from provisioner.cli.settings import own_secrets


def main() -> None:
    """The installed command."""
    collect_seldom()
    # Python has none where the caller closed it; what is open here stays so until the end.
    out, err = (stream or open(os.devnull, "w", encoding="utf-8") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (out, err):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks must not end a run half-way.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:], os.environ, sys.stdin, Console(out, err))
    except KeyboardInterrupt:  # once more, while the first was being said
        from provisioner.cli.interruption import INTERRUPTED

        code = INTERRUPTED
    gc.freeze()  # the end of the process frees what is left; Python need not look through it for circles first
    sys.exit(code)


def collect_seldom() -> None:
    """Ten thousand definitions are millions of objects that stay; to look through them again and again for circles that
    are not there took a quarter of the time."""
    gc.set_threshold(1_000_000, 10, 10)


def run(args: Sequence[str], environ: Mapping[str, str], stdin: TextIO | None, console: Console) -> int:
    """One command from flags to exit code."""
    console.scanner.register(own_secrets(environ))
    shell = Context(environ, stdin, console)
    with console.redirected():
        try:
            return guarded(shell, lambda: cli.main(args, "provisioner", standalone_mode=False, obj=shell))
        finally:
            console.status("")


@click.group(cls=StrictGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="provisioner %(version)s")
def cli() -> None:
    """MySQL base connections of Adobe Experience Platform, declared in YAML.

    Reads provisioner.yaml and connections/ in the current folder.
    """


@cli.command("validate")
@click.option(
    "--target",
    "targets",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_target,
    help="Check for this target only; may be repeated.",
)
@format_option
@reports_option(CHECK_REPORTS)
@offline_options
def _validate(shell: Context, targets: tuple[str, ...], output: str, reports: tuple[tuple[str, str], ...]) -> int:
    """Check every definition, for every target. Needs no secret, no network, no state."""
    from provisioner.cli import validate as running
    from provisioner.reporting import in_form

    return in_form(shell, output, reports, lambda: running.validate(shell, targets, output, reports))


@cli.command("plan")
@target_option
@format_option
@click.option("--offline", is_flag=True, help="Compare with the state alone; ask the service nothing.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when the plan holds changes.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan, for `apply FILE`.")
@click.option(
    "--expect-digest", metavar="DIGEST", help="Exit with 5 unless the plan has this digest, or has nothing to do."
)
@reports_option(PLAN_REPORTS)
@asked_options
@common_options
def _plan(
    shell: Context,
    target: str | None,
    output: str,
    offline: bool,
    detailed_exitcode: bool,
    out: Path | None,
    expect_digest: str | None,
    reports: tuple[tuple[str, str], ...],
    **asked: Any,
) -> int:
    """Show what would change. Changes nothing: towards the service it only looks."""
    from provisioner.cli import plan as running
    from provisioner.planning.approval import ExpectedDigest
    from provisioner.reporting import in_form

    approved = ExpectedDigest(expect_digest) if expect_digest is not None else None
    wanted = running.Requested(offline, detailed_exitcode, read_asked(asked), out, approved)
    return in_form(shell, output, reports, lambda: running.plan(shell, target, output, wanted, reports))


@cli.command("apply", short_help="Apply a plan: create, change and delete base connections.")
@click.argument("plan_file", metavar="[FILE]", required=False, type=click.Path(dir_okay=False, path_type=Path))
@target_option
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "events"]),
    default="text",
    show_default=True,
    help="Form of the result; events: what is done as it is done, one JSON object a line.",
)
@reports_option(APPLY_REPORTS)
@click.option(
    "--expect-digest",
    metavar="DIGEST",
    help="Exit with 5 unless the plan has this digest, and holds nothing that was done outside.",
)
@yes_option
@no_wait_option
@parallelism_option
@asked_options
@lock_timeout_option
@common_options
def _apply(
    shell: Context,
    plan_file: Path | None,
    target: str | None,
    output: str,
    reports: tuple[tuple[str, str], ...],
    expect_digest: str | None,
    yes: bool,
    no_wait: bool,
    parallelism: int,
    lock_timeout: float,
    **asked: Any,
) -> int:
    """Create, change and delete base connections as planned: show the plan, ask, record every step.

    FILE is a plan that `plan --out` saved: exactly that is carried out, or nothing. Neither it nor a plan that
    --expect-digest names is asked about: it counts as approved.
    """
    from provisioner.apply.run import Options
    from provisioner.cli import apply as running
    from provisioner.planning.approval import ExpectedDigest
    from provisioner.planning.plan import PlanOptions
    from provisioner.reporting import in_form

    wanted = read_asked(asked)
    options = Options(parallelism, yes, wanted, no_wait=no_wait)
    if plan_file:
        if wanted != PlanOptions() or expect_digest is not None:
            raise click.UsageError("flags are fixed when the plan is saved: leave out the other flags")
        saved = running.read_saved(plan_file, target, shell.folder)
        target, options = saved.target, replace(options, asked=saved.asked, approved=saved)
    elif expect_digest is not None:
        options = replace(options, approved=ExpectedDigest(expect_digest))
    return in_form(shell, output, reports, lambda: running.apply(shell, target, output, options, lock_timeout, reports))


for _command in (cli_life.import_, cli_life.output, cli_life.test, cli_life.explore, cli_life.rotate, cli_state.state):
    cli.add_command(_command)


@cli.command("init", short_help="Make a new project, with its pipeline.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--pipeline",
    type=click.Choice(["github", "gitlab", "azure", "none"]),
    default="github",
    show_default=True,
    help="CI system to generate a pipeline for.",
)
@click.pass_obj
def _init(shell: Context, folder: Path, pipeline: str) -> int:
    """Make a project in DIR: a sample definition, schemas for editors, a pipeline. Overwrites nothing."""
    from provisioner.cli.validate import init

    return init(shell, folder, pipeline)


@cli.command("completion", short_help="Completion for a shell.")
@click.argument("name", metavar="[bash|zsh|fish]", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def _completion(shell: Context, name: str) -> int:
    """Print a completion script for a shell: commands, flags, targets and keys.

    In ~/.bashrc: eval "$(provisioner completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(name)
    if kind is None:
        raise click.UsageError(f"there is no completion for {name}")
    files = _FILES_IN_BASH if name == "bash" else ""
    shell.console.out(kind(cli, {}, "provisioner", "_PROVISIONER_COMPLETE").source() + files)
    return 0


_FILES_IN_BASH = """
_provisioner_files() {
    if [[ $2 == '=' || $3 == '=' ]]; then  # FORMAT=FILE: bash splits words there
        COMPREPLY=()
        compopt -o default
        return 0
    fi
    _provisioner_completion "$@"
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}

complete -o nosort -F _provisioner_files provisioner
"""
"""What click leaves out: no blank behind ``FORMAT=``, and names of files there."""


# Also how it is shown: versions of click put a choice that may be left out into different brackets.
_SCHEMAS = ("connection", "project", "plan", "state", "faults")


@cli.command("schema", short_help="Print a JSON Schema.")
@click.argument("name", metavar=f"[{'|'.join(_SCHEMAS)}]", type=click.Choice(_SCHEMAS), default="connection")
@click.option("--cloud", type=click.Choice(["azure", "aws"]), help="Only the vocabulary of this cloud.")
@click.pass_obj
def _schema(shell: Context, name: str, cloud: str | None) -> int:
    """Print a JSON Schema: of definitions, the project file, a plan as JSON, a state file, or a file of faults."""
    from provisioner.commands.schema import schema_text

    shell.console.out(schema_text(name, cloud))
    return 0


@cli.command("emulator", short_help="Run an emulator of the Flow Service.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 picks a free one.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep base connections in this file.")
@click.option(
    "--behaviour", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON file of switches."
)
@click.option(
    "--faults", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON file of faults to inject."
)
@click.pass_obj
def _emulator(shell: Context, port: int, data: Path | None, behaviour: Path | None, faults: Path | None) -> int:
    """Run an emulator of the Flow Service on 127.0.0.1. Prints its URL; docs/emulator.md describes it."""
    from provisioner.cli.emulator import run

    def announce(url: str) -> None:
        shell.console.out(url)
        if shell.console.stdout.isatty():
            how = f"a target reaches it by `endpoint: {url}`, with any org_id, sandbox and credentials"
            shell.console.err(shell.note_style.fold(f"{how}; Ctrl-C ends it"))

    run(port, data, behaviour, announce, faults)
    return 0


if __name__ == "__main__":
    main()
