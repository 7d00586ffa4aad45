"""Reports for GitLab's merge requests: the numbers of a plan, and findings on lines of files.

Documented: the artifacts ``reports:terraform`` and ``reports:codequality``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from provisioner.model import Json, Location, Problem, Severity
from provisioner.planning.plan import Action, Plan
from provisioner.report.terminal import json_text, safe
from provisioner.report.wording import changed_line, sorted_by_severity

_SEVERITY_OF_ACTION = {Action.BLOCKED: "blocker", Action.DELETE: "critical", Action.UPDATE: "minor"}
_SEVERITY_OF_PROBLEM = {Severity.ERROR: "major", Severity.WARNING: "minor"}


def plan_as_terraform(plan: Plan) -> str:
    """Return ``{"create": 1, "update": 2, "delete": 0}``, on one line as in GitLab's own examples."""
    return json.dumps({action.value: plan.count(action) for action in (Action.CREATE, Action.UPDATE, Action.DELETE)})


def plan_as_code_quality(plan: Plan) -> str:
    """Return a finding for each change that has a line: the action, and the reason for it."""
    findings = []
    for change in sorted_by_severity(plan.changes):
        location = changed_line(change)
        if location is None or not (change.steps or change.action is Action.BLOCKED):
            continue
        action = change.action.value
        reason = "; ".join(filter(None, (change.reason, change.remedy)))
        findings.append(
            _finding(
                f"{plan.target}: {action} {change.key}: {reason}",
                f"plan.{action}",
                (plan.target, change.key, action),
                "major" if change.drifted else _SEVERITY_OF_ACTION.get(change.action, "info"),
                location,
            )
        )
    return json_text(findings)


def problems_as_code_quality(problems: Iterable[Problem]) -> str:
    """Return a finding for each problem."""
    return json_text(
        [
            _finding(
                "; ".join(filter(None, (problem.message, problem.remedy))),
                problem.rule,
                (problem.location.file, problem.rule, problem.message, str(problem.location.line)),
                _SEVERITY_OF_PROBLEM[problem.severity],
                problem.location,
            )
            for problem in problems
        ]
    )


def _finding(description: str, rule: str, identity: tuple[str, ...], severity: str, location: Location) -> Json:
    """Return one finding. GitLab takes findings with the same ``identity`` in two pipelines for the same finding."""
    return {
        "description": safe(description),
        "check_name": rule,
        "fingerprint": hashlib.sha256(json.dumps(identity).encode()).hexdigest(),
        "severity": severity,
        "location": {"path": location.file, "lines": {"begin": location.line}},
    }
