"""How a command ends: every exception becomes an exit code and a line on standard error."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from provisioner import __version__
from provisioner.cli import did_you_mean
from provisioner.cli.console import Console
from provisioner.cli.context import Context
from provisioner.errors import ExitCode, Interrupted, Leak, ProblemsFound, ProvisionerError, remedy_for
from provisioner.report.terminal import safe

_NO_SUCH = re.compile(r"No such (command|option):? '?([\w-]+)")
"""How click begins these messages; not every version of click has the name anywhere else."""
_SIMILAR = re.compile(r" \(?Did you mean")
"""How click begins to name what is similar: one name, or several in brackets."""
_EXTRA = re.compile(r"Got unexpected extra arguments? \((\S+)")


def run_command(context: Context, command: Callable[[], Any]) -> int:
    """Run a command. Return its exit code, whatever happens; print one line for what went wrong.

    With ``--report result=FILE`` the last line, and FILE, tell the exit code in one word: ``make`` keeps no exit codes.
    """
    code = _run_to_its_end(context, command)
    for file in dict.fromkeys(context.result_files):
        _write_result(context.console, next(each for each in ExitCode if each == code), file)
    return code


def _run_to_its_end(context: Context, command: Callable[[], Any]) -> int:
    try:
        return _run(context, command)
    except SystemExit as stop:  # click ends a completion with it; Python would print a text in it
        return stop.code or 0 if isinstance(stop.code, int | None) else _bug(context, stop)
    except BaseException as error:  # extensions written in Rust raise exceptions that are no Exception
        return _bug(context, error)


def _run(context: Context, command: Callable[[], Any]) -> int:
    """Run a command, and report expected failures. Raise everything else."""
    console = context.console
    try:
        code = command()
        console.refuse_lost_output()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        console.err("interrupted; whatever was finished by then is recorded")
        return exit_code_of(error)
    except Interrupted as error:
        console.err(error.message)
        return exit_code_of(error)
    except click.ClickException as error:
        console.err(_usage(error))
        return exit_code_of(error)
    except ProvisionerError as error:
        console.err(error_text(error, context))
        return exit_code_of(error)
    except OSError as error:
        console.err(error_text(of_os_error(error), context))
        return exit_code_of(error)
    return code if isinstance(code, int) else ExitCode.DONE


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code of a command that an exception ends."""
    if isinstance(error, ProvisionerError):
        return error.exit_code
    codes: tuple[tuple[type[BaseException], ExitCode], ...] = (
        (click.Abort, ExitCode.INTERRUPTED),
        (KeyboardInterrupt, ExitCode.INTERRUPTED),
        (click.ClickException, ExitCode.USAGE),
        (OSError, ExitCode.FAILED),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), ExitCode.BUG)


def _write_result(console: Console, code: ExitCode, file: str) -> None:
    line = f"result: {code.word} (exit code {code.value})"
    try:
        if file == "-":
            console.err(line)
            return
        console.write_public(Path(file), f"{code.word}\n")
        console.err(f"{line}, also in {safe(file)}")
    except OSError as error:
        console.err(f"{line}; {safe(file)} cannot be written: {of_os_error(error).message}")
    except Leak:  # by the name of the file
        console.err_unchecked(line)


def of_os_error(error: OSError) -> ProvisionerError:
    """Return what to say about a file that cannot be used."""
    # Whoever raised it may have put any text into it; the number says enough.
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return ProvisionerError(f"{error.filename}: {reason}" if error.filename else reason, remedy_for(error))


def _usage(error: click.ClickException) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message()
    message = error.format_message()
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return f"error: {message}"
    command = error.ctx.command_path
    if (unknown := _NO_SUCH.match(message)) and (instead := did_you_mean.REMOVED.get(f"{command} {unknown[2]}")):
        return f"error: `{command} {unknown[2]}` was removed\n    remedy: {instead}"
    if instead := _replacement(error.ctx, message):
        # Better than what click finds similar.
        return f"error: {_SIMILAR.split(message)[0]}\n    remedy: {instead}"
    return f"error: {message}\n    remedy: {command} --help"


def _replacement(context: click.Context, message: str) -> str:
    """Return what to write instead of what click does not know; "" where that is unclear."""
    options = {name for one in context.command.get_params(context) for name in one.opts}
    if unknown := _NO_SUCH.match(message):
        what, name = unknown[1], unknown[2]
        return (
            did_you_mean.instead_of_flag(name, options) if what == "option" else did_you_mean.instead_of_command(name)
        )
    if extra := _EXTRA.match(message):
        folder = context.params.get("project") or Path()
        return did_you_mean.instead_of_argument(folder, extra[1].rstrip(")"), options)
    return ""


def error_text(error: ProvisionerError, context: Context) -> str:
    """Return the text of an expected failure: every problem, or one line with its remedy."""
    style = context.err_style
    if isinstance(error, ProblemsFound):
        from provisioner.report import problems

        context.console.refuse_secrets(word for one in error.problems for word in (one.message, one.remedy))
        frames = error.source_line if context.console.stderr.isatty() else None
        also = f"\n{error_text(error.also, context)}" if error.also else ""
        return f"{problems.as_text(error.problems, style, frames)}\n{error.message}{also}"
    context.console.refuse_secrets((error.message, *error.details, error.remedy))
    remedy = f"\n    {style.paint('remedy:', 'cyan')} {safe(error.remedy)}" if error.remedy else ""
    details = "".join(f"\n    {safe(detail)}" for detail in error.details)
    return style.fold(f"{style.paint('error:', 'red')} {safe(error.message)}{details}{remedy}")


def _bug(context: Context, error: BaseException) -> int:
    """Print one line, and write a report that holds no values: messages of exceptions may quote secrets."""
    now = datetime.now(UTC)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    head = [f"provisioner {__version__}", f"Python {sys.version.split()[0]} on {sys.platform}", type(error).__name__]
    # Two bugs in the same second have a report each.
    path = Path(f"provisioner-report-{now:%Y%m%dT%H%M%S}-{os.urandom(4).hex()}.txt")
    report = "\n".join([*head, *lines, ""])
    try:
        context.console.write_report(path, report)
        where = f"the report is in {path}"
    except OSError:
        where = "and the report could not be written:\n" + report
    except Leak:
        where = "and its report is withheld for the same reason"
    if isinstance(error, Leak):
        origins = ", ".join(error.origins)
        what = f"what was about to be written holds the value of {origins}; nothing of it was written"
        context.console.err_unchecked(f"error: {what}. This is a bug in provisioner; {where}")
    else:
        context.console.err(f"error: this is a bug in provisioner ({type(error).__name__}); {where}")
    return ExitCode.BUG
