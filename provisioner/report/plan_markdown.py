"""A plan as Markdown, for a comment on a pull request or the summary of a step.

A comment takes 65,536 characters. A plan that needs more is told in less detail, level by level, and says what was left
out: changes that say the same are told once with the place of each; then values are cut; then places are. Whatever the
level, the digests, the numbers, where passwords will go and what is not known come first.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator

from provisioner.planning.plan import Action, Plan
from provisioner.report.markdown import code
from provisioner.report.markdown_changes import MOST_NAMES, Level, block, cut, groups_of
from provisioner.report.plan_text import summary
from provisioner.report.style import safe
from provisioner.report.wording import NO_FULL_DIGEST, Unknown, new_servers, uncovered, unknowns

BUDGET = 65_536
"""Bytes; GitHub counts characters, which are never more."""

_LEVELS = (
    Level(False, 0, 0, 0, 1000, BUDGET),
    Level(True, 40, 10_000, 5, 200, BUDGET, "Changes that say the same are told once."),
    Level(True, 40, 150, 5, 200, BUDGET, "Changes that say the same are told once."),
    Level(True, 40, 40, 5, 200, BUDGET, "Changes that say the same are told once."),
    Level(True, 20, 0, 5, 200, BUDGET, "Changes that say the same are told once."),
    Level(True, 5, 0, 1, 60, BUDGET, "Changes that say the same are told once, and long values are cut."),
    Level(True, 0, 0, 1, 60, 12_000, "Changes that say the same are told once; long values and lists are cut."),
    Level(True, 0, 0, 0, 40, 1_500, "Changes that say the same are told once; values and lists are cut."),
)


def marker(target: str) -> str:
    """The first line of a comment about this target: by it the comment is found and updated."""
    return f"<!-- provisioner:plan target={re.sub(r'[^A-Za-z0-9._-]', '_', target)} -->"


def as_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """At most ``budget`` bytes of UTF-8, from a few thousand on."""
    for level in _LEVELS:
        blocks = (block(group, level) for group in groups_of(plan, level))
        text = "\n\n".join([*_head(plan, level), *blocks, *_foot(plan)])
        if _size(text) <= budget:
            return f"{text}\n"
    return _fitted(plan, _LEVELS[-1], budget)


def _fitted(plan: Plan, level: Level, budget: int) -> str:
    """As many of the blocks as there is room for; the rest is counted."""
    parts, foot = list(_head(plan, level)), list(_foot(plan))
    room = budget - _size("\n\n".join([*parts, *foot])) - 1_000
    left: Counter[Action] = Counter()
    for group in groups_of(plan, level):
        text = block(group, level)
        room -= _size(text) + 2
        if room < 0 or left:
            left[group.first.action] += len(group.changes)
        else:
            parts.append(text)
    numbers = ", ".join(f"{number:,} {action.value}" for action, number in left.items())
    parts.append(f"**Left out for want of room: {numbers}.**")
    return "\n\n".join([*parts, *foot]) + "\n"


def _size(text: str) -> int:
    return len(text.encode())


def _head(plan: Plan, level: Level) -> Iterator[str]:
    yield marker(plan.target)
    yield f"### Plan for {code(plan.target)}"
    yield f"**{summary(plan)}**"
    yield f"On {code(str(plan.identity))}." + (
        f" Asked for: {code(' '.join(plan.asked.flags))}." if plan.asked.flags else ""
    )
    if plan.pins:
        yield "\n".join(_digests(plan))
    servers = new_servers(plan)
    if servers:
        yield f"**Passwords will go to servers that they did not go to before**: {_names(servers)}. Are these yours?"
    yield "\n".join(_section("What could not be known", list(unknowns(plan)), _ALL_KNOWN))
    left_open = list(uncovered(plan))
    if left_open:
        yield "\n".join(_section("What the public digest does not cover", left_open))
    if level.told:
        yield f"> {_abridged(plan, level)}"


_ALL_KNOWN = "nothing; the service was asked, and every secret compared with what was sent last."


def _digests(plan: Plan) -> Iterator[str]:
    full = plan.lasting_full_digest
    recommended = " **Approve by this one.**"
    public_mark, full_mark = ("", recommended) if plan.approved_by == full else (recommended, "")
    yield "Two digests to approve it by:"
    yield ""
    yield (
        f"- `{plan.public_digest}` covers the definitions, the variables that their secrets come from, and what the"
        f" state has of them.{public_mark}"
    )
    yield (
        f"- `{full}` covers the values of secrets and what the service shows as well.{full_mark}"
        if full
        else f"- {NO_FULL_DIGEST}"
    )


def _section(title: str, told: list[Unknown], otherwise: str = "") -> Iterator[str]:
    if not told:
        yield f"**{title}**: {otherwise}"
        return
    yield from (f"**{title}**", "")
    for one in told:
        yield f"- {one.sentence}: {_names(one.names)}." if one.names else f"- {one.sentence}."


def _names(found: Counter[str]) -> str:
    """Each with how often; the most frequent first."""
    listed = sorted(found, key=lambda name: (-found[name], name))
    shown = (code(cut(name, 80)) + (f" ({found[name]:,})" if found[name] > 1 else "") for name in listed[:MOST_NAMES])
    more = f" and {len(listed) - MOST_NAMES:,} more" if len(listed) > MOST_NAMES else ""
    return ", ".join(shown) + more


def _abridged(plan: Plan, level: Level) -> str:
    """What is not told here, and where it is."""
    by_example: Counter[Action] = Counter()
    for group in groups_of(plan, level):
        by_example[group.first.action] += len(group.changes) * level.abridges(group)
    numbers = ", ".join(f"{number:,} {action.value}" for action, number in by_example.items() if number)
    examples = f" **Not all values of {numbers} are told here.**" if numbers else ""
    return (
        f"{level.told}{examples} All of it is in the HTML and JSON reports and in `plan` on a terminal. A number behind"
        " a file is the line of the first field that changes, or where a new definition begins; names that differ by a"
        " number are told as `a-{01,02}` or `a-[01-09]`, so look for the number."
    )


def _foot(plan: Plan) -> Iterator[str]:
    if plan.pending and plan.approved_by:
        flags = " ".join(_for_a_shell(flag) for flag in plan.asked.flags)
        words = ["provisioner apply --target", plan.target, flags, f"--expect-digest {plan.approved_by}"]
        passes = "" if plan.approved_by == plan.full_digest else " New values of secrets pass."
        yield f"{code(' '.join(filter(None, words)))} carries out this plan, or nothing if it has moved.{passes}"


def _for_a_shell(flag: str) -> str:
    name, space, value = flag.partition(" ")
    return f"{name} {shlex.quote(safe(value))}" if space else name
