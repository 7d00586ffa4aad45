"""``test``: test whether the service can reach databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import click

from provisioner.apply.outcome import Tested
from provisioner.cli import options
from provisioner.cli.context import Context, Needs
from provisioner.errors import NotAuthenticated, ServiceError, UsageError
from provisioner.model import Key
from provisioner.planning.plan import PlanOptions
from provisioner.progress import Progress
from provisioner.report import tables
from provisioner.report.terminal import columns, safe
from provisioner.service.client import FlowReader
from provisioner.state.records import Record, State


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
    run = context.open(target, Needs.SERVICE)
    state = run.store.load()
    with run.connect() as service:
        records = _selected(state, select, run.target.name)
        width = max(columns(safe(record.key)) for record in records)

        def show(tested: Tested) -> None:
            context.console.refuse_secrets((tested.reason, tested.remedy))
            if form != "json":
                context.console.out(tables.test_as_line(tested, width, context.out_style))

        results = run_tests(records, service.reading(), parallelism, show, context.progress)
    if form == "json":
        context.console.out(tables.tests_as_json(results))
    else:
        summary = tables.tests_as_summary(results)
        context.console.out(context.out_style.paint(summary, "bold"))
    return 0 if all(tested.passed for tested in results) else 1


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


def _selected(state: State, select: tuple[str, ...], target: str) -> tuple[Record, ...]:
    """Return the selected records, by key. Raise ``UsageError`` where there are none."""
    plan_options = PlanOptions(select=select)
    records = sorted((record for record in state.records if plan_options.selects(record.key)), key=lambda one: one.key)
    if not records:
        if select and state.records:
            raise UsageError(
                f"--select {' '.join(select)} matches no record", f"run `provisioner state list --target {target}`"
            )
        raise UsageError(f"nothing is recorded for target {target}", f"run `provisioner apply --target {target}` first")
    return tuple(records)
