"""The evidence that ``apply`` leaves: who runs it, and the report where an error ends it."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from provisioner.apply.evidence import RunEvidence, Runner, RunRecord
from provisioner.cli.connect import user_name
from provisioner.cli.context import Context
from provisioner.cli.failures import exit_code_of, of_os_error
from provisioner.cli.options import Command
from provisioner.cli.reports import Reports, warning_if_not_written, write_reports
from provisioner.cli.settings import pipeline_run
from provisioner.errors import ProblemsFound, ProvisionerError
from provisioner.report import formats, outcomes

_GIT_TIMEOUT = 5.0
_COMMIT = re.compile(r"[0-9a-f]{7,64}(-dirty)?")


def with_evidence(command: Command) -> Command:
    """Give a command the ``record`` of its run; if an error ends it, write what is known to its JSON reports.

    The command takes ``form``, ``reports`` and ``record``. Problems of definitions have a report of their own.
    """

    @functools.wraps(command)
    def wrapped(context: Context, *, form: str, reports: Reports, **options: Any) -> Any:
        is_wanted = form != "text" or any(name == "json" for name, _ in reports)
        record = new_record(context, is_wanted)
        try:
            return command(context, form=form, reports=reports, record=record, **options)
        except ProblemsFound:
            raise
        except (Exception, KeyboardInterrupt) as error:
            evidence = record.ended(exit_code_of(error), error=_described(error))
            with warning_if_not_written(context):
                if text := as_text(evidence, form):
                    context.console.out(text)
                write_reports(context, {"json": formats.APPLIED["json"]}, evidence, reports)
            raise

    return wrapped


def as_text(evidence: RunEvidence, form: str) -> str:
    """Return the evidence in the format of the result, if that is for programs; else ""."""
    if form == "events":
        return outcomes.end_as_event(evidence, datetime.now(UTC))
    return formats.APPLIED["json"](evidence) if form == "json" else ""


def new_record(context: Context, with_commit: bool = False) -> RunRecord:
    """Return the record of a run that begins."""
    run = pipeline_run(context.environ)
    commit = (run.commit or _checked_out(context.folder, context.environ)) if with_commit else ""
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
        return ProvisionerError("interrupted", "run apply again")
    return ProvisionerError(f"{type(error).__name__}; standard error says more")


def _checked_out(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the commit that is checked out, with ``-dirty`` if files under version control differ; "" without git."""
    git = shutil.which("git", path=environ.get("PATH", ""))
    if git is None:
        return ""
    # Other variables may hold secrets, or point git elsewhere. A file monitor is a program that the repository names.
    env = {name: environ[name] for name in ("HOME", "PATH") if name in environ} | {"GIT_OPTIONAL_LOCKS": "0"}
    describe = (git, "-c", "core.fsmonitor=false", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        done = subprocess.run(  # noqa: S603
            describe,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    commit = done.stdout.strip()
    return commit if _COMMIT.fullmatch(commit) else ""
