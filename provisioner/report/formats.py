"""Every form that a result can be written in, by the name that ``--report NAME=FILE`` has for it."""

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
    "github": github.plan_annotations,
    "gitlab-terraform": gitlab.terraform,
    "gitlab-codequality": gitlab.plan_quality,
    "digest": lambda plan: plan.digest,
}

APPLIED: Mapping[str, Callable[[Applied], str]] = {
    "json": outcomes.as_json,
    "markdown": outcomes.as_markdown,
    "junit": junit.outcomes,
}

PROBLEMS: Mapping[str, Callable[[tuple[Problem, ...]], str]] = {
    "json": lambda found: problems.as_json(found, 0, ()),
    "github": github.problem_annotations,
    "gitlab-codequality": gitlab.problem_quality,
    "junit": junit.problems,
}
"""What is written in the place of a plan where the definitions have problems, and by ``validate``."""
