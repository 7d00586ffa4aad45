"""A plan as text for a terminal, and the summary line that other reports share."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.planning.diff import FieldChange
from provisioner.planning.plan import Action, Change, Plan
from provisioner.report.terminal import PLAIN, Style, safe
from provisioner.report.wording import NEW_SERVERS, SYMBOL, file_and_line, new_servers, shown_fields
from provisioner.text import count, listed

_COLOUR = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.DELETE: "red",
    Action.NO_OP: "dim",
    Action.BLOCKED: "red",
    Action.UNMANAGED: "cyan",
    Action.REFRESH: "yellow",
    Action.FORGET: "yellow",
    Action.MOVE: "yellow",
}

_OTHER_COUNTS = {
    Action.REFRESH: "to refresh",
    Action.FORGET: "to forget",
    Action.MOVE: "to move",
    Action.BLOCKED: "blocked",
    Action.UNMANAGED: "unmanaged",
    Action.NO_OP: "unchanged",
}

_MAX_UNCHANGED = 20
"""More unchanged definitions than this are counted, not listed."""

_MAX_NAMES = 20

_MAX_VALUE = 200
"""Characters of one value; longer ones are cut, with a note of their length."""


def as_text(plan: Plan, style: Style = PLAIN) -> str:
    """Return the whole plan, with the summary as its last line."""
    offline = " (offline: the service was not queried)" if plan.offline else ""
    flags = f" ({listed(plan.options.flags, _MAX_NAMES, safe)})" if plan.options.flags else ""
    paragraphs = [f"Plan for target {style.paint(plan.target, 'bold')}: {safe(str(plan.identity))}{offline}{flags}"]
    unchanged = [change for change in plan.changes if change.action is Action.NO_OP and not change.notes]
    hidden = set() if len(unchanged) <= _MAX_UNCHANGED else {change.key for change in unchanged}
    paragraphs += ["\n".join(_change(change, style)) for change in plan.changes if change.key not in hidden]
    if hidden:
        paragraphs.append(style.paint(f"{count(len(hidden), 'definition')} unchanged", "dim"))
    servers = list(new_servers(plan))
    notes = [f"{NEW_SERVERS}: {listed(servers, _MAX_NAMES)}. Are these yours?"] if servers else []
    notes += plan.notes
    parts = [*_joined_lines(paragraphs)]
    parts += ["\n".join(f"{style.paint('note:', 'yellow')} {safe(note)}" for note in notes)] if notes else []
    parts += [style.paint(_digest(plan), "dim")] if plan.pins else []
    return style.fold("\n\n".join([*parts, as_summary(plan)]))


def _digest(plan: Plan) -> str:
    """Return the digest to approve the plan by, and everything that it does not cover."""
    uncovered = plan.not_in_digest
    affected = f"; in this plan that concerns: {listed(uncovered, _MAX_NAMES, safe)}" if uncovered else ""
    lines = [
        "Digest of the definitions and the state file, for `apply --expect-digest`:",
        f"  {plan.digest}",
        f"  It does not cover the values of secrets or what exists in the service{affected}",
    ]
    if plan.outside and not plan.is_saved:
        lines.append(
            "  Changes were made outside provisioner; approve a saved plan instead: "
            "`plan --out FILE`, then `apply FILE`"
        )
    return "\n".join(lines)


def _joined_lines(paragraphs: list[str]) -> Iterator[str]:
    """Yield the paragraphs, with consecutive ones of a single line joined into one."""
    lines: list[str] = []
    for paragraph in paragraphs:
        if "\n" in paragraph:
            if lines:
                yield "\n".join(lines)
                lines = []
            yield paragraph
        else:
            lines.append(paragraph)
    if lines:
        yield "\n".join(lines)


def _change(change: Change, style: Style) -> Iterator[str]:
    head = style.paint(f"{SYMBOL[change.action]} {change.action:9}", _COLOUR[change.action])
    as_line = f"  {style.paint(file_and_line(change.location), 'dim')}" if change.location else ""
    yield f"{head} {style.paint(safe(change.key), 'bold')}  {safe(_quoted(change.name))}{as_line}"
    if change.action is Action.NO_OP and not change.notes:
        return
    yield f"    reason: {safe(change.reason)}"
    if change.remedy:
        yield f"    {style.paint('remedy:', 'cyan')} {safe(change.remedy)}"
    for note in change.notes:
        yield f"    {style.paint('note:', 'yellow')} {safe(note)}"
    fields = shown_fields(change)
    width = max((len(field.path) for field in fields), default=0)
    for field in fields:
        yield _field(change, field, width, style)


def _field(change: Change, field: FieldChange, width: int, style: Style) -> str:
    path = f"    {safe(field.path):{width}}  "
    if change.action is Action.CREATE:
        unset = "" if field.has_value else style.paint("  (not set)", "yellow")
        return f"{path}{_shown(field, field.after)}{unset}"
    drift = style.paint("  (drift)", "yellow") if field.drifted else ""
    if change.action is Action.DELETE:
        return f"{path}{_shown(field, field.before)}{drift}"
    as_line = style.paint(f"  {file_and_line(field.location)}", "dim") if field.location else ""
    if field.sensitive:
        origins = [origin for origin in dict.fromkeys((field.before, field.after)) if origin is not None]
        comparison = " (removed)" if field.after is None else f": {field.comparison.shown}" if field.comparison else ""
        return f"{path}{' -> '.join(safe(origin) for origin in origins)}{comparison}{as_line}"
    if field.already_set:
        return f"{path}{_shown(field, field.after)}{style.paint('  (already set)', 'dim')}{as_line}"
    arrow = style.paint("->", "dim")
    return f"{path}{_shown(field, field.before)} {arrow} {_shown(field, field.after)}{drift}{as_line}"


def _shown(field: FieldChange, value: str | None) -> str:
    if value is None:
        return "(none)"
    if field.sensitive:
        return safe(value)
    return safe(_quoted(value))


def _quoted(value: str) -> str:
    return f'"{value}"' if len(value) <= _MAX_VALUE else f'"{value[:_MAX_VALUE]}..." ({len(value):,} characters)'


def as_summary(plan: Plan) -> str:
    """Return the last line. Third-party tools parse its first sentence, which is Terraform's."""
    create, delete = plan.count(Action.CREATE), plan.count(Action.DELETE)
    recorded = sum(change.is_only_recorded for change in plan.changes if change.action is Action.UPDATE)
    update = plan.count(Action.UPDATE) - recorded
    first = f"Plan: {create} to add, {update} to change, {delete} to destroy."
    others = [f"{recorded} only recorded"] if recorded else []
    others += [f"{plan.count(action)} {word}" for action, word in _OTHER_COUNTS.items() if plan.count(action)]
    return f"{first} {', '.join(others).capitalize()}." if others else first
