"""``plan``: show what ``apply`` would change."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from provisioner.cli import options
from provisioner.cli.checkout import commit_of
from provisioner.cli.context import Context, Needs, Run
from provisioner.cli.reports import Reports, with_problem_reports, write_file, write_reports
from provisioner.errors import ExitCode, UsageError
from provisioner.planning import planner, saved_plan
from provisioner.planning.approval import ExpectedDigest
from provisioner.planning.plan import Action, Plan, PlanOptions, Provenance
from provisioner.planning.secret_records import key_note
from provisioner.planning.selection import with_readers
from provisioner.report import formats, plan_text
from provisioner.report.terminal import safe
from provisioner.report.wording import texts_of_plan
from provisioner.state.records import State


@click.command(cls=options.StrictCommand)
@options.target
@options.form
@click.option("--offline", is_flag=True, help="Compare with the state only; do not contact the service.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if the plan has changes.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Save the plan to this file, for `show FILE` and `apply FILE`.",
)
@click.option(
    "--expect-digest", metavar="DIGEST", help="Exit with 5 unless the plan has this digest or nothing is left to do."
)
@options.reports(formats.PLAN)
@options.plan_options
@options.project
@with_problem_reports
def plan(
    context: Context,
    target: str | None,
    form: str,
    offline: bool,
    detailed_exitcode: bool,
    out: Path | None,
    expect_digest: str | None,
    reports: Reports,
    plan_options: PlanOptions,
) -> int:
    """Show what `apply` would change, and why. Changes nothing."""
    approved = ExpectedDigest(expect_digest) if expect_digest is not None else None
    if out:
        context.try_files([out])
    if offline:
        _refuse_offline(plan_options)
    needs = Needs.STATE if offline else Needs.DEFINITIONS
    run = context.open(target, needs, instead="or compare with the state alone: plan --offline")
    writer_before = run.other_writer()
    state = run.store.load()
    desired = run.load_definitions(allow_none=not state.is_new)
    plan_options = with_readers(plan_options, desired, run.target.name)
    with run.connect_reader(offline) as service:
        plan = planner.plan(run.target, desired, state, service, plan_options)
    commit = commit_of(context) if out else run.settings.commit
    provenance = Provenance(datetime.now(UTC), commit=commit)
    plan = replace(plan, provenance=provenance, is_saved=out is not None)
    print_plan(context, plan, form)
    for note in _notes(run, plan, state, writer_before):
        context.console.err(context.err_style.fold(note))
    write_reports(context, formats.PLAN, plan, reports)
    if approved:
        approved.check_digest(plan)  # and nothing else: `plan` also shows what a digest does not cover
    if out:
        _save(context, plan, out)
    if plan.count(Action.BLOCKED) or (out and plan.unset_origins):
        return ExitCode.FAILED  # nobody should approve a plan that `apply` will refuse
    return ExitCode.CHANGES if detailed_exitcode and plan.pending else ExitCode.DONE


def _refuse_offline(plan_options: PlanOptions) -> None:
    for flag, given in (
        ("--import-existing", plan_options.import_existing),
        ("--refresh-only", plan_options.refresh_only),
    ):
        if given:
            raise UsageError(f"{flag} has to look at what exists", "leave out --offline")


def print_plan(context: Context, plan: Plan, form: str) -> None:
    """Print a plan as the result of a command."""
    context.console.refuse_secrets(texts_of_plan(plan))
    context.console.out(formats.PLAN["json"](plan) if form == "json" else plan_text.as_text(plan, context.out_style))


def _notes(run: Run, plan: Plan, state: State, writer_before: str) -> Iterator[str]:
    """Yield notes about the plan as a whole rather than about a change in it."""
    # The other run may have ended, or begun, while this one was reading.
    if writer := writer_before or run.other_writer():
        yield f"note: {safe(writer)} is writing this state: plan again when that has ended"
    if key_words := key_note(state, run.target.fingerprinter(state.lineage), run.target.loopback):
        yield f"note: {key_words}"
    if plan.is_first and plan.blocked and not plan.pending:
        yield (
            "note: the state is empty, but these base connections already exist: fetch the state if there is one; "
            f"if it is lost, run `provisioner state rebuild --target {plan.target}`"
        )


def _save(context: Context, plan: Plan, path: Path) -> None:
    write_file(path, saved_plan.dump(plan), context.console.write_private)
    if not path.is_file():  # a pipe or a device: the plan is not kept
        return
    quoted = shlex.quote(str(path))
    if origins := ", ".join(plan.unset_origins):
        # Made without a secret, it does not know what would be sent.
        note = f"saved to be read: `apply {quoted}` will refuse it, for {origins} is not set; plan where it is set"
    else:
        note = f"saved: `apply {quoted}` carries out exactly this plan; `show {quoted}` shows it"
    context.console.err(note)
