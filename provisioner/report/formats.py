"""The formats in which a result can be written, by their name in ``--report NAME=FILE``.

This is the only list of them. The module of a format is imported when a report is written in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioner.apply.evidence import RunEvidence
    from provisioner.apply.outcome import Applied
    from provisioner.model import Problem
    from provisioner.planning.plan import Plan


def _renderer(module: str, function: str) -> Callable[[Any], str]:
    def render(value: Any) -> str:
        text: str = getattr(import_module(f"provisioner.report.{module}"), function)(value)
        return text

    return render


PLAN: Mapping[str, Callable[[Plan], str]] = {
    "text": _renderer("plan_text", "as_text"),
    "json": _renderer("plan_json", "as_json"),
    "markdown": _renderer("plan_markdown", "as_markdown"),
    "html": _renderer("plan_html", "as_html"),
    "github": _renderer("github", "plan_as_annotations"),
    "gitlab-terraform": _renderer("gitlab", "plan_as_terraform"),
    "gitlab-codequality": _renderer("gitlab", "plan_as_code_quality"),
    "digest": lambda plan: plan.digest,
}


def _of_outcomes(render: Callable[[Applied], str]) -> Callable[[RunEvidence], str]:
    return lambda evidence: render(evidence.applied)


APPLIED: Mapping[str, Callable[[RunEvidence], str]] = {
    "json": _renderer("apply_json", "as_json"),
    "markdown": _of_outcomes(_renderer("outcomes", "as_markdown")),
    "junit": _of_outcomes(_renderer("junit", "outcomes_as_junit")),
}

PROBLEMS: Mapping[str, Callable[[tuple[Problem, ...]], str]] = {
    "json": _renderer("problems", "as_json"),
    "github": _renderer("github", "problems_as_annotations"),
    "gitlab-codequality": _renderer("gitlab", "problems_as_code_quality"),
    "junit": _renderer("junit", "problems_as_junit"),
}
"""The formats of ``validate``, also written instead of a plan when the definitions have problems."""

RESULT = "result"
"""The word of the exit code, in one line. Written by ``cli/failures.py``, whatever ends the command."""
