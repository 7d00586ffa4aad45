"""``apply`` as the command line runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from provisioner import guarding
from provisioner.apply import run as applying
from provisioner.apply.outcome import Applied, Outcome, Verdict, exit_code
from provisioner.cli import connect, guesses
from provisioner.cli.interruption import Interruption
from provisioner.cli.settings import read_settings
from provisioner.errors import NotWritten, PlanFileError, UsageError
from provisioner.planning import saved
from provisioner.planning.approval import SavedPlan
from provisioner.report import outcomes, plan_text
from provisioner.report.terminal import safe
from provisioner.report.wording import words_of
from provisioner.reporting import Reports, write_reports
from provisioner.running import Needs, held, log_of, new_id, place_of
from provisioner.service.client import FlowService

if TYPE_CHECKING:
    from provisioner.cli.context import Context
    from provisioner.planning.plan import Plan
    from provisioner.state.store import FileStore


def apply(
    shell: Context,
    name: str | None,
    output: str,
    options: applying.Options,
    lock_timeout: float,
    reports: Reports = (),
) -> int:
    """Hold the lock, apply, show what became of it."""
    settings = read_settings(shell.environ)
    approved = options.approved if isinstance(options.approved, SavedPlan) else None
    needs = Needs.DEFINITIONS if options.asked.refresh else Needs.SECRETS
    where, store = place_of(shell, settings, name, needs, approved.lineage if approved else None)
    with (
        Interruption() as interruption,
        held(shell, store, where, settings, "apply", lock_timeout),
    ):
        desired = applying.read_complete(where, options.asked, allow_none=not store.load().is_new)
        guarding.warn(shell, settings, desired)
        with connect.connect(
            where, settings, log_of(shell), shell.console.scanner.contains, interruption.asked
        ) as service:
            ports = _ports(shell, store, service, output, interruption)
            applied = applying.apply(where, desired, ports, options)
    shell.console.out(_end(shell, applied, output))
    if reports:
        from provisioner.report import formats

        with _only_said(shell):
            write_reports(shell, formats.APPLIED, applied, reports)
    with _only_said(shell):
        shell.console.check_written()
    return exit_code(applied)


def _end(shell: Context, applied: Applied, output: str) -> str:
    if output == "events":
        return outcomes.of_end(applied, datetime.now(UTC))
    if output == "json":
        return outcomes.as_json(applied)
    listed = shell.verbose or not applied.count(Verdict.NOT_ATTEMPTED)
    more = "" if listed else " Use -v or a report to list them."
    return shell.result_style.fold(shell.result_style.paint(outcomes.summary(applied), "bold") + more)


@contextmanager
def _only_said(shell: Context) -> Iterator[None]:
    """What was applied decides the exit code, not whether a report of it could be written."""
    try:
        yield
    except NotWritten as error:
        shell.console.err(f"warning: {safe(error.message)}")


def read_saved(file: Path, name: str | None, folder: Path) -> SavedPlan:
    """Return a saved plan. Raise ``PlanFileError``; ``UsageError`` where it is for another target than that named, or a
    word that is no file but a target or a key."""
    no_plan = not file.exists() or guesses.as_key(str(file)) != str(file)
    if no_plan and (meant := guesses.instead_of_argument(folder, str(file), ("--target", "--select"))):
        raise UsageError(f"{file} is no saved plan", f"provisioner apply {meant}")
    try:
        kept = saved.decoded(file.read_text("utf-8"))
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise PlanFileError(f"{file} cannot be read: {reason}", "make one with `plan --out FILE`") from None
    if name and name != kept.target:
        raise UsageError(f"{file} was planned for target {kept.target}, not {name}", "leave out --target")
    return kept


def _ports(
    shell: Context,
    store: FileStore,
    service: FlowService,
    output: str,
    interruption: Interruption,
) -> applying.Ports:
    # Only one JSON document goes to standard output, so then everything on the way is a note.
    say = shell.console.err if output == "json" else shell.console.out
    style = shell.note_style if output == "json" else shell.result_style
    more = shell.progress.of("changes done", 0)

    def show(made: Plan) -> None:
        nonlocal more
        shell.console.check((*words_of(made.changes), *made.notes))
        more = shell.progress.of("changes done", len(made.pending))
        if output == "events":
            shell.console.out("\n".join(outcomes.of_plan(made, datetime.now(UTC))))
        else:
            say(plan_text.as_text(made, style) + "\n\n")

    def progress(outcome: Outcome) -> None:
        shell.console.check((outcome.message, outcome.remedy, *words_of((outcome.change,))))
        if output == "events":
            say(outcomes.of_outcome(outcome, datetime.now(UTC)))
        elif shell.verbose or outcome.verdict is not Verdict.NOT_ATTEMPTED:  # the summary counts those
            say(outcomes.line(outcome, style))
        more(1)

    return applying.Ports(
        store=store,
        service=service,
        monotonic=monotonic,
        sleep=lambda seconds: _sleep(interruption, seconds),
        new_id=new_id,
        tell=shell.console.err,
        show=show,
        confirm=lambda: _confirm(shell),
        progress=progress,
        interrupted=interruption.asked,
        undisturbed=interruption.undisturbed,
    )


def _sleep(interruption: Interruption, seconds: float) -> None:
    interruption.asked.wait(seconds)


def _confirm(shell: Context) -> bool:
    if shell.stdin is None or not shell.interactive:
        raise UsageError("there is no terminal to ask on; nothing was done", "read the plan, then pass --yes")
    shell.console.ask("Apply these changes? Only `yes` is accepted: ")
    answer = shell.stdin.readline()
    if not answer.endswith("\n"):
        shell.console.ask("\n")
    return answer.strip().lower() == "yes"
