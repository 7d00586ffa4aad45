"""``test`` and ``explore``: whether managed base connections reach their databases, and what is in there. Only look."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from provisioner.applying.outcome import Tested
from provisioner.errors import NotAuthenticated, ServiceError, UsageError
from provisioner.model import Key
from provisioner.planning.plan import Asked
from provisioner.progress import Progress
from provisioner.service.flow_service import Reader
from provisioner.service.probing import Contents, Table
from provisioner.state.entries import record_of
from provisioner.state.records import Record, State


def test(
    state: State,
    service: Reader,
    select: tuple[str, ...],
    parallelism: int,
    show: Callable[[Tested, int], None],
    progress: Progress,
) -> tuple[Tested, ...]:
    """Test what is recorded and selected, in parallel; ``show`` is told each by key, and the length of the longest.

    Raises ``UsageError`` where that is nothing, ``NotAuthenticated`` where nobody is let in."""
    asked = Asked(select=select)
    chosen = [record for record in state.records if asked.selects(record.key)]
    if not chosen:
        words = f"--select {' '.join(select)} matches no record" if select else "nothing is recorded for this target"
        raise UsageError(words, "`provisioner state list` shows what is; `apply` records what it makes")

    more = progress.of("tests done", len(chosen))
    more(0)

    def one(record: Record) -> Tested:
        tested = _tested(record, service)
        more(1)
        return tested

    width = max(len(record.key) for record in chosen)
    results: list[Tested] = []
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        for tested in pool.map(one, chosen):
            show(tested, width)
            results.append(tested)
    return tuple(results)


def _tested(record: Record, service: Reader) -> Tested:
    try:
        return Tested(record, service.test(record.id))
    except NotAuthenticated:
        raise
    except ServiceError as error:
        return Tested(record, None, error.message, error.remedy)


def tables(state: State, service: Reader, key: Key) -> tuple[Table, ...]:
    """What the database of a key holds. Raises ``UsageError`` where nothing is recorded under it."""
    return service.tables(record_of(state, key).id)


def contents(state: State, service: Reader, key: Key, table: str, preview: bool) -> Contents:
    """The columns of a table. Raises ``UsageError`` where nothing is recorded under the key."""
    return service.contents(record_of(state, key).id, table, preview)
