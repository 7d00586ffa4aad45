"""Equal values kept once: definitions resemble each other, and so do the records of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

Kept = TypeVar("Kept", bound=Hashable)

_MOST = 1000
"""Distinct values that are remembered. What many hold is met early; what differs in each is not worth the room."""


def keeping_once(_: type[Kept]) -> Callable[[Kept], Kept]:
    """A function that gives the equal value that it was given before, where it is one of the first; else its own."""
    known: dict[Kept, Kept] = {}

    def once(value: Kept) -> Kept:
        return known.setdefault(value, value) if len(known) < _MOST else known.get(value, value)

    return once
