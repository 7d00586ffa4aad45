"""Work on many items, each on its own, that may be shared out among processes; how, is for the shell to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Job(Generic[Item, Result]):
    """``work`` makes the result of an item. ``pack`` makes values of it that the ``marshal`` module knows, and
    ``unpack`` an equal result of those, so that another process can hand it over."""

    work: Callable[[Item], Result]
    pack: Callable[[Result], Any]
    unpack: Callable[[Any], Result]


class Share(Protocol):
    """Gives the results in the order of the items; ``one_more`` is called whenever there is another one."""

    def __call__(self, items: Sequence[Item], job: Job[Item, Result], one_more: Callable[[], None]) -> list[Result]: ...


def alone(items: Sequence[Item], job: Job[Item, Result], one_more: Callable[[], None]) -> list[Result]:
    """Nobody else works on it."""
    results = []
    for item in items:
        results.append(job.work(item))
        one_more()
    return results
