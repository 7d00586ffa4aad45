"""``test`` and ``explore``: whether managed base connections reach their databases, and what is in there. Only look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from provisioner.apply.outcome import Tested
from provisioner.errors import NotAuthenticated, ServiceError, UsageError
from provisioner.model import Key
from provisioner.planning.plan import PlanOptions
from provisioner.progress import Progress
from provisioner.service.client import FlowReader
from provisioner.service.responses import Table, TableContents
from provisioner.state.records import Record, State, record_of


def chosen(state: State, select: tuple[str, ...]) -> tuple[Record, ...]:
    """Return what is recorded and selected, by key. Raise ``UsageError`` where that is nothing."""
    asked = PlanOptions(select=select)
    records = sorted((record for record in state.records if asked.selects(record.key)), key=lambda one: one.key)
    if not records:
        words = f"--select {' '.join(select)} matches no record" if select else "nothing is recorded for this target"
        raise UsageError(words, "`provisioner state list` shows what is; `apply` records what it makes")
    return tuple(records)


def test(
    records: Sequence[Record], service: FlowReader, parallelism: int, show: Callable[[Tested], None], progress: Progress
) -> tuple[Tested, ...]:
    """Test these, in parallel; ``show`` is told each in their order, as soon as those before it are known.

    Raises ``NotAuthenticated`` where nobody is let in."""
    more = progress.of("tests done", len(records))
    more(0)

    def one(record: Record) -> Tested:
        tested = _tested(record, service)
        more(1)
        return tested

    results = []
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        for tested in pool.map(one, records):
            show(tested)
            results.append(tested)
    return tuple(results)


def _tested(record: Record, service: FlowReader) -> Tested:
    try:
        reached = service.test(record.id)
    except NotAuthenticated:
        raise
    except ServiceError as error:
        return Tested(record, None, error.message, error.remedy)
    return Tested(record, reached, remedy="" if reached.reachable else _remedy(record.key))


def _remedy(key: Key) -> str:
    return (
        "correct the definition or its variables and apply, or let Adobe's addresses reach the database; "
        f"then `provisioner test --select {key}`"
    )


def tables(state: State, service: FlowReader, key: Key) -> tuple[Table, ...]:
    """What the database of a key holds. Raises ``UsageError`` where nothing is recorded under it."""
    return service.tables(record_of(state, key).id)


def contents(state: State, service: FlowReader, key: Key, table: str, preview: bool) -> TableContents:
    """The columns of a table. Raises ``UsageError`` where nothing is recorded under the key."""
    return service.contents(record_of(state, key).id, table, preview)
