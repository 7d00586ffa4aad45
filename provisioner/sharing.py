"""Work on many items, each on its own, that may be shared out among processes; how, is for the shell to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 25
"""Items that are worked on together."""


@dataclass(frozen=True, slots=True)
class Job(Generic[Item, Result]):
    """``work`` makes the results of a chunk, one of each item. ``pack`` makes values of a result that the ``marshal``
    module knows, and ``unpack`` a result of those that holds the same, so that another process can hand it over."""

    work: Callable[[Sequence[Item]], list[Result]]
    pack: Callable[[Result], Any]
    unpack: Callable[[Any], Result]


Chunks: TypeAlias = Iterator[tuple[int, Sequence[Result]]]
"""The results of each chunk with its number, whichever is done first."""


class Share(Protocol):
    """Others begin with the work at once; whoever asks for the results joins in. ``more`` is told whenever there are so
    many more of them."""

    def __call__(
        self, items: Sequence[Item], job: Job[Item, Result], more: Callable[[int], None]
    ) -> AbstractContextManager[Chunks[Result]]: ...


@contextmanager
def alone(items: Sequence[Item], job: Job[Item, Result], more: Callable[[int], None]) -> Iterator[Chunks[Result]]:
    """Nobody else works on it."""
    yield work_off(enumerate(chunks_of(items)), job, more)


def work_off(
    chunks: Iterable[tuple[int, Sequence[Item]]], job: Job[Item, Result], more: Callable[[int], None]
) -> Chunks[Result]:
    """The results of numbered chunks."""
    for number, chunk in chunks:
        results = job.work(chunk)
        more(len(results))
        yield number, results


def chunks_of(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """All items, in their order."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def in_order(chunks: Chunks[Result]) -> list[Result]:
    """All results, in the order of the items."""
    return [result for _, results in sorted(chunks, key=itemgetter(0)) for result in results]
