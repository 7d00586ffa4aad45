"""``validate``: check every definition. Needs no secret, no network and no state."""

from __future__ import annotations

import click

from provisioner.cli import options
from provisioner.cli.context import Context
from provisioner.cli.reports import Reports, with_problem_reports, write_reports
from provisioner.definitions import check
from provisioner.definitions.check import CheckResult, open_project
from provisioner.report import formats, problems
from provisioner.text import count, plural


@click.command(cls=options.StrictCommand)
@click.option(
    "--target",
    "targets",
    metavar="NAME",
    multiple=True,
    shell_complete=options.complete_target,
    help="Check for this target only; may be repeated.",
)
@options.form
@options.reports(formats.PROBLEMS)
@options.offline_project
@with_problem_reports
def validate(context: Context, targets: tuple[str, ...], form: str, reports: Reports) -> int:
    """Check every definition for every target. Needs no secret, network or state."""
    project = open_project(context.folder)
    chosen = tuple(project.target(name) for name in targets) or tuple(project.targets.values())
    checked = check.validate(project, chosen, context.progress)
    result = _as_json(checked) if form == "json" else _as_text(context, checked)
    context.console.out(result)
    renderers = {**formats.PROBLEMS, "json": lambda _: _as_json(checked)}
    write_reports(context, renderers, checked.findings, reports)
    return 1 if checked.problems else 0


def _as_json(checked: CheckResult) -> str:
    return problems.as_json(checked.findings, checked.files, checked.targets)


def _as_text(context: Context, checked: CheckResult) -> str:
    source_line = checked.source_line if context.console.stdout.isatty() else None
    findings = problems.as_text(checked.findings, context.out_style, source_line)
    definitions, warnings = count(checked.files, "definition"), count(len(checked.warnings), "warning")
    if checked.problems:
        summary = count(len(checked.problems), "problem")
        summary += f" and {warnings}" if checked.warnings else ""
        summary += f" found in {definitions}"
    else:
        targets = f"{plural(len(checked.targets), 'target')} {', '.join(checked.targets)}"
        summary = f"{definitions} checked for {targets}: no problems"
        summary += f", {warnings}" if checked.warnings else ""
    return "\n".join(filter(None, (findings, summary)))
