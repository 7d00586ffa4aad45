"""The evidence that ``apply`` leaves: who runs it, and the report where an error ends it."""

from __future__ import annotations

import functools
import os
from datetime import UTC, datetime
from typing import Any

import click

from provisioner.apply.evidence import RunEvidence, Runner, RunRecord
from provisioner.cli.checkout import commit_of
from provisioner.cli.connect import user_name
from provisioner.cli.context import Context
from provisioner.cli.failures import exit_code_of, of_os_error
from provisioner.cli.options import Command
from provisioner.cli.reports import Reports, warning_if_not_written, write_reports
from provisioner.cli.settings import pipeline_run
from provisioner.errors import ProblemsFound, ProvisionerError
from provisioner.report import formats, outcomes


def with_evidence(command: Command) -> Command:
    """Give a command the ``record`` of its run; if an error ends it, write what is known to its JSON reports.

    The command takes ``form``, ``reports`` and ``record``. Problems of definitions are written to JUnit as well.
    """

    @functools.wraps(command)
    def wrapped(context: Context, *, form: str, reports: Reports, **options: Any) -> Any:
        is_wanted = form != "text" or any(name == "json" for name, _ in reports)
        record = _new_record(context, is_wanted)
        try:
            return command(context, form=form, reports=reports, record=record, **options)
        except (Exception, KeyboardInterrupt) as error:
            evidence = record.ended(exit_code_of(error), error=_described(error))
            with warning_if_not_written(context):
                if text := as_text(evidence, form):
                    context.console.out(text)
                write_reports(context, {"json": formats.APPLIED["json"]}, evidence, reports)
                if isinstance(error, ProblemsFound):
                    write_reports(context, {"junit": formats.PROBLEMS["junit"]}, error.problems, reports)
            raise

    return wrapped


def as_text(evidence: RunEvidence, form: str) -> str:
    """Return the evidence in the format of the result, if that is for programs; else ""."""
    if form == "events":
        return outcomes.end_as_event(evidence, datetime.now(UTC))
    return formats.APPLIED["json"](evidence) if form == "json" else ""


def _new_record(context: Context, with_commit: bool) -> RunRecord:
    """Return the record of a run that begins."""
    run = pipeline_run(context.environ)
    commit = commit_of(context) if with_commit else ""
    runner = Runner(user_name(), os.uname().nodename, run.actor, run.url, commit)
    return RunRecord(runner, lambda: datetime.now(UTC))


def _described(error: BaseException) -> ProvisionerError:
    """Return what to say of an error. The texts of a bug are left out: they may quote secrets."""
    if isinstance(error, ProvisionerError):
        return error
    if isinstance(error, OSError):
        return of_os_error(error)
    if isinstance(error, click.ClickException):
        return ProvisionerError(error.format_message())
    if isinstance(error, KeyboardInterrupt):
        return ProvisionerError("interrupted", "run it again")
    return ProvisionerError(f"{type(error).__name__}; standard error says more")
