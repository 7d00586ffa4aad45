"""``validate`` and ``init`` as the command line runs them: without secrets, state or service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.definitions.check import Checked, open_project
from provisioner.definitions.check import validate as check
from provisioner.errors import NotWritten
from provisioner.report import problems
from provisioner.report.terminal import count
from provisioner.reporting import Reports, write_reports

if TYPE_CHECKING:
    from provisioner.cli.context import Context


def validate(shell: Context, names: tuple[str, ...], output: str, reports: Reports = ()) -> int:
    """Check, show, and say so where all is well."""
    project = open_project(shell.folder)
    targets = tuple(project.target(name) for name in names) or tuple(project.targets.values())
    checked = check(project, targets, shell.progress)
    shell.console.out(_validation(shell, checked, output))
    if reports:
        from provisioner.report import formats

        forms = {**formats.PROBLEMS, "json": lambda _: _validation(shell, checked, "json")}
        write_reports(shell, forms, checked.findings, reports)
    return 1 if checked.problems else 0


def _validation(shell: Context, checked: Checked, output: str) -> str:
    number = checked.files
    if output == "json":
        return problems.as_json(checked.findings, number, checked.targets)
    frames = checked.source_line if shell.console.stdout.isatty() else None
    warned = count(len(checked.warnings), "warning")
    summary = (
        " and ".join((count(len(checked.problems), "problem"), *([warned] if checked.warnings else ())))
        + f" found in {count(number, 'definition')}"
        if checked.problems
        else f"{count(number, 'definition')} checked for {_names(checked.targets)}: no problems"
        + (f", {warned}" if checked.warnings else "")
    )
    shown = problems.as_text(checked.findings, shell.result_style, frames)
    return "\n".join(filter(None, (shown, summary)))


def _names(targets: tuple[str, ...]) -> str:
    return f"target{'' if len(targets) == 1 else 's'} {', '.join(targets)}"


def init(shell: Context, folder: Path, pipeline: str) -> int:
    """Make a project, and say what is left to do. What is there already stays."""
    from provisioner.cli.project import lacking_lines, next_steps, scaffold

    for path, text in scaffold(pipeline).items():
        try:
            shell.console.create(folder / path, text)
            shell.console.out(f"created  {path}")
        except FileExistsError:
            lacking = lacking_lines(folder / path, text)
            shell.console.out(f"kept  {path}  (already exists{'; add these lines to it' if lacking else ''})")
            shell.console.out("\n".join(f"      {line}" for line in lacking))
        except OSError as error:
            raise NotWritten(
                f"{folder / path} cannot be written: {error.strerror}", "check permissions and room"
            ) from None
    shell.console.err(shell.note_style.fold(next_steps(pipeline)))
    return 0
