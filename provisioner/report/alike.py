"""Changes that say the same of different base connections, together. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from provisioner.model import Location
from provisioner.planning.changes import FieldChange
from provisioner.planning.plan import Action, Change

SEVERITY = (
    Action.BLOCKED,
    Action.DELETE,
    Action.UPDATE,
    Action.CREATE,
    Action.FORGET,
    Action.REFRESH,
    Action.UNMANAGED,
    Action.NO_OP,
)
"""What a reader must not miss comes first."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Changes of one action, for one reason, in the same fields; never empty."""

    changes: tuple[Change, ...]

    @property
    def first(self) -> Change:
        return self.changes[0]

    @property
    def reason(self) -> str:
        return self._common(tuple(change.reason for change in self.changes))

    @property
    def remedy(self) -> str:
        return self._common(tuple(change.remedy for change in self.changes))

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(map(self._common, zip(*(change.notes for change in self.changes), strict=True)))

    @property
    def fields(self) -> Iterator[tuple[FieldChange, ...]]:
        """For each field that changes: how it changes in each of them."""
        yield from zip(*(change.fields for change in self.changes), strict=True)

    @property
    def locations(self) -> Iterator[Location]:
        """Where each of them is written: the first line that changes, where only some do."""
        for change in self.changes:
            if place := place_of(change):
                yield place

    def _common(self, texts: tuple[str, ...]) -> str:
        same = len(set(texts)) == 1
        return texts[0] if same else _general(self.first, texts[0])


_BY_FIELD = (Action.UPDATE, Action.REFRESH)


def place_of(change: Change) -> Location | None:
    """The line that a reader wants to see: of the first field that changes, or else of the definition."""
    lines = (field.location for field in change.fields if field.location and change.action in _BY_FIELD)
    return next(lines, change.location)


def alike(changes: Iterable[Change], apart: int = 0) -> tuple[Alike, ...]:
    """What is severe first; within an action as many together as possible first.

    Those that go from and to the same values stand apart from the others, where that makes no more than ``apart``
    groups of one, and none too small.
    """
    groups = (Alike(part) for members in _grouped(changes, _signature) for part in _by_value(members, apart))
    return tuple(sorted(groups, key=lambda one: (SEVERITY.index(one.first.action), -len(one.changes))))


def _grouped(changes: Iterable[Change], key: Callable[[Change], object]) -> tuple[tuple[Change, ...], ...]:
    found: dict[object, list[Change]] = {}
    for change in changes:
        found.setdefault(key(change), []).append(change)
    return tuple(map(tuple, found.values()))


def _by_value(changes: tuple[Change, ...], apart: int) -> tuple[tuple[Change, ...], ...]:
    parts = _grouped(changes, values_of)
    return parts if len(parts) <= min(apart, len(changes) // _WORTH) else (changes,)


_WORTH = 3
"""How many changes have to share their values, on average, for these to be told apart from the others."""


def values_of(change: Change) -> tuple[tuple[str | None, str | None], ...]:
    """What each field goes from and to."""
    return tuple((field.before, field.after) for field in change.fields)


def sorted_by_severity(changes: Iterable[Change]) -> tuple[Change, ...]:
    """In the order in which a reader wants to know of them."""
    return tuple(change for group in alike(changes) for change in group.changes)


def _signature(change: Change) -> object:
    fields = tuple(
        (field.path, field.comparison, field.at_hand, field.drifted, field.before is None, field.after is None)
        for field in change.fields
    )
    texts = tuple(_general(change, text) for text in (change.reason, change.remedy, *change.notes))
    return change.action, texts, fields


_TIME = re.compile(r" on \d{4}-\d\d-\d\d \d\d:\d\d UTC")
_ORIGIN = re.compile(r"env\(\w+\)")


def _general(change: Change, text: str) -> str:
    """The text without what belongs to this one alone."""
    own = {change.key: "KEY", change.record.id if change.record else "": "its object"}
    own |= {field.after or "": "..." for field in change.fields if field.path.endswith(".server")}
    for value, word in own.items():
        if len(value) > 2:  # shorter ones occur in other words
            text = text.replace(value, word)
    return _ORIGIN.sub("env(...)", _TIME.sub("", text))
