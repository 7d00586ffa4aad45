"""Work on many items, each on its own, that may be shared out among processes; how, is for the shell to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

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


class Share(Protocol):
    """Gives the results in the order of the items; ``more`` is told whenever there are so many more of them."""

    def __call__(self, items: Sequence[Item], job: Job[Item, Result], more: Callable[[int], None]) -> list[Result]: ...


def alone(items: Sequence[Item], job: Job[Item, Result], more: Callable[[int], None]) -> list[Result]:
    """Nobody else works on it."""
    results = []
    for chunk in chunks_of(items):
        results += job.work(chunk)
        more(len(chunk))
    return results


def chunks_of(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """All items, in their order."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
