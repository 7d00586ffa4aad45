"""``test`` and ``explore`` as the command line runs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provisioner import running
from provisioner.apply.outcome import Tested
from provisioner.cli import connect
from provisioner.cli.settings import read_settings
from provisioner.commands import probing
from provisioner.report import tables
from provisioner.report.terminal import columns, safe

if TYPE_CHECKING:
    from provisioner.cli.context import Context
    from provisioner.service.client import FlowReader
    from provisioner.state.records import State


def test(shell: Context, name: str | None, output: str, select: tuple[str, ...], parallelism: int) -> int:
    """Test, show each by key. 1 where one is not reachable."""
    with _looking(shell, name) as (state, service):
        records = probing.chosen(state, select)
        width = max(columns(safe(record.key)) for record in records)

        def show(one: Tested) -> None:
            shell.console.check((one.reason, one.remedy))
            if output != "json":
                shell.console.out(tables.test_line(one, width, shell.result_style))

        results = probing.test(records, service, parallelism, show, shell.progress)
    passed = sum(one.passed for one in results)
    if output == "json":
        shell.console.out(tables.tests_json(results))
    else:
        words = tables.test_summary(passed, len(results) - passed)
        shell.console.out(shell.result_style.paint(words, "bold"))
    return 0 if passed == len(results) else 1


def explore(shell: Context, name: str | None, output: str, key: str, table: str | None, preview: bool) -> int:
    """Show tables, or the columns of one."""
    style = shell.result_style
    with _looking(shell, name) as (state, service):
        if table is None:
            found = probing.tables(state, service, key)
            shell.console.check(word for one in found for word in (one.name, one.path, one.kind))
            text = tables.tables_json(found) if output == "json" else tables.tables_text(found, style)
        else:
            held = probing.contents(state, service, key, table, preview)
            shell.console.check(tables.words_of(held))
            text = tables.contents_json(held) if output == "json" else tables.contents_text(held, style, preview)
    shell.console.out(text)
    return 0


@contextmanager
def _looking(shell: Context, name: str | None) -> Iterator[tuple[State, FlowReader]]:
    settings = read_settings(shell.environ)
    where, store = running.place_of(shell, settings, name, running.Needs.SERVICE)
    state = store.load()
    with connect.connect(where, settings, running.log_of(shell), shell.console.scanner.contains) as service:
        yield state, service.reading()
