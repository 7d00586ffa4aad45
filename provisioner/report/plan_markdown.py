"""A plan as Markdown, for a comment on a pull request or the summary of a step.

A comment takes 65,536 characters. A plan that needs more is told with the names of its fields alone, then as a table,
then by as many rows as fit; what is left out is said. The head is whole in each of these: the numbers, the digest,
where passwords will go and what is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from provisioner.model import Location
from provisioner.planning.diff import FieldChange
from provisioner.planning.impact import listed
from provisioner.planning.plan import Action, Change, Plan
from provisioner.report.escaping import code, longest_ticks, plain
from provisioner.report.plan_text import summary
from provisioner.report.terminal import safe
from provisioner.report.wording import (
    NEW_SERVERS,
    UnknownPart,
    approval,
    fields_of,
    line_of,
    new_servers,
    place_of,
    sorted_by_severity,
    uncovered,
    unknowns,
    verdict,
)

BUDGET = 65_536
"""Bytes; GitHub counts characters, which are never more."""

_RESERVED = 1_000
"""Bytes for what is said of things that are left out, and for a line that a pipeline adds."""

_MOST_NAMES = 20

_LONGEST_HOST = 253
"""Characters of a host name (RFC 1035). Its end says whose it is, so it is not cut."""


def marker(target: str) -> str:
    """The first line of a comment about this target: by it the comment is found and updated."""
    return f"<!-- provisioner:plan target={re.sub(r'[^A-Za-z0-9._-]', '_', target)} -->"


def as_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """Return at most ``budget`` bytes of UTF-8, where the head alone takes no more."""
    changes = sorted_by_severity(change for change in plan.changes if change.action is not Action.NO_OP or change.notes)
    head, foot = [*_head(plan)], [*_foot(plan)]
    room = budget - _size("\n\n".join([*head, *foot])) - _RESERVED
    blocks = _fitting(map(_block, changes), room, separator=2)
    if len(blocks) == len(changes):
        return "\n\n".join([*head, *blocks, *foot]) + "\n"
    items = _fitting(map(_item, changes), room, separator=1)
    if len(items) == len(changes):
        return "\n\n".join([*head, _NAMES_ONLY, "\n".join(items), *foot]) + "\n"
    rows = _fitting(map(_row, changes), room - _size(_TABLE), separator=1)
    left = Counter(change.action for change in changes[len(rows) :])
    numbers = ", ".join(f"{number:,} {action.value}" for action, number in left.items())
    note = f"{_ROWS_ONLY} **Truncated: {numbers}.**" if left else _ROWS_ONLY
    return "\n\n".join([*head, note, "\n".join([_TABLE, *rows]), *foot]) + "\n"


_ELSEWHERE = "All of it is in the HTML and JSON reports and in `plan` on a terminal."
_NAMES_ONLY = f"> Values are left out. {_ELSEWHERE}"
_ROWS_ONLY = f"> Reasons, notes and values are left out. {_ELSEWHERE}"
_TABLE = "| action | key | place | fields |\n|---|---|---|---|"


def _fitting(blocks: Iterable[str], room: int, separator: int) -> list[str]:
    """Return the first of the blocks, as far as there is room; the others are not made."""
    taken: list[str] = []
    for block in blocks:
        room -= _size(block) + separator
        if room < 0:
            break
        taken.append(block)
    return taken


def _size(text: str) -> int:
    return len(text.encode())


def _head(plan: Plan) -> Iterator[str]:
    yield marker(plan.target)
    yield f"### Plan for {code(plan.target)}"
    yield f"**{summary(plan)}**"
    asked = f" Asked for: {code(_cut(safe(' '.join(plan.options.flags)), 1_000))}." if plan.options.flags else ""
    yield f"On {code(_cut(safe(str(plan.identity)), 500))}.{asked}"
    if plan.pins:
        covers = (
            "It covers the definitions, the variables that their secrets come from, and what the state has of them."
        )
        yield f"Digest: `{plan.digest}`. {covers}"
    servers = new_servers(plan)
    if servers:
        names = _names(servers, _LONGEST_HOST)
        yield f"**{NEW_SERVERS}**: {names}. Are these yours?"
    yield "\n".join(_section("What could not be known", list(unknowns(plan)), _ALL_KNOWN))
    left_open = list(uncovered(plan))
    if left_open:
        yield "\n".join(_section("What the digest does not cover", left_open))
    if plan.notes:
        yield "\n".join(f"- Note: {plain(_cut(note, 1_000))}" for note in plan.notes)


_ALL_KNOWN = "nothing; the service was asked, and every secret compared with what was sent last."


def _section(title: str, told: list[UnknownPart], otherwise: str = "") -> Iterator[str]:
    if not told:
        yield f"**{title}**: {otherwise}"
        return
    yield from (f"**{title}**", "")
    for one in told:
        yield f"- {one.sentence}: {_names(one.names)}." if one.names else f"- {one.sentence}."


def _names(found: Counter[str], widest: int = 80) -> str:
    """Return each with how often, the most frequent first."""
    names = sorted(found, key=lambda name: (-found[name], name))
    return listed(names, _MOST_NAMES, lambda name: f"{code(_cut(safe(name), widest))}{_times(found[name])}")


def _times(number: int) -> str:
    return f" ({number:,})" if number > 1 else ""


_LONGEST_COMMAND = 4_000
"""Bytes. With thousands of characters of ``--select`` nobody copies it, and the rest needs the room."""


def _foot(plan: Plan) -> Iterator[str]:
    if (approving := approval(plan)) and _size(approving[0]) <= _LONGEST_COMMAND:
        yield f"{code(approving[0])} {approving[1]}"


def _block(change: Change) -> str:
    """Return a heading, why, and the fields from what to what."""
    parts = [f"#### {_named(change)}", "", f"Reason: {plain(change.reason)}"]
    parts += [f"- Remedy: {plain(change.remedy)}"] if change.remedy else []
    parts += [f"- Note: {plain(note)}" for note in change.notes]
    lines = [line for field in fields_of(change) for line in _field(field, change.action)]
    if lines:
        fence = "`" * max(3, 1 + max(map(longest_ticks, lines)))
        parts += ["", f"{fence}diff", *lines, fence]
    return "\n".join(parts)


def _named(change: Change) -> str:
    place = _place(change)
    return f"{change.action.value} {code(_cut(change.key, 300))}{f' at {code(place)}' if place else ''}"


def _place(change: Change) -> str:
    place = place_of(change)
    return line_of(Location(_cut(place.file, 300), place.line)) if place else ""


def _field(field: FieldChange, action: Action) -> Iterator[str]:
    said = verdict(field, action)
    marks = f"{'  drift' if field.drifted else ''}{f'  {said}' if said else ''}"
    where = f"  ({line_of(field.location)})" if field.location and action is not Action.CREATE else ""
    yield f"  {safe(field.path)}{marks}{where}"
    if field.before is not None and field.before != field.after:
        yield f"- {_shown(field, field.before)}"
    if field.after is not None:
        yield f"{' ' if field.before == field.after else '+'} {_shown(field, field.after)}"


def _shown(field: FieldChange, value: str) -> str:
    return safe(value) if field.sensitive else safe(f'"{_cut(value, 1_000)}"')


def _item(change: Change) -> str:
    """Return why a change is planned and which fields it is about."""
    names = f" Fields: {_fields(change, _MOST_NAMES)}." if fields_of(change) else ""
    lines = [f"- {_named(change)}: {_short(change.reason)}.{names}"]
    lines += [f"  - Remedy: {_short(change.remedy)}"] if change.remedy else []
    return "\n".join([*lines, *(f"  - Note: {_short(note)}" for note in change.notes)])


def _row(change: Change) -> str:
    place = _place(change)
    cells = (change.action.value, _cell(_cut(change.key, 300)), _cell(place) if place else "", _fields(change, 3))
    return f"| {' | '.join(cells)} |"


def _fields(change: Change, most: int) -> str:
    """Return the names of some fields, those with drift first."""
    fields = sorted(fields_of(change), key=lambda field: not field.drifted)
    return listed(fields, most, lambda field: f"{_cell(_cut(field.path, 80))}{' (drift)' if field.drifted else ''}")


def _cell(text: str) -> str:
    """Return a code span that ends no cell of a table, whatever a renderer takes for an escape."""
    return code(text).replace("|", "\\u007c")


def _short(text: str) -> str:
    return plain(_cut(text, 300))


def _cut(text: str, widest: int) -> str:
    """Return the text, or its beginning and how long it is."""
    return text if len(text) <= widest else f"{text[:widest]}... ({len(text):,} characters)"
