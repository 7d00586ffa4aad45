"""Annotations on lines of files, as GitHub's runner reads them from the output of a step.

Documented: ``::error file=...,line=...,title=...::message``, with ``%``, line ends and (in properties) ``:`` and ``,``
escaped; a step may have ten of each level.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.model import Location, Problem
from provisioner.planning.plan import Action, Plan
from provisioner.report.terminal import command_property, command_text
from provisioner.report.wording import changed_line, sorted_by_severity

_LEVEL = {Action.BLOCKED: "error", Action.DELETE: "warning"}
_MAX_PER_LEVEL = 10


@dataclass(frozen=True, slots=True)
class _Annotation:
    level: str
    location: Location | None
    title: str
    message: str

    def command(self) -> str:
        location = {"file": self.location.file, "line": str(self.location.line)} if self.location else {}
        properties = {**location, "title": self.title}
        encoded = ",".join(f"{name}={command_property(value)}" for name, value in properties.items())
        return f"::{self.level} {encoded}::{command_text(self.message)}"


def plan_as_annotations(plan: Plan) -> str:
    """Return an annotation for each change, on the line that causes it.

    Blocked changes are errors, deletes and drift are warnings, other changes are notices.
    """
    return _commands(
        _Annotation(
            "warning" if change.drifted else _LEVEL.get(change.action, "notice"),
            changed_line(change),
            f"{change.action.value} {change.key}",
            "; ".join(filter(None, (change.reason, change.remedy, ", ".join(field.path for field in change.fields)))),
        )
        for change in sorted_by_severity(plan.changes)
        if change.steps or change.action is Action.BLOCKED
    )


def problems_as_annotations(problems: Iterable[Problem]) -> str:
    """Return an annotation for each problem, with the problem's severity as its level."""
    return _commands(
        _Annotation(
            problem.severity.value,
            problem.location,
            problem.rule,
            "; ".join(filter(None, (problem.message, problem.remedy))),
        )
        for problem in problems
    )


def _commands(annotations: Iterable[_Annotation]) -> str:
    by_level: dict[str, list[_Annotation]] = {}
    for annotation in annotations:
        by_level.setdefault(annotation.level, []).append(annotation)
    lines: list[str] = []
    for level, group in by_level.items():
        # The runner drops what is beyond ten, so the tenth gives the number of the others.
        shown = group if len(group) <= _MAX_PER_LEVEL else group[: _MAX_PER_LEVEL - 1]
        lines += [annotation.command() for annotation in shown]
        if len(group) > len(shown):
            lines.append(f"::{level} title=provisioner::and {len(group) - len(shown):,} more")
    return "".join(f"{line}\n" for line in lines)
