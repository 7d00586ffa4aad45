"""What GitLab shows in a merge request: the numbers of a plan, and findings on lines of files (documented: the
artifacts ``reports:terraform`` and ``reports:codequality``)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from provisioner.model import Json, Location, Problem, Severity
from provisioner.planning.plan import Action, Change, Plan
from provisioner.report.terminal import json_text, safe
from provisioner.report.wording import place_of, sorted_by_severity

_SEVERITY = {Action.BLOCKED: "blocker", Action.DELETE: "critical", Action.UPDATE: "minor"}
_OF_PROBLEM = {Severity.ERROR: "major", Severity.WARNING: "minor"}


def terraform(plan: Plan) -> str:
    """``{"create": 1, "update": 2, "delete": 0}``, in one line as GitLab's own examples have it."""
    return json.dumps({action.value: plan.count(action) for action in (Action.CREATE, Action.UPDATE, Action.DELETE)})


def plan_quality(plan: Plan) -> str:
    """A finding for each change that has a line: what would be done there, and why."""
    return json_text(
        [
            _finding(
                f"{plan.target}: {change.action.value} {change.key}: {_why(change)}",
                f"plan.{change.action.value}",
                (plan.target, change.key, change.action.value),
                "major" if change.drifted else _SEVERITY.get(change.action, "info"),
                place,
            )
            for change in sorted_by_severity(plan.changes)
            if (change.steps or change.action is Action.BLOCKED) and (place := place_of(change))
        ]
    )


def _why(change: Change) -> str:
    return "; ".join(filter(None, (change.reason, change.remedy)))


def problem_quality(problems: Iterable[Problem]) -> str:
    """A finding for each problem."""
    return json_text(
        [
            _finding(
                "; ".join(filter(None, (problem.message, problem.remedy))),
                problem.rule,
                (problem.location.file, problem.rule, problem.message, str(problem.location.line)),
                _OF_PROBLEM[problem.severity],
                problem.location,
            )
            for problem in problems
        ]
    )


def _finding(description: str, rule: str, identity: tuple[str, ...], severity: str, place: Location) -> Json:
    """``identity`` is what makes a finding the same one in the next run."""
    return {
        "description": safe(description),
        "check_name": rule,
        "fingerprint": hashlib.sha256(json.dumps(identity).encode()).hexdigest(),
        "severity": severity,
        "location": {"path": place.file, "lines": {"begin": place.line}},
    }
