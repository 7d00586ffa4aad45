"""A plan as Markdown, for a comment on a pull request or the summary of a step.

A comment may have 65,536 characters. A longer plan is reduced to the names of its fields, then to a table, then to as
many rows as fit, with a count of the others. The head is always complete: the numbers, the digest, the servers that
receive passwords, and everything that is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from provisioner.model import Location
from provisioner.planning.diff import FieldChange
from provisioner.planning.plan import Action, Change, Plan
from provisioner.report.escaping import code_span, longest_backtick_run, markdown_text
from provisioner.report.plan_text import as_summary
from provisioner.report.terminal import safe
from provisioner.report.wording import (
    NEW_SERVERS,
    Caveat,
    approval_command,
    changed_line,
    field_note,
    file_and_line,
    new_servers,
    not_in_digest,
    shown_fields,
    sorted_by_severity,
    unknowns,
)
from provisioner.text import listed

BUDGET = 65_536
"""Bytes. GitHub counts characters, of which there are never more."""

_RESERVED = 1_000
"""Bytes for the note on truncation, and for a line that a pipeline adds."""

_MAX_NAMES = 20

_MAX_HOST = 253
"""Characters of a host name (RFC 1035). Its end identifies the owner, so it is not cut."""

_MAX_COMMAND = 4_000
"""Bytes of the approval command. With thousands of characters of ``--select`` nobody copies it."""

_ELSEWHERE = "All of it is in the HTML and JSON reports and in `plan` on a terminal."
_NAMES_ONLY = f"> Values are left out. {_ELSEWHERE}"
_ROWS_ONLY = f"> Reasons, notes and values are left out. {_ELSEWHERE}"
_TABLE = "| action | key | line | fields |\n|---|---|---|---|"


def marker(target: str) -> str:
    """Return the first line of a comment, by which a pipeline finds and updates the comment of this target."""
    return f"<!-- provisioner:plan target={re.sub(r'[^A-Za-z0-9._-]', '_', target)} -->"


def as_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """Return at most ``budget`` bytes of UTF-8, unless the head alone is longer."""
    changes = sorted_by_severity(change for change in plan.changes if change.action is not Action.NO_OP or change.notes)
    head, approval = list(_head(plan)), approval_command(plan)
    foot = [f"{code_span(approval[0])} {approval[1]}"] if approval and _size(approval[0]) <= _MAX_COMMAND else []
    room = budget - _size("\n\n".join([*head, *foot])) - _RESERVED
    blocks = _fitting(map(_block, changes), room, separator_size=2)
    if len(blocks) == len(changes):
        return "\n\n".join([*head, *blocks, *foot]) + "\n"
    items = _fitting(map(_item, changes), room, separator_size=1)
    if len(items) == len(changes):
        return "\n\n".join([*head, _NAMES_ONLY, "\n".join(items), *foot]) + "\n"
    rows = _fitting(map(_row, changes), room - _size(_TABLE), separator_size=1)
    truncated = Counter(change.action for change in changes[len(rows) :])
    numbers = ", ".join(f"{number:,} {action.value}" for action, number in truncated.items())
    note = f"{_ROWS_ONLY} **Truncated: {numbers}.**" if truncated else _ROWS_ONLY
    return "\n\n".join([*head, note, "\n".join([_TABLE, *rows]), *foot]) + "\n"


def _fitting(blocks: Iterable[str], room: int, separator_size: int) -> list[str]:
    """Return the first blocks that fit into ``room`` bytes; the others are not rendered."""
    fitting: list[str] = []
    for block in blocks:
        room -= _size(block) + separator_size
        if room < 0:
            break
        fitting.append(block)
    return fitting


def _size(text: str) -> int:
    return len(text.encode())


def _head(plan: Plan) -> Iterator[str]:
    yield marker(plan.target)
    yield f"### Plan for {code_span(plan.target)}"
    yield f"**{as_summary(plan)}**"
    options = f" Options: {code_span(_cut(safe(' '.join(plan.options.flags)), 1_000))}." if plan.options.flags else ""
    yield f"On {code_span(_cut(safe(str(plan.identity)), 500))}.{options}"
    if plan.pins:
        covers = (
            "It covers the definitions, the variables that their secrets come from, and their records in the state."
        )
        yield f"Digest: `{plan.digest}`. {covers}"
    servers = new_servers(plan)
    if servers:
        names = _names(servers, _MAX_HOST)
        yield f"**{NEW_SERVERS}**: {names}. Are these yours?"
    if unknown := list(unknowns(plan)):
        yield _section("Not known", unknown)
    else:
        yield "**Not known**: nothing; the service was queried, and every secret was compared with the value sent last."
    if uncovered := list(not_in_digest(plan)):
        yield _section("Not covered by the digest", uncovered)
    if plan.notes:
        yield "\n".join(f"- Note: {markdown_text(_cut(note, 1_000))}" for note in plan.notes)


def _section(title: str, caveats: list[Caveat]) -> str:
    items = (f"{caveat.sentence}: {_names(caveat.names)}" if caveat.names else caveat.sentence for caveat in caveats)
    return "\n".join([f"**{title}**", "", *(f"- {item}." for item in items)])


def _names(counts: Counter[str], max_length: int = 80) -> str:
    """Return the names with their counts, the most frequent first."""

    def shown(name: str) -> str:
        times = f" ({counts[name]:,})" if counts[name] > 1 else ""
        return f"{code_span(_cut(safe(name), max_length))}{times}"

    return listed(sorted(counts, key=lambda name: (-counts[name], name)), _MAX_NAMES, shown)


def _block(change: Change) -> str:
    """Return a change in full: a heading, the reason, and a diff of the fields."""
    parts = [f"#### {_title(change)}", "", f"Reason: {markdown_text(change.reason)}"]
    parts += [f"- Remedy: {markdown_text(change.remedy)}"] if change.remedy else []
    parts += [f"- Note: {markdown_text(note)}" for note in change.notes]
    lines = [line for field in shown_fields(change) for line in _field(field, change.action)]
    if lines:
        fence = "`" * max(3, 1 + max(map(longest_backtick_run, lines)))
        parts += ["", f"{fence}diff", *lines, fence]
    return "\n".join(parts)


def _title(change: Change) -> str:
    line = _line(change)
    return f"{change.action.value} {code_span(_cut(change.key, 300))}{f' at {code_span(line)}' if line else ''}"


def _line(change: Change) -> str:
    location = changed_line(change)
    return file_and_line(Location(_cut(location.file, 300), location.line)) if location else ""


def _field(field: FieldChange, action: Action) -> Iterator[str]:
    note = field_note(field, action)
    marks = f"{'  drift' if field.drifted else ''}{f'  {note}' if note else ''}"
    line = f"  ({file_and_line(field.location)})" if field.location and action is not Action.CREATE else ""
    yield f"  {safe(field.path)}{marks}{line}"
    if field.before is not None and field.before != field.after:
        yield f"- {_shown(field, field.before)}"
    if field.after is not None:
        yield f"{' ' if field.before == field.after else '+'} {_shown(field, field.after)}"


def _shown(field: FieldChange, value: str) -> str:
    return safe(value) if field.sensitive else safe(f'"{_cut(value, 1_000)}"')


def _item(change: Change) -> str:
    """Return a change as a list item: the reason, and the names of the fields without their values."""
    names = f" Fields: {_fields(change, _MAX_NAMES)}." if shown_fields(change) else ""
    lines = [f"- {_title(change)}: {_short(change.reason)}.{names}"]
    lines += [f"  - Remedy: {_short(change.remedy)}"] if change.remedy else []
    return "\n".join([*lines, *(f"  - Note: {_short(note)}" for note in change.notes)])


def _row(change: Change) -> str:
    line = _line(change)
    cells = (change.action.value, _cell(_cut(change.key, 300)), _cell(line) if line else "", _fields(change, 3))
    return f"| {' | '.join(cells)} |"


def _fields(change: Change, max_names: int) -> str:
    """Return the names of at most so many fields, those with drift first."""
    fields = sorted(shown_fields(change), key=lambda field: not field.drifted)
    return listed(
        fields, max_names, lambda field: f"{_cell(_cut(field.path, 80))}{' (drift)' if field.drifted else ''}"
    )


def _cell(text: str) -> str:
    """Return a code span for a table cell. Renderers disagree on how to escape a pipe, so none is left in it."""
    return code_span(text).replace("|", "\\u007c")


def _short(text: str) -> str:
    return markdown_text(_cut(text, 300))


def _cut(text: str, max_length: int) -> str:
    """Return the text, or its beginning and its length if it is longer."""
    return text if len(text) <= max_length else f"{text[:max_length]}... ({len(text):,} characters)"
