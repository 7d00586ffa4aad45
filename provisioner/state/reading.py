"""JSON that a file holds -> checked values. Whatever is wrong becomes a ``StateError`` that says where.

Messages name the place and the kind of value found, never the value: a file edited by hand may hold anything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

from provisioner.errors import StateError
from provisioner.model import Json
from provisioner.once import keeping_once

_once = keeping_once(str)
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}


def parse(text: str) -> Any:
    """JSON text -> plain data. Two members of one name are an error: a merge of two versions made them.

    Raises ``ValueError``; as ``json.JSONDecodeError`` it carries line and column.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = next(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
        raise ValueError(f"{json.dumps(twice)} is there twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class Reader:
    """A piece of parsed JSON, the file it is of, and its name in the piece that holds it."""

    __slots__ = ("_above", "_name", "file", "value")

    def __init__(self, value: Any, file: str, name: str = "", above: Reader | None = None) -> None:
        self.value, self.file, self._name, self._above = value, file, name, above

    @property
    def path(self) -> str:
        """Where it stands in the file, such as ``records.orders``."""
        above = self._above.path if self._above else ""
        return f"{above}.{self._name}" if above else self._name

    @property
    def where(self) -> str:
        """File and path, for messages."""
        return f"{self.file}: {self.path}" if self.path else self.file

    def fail(self, expected: str) -> NoReturn:
        """Raise ``StateError``: something else is here than what was expected."""
        found = "nothing" if self.value is None else _KINDS.get(type(self.value), "something else")
        raise StateError(f"{self.where}: expected {expected}, found {found}")

    def member(self, name: str) -> Reader:
        """The member of that name; its value is None where it is missing."""
        return self._inner(self._mapping().get(name), name)

    def members(self) -> Iterator[tuple[str, Reader]]:
        """Every member with its name, in the order of the file."""
        return ((name, self._inner(value, name)) for name, value in self._mapping().items())

    def texts(self) -> dict[str, str]:
        """Every member by its name, all of them text."""
        return {
            name: _once(value if isinstance(value, str) else self._inner(value, name).text())
            for name, value in self._mapping().items()
        }

    def texts_of(self, *names: str) -> tuple[str, ...]:
        """The members of these names, all of them text."""
        found: tuple[Any, ...] = tuple(map(self._mapping().get, names))
        for name, value in zip(names, found, strict=True):
            if not isinstance(value, str):
                self._inner(value, name).text()
        return found

    def elements(self) -> Iterator[Reader]:
        """Every element of a list."""
        if not isinstance(self.value, list):
            self.fail("a list")
        return (self._inner(value, str(number)) for number, value in enumerate(self.value))

    def text(self) -> str:
        """Text, possibly empty."""
        return self.value if isinstance(self.value, str) else self.fail("text")

    def name(self) -> str:
        """Text with something in it."""
        return self.text() or self.fail("text with something in it")

    def text_or_none(self) -> str | None:
        """Text, or None where there is none."""
        return None if self.value is None else self.text()

    def flag_or_none(self) -> bool | None:
        """True or false, or None where there is neither."""
        return self.value if self.value is None or isinstance(self.value, bool) else self.fail("true or false")

    def choice(self, *allowed: str) -> str:
        """One of the words allowed."""
        word = self.text()
        return word if word in allowed else self.fail(" or ".join(map(repr, allowed)))

    def number(self) -> int:
        """A whole number from 0 that 64 bits hold: Python reads more digits than it writes."""
        if type(self.value) is not int or not 0 <= self.value < 2**63:
            self.fail("a whole number")
        return self.value

    def _inner(self, value: Any, name: str) -> Reader:
        return Reader(value, self.file, name, self)

    def _mapping(self) -> Json:
        return self.value if isinstance(self.value, dict) else self.fail("an object")


def check_not_newer(json: Reader, known: int) -> int:
    """The ``format_version`` of a file, at most the one that is known."""
    version = json.member("format_version").number()
    if version > known:
        raise StateError(
            f"{json.where}: written by a newer provisioner (format {version}; this one knows up to {known})",
            "install the newer provisioner; an older one would lose what it does not know",
        )
    return version
