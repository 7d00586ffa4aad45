"""The same results in every format: they agree with the golden files, show no secret, and let no markup through."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from provisioner.apply.evidence import ApprovedBy, RunEvidence, Runner, Work
from provisioner.apply.outcome import Applied, DatabaseTest, Outcome, Verdict
from provisioner.apply.run import ApplyOptions
from provisioner.errors import ExitCode
from provisioner.json_schema import load
from provisioner.model import Location, Problem, Severity
from provisioner.planning.plan import Action
from provisioner.report import formats, github, junit, outcomes
from provisioner.report.plan_json import as_dict
from provisioner.service.messages import CallLog

from .examples import (
    EVERYTHING,
    HOSTILE,
    IDENTITY,
    NOW,
    PLANS,
    created,
    many_alike,
    updated,
)

GOLDEN = Path(__file__).parent / "golden"
SUFFIX = {"markdown": "md", "html": "html", "text": "txt", "github": "github.txt", "gitlab-terraform": "gitlab.json"}
VARYING = re.compile(
    r"(?s)(?<=\"provisioner_version\": \")[^\"]*|(?<=sha256-)[^']*|(?<=<dt>Created</dt><dd>)[^<]*"
    r"|(?<=<style>).*?(?=<)|(?<=<script>)\".*?(?=<)"
)
"""Parts left out of golden files: the version, the time, and the page's own style and script."""

PROBLEMS = (
    Problem(Location("connections/a.yaml", 3, 5), "schema.value", f"must be {HOSTILE}", "50% of it"),
    Problem(
        Location("connections/b.yaml", 1, 7), "name.unstable", "the name is odd", "write `B`", (), Severity.WARNING
    ),
)
OUTCOMES = Applied(
    (
        Outcome(
            EVERYTHING.changes[0],
            Verdict.DONE,
            "id-1",
            seconds=0.25,
            etag_after='"e2"',
            tested=DatabaseTest.PASSED,
        ),
        Outcome(updated("host"), Verdict.FAILED, message=HOSTILE, remedy="ask"),
        Outcome(created("new"), Verdict.UNKNOWN, message="the answer was lost"),
        Outcome(updated("late"), Verdict.NOT_ATTEMPTED, message="stopped"),
    ),
    EVERYTHING.blocked,
)
LIST = CallLog(NOW, "GET", "platform.adobe.io", "/connections?limit=100", 200, 0.0321, "request-1")
LOST = CallLog(NOW, "POST", "platform.adobe.io", "/connections", 0, 90.0, note="no response came in time")
NOTHING_KNOWN = RunEvidence(Runner(), NOW, NOW, ExitCode.LOCKED, Applied(()), "it is locked", (), "wait")
APPLIED = RunEvidence(
    Runner("jane", HOSTILE, "octocat", "https://ci.example.com/1", "0" * 40),
    NOW,
    NOW + timedelta(seconds=2),
    ExitCode.INCOMPLETE,
    OUTCOMES,
    target="prod",
    identity=IDENTITY,
    plan=EVERYTHING,
    options=ApplyOptions(plan_options=EVERYTHING.options),
    approved_by=ApprovedBy.YES,
    work={"new": Work(NOW, (LOST, LIST))},
    calls=(LIST,),
)
EVIDENCE = {"applied": APPLIED, "locked": NOTHING_KNOWN}


def agrees(name: str, text: str) -> None:
    """Compare with the golden file; ``GOLDEN=write`` writes it, for a reviewer to read the difference."""
    file = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert file.read_text("utf-8") == text


@pytest.mark.parametrize("format_", formats.PLAN)
@pytest.mark.parametrize("name", PLANS)
def test_plan_agrees_with_golden_file(name: str, format_: str) -> None:
    text = VARYING.sub("", formats.PLAN[format_](PLANS[name]))
    agrees(f"{name}.{format_}.{SUFFIX.get(format_, 'json')}", text)


@pytest.mark.parametrize("format_", formats.APPLIED)
def test_outcomes_agree_with_golden_file(format_: str) -> None:
    agrees(f"applied.{format_}", VARYING.sub("", formats.APPLIED[format_](APPLIED)))


def test_evidence_of_a_run_that_did_not_begin_agrees_with_golden_file() -> None:
    agrees("locked.json", VARYING.sub("", formats.APPLIED["json"](NOTHING_KNOWN)))


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_is_as_its_schema_says(name: str) -> None:
    jsonschema.Draft202012Validator(load("apply")).validate(json.loads(formats.APPLIED["json"](EVIDENCE[name])))


def test_the_schema_of_apply_knows_every_word() -> None:
    schema = load("apply")
    outcome = schema["$defs"]["outcome"]["properties"]
    found = (outcome["action"], outcome["outcome"], outcome["tested"], schema["properties"]["approved_by"])
    known: tuple[Iterable[StrEnum], ...] = (Action, Verdict, DatabaseTest, ApprovedBy)
    assert [{*one["enum"]} - {None} for one in found] == [{each.value for each in one} for one in known]
    assert schema["properties"]["result"]["enum"] == [code.word for code in ExitCode if code is not ExitCode.CHANGES]


@pytest.mark.parametrize("format_", formats.PROBLEMS)
def test_problems_agree_with_golden_file(format_: str) -> None:
    agrees(f"problems.{format_}", formats.PROBLEMS[format_](PROBLEMS))


@pytest.mark.parametrize("name", PLANS)
def test_json_is_as_its_schema_says(name: str) -> None:
    jsonschema.Draft202012Validator(load("plan")).validate(as_dict(PLANS[name]))


def test_the_schema_knows_every_action() -> None:
    found = load("plan")["properties"]["resource_changes"]["items"]["properties"]["action"]["enum"]
    assert found == [action.value for action in Action]


EVERY = [
    pytest.param(formats.PLAN[format_](plan), id=f"{name}.{format_}")
    for name, plan in PLANS.items()
    for format_ in formats.PLAN
] + [
    *(pytest.param(formats.APPLIED[format_](APPLIED), id=f"applied.{format_}") for format_ in formats.APPLIED),
    *(pytest.param(formats.PROBLEMS[format_](PROBLEMS), id=f"problems.{format_}") for format_ in formats.PROBLEMS),
]


@pytest.mark.parametrize("text", EVERY)
def test_a_name_gives_no_command_to_a_runner(text: str) -> None:
    assert "##vso" not in text
    assert "\u202e" not in text
    assert not re.search(r"^\s*::error::x", text, re.MULTILINE)


def test_runners_show_ten_annotations_of_a_level() -> None:
    lines = github.plan_as_annotations(many_alike(100)).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::notice title=provisioner::and 91 more"


def test_junit_counts() -> None:
    suite = ElementTree.fromstring(junit.outcomes_as_junit(OUTCOMES)).find("testsuite")
    assert suite is not None
    numbers = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": "5", "failures": "2", "errors": "1", "skipped": "1"}


def test_events_are_objects_by_line() -> None:
    told = [
        *outcomes.plan_as_events(EVERYTHING, NOW),
        *(outcomes.outcome_as_event(one, NOW) for one in OUTCOMES.outcomes),
    ]
    found = [json.loads(line) for line in [*told, outcomes.end_as_event(APPLIED, NOW)]]
    kinds = [one["type"] for one in found]
    assert kinds == ["plan", *["planned_change"] * 7, *["outcome"] * 4, "summary"]
    assert {one["time"] for one in found} == {"2026-11-24T12:00:00.000+00:00"}
    assert (found[0]["digest"], found[0]["not_in_digest"]) == (EVERYTHING.digest, ["drifted", "rotated"])
