"""``plan`` as the command line runs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner import guarding
from provisioner.cli import connect
from provisioner.cli.settings import read_settings
from provisioner.commands import plan as planning
from provisioner.errors import UsageError
from provisioner.planning.renewal import key_note
from provisioner.report import plan_text
from provisioner.report.terminal import safe
from provisioner.report.wording import words_of
from provisioner.reporting import Reports, write_file, write_reports
from provisioner.running import Needs, log_of, place_of
from provisioner.state.lock import writer

if TYPE_CHECKING:
    from provisioner.cli.context import Context
    from provisioner.commands.plan import TargetContext
    from provisioner.planning import plan as values
    from provisioner.planning.approval import ExpectedDigest
    from provisioner.planning.plan import Plan
    from provisioner.state.records import State


@dataclass(frozen=True, slots=True)
class Requested:
    """What a plan is asked for. ``detailed``: the exit code says whether it holds changes. ``out``: where to save it.
    ``approved``: what it has to be."""

    offline: bool
    detailed: bool
    asked: values.PlanOptions
    out: Path | None = None
    approved: ExpectedDigest | None = None


def plan(shell: Context, name: str | None, output: str, options: Requested, reports: Reports = ()) -> int:
    """Make a plan, show it, keep it."""
    offline, asked = options.offline, options.asked
    if offline and asked.adopt:
        raise UsageError("--import-existing has to look at what exists", "leave out --offline")
    if offline and asked.refresh:
        raise UsageError("--refresh-only has to look at what exists", "leave out --offline")
    settings = read_settings(shell.environ)
    where, store = place_of(shell, settings, name, Needs.STATE if offline else Needs.DEFINITIONS)
    writing = writer(where.project.folder / where.target.state)
    state = store.load()
    desired = planning.read_desired(where, allow_none=not state.is_new)
    guarding.warn(shell, settings, desired)
    if offline:
        made = planning.plan(where, desired, state, None, asked)
    else:
        with connect.connect(where, settings, log_of(shell), shell.console.scanner.contains) as service:
            made = planning.plan(where, desired, state, service.reading(), asked)
    shell.console.check((*words_of(made.changes), *made.notes))
    shell.console.out(_plan_text(shell, made, output))
    for words in (*_meanwhile(where, writing), *_advice(made, state, where)):
        shell.console.err(shell.note_style.fold(words))
    if reports:
        from provisioner.report import formats

        write_reports(shell, formats.PLAN, made, reports)
    if options.approved:
        options.approved.verify(made)
    if options.out:
        from provisioner.planning import saved

        write_file(options.out, saved.encoded(made), shell.console.write_private)
        if options.out.is_file():
            shell.console.err(_saved(made, options.out))
    return planning.exit_code(made, options.detailed)


def _saved(plan: Plan, path: Path) -> str:
    """Say what a saved plan is good for: made without a secret, it does not know what would be sent."""
    unset = (symbol.origin for one in plan.pending if one.desired for _, symbol in one.desired.unset)
    if names := ", ".join(dict.fromkeys(unset)):
        return f"saved to be read: `apply {path}` will refuse it, for {names} is not set; plan where it is set"
    return f"saved: `apply {path}` carries out exactly this plan"


def _meanwhile(where: TargetContext, before: str) -> Iterator[str]:
    """Say that somebody writes the state, or did when it was read: ``before``."""
    if whom := before or writer(where.project.folder / where.target.state):
        yield f"note: {safe(whom)} is writing this state: plan again when that has ended"


def _advice(made: Plan, state: State, where: TargetContext) -> Iterator[str]:
    """What is wrong with the plan as a whole rather than with a change of it."""
    if key_words := key_note(state, where.fingerprinter(state.lineage), where.loopback):
        yield f"note: {key_words}"
    if made.is_first and made.blocked and not made.pending:
        yield (
            "note: nothing is recorded yet, and all of this exists: if there was a state, fetch it; if it is lost, "
            f"`provisioner state rebuild --target {made.target}`"
        )


def _plan_text(shell: Context, made: Plan, output: str) -> str:
    if output == "json":
        from provisioner.report import plan_json

        return plan_json.as_json(made)
    return plan_text.as_text(made, shell.result_style)
