"""Changes that say the same of different base connections, together. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations

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
    def differing(self) -> tuple[bool, ...]:
        """For each of these fields, whether not all go from and to the same."""
        return tuple(len({(one.before, one.after) for one in fields}) > 1 for fields in self.fields)

    @property
    def locations(self) -> Iterator[Location]:
        """Where each of them is written: the first line that changes, where only some do."""
        for change in self.changes:
            if place := place_of(change):
                yield place

    def _common(self, texts: tuple[str, ...]) -> str:
        """What all say, with no more than needed left open."""
        for number in range(len(_OWN) + 1):
            for chosen in combinations(_OWN, number):
                said = _without(self.first, texts[0], chosen)
                if all(
                    _without(change, text, chosen) == said for change, text in zip(self.changes, texts, strict=True)
                ):
                    return f"{said} ({len(set(texts)):,} different ones)" if chosen else said
        return texts[0]


_BY_FIELD = (Action.UPDATE, Action.REFRESH)


def place_of(change: Change) -> Location | None:
    """The line that a reader wants to see: of the first field that changes, or else of the definition."""
    lines = (field.location for field in change.fields if field.location and change.action in _BY_FIELD)
    return next(lines, change.location)


def alike(changes: Iterable[Change], apart: int = 0) -> tuple[Alike, ...]:
    """What is severe first; within an action as many together as possible first.

    Those that go from and to the same values stand apart from the others, by as many fields as make no more than
    ``apart`` groups of one (for what is created: a quarter of that), and none too small.
    """
    groups = (Alike(part) for members in _grouped(changes, _signature) for part in _by_value(members, apart))
    return tuple(sorted(groups, key=lambda one: (SEVERITY.index(one.first.action), -len(one.changes))))


def sorted_by_severity(changes: Iterable[Change]) -> tuple[Change, ...]:
    """In the order in which a reader wants to know of them."""
    return tuple(change for group in alike(changes) for change in group.changes)


def _grouped(changes: Iterable[Change], key: Callable[[Change], object]) -> tuple[tuple[Change, ...], ...]:
    found: dict[object, list[Change]] = {}
    for change in changes:
        found.setdefault(key(change), []).append(change)
    return tuple(map(tuple, found.values()))


_WORTH = 3
"""How many changes have to share their values, on average, for these to be told apart from the others."""


def _by_value(changes: tuple[Change, ...], apart: int) -> tuple[tuple[Change, ...], ...]:
    """Apart by the fields that have the fewest different values, as long as that leaves groups worth telling."""
    most = min(apart // 4 if changes[0].action is Action.CREATE else apart, len(changes) // _WORTH)
    if most < 2:
        return (changes,)
    different = [len({_values(change, (at,)) for change in changes}) for at in range(len(changes[0].fields))]
    by_number = sorted(range(len(different)), key=different.__getitem__)
    parts: tuple[tuple[Change, ...], ...] = (changes,)
    for end in range(1, len(by_number) + 1):
        finer = _grouped(changes, partial(_values, fields=tuple(by_number[:end])))
        if len(finer) > most:
            break
        parts = finer
    return parts


def _values(change: Change, fields: tuple[int, ...]) -> tuple[tuple[str | None, str | None], ...]:
    return tuple((change.fields[at].before, change.fields[at].after) for at in fields)


def _signature(change: Change) -> object:
    fields = tuple(
        (field.path, field.comparison, field.at_hand, field.drifted, field.before is None, field.after is None)
        for field in change.fields
    )
    texts = tuple(_without(change, text, _OWN) for text in (change.reason, change.remedy, *change.notes))
    return change.action, texts, fields


_TIME = re.compile(r" on \d{4}-\d\d-\d\d \d\d:\d\d UTC")
_ORIGIN = re.compile(r"env\(\w+\)")


def _put(word: str, value: Callable[[Change], str]) -> Callable[[Change, str], str]:
    """In the place of a value that belongs to one change. Short ones stay: they occur in other words."""
    return lambda change, text: text.replace(own, word) if len(own := value(change)) > 2 else text


def _server(change: Change) -> str:
    return next((field.after or "" for field in change.fields if field.path.endswith(".server")), "")


_OWN: tuple[Callable[[Change, str], str], ...] = (
    lambda _, text: _TIME.sub("", text),
    lambda _, text: _ORIGIN.sub("env(...)", text),
    _put("its object", lambda change: change.record.id if change.record else ""),
    _put("KEY", lambda change: change.key),
    _put("its new server", _server),
)
"""What may belong to one change alone, and is left open where others say the same but for that."""


def _without(change: Change, text: str, chosen: Iterable[Callable[[Change, str], str]]) -> str:
    for leave_open in chosen:
        text = leave_open(change, text)
    return text
