"""``apply``: carry out a plan. ``rotate``: an apply that sends the credentials of some keys again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

import click

from provisioner.apply.evidence import RunEvidence, RunRecord
from provisioner.apply.outcome import Outcome, Verdict, exit_code
from provisioner.apply.run import ApplyOptions, Ports, run_apply
from provisioner.cli import options
from provisioner.cli.context import Context, Needs, Run, new_id
from provisioner.cli.evidence import as_text, with_evidence
from provisioner.cli.interruption import Interruption
from provisioner.cli.reports import Reports, warning_if_not_written, write_reports
from provisioner.cli.saved_plans import PLAN_FILE, read_saved_plan
from provisioner.errors import UsageError
from provisioner.model import Key
from provisioner.planning.approval import ExpectedDigest, SavedPlan, verify_target
from provisioner.planning.plan import Plan, PlanOptions
from provisioner.planning.selection import needs_secrets, with_readers
from provisioner.report import formats, outcomes, plan_text
from provisioner.report.wording import foreign_texts, texts_of_plan
from provisioner.service.client import FlowService


@click.command(cls=options.StrictCommand)
@click.argument("plan_file", metavar="[FILE]", required=False, type=PLAN_FILE)
@options.target
@options.progress_form
@options.reports(formats.APPLIED)
@click.option(
    "--expect-digest",
    metavar="DIGEST",
    help="Exit with 5 unless the plan has this digest and includes no changes made outside provisioner.",
)
@options.yes
@options.no_wait
@options.parallelism
@options.plan_options
@options.lock_timeout
@options.project
@with_evidence
def apply(
    context: Context,
    plan_file: Path | None,
    target: str | None,
    form: str,
    reports: Reports,
    record: RunRecord,
    expect_digest: str | None,
    yes: bool,
    no_wait: bool,
    parallelism: int,
    lock_timeout: float,
    plan_options: PlanOptions,
) -> int:
    """Show the plan, ask for confirmation, and create, change and delete base connections. Record every step.

    FILE is a plan saved by `plan --out`: exactly this plan is carried out, or nothing. With FILE or --expect-digest,
    the plan counts as approved, and `apply` does not ask.
    """
    apply_options = ApplyOptions(parallelism=parallelism, skip_question=yes, plan_options=plan_options, no_wait=no_wait)
    if plan_file:
        if expect_digest is not None:
            raise click.UsageError("a saved plan takes no --expect-digest: leave it out")
        if given := " ".join(plan_options.flags):
            raise click.UsageError(f"flags are fixed when the plan is saved: leave out {given}")
        approved = read_saved_plan(plan_file, target, context.folder, instead="apply")
        target = approved.plan.target
        apply_options = replace(apply_options, plan_options=approved.plan.options, approved=approved)
    elif expect_digest is not None:
        apply_options = replace(apply_options, approved=ExpectedDigest(expect_digest))
    return _apply(context, target, form, apply_options, lock_timeout, reports, record)


@click.command(cls=options.StrictCommand)
@click.argument("keys", metavar="[KEY]...", nargs=-1, shell_complete=options.complete_key, callback=options.read_key)
@options.variable
@options.target
@options.progress_form
@options.reports(formats.APPLIED)
@options.exceed_limits
@options.overwrite_drift
@options.yes
@options.no_wait
@options.lock_timeout
@options.project
@with_evidence
def rotate(
    context: Context,
    keys: tuple[str, ...],
    variables: tuple[str, ...],
    target: str | None,
    form: str,
    reports: Reports,
    record: RunRecord,
    exceed_limits: bool,
    overwrite_drift: bool,
    yes: bool,
    no_wait: bool,
    lock_timeout: float,
) -> int:
    """Send the credentials of each KEY: `apply --select KEY --prove --resend --test`. A KEY can be a glob.

    With --variable, do so for every definition that reads this variable, such as a password that several share.

    First prove the credentials on a throwaway base connection, so that a wrong password never reaches a live dataflow.
    Then send them, even if they have not changed, and test them. Before asking for confirmation, show the dataflows
    that use the base connection and other definitions that read the same variable.
    """
    if not (keys or variables):
        raise click.UsageError("nothing is named: give a KEY, or --variable NAME for all definitions that read it")
    plan_options = PlanOptions(
        select=keys,
        variables=variables,
        prove=True,
        resend=True,
        test=True,
        exceed_limits=exceed_limits,
        overwrite_drift=overwrite_drift,
    )
    apply_options = ApplyOptions(parallelism=1, skip_question=yes, plan_options=plan_options, no_wait=no_wait)
    return _apply(context, target, form, apply_options, lock_timeout, reports, record)


def _apply(
    context: Context,
    target: str | None,
    form: str,
    apply_options: ApplyOptions,
    lock_timeout: float,
    reports: Reports,
    record: RunRecord,
) -> int:
    record.options = apply_options
    approved, plan_options = apply_options.approved, apply_options.plan_options
    lineage = approved.plan.lineage if isinstance(approved, SavedPlan) else None
    requires_secrets = partial(needs_secrets, options=plan_options)
    run = context.open(target, Needs.DEFINITIONS, lineage, requires_secrets)
    record.target = run.target
    verify_target(approved, run.target.identity)
    # The lock comes first: whatever is read after it stays true until the end.
    with Interruption() as interruption, run.hold("apply", lock_timeout):
        desired = run.load_definitions(allow_none=not run.store.load().is_new, requires_secrets=requires_secrets)
        selected = with_readers(plan_options, desired, run.target.name)
        record.options = apply_options = replace(apply_options, plan_options=selected)
        with run.connect(interruption.requested, record.add_call) as service:
            ports = _ports(run, service, form, interruption, record)
            applied = run_apply(run.target, desired, ports, apply_options)
    evidence = record.ended(exit_code(applied), applied)
    context.console.out(as_text(evidence, form) or _summary(context, evidence))
    with warning_if_not_written(context):
        write_reports(context, formats.APPLIED, evidence, reports)
    with warning_if_not_written(context):
        context.console.refuse_lost_output()
    return evidence.result


def _ports(run: Run, service: FlowService, form: str, interruption: Interruption, record: RunRecord) -> Ports:
    context, console = run.context, run.context.console
    # Standard output takes a single JSON document, so then everything on the way is a note.
    say = console.err if form == "json" else console.out
    style = context.err_style if form == "json" else context.out_style
    count_done = context.progress.of("changes done", 0)
    done_keys: set[Key] = set()

    def show(plan: Plan) -> None:
        nonlocal count_done
        record.plan = plan
        console.refuse_secrets(texts_of_plan(plan))
        count_done = context.progress.of("changes done", len(plan.pending))
        if form == "events":
            console.out("\n".join(outcomes.plan_as_events(plan, datetime.now(UTC))))
        else:
            say(plan_text.as_text(plan, style) + "\n\n")

    def report_outcome(outcome: Outcome) -> None:
        record.add_outcome(outcome)
        console.refuse_secrets((outcome.message, outcome.remedy, *foreign_texts((outcome.change,))))
        if form == "events":
            say(outcomes.outcome_as_event(outcome, datetime.now(UTC), record.work_on(outcome.change.key)))
        elif context.verbose or outcome.verdict is not Verdict.NOT_ATTEMPTED:  # the summary counts those
            say(outcomes.as_line(outcome, style))
        # A call whose outcome was unknown is reported once more after the wait.
        count_done(outcome.change.key not in done_keys)
        done_keys.add(outcome.change.key)

    return Ports(
        store=run.store,
        service=service,
        monotonic=monotonic,
        sleep=lambda seconds: _sleep(interruption, seconds),
        new_id=new_id,
        tell=console.err,
        show=show,
        confirm=lambda: _confirm(context),
        report_outcome=report_outcome,
        interrupted=interruption.requested,
        undisturbed=interruption.undisturbed,
        working_on=record.working_on,
    )


def _confirm(context: Context) -> bool:
    if context.stdin is None or not context.interactive:
        message = "cannot ask for confirmation without a terminal; nothing was sent"
        raise UsageError(message, "read the plan, then pass --yes")
    context.console.ask("Apply these changes? Only `yes` is accepted: ")
    answer = context.stdin.readline()
    if not answer.endswith("\n"):
        context.console.ask("\n")
    return answer.strip().lower() == "yes"


def _sleep(interruption: Interruption, seconds: float) -> None:
    interruption.requested.wait(seconds)


def _summary(context: Context, evidence: RunEvidence) -> str:
    applied, style = evidence.applied, context.out_style
    listed = context.verbose or not applied.count(Verdict.NOT_ATTEMPTED)
    hint = "" if listed else " Use -v or a report to list them."
    return style.fold(style.paint(outcomes.as_summary(applied), "bold") + hint)
