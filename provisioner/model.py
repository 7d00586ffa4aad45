"""Values and type aliases that more than one package uses. Frozen, with tuples inside."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias, TypeVar

Key: TypeAlias = str
"""Stable identity of a definition: its path under ``connections/`` without extension, or its ``key:``."""

Json: TypeAlias = dict[str, Any]
"""An object as the ``json`` module reads it."""


def text_or_empty(value: Any) -> str:
    """Return a JSON value if it is a string, else ""."""
    return value if isinstance(value, str) else ""


MYSQL_SPEC_ID = "26d738e0-8963-47ea-aadf-c60de735468a"
"""The connection spec of MySQL, the same on Azure and AWS. Documented."""

MYSQL_SPEC_VERSION = "1.0"


class Cloud(StrEnum):
    """The cloud of an Experience Platform instance. Decides the ``sslMode`` vocabulary and the allowed auth specs."""

    AZURE = "azure"
    AWS = "aws"


class Location(NamedTuple):
    """A position in a file. Line and column count from 1; ``file`` is relative to the project if it is inside.

    A tuple, because every value that is read has one, and a tuple is created twice as fast as a frozen dataclass.
    """

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """The severity of a problem: an error makes the run fail, a warning is only shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding in a file. ``rule`` is a stable id; ``targets`` are the targets it applies to, empty for all."""

    location: Location
    rule: str
    message: str
    remedy: str = ""
    targets: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class TargetIdentity:
    """The place that a state describes. ``endpoint`` is an origin URL, or ``emulator`` for the embedded one."""

    endpoint: str
    org_id: str
    sandbox: str

    def __str__(self) -> str:
        return f"{self.endpoint}, organization {self.org_id}, sandbox {self.sandbox}"


T = TypeVar("T", bound=Hashable)

_MAX_INTERNED = 1000
"""Common values appear early; values that differ in each record or definition are not worth the memory."""


def interner(_: type[T]) -> Callable[[T], T]:
    """Return a function that interns values: for equal arguments it returns the first one.

    Definitions resemble each other, and so do their records; this saves memory.
    """
    known: dict[T, T] = {}

    def intern(value: T) -> T:
        return known.setdefault(value, value) if len(known) < _MAX_INTERNED else known.get(value, value)

    return intern
