"""Sensitive values as types that refuse to be printed.

Sensitivity is decided where a value enters (it came from ``env()``, or its property in the schema is ``writeOnly``) and
travels with the value as a type. Printing such a value prints its origin, so nothing has to be masked later.
"""

from __future__ import annotations

from typing import Self, TypeAlias


class Symbolic:
    """A value known only by its origin: the variable is unset, or its content is not needed.

    ``origin`` may be shown, such as ``env(MYSQL_ORDERS_PASSWORD)``; ``names`` are the environment variables that the
    value is made of.
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
        # Pickling drops the content of a ``Sensitive``: only the origin leaves the process.
        return Symbolic, (self.origin, self.names)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self


class Sensitive(Symbolic):
    """A sensitive value with its content, which goes to the service and nowhere else."""

    __slots__ = ("_content",)

    def __init__(self, content: str, origin: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(origin, names)
        self._content = content

    def reveal(self) -> str:
        """Return the content. Never for output: only to send, fingerprint or check it."""
        return self._content


SHORTEST = 8
"""Minimum length of a value that can be searched for in a text. Shorter ones occur by chance."""

SHORTEST_WORD = 16
"""The same for values of lower-case letters alone, which may be words."""


def cannot_detect(value: str) -> bool:
    """Return whether a value is so short, or so much like a word, that a match in a text would prove nothing."""
    value = value.strip()
    return len(value) < SHORTEST or (len(value) < SHORTEST_WORD and value.isalpha() and value.islower())


Value: TypeAlias = str | Symbolic
"""A rendered field: plain text, a ``Sensitive``, or a ``Symbolic`` without content."""
