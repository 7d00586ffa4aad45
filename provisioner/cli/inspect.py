"""Commands that only look: ``test``, ``explore``, ``output``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import click

from provisioner.apply.outcome import Tested
from provisioner.cli import options
from provisioner.cli.context import Context, Needs
from provisioner.errors import NotAuthenticated, NotWritten, ServiceError, UsageError
from provisioner.model import Key
from provisioner.planning.plan import PlanOptions
from provisioner.progress import Progress
from provisioner.report import ids, tables
from provisioner.report.terminal import columns, safe
from provisioner.service.client import FlowReader
from provisioner.state.records import Record, State, record_of


@click.command(cls=options.StrictCommand)
@options.target
@options.form
@options.select
@options.parallelism
@options.project
def test(context: Context, target: str | None, form: str, select: tuple[str, ...], parallelism: int) -> int:
    """Test whether the service can reach the databases of managed base connections. Changes nothing.

    Exits with 1 if it cannot reach one of them.
    """
    with _connect(context, target) as (state, service):
        records = _selected(state, select)
        width = max(columns(safe(record.key)) for record in records)

        def show(tested: Tested) -> None:
            context.console.refuse_secrets((tested.reason, tested.remedy))
            if form != "json":
                context.console.out(tables.test_as_line(tested, width, context.out_style))

        results = run_tests(records, service, parallelism, show, context.progress)
    passed = sum(tested.passed for tested in results)
    if form == "json":
        context.console.out(tables.tests_as_json(results))
    else:
        summary = tables.tests_as_summary(passed, len(results) - passed)
        context.console.out(context.out_style.paint(summary, "bold"))
    return 0 if passed == len(results) else 1


@click.command(cls=options.StrictCommand)
@click.argument("key", shell_complete=options.complete_key, callback=options.read_key)
@click.argument("table", required=False)
@click.option("--preview", is_flag=True, help="Include sample rows of TABLE, if available.")
@options.target
@options.form
@options.project
def explore(context: Context, key: str, table: str | None, preview: bool, target: str | None, form: str) -> int:
    """List the tables in the database of KEY, or the columns of TABLE with the types that the service reports."""
    if preview and table is None:
        raise click.UsageError("--preview is of a table: name one, as `explore KEY` lists them")
    style = context.out_style
    with _connect(context, target) as (state, service):
        ident = record_of(state, key).id
        if table is None:
            found = service.tables(ident)
            context.console.refuse_secrets(text for item in found for text in (item.name, item.path, item.kind))
            result = tables.tables_as_json(found) if form == "json" else tables.tables_as_text(found, style)
        else:
            contents = service.contents(ident, table, preview)
            context.console.refuse_secrets(tables.foreign_texts(contents))
            if form == "json":
                result = tables.contents_as_json(contents)
            else:
                result = tables.contents_as_text(contents, style, preview)
    context.console.out(result)
    return 0


@click.command(cls=options.StrictCommand)
@click.argument("key", required=False, shell_complete=options.complete_key, callback=options.read_key)
@options.target
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "env", "github"]),
    default="json",
    show_default=True,
    help="Format of the result; github: step outputs, appended to the file named by GITHUB_OUTPUT.",
)
@options.offline_project
def output(context: Context, key: str | None, target: str | None, form: str) -> int:
    """Print the ids of managed base connections, or only the id of KEY, for the next step of a pipeline."""
    run = context.open(target)
    state = run.store.load()
    if key is not None:
        context.console.out(ids.as_id(record_of(state, key)))
        return 0
    renderers = {"json": ids.as_json, "env": ids.as_env, "github": ids.as_github}
    result = renderers[form](state.records)
    file = run.settings.github_output
    if form != "github" or file is None:
        context.console.out(result)
        return 0
    try:
        context.console.append(file, f"{result}\n")
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise NotWritten(message, "check the file that GITHUB_OUTPUT names") from None
    return 0


def run_tests(
    records: Sequence[Record],
    service: FlowReader,
    parallelism: int,
    show: Callable[[Tested], None],
    progress: Progress,
) -> tuple[Tested, ...]:
    """Test base connections in parallel. ``show`` receives each result in the order of the records.

    Raise ``NotAuthenticated``.
    """
    count_done = progress.of("tests done", len(records))
    count_done(0)

    def run_test(record: Record) -> Tested:
        try:
            result = service.test(record.id)
            tested = Tested(record, result, remedy="" if result.reachable else _remedy(record.key))
        except NotAuthenticated:
            raise
        except ServiceError as error:
            tested = Tested(record, None, error.message, error.remedy)
        count_done(1)
        return tested

    results = []
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        for tested in pool.map(run_test, records):
            show(tested)
            results.append(tested)
    return tuple(results)


def _remedy(key: Key) -> str:
    return (
        "correct the definition or its variables and apply, or let Adobe's addresses reach the database; "
        f"then `provisioner test --select {key}`"
    )


@contextmanager
def _connect(context: Context, target: str | None) -> Iterator[tuple[State, FlowReader]]:
    run = context.open(target, Needs.SERVICE)
    state = run.store.load()
    with run.connect() as service:
        yield state, service.reading()


def _selected(state: State, select: tuple[str, ...]) -> tuple[Record, ...]:
    """Return the selected records, by key. Raise ``UsageError`` where there are none."""
    plan_options = PlanOptions(select=select)
    records = sorted((record for record in state.records if plan_options.selects(record.key)), key=lambda one: one.key)
    if not records:
        message = f"--select {' '.join(select)} matches no record" if select else "nothing is recorded for this target"
        raise UsageError(message, "`provisioner state list` shows what is; `apply` records what it makes")
    return tuple(records)
