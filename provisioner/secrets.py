"""Values that must not be shown.

Sensitivity is decided where a value enters (it came from ``env()``, or its place in the schema is ``writeOnly``) and
travels with the value as a type. Nothing has to be found and replaced later: whatever prints one prints its origin.
"""

from __future__ import annotations

from typing import Self, TypeAlias


class Symbolic:
    """A value known by its origin alone: the variable is unset, or nobody needed its content.

    ``origin`` is what a reader may see, such as ``env(MYSQL_ORDERS_PASSWORD)``;
    ``names`` are the environment variables it is made of.
    """

    __slots__ = ("names", "origin")

    def __init__(self, origin: str, names: tuple[str, ...] = ()) -> None:
        self.origin = origin
        self.names = names

    def __repr__(self) -> str:
        return f"<{self.origin}>"

    def __str__(self) -> str:
        return self.origin

    def __format__(self, spec: str) -> str:
        return format(self.origin, spec)

    def __reduce__(self) -> tuple[type[Symbolic], tuple[str, tuple[str, ...]]]:
        # What leaves the process is known by its origin, whatever it was here.
        return Symbolic, (self.origin, self.names)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self


class Sensitive(Symbolic):
    """A value whose content is at hand and goes to the service and nowhere else."""

    __slots__ = ("_content",)

    def __init__(self, content: str, origin: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(origin, names)
        self._content = content

    def reveal(self) -> str:
        """The content. Only for a request body and a fingerprint."""
        return self._content


SHORTEST = 8
"""Characters of a value that can be looked for in a text. Shorter ones occur in anything."""

SHORTEST_WORD = 16
"""The same for lower-case letters alone, of which words are made."""


def cannot_detect(value: str) -> bool:
    """Return whether a value is so short, or so much like a word, that finding it in a text would mean nothing."""
    value = value.strip()
    return len(value) < SHORTEST or (len(value) < SHORTEST_WORD and value.isalpha() and value.islower())


Value: TypeAlias = str | Symbolic
"""A rendered leaf: plain text, a ``Sensitive``, or a ``Symbolic`` whose content is not at hand."""
