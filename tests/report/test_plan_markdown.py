"""A plan as Markdown: its content, and its reduction to the available size."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from provisioner.model import Location
from provisioner.planning.plan import Action, Plan, PlanOptions
from provisioner.report.plan_markdown import BUDGET, as_markdown
from provisioner.state.fingerprint import Comparison

from .examples import (
    EVERYTHING,
    HOSTILE,
    IDENTITY,
    ONE,
    created,
    many_alike,
    many_different,
    password,
    plan_of,
    server,
    updated,
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("what will change", "update `orders`"),
        ("which field", "auth.params.server"),
        ("from what", '- "db1.example.com"'),
        ("to what", '+ "db2.example.com"'),
        ("why", "Reason: definition differs from the state"),
        ("in which file and line", "connections/orders.yaml:7"),
        ("by which digest", f"Digest: `{ONE.digest}`. It covers the definitions, "),
        ("what is not known", "**Not known**: nothing"),
        ("on what", "sandbox prod"),
    ],
)
def test_a_comment_answers(question: str, answer: str) -> None:
    assert answer in as_markdown(ONE), question


def test_a_comment_names_what_is_not_known() -> None:
    text = as_markdown(plan_of(EVERYTHING.changes, offline=True))
    known, _, uncovered = text.partition("**Not known**")[2].partition("####")[0].partition("\n\n**")
    assert "The service was not queried" in known
    assert "`env(MYSQL_UNSET)`" in known
    assert "In particular, these secrets have, or may have, new values: `env(MYSQL_A)`" in uncovered, (
        "a rotation is not in the digest"
    )


def test_a_comment_says_where_passwords_will_go() -> None:
    servers = (
        "**Passwords will be sent to servers that have not received them before**: `db2.example.com`. Are these yours?"
    )
    assert servers in as_markdown(ONE)


def test_a_comment_has_the_command_to_copy() -> None:
    plan = plan_of(ONE.changes, options=PlanOptions(allow_delete=True, select=("team-*", "a b")))
    command = "apply --target prod --allow-delete --select 'team-*' --select 'a b' --expect-digest "
    assert f"`provisioner {command}{plan.digest}`" in as_markdown(plan)


WHOLE, NAMES, ROWS, TRUNCATED = "whole", "names of fields", "rows", "some rows"


def told(text: str) -> str:
    """Return the level of detail."""
    if "Truncated: " in text:
        return TRUNCATED
    if "> Reasons, notes and values are left out." in text:
        return ROWS
    return NAMES if "> Values are left out." in text else WHOLE


def enormous(text: str, number: int) -> Plan:
    """Return a plan in which every text is excessively long."""
    return plan_of(
        replace(updated(f"k{index}{text}", reason=text, notes=(text, text)), fields=fields, location=Location(text, 7))
        for index in range(number)
        for fields in [
            (replace(server(text, f"y{text}", "x"), path=f"{text}.server"), password("x", Comparison.CHANGED, text))
        ]
    )


SHAPES: dict[str, Callable[[int], Plan]] = {
    "alike": many_alike,
    "different": many_different,
    "one long value": lambda number: plan_of([updated("a", server("x", "y" * number, "a"))]),
    "long letters": lambda number: enormous("\u6ce8" * 100_000, number),
    "long controls": lambda number: enormous("\U000e0001" * 100_000, number),
    "long ticks": lambda number: enormous("`" * 100_000, number),
    "hostile": lambda number: enormous(HOSTILE, number),
}


@pytest.mark.parametrize(
    ("shape", "size", "detail"),
    [
        ("alike", 1, WHOLE),
        ("alike", 250, WHOLE),
        ("alike", 400, NAMES),
        ("alike", 550, ROWS),
        ("alike", 1_000, TRUNCATED),
        ("alike", 10_000, TRUNCATED),
        ("different", 60, WHOLE),
        ("different", 10_000, TRUNCATED),
        ("one long value", 1_000_000, WHOLE),
        ("long letters", 1, NAMES),
        ("long letters", 10, NAMES),
        ("long letters", 60, TRUNCATED),
        ("long controls", 1, NAMES),
        ("long controls", 60, TRUNCATED),
        ("long ticks", 60, TRUNCATED),
        ("hostile", 10_000, TRUNCATED),
    ],
)
def test_it_fits_and_its_head_is_whole(shape: str, size: int, detail: str) -> None:
    plan = SHAPES[shape](size)
    text = as_markdown(plan)
    assert len(text.encode()) <= BUDGET
    assert told(text) == detail
    assert text.startswith("<!-- provisioner:plan target=prod -->\n")
    for words in (
        f"Plan: {plan.count(Action.CREATE)} to add, {plan.count(Action.UPDATE)} to change",
        str(IDENTITY),
        plan.digest,
        "**Passwords will be sent to servers",
        "**Not known**",
        "**Not covered by the digest**",
        "applies this plan",
    ):
        assert words in text


def test_it_fits_however_long_the_target_and_the_flags_are() -> None:
    long = "\U000e0001" * 100_000
    plan = replace(enormous(long, 60), identity=replace(IDENTITY, sandbox=long), options=PlanOptions(select=(long,)))
    text = as_markdown(plan)
    assert len(text.encode()) <= BUDGET
    assert plan.digest in text


@pytest.mark.parametrize("budget", [40_000, 20_000, 5_000])
def test_rows_that_do_not_fit_are_counted_and_the_most_severe_are_told(budget: int) -> None:
    drifted = updated("zz", server("x", "y", "zz", drifted=True))
    plan = plan_of([*many_alike(1_000).changes, drifted, *EVERYTHING.blocked])
    text = as_markdown(plan, budget)
    assert len(text.encode()) <= budget
    actions = re.findall(r"(?m)^\| ([a-z-]+) \| `", text)
    assert actions[:2] == ["blocked", "update"]
    assert "| update | `zz` | `connections/zz.yaml:7` | `auth.params.server` (drift) |" in text
    left = re.search(r"Truncated: (.*?)\.\*\*", text)
    assert left
    counted = {action: int(number.replace(",", "")) for number, action in re.findall(r"([\d,]+) ([a-z-]+)", left[1])}
    assert Counter(actions) + Counter(counted) == Counter(change.action.value for change in plan.changes)


@pytest.mark.parametrize(
    ("budget", "detail", "line"),
    [
        (BUDGET, WHOLE, "#### update `a` at `connections/a.yaml:7`"),
        (BUDGET, WHOLE, '+ "db2"'),
        (
            4_100,
            NAMES,
            "- update `a` at `connections/a.yaml:7`: definition differs from the state. Fields: `auth.params.server`.",
        ),
        (4_100, NAMES, "  - Note: asked for"),
        (3_600, ROWS, "| update | `a` | `connections/a.yaml:7` | `auth.params.server` |"),
        (3_600, ROWS, "| create | `new01` | `connections/new01.yaml:2` | `auth.params.server` |"),
    ],
)
def test_a_change_is_told_in_as_much_detail_as_there_is_room_for(budget: int, detail: str, line: str) -> None:
    new = [created(f"new{number:02}", server(None, "db", f"new{number:02}")) for number in range(20)]
    text = as_markdown(plan_of([updated("a", server("db1", "db2", "a"), notes=("asked for",)), *new]), budget)
    assert told(text) == detail
    assert line in text.split("\n")


def test_unchanged_definitions_are_counted_alone() -> None:
    assert "`same`" not in as_markdown(EVERYTHING)


HOSTILE_PLAN = enormous(HOSTILE, 20)


@pytest.mark.parametrize(("budget", "detail"), [(BUDGET, WHOLE), (18_000, NAMES), (12_000, ROWS), (7_000, TRUNCATED)])
def test_a_name_is_no_markup(budget: int, detail: str) -> None:
    text = as_markdown(HOSTILE_PLAN, budget)
    assert told(text) == detail
    outside_fences = re.sub(r"(?ms)^(`{3,})diff\n.*?\n\1$", "", text)
    outside_code = re.sub(r"(?s)(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside_fences)
    assert not re.search(r"(?<!\\)<(?!!--)", outside_code)
    assert not re.search(r"(?<!\\)@", outside_code)
    assert {line.count("|") for line in text.split("\n") if line.startswith("|")} <= {5}
