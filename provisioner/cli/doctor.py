"""``doctor``: look at everything on the way to the service, line by line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from provisioner.cli import connect, options
from provisioner.cli.context import Context, load_definitions
from provisioner.cli.reports import write_file
from provisioner.cli.settings import Settings, read_settings, without_placeholders
from provisioner.definitions.project import Project
from provisioner.doctor.findings import Finding, Line, Status, examine
from provisioner.doctor.lines import LINE_IDS, LINES
from provisioner.doctor.site import Access, Site
from provisioner.errors import ExitCode
from provisioner.planning.target_context import TargetContext
from provisioner.report.doctor import facts_as_json, line_as_text, section_as_text, summary_as_text
from provisioner.report.terminal import json_line
from provisioner.service.channel import Channel
from provisioner.service.retry import Policy

_ONCE_MORE = Policy(attempts=2, total=30.0, throttled_attempts=3)
"""A call that fails at once is repeated once. One that hangs ends in the deadline of one attempt."""


@click.command(cls=options.StrictCommand)
@options.target
@options.form
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write the facts to a private file, without secrets, values of variables, and names of users and hosts.",
)
@options.project
def doctor(context: Context, target: str | None, form: str, out: Path | None) -> int:
    """Check everything on the way to the service, line by line. Changes nothing.

    Looks at the project, variables, proxy, hosts, TLS, clocks, token, organization, sandbox, permissions, the
    connection spec of MySQL, base connections and the state. Exits with 1 if a line failed.
    """
    found: list[tuple[Line[Site], Finding]] = []
    with _site(context, target) as site:
        for line, finding in examine(LINES, site):
            finding = _without_secrets(context, finding)
            if form != "json":
                _show(context, line, finding, previous=found[-1][0].section if found else "")
            found.append((line, finding))
    facts = facts_as_json(found, datetime.now(UTC))
    findings = [finding for _, finding in found]
    context.console.out(facts if form == "json" else f"\n{summary_as_text(findings, context.out_style)}")
    if out is not None:
        write_file(out, facts, context.console.write_private)
    return ExitCode.FAILED if any(finding.status is Status.FAILED for finding in findings) else ExitCode.DONE


def _show(context: Context, line: Line[Site], finding: Finding, previous: str) -> None:
    style = context.out_style
    if line.section != previous:
        context.console.out(f"{chr(10) if previous else ''}{section_as_text(line.section, style)}")
    context.console.out(line_as_text(line, finding, max(map(len, LINE_IDS)), style))


def _without_secrets(context: Context, finding: Finding) -> Finding:
    """Return a finding, without its texts where they hold a sensitive value, which a service may quote."""
    texts = (finding.seen, finding.remedy, *finding.details, json_line(dict(finding.facts)))
    if not context.console.scanner.contains("\n".join(texts)):
        return finding
    return Finding(finding.status, "withheld: it repeats a sensitive value", cause=finding.cause)


@contextmanager
def _site(context: Context, target_name: str | None) -> Iterator[Site]:
    """Yield the place to look at; what is opened for it is closed afterwards."""
    console = context.console
    with ExitStack() as stack:

        @cache
        def settings() -> Settings:
            return read_settings(context.environ)

        def target_of(project: Project) -> TargetContext:
            target = connect.choose_target(project, target_name, settings())
            return connect.target_context(project, target, settings(), console.scanner, context.progress, context.waits)

        def channel_of(target: TargetContext) -> Channel:
            log, repeats = context.log_to(lambda _: None), console.scanner.contains
            return stack.enter_context(connect.open_channel(target, settings(), log, repeats, copy_of_data))

        def copy_of_data(folder: Path) -> Path | None:
            """Return a copy of an emulator's data, since SQLite writes to a file that it only reads."""
            files = tuple(folder.glob(f"{connect.EMULATOR_DATA}*"))
            if not files:
                return None
            copies = Path(stack.enter_context(TemporaryDirectory()))
            for file in files:
                shutil.copy(file, copies)
            return copies / connect.EMULATOR_DATA

        yield Site(
            Access(
                folder=context.folder,
                environ=without_placeholders(context.environ),
                target_of=target_of,
                check_identity=lambda target: connect.check_settings(target.target, settings(), online=False),
                definitions_of=lambda target: load_definitions(target, allow_none=True),
                state_of=lambda target: connect.open_store(
                    target.project, target.target, target.identity, console
                ).load(),
                channel_of=channel_of,
                tokens_of=lambda target, channel: connect.token_source(target, settings(), channel),
                service_of=lambda target, channel, tokens: connect.flow_service(target, channel, tokens, _ONCE_MORE),
            )
        )
