"""Annotations on lines of files, as GitHub's runner reads them from a step's output.

Documented: ``::error file=...,line=...,title=...::message``, with ``%``, line ends and (in properties) ``:`` and ``,``
escaped; a step may have ten of each level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.model import Location, Problem
from provisioner.planning.plan import Action, Plan
from provisioner.report.terminal import command_property, command_text
from provisioner.report.wording import place_of, sorted_by_severity

_LEVEL = {Action.BLOCKED: "error", Action.DELETE: "warning"}
_MOST = 10


@dataclass(frozen=True, slots=True)
class _Annotation:
    level: str
    place: Location | None
    title: str
    message: str


def plan_annotations(plan: Plan) -> str:
    """One for each change, on the line that asks for it: blocked ones errors, deletes and drift warnings, others
    notices."""
    return _written(
        _Annotation(
            "warning" if change.drifted else _LEVEL.get(change.action, "notice"),
            place_of(change),
            f"{change.action.value} {change.key}",
            "; ".join(filter(None, (change.reason, change.remedy, ", ".join(field.path for field in change.fields)))),
        )
        for change in sorted_by_severity(plan.changes)
        if change.steps or change.action is Action.BLOCKED
    )


def problem_annotations(problems: Iterable[Problem]) -> str:
    """One for each problem, of the level that its severity has."""
    return _written(
        _Annotation(
            problem.severity.value,
            problem.location,
            problem.rule,
            "; ".join(filter(None, (problem.message, problem.remedy))),
        )
        for problem in problems
    )


def _written(annotations: Iterable[_Annotation]) -> str:
    by_level: dict[str, list[_Annotation]] = {}
    for annotation in annotations:
        by_level.setdefault(annotation.level, []).append(annotation)
    return "".join(f"{line}\n" for level, found in by_level.items() for line in _lines(level, found))


def _lines(level: str, found: list[_Annotation]) -> Iterator[str]:
    """The runner drops what is beyond ten, so the tenth says how many there are."""
    shown = found if len(found) <= _MOST else found[: _MOST - 1]
    yield from map(_line, shown)
    if len(found) > len(shown):
        yield f"::{level} title=provisioner::and {len(found) - len(shown):,} more"


def _line(one: _Annotation) -> str:
    at = {"file": one.place.file, "line": str(one.place.line)} if one.place else {}
    properties = {**at, "title": one.title}
    written = ",".join(f"{name}={command_property(value)}" for name, value in properties.items())
    return f"::{one.level} {written}::{command_text(one.message)}"
