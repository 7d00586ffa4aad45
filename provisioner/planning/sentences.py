"""Parts of sentences that plans and their reports share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def listed(items: Sequence[Item], most: int = 5, shown: Callable[[Item], str] = str) -> str:
    """Return the first ``most`` items in a row, each as it is ``shown``, and how many more there are."""
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(map(shown, items[:most])) + more
