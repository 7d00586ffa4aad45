"""The formats in which a result can be written, by their name in ``--report NAME=FILE``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from provisioner.apply.outcome import Applied
from provisioner.model import Problem
from provisioner.planning.plan import Plan
from provisioner.report import github, gitlab, junit, outcomes, plan_html, plan_json, plan_markdown, plan_text, problems

PLAN: Mapping[str, Callable[[Plan], str]] = {
    "text": plan_text.as_text,
    "json": plan_json.as_json,
    "markdown": plan_markdown.as_markdown,
    "html": lambda plan: plan_html.as_html(plan, datetime.now(UTC)),
    "github": github.plan_as_annotations,
    "gitlab-terraform": gitlab.plan_as_terraform,
    "gitlab-codequality": gitlab.plan_as_code_quality,
    "digest": lambda plan: plan.digest,
}

APPLIED: Mapping[str, Callable[[Applied], str]] = {
    "json": outcomes.as_json,
    "markdown": outcomes.as_markdown,
    "junit": junit.outcomes_as_junit,
}

PROBLEMS: Mapping[str, Callable[[tuple[Problem, ...]], str]] = {
    "json": lambda found: problems.as_json(found, 0, ()),
    "github": github.problems_as_annotations,
    "gitlab-codequality": gitlab.problems_as_code_quality,
    "junit": junit.problems_as_junit,
}
"""The formats of ``validate``, also written instead of a plan when the definitions have problems."""
