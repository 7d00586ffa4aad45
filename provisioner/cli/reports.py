"""Files that commands write beside their result: ``--report FORMAT=FILE``, and saved plans."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from provisioner.cli.context import Context
from provisioner.cli.failures import error_text
from provisioner.cli.options import Command
from provisioner.errors import NotWritten, ProblemsFound, remedy_for
from provisioner.report import formats
from provisioner.report.terminal import safe

Value = TypeVar("Value")

Reports: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of a format and the file to write, ``-`` for standard output."""


def with_problem_reports(command: Command) -> Command:
    """Write the problems that end a command to its reports, and with ``--format json`` to its result.

    The command takes ``form`` and ``reports``.
    """

    @functools.wraps(command)
    def wrapped(context: Context, *, form: str, reports: Reports, **options: Any) -> Any:
        try:
            return command(context, form=form, reports=reports, **options)
        except ProblemsFound as error:
            write_reports(context, formats.PROBLEMS, error.problems, reports)
            if form != "json":
                raise
            context.console.out(formats.PROBLEMS["json"](error.problems))
            if error.also:
                context.console.err(error_text(error.also, context))
            return error.exit_code

    return wrapped


def write_reports(
    context: Context, renderers: Mapping[str, Callable[[Value], str]], value: Value, reports: Reports
) -> None:
    """Write the reports that this kind of value has a renderer for. Raise ``NotWritten``."""
    for form, file in reports:
        if form not in renderers:
            continue
        text = renderers[form](value)
        if file == "-":
            context.console.out(text)
        else:
            write_file(Path(file), text, context.console.write_public)


@contextmanager
def warning_if_not_written(context: Context) -> Iterator[None]:
    """Turn ``NotWritten`` into a warning: the exit code tells what was applied, not whether it could be reported."""
    try:
        yield
    except NotWritten as error:
        context.console.err(f"warning: {safe(error.message)}")


def write_file(path: Path, text: str, write: Callable[[Path, str], None]) -> None:
    """Write a file of the user's choice. Raise ``NotWritten``."""
    try:
        write(path, text)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}", remedy_for(error)) from None
