"""Lines and findings: the table that ``doctor`` goes through, and what becomes of each line. Pure."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from provisioner.errors import ProblemsFound, ProvisionerError, ServiceError, remedy_for

Looked = TypeVar("Looked")

_MAX_DETAILS = 5


class Status(StrEnum):
    """What became of a line."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a line.

    ``seen``, ``details`` and ``remedy`` are for the screen alone. ``facts`` are for everybody: they hold no secret, no
    value of a variable, no name of a user, a host of the user's or a path, and no text of an error. ``cause`` is
    the id of the line because of which this one was not tried.
    """

    status: Status
    seen: str
    remedy: str = ""
    details: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    cause: str = ""


def passed(seen: str, **facts: Any) -> Finding:
    return Finding(Status.PASSED, seen, facts=facts)


def warned(seen: str, remedy: str = "", details: Iterable[str] = (), **facts: Any) -> Finding:
    return Finding(Status.WARNED, seen, remedy, tuple(details), facts)


def failed(seen: str, remedy: str = "", details: Iterable[str] = (), **facts: Any) -> Finding:
    return Finding(Status.FAILED, seen, remedy, tuple(details), facts)


def not_tried(seen: str, cause: str = "", **facts: Any) -> Finding:
    return Finding(Status.NOT_TRIED, seen, facts=facts, cause=cause)


@dataclass(frozen=True, slots=True)
class Line(Generic[Looked]):
    """One line of the table.

    ``id`` is stable: documentation and evidence name lines by it. ``after`` are the ids of the earlier lines without
    which it cannot be tried. ``find`` looks and judges; it raises ``ProvisionerError`` where looking fails.
    """

    section: str
    id: str
    title: str
    after: tuple[str, ...]
    find: Callable[[Looked], Finding]


def examine(lines: Iterable[Line[Looked]], place: Looked) -> Iterator[tuple[Line[Looked], Finding]]:
    """Yield each line with its finding, as soon as it is known."""
    causes: dict[str, str] = {}
    for line in lines:
        cause = next((causes[name] for name in line.after if name in causes), "")
        finding = not_tried(f"because of {cause}", cause) if cause else _find(line, place)
        if cause or finding.status is Status.FAILED:
            causes[line.id] = cause or line.id
        yield line, finding


def _find(line: Line[Looked], place: Looked) -> Finding:
    try:
        return line.find(place)
    except ProblemsFound as error:
        problems = error.problems[:_MAX_DETAILS]
        details = [f"{problem.location}: {problem.message}" for problem in problems]
        more = len(error.problems) - len(problems)
        details += [f"and {more:,} more"] if more else []
        rules = sorted({problem.rule for problem in error.problems})
        return failed(error.message, "run `provisioner validate`, and correct them", details, rules=rules)
    except ServiceError as error:
        return failed(error.message, error.remedy, error.details, **facts_of(error))
    except ProvisionerError as error:
        return failed(error.message, error.remedy, error.details, error=type(error).__name__)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        seen = f"{error.filename}: {reason}" if error.filename else reason
        return failed(seen, remedy_for(error), error=type(error).__name__)


def facts_of(error: ServiceError) -> dict[str, Any]:
    """Return what anybody may know of a failed call."""
    return {"error": type(error).__name__, "http_status": error.status or None, "code": error.code or None}


def count_by_status(findings: Iterable[Finding]) -> Counter[Status]:
    return Counter(finding.status for finding in findings)
