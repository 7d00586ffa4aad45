"""A plan as Markdown, for a comment on a pull request or the summary of a step.

A comment takes 65,536 characters. A plan that needs more is told in less detail, level by level, and says what was left
out: changes that say the same are told once with the place of each; then values are cut; then places are. Whatever the
level, the digests, the numbers and what is not known come first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.planning.changes import FieldChange
from provisioner.planning.plan import Action, Plan
from provisioner.report.alike import Alike, alike, place_of, sorted_by_severity, values_of
from provisioner.report.markdown import code, longest_ticks, plain
from provisioner.report.places import places
from provisioner.report.plan_text import summary
from provisioner.report.style import safe
from provisioner.report.wording import line_of, unknowns, verdict

BUDGET = 65_536
"""Bytes; GitHub counts characters, which are never more."""


@dataclass(frozen=True, slots=True)
class Level:
    """How much is told. ``grouped``: alike changes once, ``apart`` where they differ in at most so many values.
    Where they differ in more: up to ``each`` of them one by one, else ``examples``. What is created has examples only:
    its definition says the rest. ``widest`` characters of a value, ``places`` bytes of file names a group. ``told``:
    what the reader learns of it."""

    grouped: bool
    apart: int
    each: int
    examples: int
    widest: int
    places: int
    told: str

    def lists(self, group: Alike) -> bool:
        """Whether each of this group is told with its own values."""
        if len(group.changes) > self.each or group.first.action is Action.CREATE:
            return False
        return len({values_of(change) for change in group.changes}) > 1


_LEVELS = (
    Level(False, 0, 0, 0, 1000, BUDGET, ""),
    Level(True, 40, 10_000, 5, 200, BUDGET, "Changes that say the same are told once."),
    Level(
        True, 40, 100, 5, 200, BUDGET, "Changes that say the same are told once, some with examples of their values."
    ),
    Level(True, 20, 0, 5, 200, BUDGET, "Changes that say the same are told once, with examples of their values."),
    Level(True, 5, 0, 1, 60, BUDGET, "Changes that say the same are told once, with one example; long values are cut."),
    Level(True, 0, 0, 1, 60, 12_000, "Changes that say the same are told once; long values and lists are cut."),
    Level(True, 0, 0, 0, 40, 1_500, "Changes that say the same are told once; values and lists are cut."),
)


def marker(target: str) -> str:
    """The first line of a comment about this target: by it the comment is found and updated."""
    return f"<!-- provisioner:plan target={re.sub(r'[^A-Za-z0-9._-]', '_', target)} -->"


def as_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """At most ``budget`` bytes of UTF-8, from a few thousand on."""
    for level in _LEVELS:
        text = "\n\n".join([*_head(plan, level), *(block for _, block in _blocks(plan, level)), *_foot(plan)])
        if _size(text) <= budget:
            return f"{text}\n"
    return _fitted(plan, _LEVELS[-1], budget)


def _fitted(plan: Plan, level: Level, budget: int) -> str:
    """As many of the blocks as there is room for; the rest is counted."""
    parts, foot = list(_head(plan, level)), list(_foot(plan))
    room = budget - _size("\n\n".join([*parts, *foot])) - 1_000
    left: Counter[Action] = Counter()
    for group, block in _blocks(plan, level):
        room -= _size(block) + 2
        if room < 0 or left:
            left[group.first.action] += len(group.changes)
        else:
            parts.append(block)
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
        yield f"Public digest, of the files and the state: `{plan.public_digest}`"
        yield f"Full digest, of secrets and the service as well: `{plan.full_digest}`"
    unknown = list(_unknown(plan))
    if unknown:
        yield "\n".join(["**What could not be known**", "", *(f"- {line}" for line in unknown)])
    if level.told:
        yield f"> {level.told} Nothing is left out of the JSON and HTML reports and of `plan` on a terminal."


_MOST_NAMES = 20


def _unknown(plan: Plan) -> Iterator[str]:
    for unknown in unknowns(plan):
        yield f"{unknown.sentence}: {_names(unknown.names)}." if unknown.names else f"{unknown.sentence}."


def _names(found: Counter[str]) -> str:
    listed = sorted(found)
    more = f" and {len(listed) - _MOST_NAMES:,} more" if len(listed) > _MOST_NAMES else ""
    return (
        ", ".join(
            code(_cut(name, 80)) + (f" ({found[name]:,})" if found[name] > 1 else "") for name in listed[:_MOST_NAMES]
        )
        + more
    )


def _blocks(plan: Plan, level: Level) -> Iterator[tuple[Alike, str]]:
    told = [change for change in plan.changes if change.action is not Action.NO_OP or change.notes]
    groups = alike(told, level.apart) if level.grouped else [Alike((change,)) for change in sorted_by_severity(told)]
    for group in groups:
        yield group, "\n".join(_block(group, level))


def _block(group: Alike, level: Level) -> Iterator[str]:
    change = group.first
    if len(group.changes) == 1:
        where = f" at {code(str(change.location).rpartition(':')[0])}" if change.location else ""
        yield f"#### {change.action.value} {code(change.key)}{where}"
    else:
        yield f"#### {change.action.value} {len(group.changes):,} base connections"
    yield ""
    yield f"Reason: {plain(group.reason)}"
    yield from (f"- Remedy: {plain(group.remedy)}" for _ in range(bool(group.remedy)))
    yield from (f"- Note: {plain(note)}" for note in group.notes)
    lines = [line for fields in group.fields for line in _field(group, fields, level)]
    if lines:
        fence = "`" * max(3, 1 + max(map(longest_ticks, lines)))
        yield from ("", f"{fence}diff", *lines, fence)
    if len(group.changes) > 1:
        yield from ("", *(_each if level.lists(group) else _where)(group, level))


def _field(group: Alike, fields: tuple[FieldChange, ...], level: Level) -> Iterator[str]:
    """A line that names the field, then what goes and what comes."""
    one = fields[0]
    alone = len(fields) == 1
    where = f"  ({line_of(one.location)})" if alone and one.location else ""
    said = verdict(one, group.first.action)
    marks = f"{'  drift' if one.drifted else ''}{f'  {said}' if said else ''}"
    values = dict.fromkeys((field.before, field.after) for field in fields)
    if len(values) > 1:
        yield f"  {safe(one.path)}{marks}  ({len(values):,} different ones)"
        for before, after in () if level.lists(group) else list(values)[: level.examples]:
            yield f"  e.g. {_shown(one, before, level)} -> {_shown(one, after, level)}"
        return
    yield f"  {safe(one.path)}{marks}{where}"
    if one.before is not None and one.before != one.after:
        yield f"- {_shown(one, one.before, level)}"
    if one.after is not None:
        yield f"{' ' if one.before == one.after else '+'} {_shown(one, one.after, level)}"


def _shown(field: FieldChange, value: str | None, level: Level) -> str:
    if value is None:
        return "(none)"
    return safe(value) if field.sensitive else safe(f'"{_cut(value, level.widest)}"')


def _cut(text: str, widest: int) -> str:
    return text if len(text) <= widest else f"{text[:widest]}... ({len(text):,} characters)"


def _where(group: Alike, level: Level) -> Iterator[str]:
    """Where each of the group is written; those without a definition by key."""
    named = list(places(group.locations)) or [change.key for change in group.changes]
    shown = []
    room = level.places
    for name in named:
        room -= _size(name) + 5
        if room < 0:
            break
        shown.append(f"- {code(name)}")
    yield "\n".join(shown)
    if len(shown) < len(named):
        yield f"- ... and more: {_counted_folders(group)}"


def _each(group: Alike, level: Level) -> Iterator[str]:
    """Each of the group with the values that the others do not have."""
    differing = [len({(one.before, one.after) for one in fields}) > 1 for fields in group.fields]
    for change in group.changes:
        place = place_of(change)
        own = (field for field, differs in zip(change.fields, differing, strict=True) if differs)
        said = "; ".join(f"{code(one.path)} {_from_to(one, level)}" for one in own)
        yield f"- {code(line_of(place) if place else change.key)}: {said}"


def _from_to(field: FieldChange, level: Level) -> str:
    shown = [code(_shown(field, value, level)) for value in (field.before, field.after) if value is not None]
    return " to ".join(dict.fromkeys(shown))


def _counted_folders(group: Alike) -> str:
    """All of the group by folder, the fullest first."""
    folders = Counter(place.file.rpartition("/")[0] for place in group.locations)
    listed = [f"{number:,} in {code(folder)}" for folder, number in folders.most_common(_MOST_NAMES)]
    more = len(folders) - _MOST_NAMES
    return "in all " + ", ".join([*listed, *([f"{more:,} more folders"] if more > 0 else [])])


def _foot(plan: Plan) -> Iterator[str]:
    if plan.pending:
        command = f"provisioner apply --target {plan.target} --expect-digest DIGEST"
        yield f"{code(command)} carries out this, or nothing."
