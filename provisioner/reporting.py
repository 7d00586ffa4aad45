"""What commands write beside what they show: a file for each ``--report``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from provisioner.cli.context import error_text
from provisioner.errors import NotWritten, ProblemsFound, remedy_of

if TYPE_CHECKING:
    from provisioner.cli.context import Context

Value = TypeVar("Value")

Reports: TypeAlias = tuple[tuple[str, str], ...]
"""Each a format and the file that it is written to, ``-`` for standard output."""


def in_form(shell: Context, output: str, reports: Reports, run: Callable[[], int]) -> int:
    """Run a command. The problems it stumbles over are in the reports; with ``--format json`` in the result too."""
    try:
        return run()
    except ProblemsFound as error:
        from provisioner.report import formats, problems

        write_reports(shell, formats.PROBLEMS, tuple(error.problems), reports)
        if output != "json":
            raise
        shell.console.out(problems.as_json(error.problems, 0, ()))
        if error.also:
            shell.console.err(error_text(error.also, shell))
        return error.exit_code


def write_reports(shell: Context, forms: Mapping[str, Callable[[Value], str]], value: Value, reports: Reports) -> None:
    """The reports that this value has a form for. Raises ``NotWritten``."""
    for form, file in reports:
        if form not in forms:
            continue
        text = forms[form](value)
        if file == "-":
            shell.console.out(text)
        else:
            write_file(Path(file), text, shell.console.write_public)


def write_file(path: Path, text: str, write: Callable[[Path, str], None]) -> None:
    try:
        write(path, text)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}", remedy_of(error)) from None
