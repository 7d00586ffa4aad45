"""Every face of the same plans: as the golden files say, for no secret and no markup that works."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from provisioner import flags
from provisioner.applying.outcome import Applied, Outcome, Verdict
from provisioner.definitions.schema import load
from provisioner.model import Location, Problem
from provisioner.planning.plan import Action, Asked, Change, Plan
from provisioner.report import events, faces, github, junit
from provisioner.report.plan_json import as_value
from provisioner.report.plan_markdown import BUDGET, as_markdown

from .examples import (
    EVERYTHING,
    HOSTILE,
    NOW,
    ONE,
    PLANS,
    created,
    many_alike,
    many_different,
    plan_of,
    server,
    updated,
)

GOLDEN = Path(__file__).parent / "golden"
SUFFIX = {"markdown": "md", "html": "html", "text": "txt", "github": "github.txt", "gitlab-terraform": "gitlab.json"}
NOT_AGREED = re.compile(
    r"(?s)(?<=\"provisioner_version\": \")[^\"]*|(?<=sha256-)[^']*|(?<=<style>).*?(?=<)|(?<=<script>)\".*?(?=<)"
)
"""What golden files leave out: the version, and the page's own style and script."""

PROBLEMS = (Problem(Location("connections/a.yaml", 3, 5), "schema.value", f"must be {HOSTILE}", "50% of it"),)
APPLIED = Applied(
    (
        Outcome(EVERYTHING.changes[0], Verdict.DONE, "id-1", seconds=0.25),
        Outcome(updated("host"), Verdict.FAILED, message=HOSTILE, remedy="ask"),
        Outcome(created("new"), Verdict.UNKNOWN, message="the answer was lost"),
        Outcome(updated("late"), Verdict.NOT_ATTEMPTED, message="stopped"),
    ),
    EVERYTHING.blocked,
)


def agrees(name: str, text: str) -> None:
    """With the golden file; ``GOLDEN=write`` writes them, for a reviewer to read the difference."""
    file = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert file.read_text("utf-8") == text


@pytest.mark.parametrize("face", faces.PLAN)
@pytest.mark.parametrize("name", PLANS)
def test_a_plan_looks_as_agreed(name: str, face: str) -> None:
    text = NOT_AGREED.sub("", faces.PLAN[face](PLANS[name]))
    agrees(f"{name}.{face}.{SUFFIX.get(face, 'json')}", text)


@pytest.mark.parametrize("face", faces.APPLIED)
def test_outcomes_look_as_agreed(face: str) -> None:
    agrees(f"applied.{face}", faces.APPLIED[face](APPLIED))


@pytest.mark.parametrize("face", faces.PROBLEMS)
def test_problems_look_as_agreed(face: str) -> None:
    agrees(f"problems.{face}", faces.PROBLEMS[face](PROBLEMS))


def test_the_command_line_offers_every_face() -> None:
    assert (*faces.PLAN,) == flags.PLAN_REPORTS
    assert (*faces.APPLIED,) == flags.APPLY_REPORTS
    assert (*faces.PROBLEMS,) == flags.CHECK_REPORTS


@pytest.mark.parametrize("name", PLANS)
def test_json_is_as_its_schema_says(name: str) -> None:
    jsonschema.Draft202012Validator(load("plan")).validate(as_value(PLANS[name]))


def test_the_schema_knows_every_action() -> None:
    found = load("plan")["properties"]["resource_changes"]["items"]["properties"]["action"]["enum"]
    assert found == [action.value for action in Action]


EVERY = [
    pytest.param(faces.PLAN[face](plan), id=f"{name}.{face}") for name, plan in PLANS.items() for face in faces.PLAN
] + [
    *(pytest.param(faces.APPLIED[face](APPLIED), id=f"applied.{face}") for face in faces.APPLIED),
    *(pytest.param(faces.PROBLEMS[face](PROBLEMS), id=f"problems.{face}") for face in faces.PROBLEMS),
]


@pytest.mark.parametrize("text", EVERY)
def test_a_name_gives_no_command_to_a_runner(text: str) -> None:
    assert "##vso" not in text
    assert "\u202e" not in text
    assert not re.search(r"^\s*::error::x", text, re.MULTILINE)


def test_a_name_is_no_markup() -> None:
    outside_fences = re.sub(r"(?ms)^(`{3,})diff\n.*?\n\1$", "", as_markdown(EVERYTHING))
    outside_code = re.sub(r"(?s)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside_fences)
    assert not re.search(r"(?<!\\)<(?!!--)", outside_code)
    assert not re.search(r"(?<!\\)@", outside_code)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("what will change", "update `orders`"),
        ("which field", "auth.params.server"),
        ("from what", '- "db1.example.com"'),
        ("to what", '+ "db2.example.com"'),
        ("why", "Reason: definition changed"),
        ("in which file and line", "connections/orders.yaml:7"),
        ("by which digest", f"- `{ONE.public_digest}` covers the definitions, "),
        ("what could not be known", "**What could not be known**: nothing"),
        ("on what", "sandbox prod"),
    ],
)
def test_a_comment_answers(question: str, answer: str) -> None:
    assert answer in as_markdown(ONE), question


def test_a_comment_says_what_could_not_be_known() -> None:
    text = as_markdown(plan_of(EVERYTHING.changes, offline=True))
    known, _, uncovered = text.partition("**What could not be known**")[2].partition("####")[0].partition("\n\n**")
    assert "The service was not asked" in known
    assert "`env(MYSQL_UNSET)`" in known
    assert "Hence that these secrets have new values: `env(MYSQL_A)`" in uncovered, (
        "a rotation is not in the public digest"
    )


def test_a_comment_says_where_passwords_will_go() -> None:
    servers = "**Passwords will go to servers that they did not go to before**: `db2.example.com`. Are these yours?"
    assert servers in as_markdown(ONE)


def test_a_comment_has_the_command_to_copy() -> None:
    plan = plan_of(ONE.changes, asked=Asked(delete=True, select=("team-*", "a b")))
    command = "apply --target prod --allow-delete --select 'team-*' --select 'a b' --expect-digest "
    assert f"`provisioner {command}{plan.public_digest}`" in as_markdown(plan)


@pytest.mark.parametrize("number", [1, 60, 5_000, 10_000])
@pytest.mark.parametrize("make", [many_alike, many_different])
def test_a_comment_fits_and_has_the_digest_and_the_numbers(make: type[Plan], number: int) -> None:
    plan = make(number)
    text = as_markdown(plan)
    assert len(text.encode()) <= BUDGET
    assert plan.public_digest in text
    assert text.startswith("<!-- provisioner:plan target=prod -->\n")
    assert f"{plan.count(Action.CREATE)} to add, {plan.count(Action.UPDATE)} to change" in text


def test_five_thousand_changes_are_all_named_with_file_and_line() -> None:
    text = as_markdown(many_alike(5_000))
    named = sum(_files(found) for found in re.findall(r"(?m)^- `(connections/\S+):\d+`$", text))
    assert named == 5_000
    assert '- "db1.example.com"\n+ "db2.example.com"' in text
    assert "told once" in text


def _files(entry: str) -> int:
    """How many files an entry stands for: each name between braces one, each range as many as it spans."""
    names = re.sub(r"^[^{]*\{|\}[^}]*$", "", entry).split(",")
    spans = [re.search(r"\[(\d+)-(\d+)\]", name) for name in names]
    return sum(int(span[2]) - int(span[1]) + 1 if span else 1 for span in spans)


@pytest.mark.parametrize("budget", [20_000, 5_000])
def test_what_is_left_out_is_said(budget: int) -> None:
    text = as_markdown(many_different(1_000), budget)
    assert len(text.encode()) <= budget
    left = re.search(r"Left out for want of room: ([\d,]+) update", text)
    assert left
    assert text.count("#### update `") == 1_000 - int(left[1].replace(",", ""))


def test_runners_show_ten_annotations_of_a_level() -> None:
    lines = github.plan_annotations(many_alike(100)).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::notice title=provisioner::and 91 more"


def test_junit_counts() -> None:
    suite = ElementTree.fromstring(junit.outcomes(APPLIED)).find("testsuite")
    assert suite is not None
    numbers = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": "5", "failures": "2", "errors": "1", "skipped": "1"}


def test_events_are_objects_by_line() -> None:
    told = [*events.of_plan(EVERYTHING, NOW), *(events.of_outcome(one, NOW) for one in APPLIED.outcomes)]
    found = [json.loads(line) for line in [*told, events.of_end(APPLIED, NOW)]]
    kinds = [one["type"] for one in found]
    assert kinds == ["plan", *["planned_change"] * 7, *["outcome"] * 4, "summary"]
    assert {one["time"] for one in found} == {"2026-11-24T12:00:00.000+00:00"}
    assert found[0]["public_digest"] == EVERYTHING.public_digest


def moved(key: str, before: str, after: str) -> Change:
    return updated(key, server(before, after, key))


def test_what_goes_to_the_same_values_is_told_together() -> None:
    """A reader of many changes still learns which definition goes from what to what."""
    hosts = [("db1.example.com", "db4.example.com"), ("db2.example.com", "db5.example.com")]
    plan = plan_of(moved(f"team/orders-{index:03}", *hosts[index // 30]) for index in range(60))
    first, second = re.findall(r"(?s)#### update 30 base connections: .*?\n(.*?)(?=####|$)", as_markdown(plan, 6_000))
    assert '- "db1.example.com"\n+ "db4.example.com"' in first
    assert "`connections/team/orders-[000-029].yaml:7`" in first
    assert '- "db2.example.com"\n+ "db5.example.com"' in second
    assert "`connections/team/orders-[030-059].yaml:7`" in second


def test_what_goes_to_values_of_its_own_is_told_one_by_one_where_there_is_room() -> None:
    plan = plan_of(moved(f"k{index:02}", f"db{index}", f"new{index}") for index in range(50))
    told = '- `connections/k07.yaml:7`: `auth.params.server` `"db7"` to `"new7"`'
    assert told in as_markdown(plan, 8_000)
    short = as_markdown(plan, 4_500)
    assert told not in short
    assert "**Not all values of 50 update are told here.**" in short
    assert 'For example:\n\n- `connections/k00.yaml:7`: `auth.params.server` `"db0"` to `"new0"`' in short
    assert "`connections/k[00-49].yaml:7`" in short


def test_notes_leave_open_only_what_differs() -> None:
    notes = [f"env(MYSQL_{index}) is used at db2.example.com" for index in range(30)]
    plan = plan_of(
        updated(f"k{index:02}", server("db1.example.com", "db2.example.com", f"k{index:02}"), notes=(note,))
        for index, note in enumerate(notes)
    )
    assert "Note: env(...) is used at db2.example.com (30 different ones)" in as_markdown(plan, 6_000)
