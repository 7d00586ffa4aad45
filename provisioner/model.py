"""Values that more than one stage speaks of. Frozen; tuples inside.

Equal values kept once: definitions resemble each other, and so do the records of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias, TypeVar

Key: TypeAlias = str
"""Stable identity of a definition: its path under ``connections/`` without extension, or its ``key:``."""

Json: TypeAlias = dict[str, Any]
"""An object as the ``json`` module reads it."""


def text_in(value: Any) -> str:
    """The text that a piece of JSON is; "" for anything else, or where there is none."""
    return value if isinstance(value, str) else ""


MYSQL_SPEC_ID = "26d738e0-8963-47ea-aadf-c60de735468a"
"""The connection spec of MySQL, the same on Azure and AWS. Documented."""

MYSQL_SPEC_VERSION = "1.0"


class Cloud(StrEnum):
    """Where an Experience Platform instance runs. Decides the ``sslMode`` vocabulary and the allowed auth specs."""

    AZURE = "azure"
    AWS = "aws"


class Location(NamedTuple):
    """A place in a file. Line and column count from 1; ``file`` is relative to the project where it lies inside.

    A tuple, since every value that is read has one: it is made twice as fast as a frozen dataclass.
    """

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """What a finding means for the run: an error makes it fail, a warning is only told."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding. ``rule`` is a stable id; ``targets`` names the targets it holds for, none meaning all."""

    location: Location
    rule: str
    message: str
    remedy: str = ""
    targets: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class TargetIdentity:
    """Which place a state describes. ``endpoint`` is an origin URL, or ``emulator`` for the embedded one."""

    endpoint: str
    org_id: str
    sandbox: str

    def __str__(self) -> str:
        return f"{self.endpoint}, organization {self.org_id}, sandbox {self.sandbox}"


Kept = TypeVar("Kept", bound=Hashable)

_MOST = 1000
"""Distinct values that are remembered. What many hold is met early; what differs in each is not worth the room."""


def keeping_once(_: type[Kept]) -> Callable[[Kept], Kept]:
    """A function that gives the equal value that it was given before, where it is one of the first; else its own."""
    known: dict[Kept, Kept] = {}

    def once(value: Kept) -> Kept:
        return known.setdefault(value, value) if len(known) < _MOST else known.get(value, value)

    return once
