"""``show``: look at a saved plan without applying it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click

from provisioner.cli import options
from provisioner.cli.context import Context, Needs
from provisioner.cli.plan import print_plan
from provisioner.cli.reports import Reports, write_reports
from provisioner.cli.saved_plans import PLAN_FILE, read_saved_plan
from provisioner.errors import PlanFileError, StaleError, UsageError
from provisioner.planning import planner
from provisioner.planning.approval import PLAN_AGAIN, Mismatch, SavedPlan
from provisioner.planning.consistency import contradictions
from provisioner.planning.plan import Action
from provisioner.planning.secret_records import refuse_forgotten_key
from provisioner.planning.selection import needs_secrets
from provisioner.report import formats
from provisioner.report.terminal import Style, safe
from provisioner.text import count


@click.command(cls=options.StrictCommand)
@click.argument("plan_file", metavar="FILE", required=False, type=PLAN_FILE)
@click.option(
    "--target",
    metavar="NAME",
    shell_complete=options.complete_target,
    help="Refuse a plan that was made for another target.",
)
@options.form
@options.reports(formats.PLAN)
@click.option(
    "--check",
    is_flag=True,
    help="Only say whether `apply FILE` would still carry it out; exit with 5 if not. Reads project and service.",
)
@options.project
def show(
    context: Context, plan_file: Path | None, target: str | None, form: str, reports: Reports, check: bool
) -> None:
    """Show a plan saved by `plan --out FILE`, as `plan` showed it, with when and for what it was made.

    Reads nothing but FILE: no project, service or secret is needed.
    """
    if plan_file is None:
        raise UsageError(
            "show takes the file of a saved plan",
            "make one with `provisioner plan --out FILE`; for the state, run `provisioner state list`",
        )
    if check and form != "text":
        raise UsageError("--check takes no --format", "leave it out")
    if check and any(name != formats.RESULT for name, _ in reports):
        raise UsageError(f"--check takes no --report but {formats.RESULT}", f"--report {formats.RESULT}=FILE")
    saved = read_saved_plan(plan_file, target, context.folder, instead="plan")
    if found := tuple(contradictions(saved.plan)):
        message = f"{plan_file}: the saved plan was edited: it shows something else than it would do"
        raise PlanFileError(message, "plan again", found)
    if check:
        context.console.out(safe(_checked(context, saved, plan_file)))
        return
    # Standard output takes a single JSON document.
    say, style = (
        (context.console.err, context.err_style) if form == "json" else (context.console.out, context.out_style)
    )
    say(style.fold("\n".join(_head(saved, plan_file, style))) + "\n\n")
    print_plan(context, saved.plan, form)
    write_reports(context, formats.PLAN, saved.plan, reports)


def _head(saved: SavedPlan, file: Path, style: Style) -> Iterator[str]:
    """Yield when and for what a plan was made, and how to apply it."""
    plan, made = saved.plan, saved.plan.provenance
    quoted = shlex.quote(str(file))
    if plan.unset_origins:
        how_to_apply = f"will be refused, for {', '.join(plan.unset_origins)} was not set: plan where it is set"
    elif plan.pending:
        how_to_apply = f"provisioner apply {quoted}"
    else:
        how_to_apply = "there is nothing to apply"
    lines = {
        "made": f"{made}, from commit {made.commit}" if made.commit else str(made),
        "checksum": saved.checksum,
        "target": plan.target,
        "endpoint": plan.identity.endpoint,
        "org_id": plan.identity.org_id,
        "sandbox": plan.identity.sandbox,
        "flags": " ".join(plan.options.flags) or "none",
        "compared with": "the state alone (--offline)" if plan.offline else "the state and the service",
        "apply": how_to_apply,
        "check": f"provisioner show {quoted} --check",
    }
    yield f"Saved plan {style.paint(safe(str(file)), 'bold')}"
    width = max(map(len, lines))
    yield from (f"  {name:{width}}  {safe(line)}" for name, line in lines.items())


def _checked(context: Context, saved: SavedPlan, file: Path) -> str:
    """Return one line on a saved plan that `apply` would carry out now. Raise ``StaleError`` for any other.

    Like `plan`, take no lock and record nothing. Like `apply`, require the secrets: without them nobody can tell
    whether they are those that were approved.
    """
    approved = saved.plan
    plan_options = approved.options
    requires_secrets = partial(needs_secrets, options=plan_options)
    run = context.open(approved.target, Needs.DEFINITIONS, approved.lineage, requires_secrets)
    _refuse_stale(file, saved.target_mismatches(run.target.identity))
    writer_before = run.other_writer()
    state = run.store.load()
    desired = run.load_definitions(allow_none=not state.is_new, requires_secrets=requires_secrets)
    fingerprinter = run.target.fingerprinter(state.lineage)
    if not plan_options.refresh_only:
        refuse_forgotten_key(state, fingerprinter)
    with run.connect_reader() as service:
        plan = planner.plan(run.target, desired, state, service, plan_options, from_saved_plan=True)
    if writer := writer_before or run.other_writer():
        context.console.err(f"note: {safe(writer)} is writing this state: check again when that has ended")
    _refuse_stale(file, saved.mismatches(plan, fingerprinter))
    open_pins = saved.open_pins(plan, fingerprinter)
    keys = [pin.key for pin in approved.pins if pin.action not in (Action.BLOCKED, Action.NO_OP)]
    left = sum(key in open_pins for key in keys)
    if not keys:
        return f"{file} still holds: there is nothing to apply on {approved.target}"
    if not left:
        return f"{file} is applied already: there is nothing left to do on {approved.target}"
    done = f"; {len(keys) - left:,} of {len(keys):,} changes applied already" if left < len(keys) else ""
    return f"{file} still holds: apply would carry out {count(left, 'change')} on {approved.target}{done}"


def _refuse_stale(file: Path, mismatches: tuple[Mismatch, ...]) -> None:
    if mismatches:
        raise StaleError(f"{file} is stale: `apply` would refuse it", PLAN_AGAIN, tuple(map(str, mismatches)))
