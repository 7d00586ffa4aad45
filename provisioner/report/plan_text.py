"""A plan as text: calm, aligned, words beside symbols."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.planning.diff import FieldChange
from provisioner.planning.impact import listed
from provisioner.planning.plan import Action, Change, Plan
from provisioner.report.terminal import PLAIN, Style, count, safe
from provisioner.report.wording import NEW_SERVERS, SYMBOL, fields_of, line_of, new_servers

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

MOST_UNCHANGED = 20
"""More unchanged definitions than this are counted, not listed."""

_WIDEST = 200
"""Characters of one value; more are cut, and the text says so."""


def as_text(plan: Plan, style: Style = PLAIN) -> str:
    """The whole plan, ending in the summary."""
    asked = " (offline: the service was not asked)" if plan.offline else ""
    flags = f" ({', '.join(safe(flag) for flag in plan.options.flags)})" if plan.options.flags else ""
    paragraphs = [f"Plan for target {style.paint(plan.target, 'bold')}: {safe(str(plan.identity))}{asked}{flags}"]
    unchanged = [change for change in plan.changes if change.action is Action.NO_OP and not change.notes]
    hidden = set() if len(unchanged) <= MOST_UNCHANGED else {change.key for change in unchanged}
    paragraphs += ["\n".join(_change(change, style)) for change in plan.changes if change.key not in hidden]
    if hidden:
        paragraphs.append(style.paint(f"{count(len(hidden), 'definition')} unchanged", "dim"))
    told = (*_sign_ins(plan), *plan.notes)
    notes = ["\n".join(f"{style.paint('note:', 'yellow')} {safe(note)}" for note in told)] if told else []
    return style.fold("\n\n".join([*_tight(paragraphs), *notes, *_approval(plan, style), summary(plan)]))


def _sign_ins(plan: Plan) -> Iterator[str]:
    """Yield what a reviewer must not miss: servers that are given a password for the first time."""
    if servers := list(new_servers(plan)):
        yield f"{NEW_SERVERS}: {listed(servers, MOST_UNCHANGED)}. Are these yours?"


def _approval(plan: Plan, style: Style) -> Iterator[str]:
    """Yield the digest to approve the plan by, and what it does not cover."""
    if not plan.pins:
        return
    lines = ["Digest of the definitions and the state, for `apply --expect-digest`:", f"  {plan.digest}"]
    concerned = ""
    if left := plan.not_in_digest:
        concerned = f"; affected here: {listed(left, MOST_UNCHANGED, safe)}"
    lines.append(f"  It does not cover the values of secrets, nor what the service shows{concerned}")
    if plan.outside:
        lines.append(
            "  It includes changes made outside: approve it with a saved plan: `plan --out FILE`, then `apply FILE`"
        )
    yield style.paint("\n".join(lines), "dim")


def _tight(paragraphs: list[str]) -> Iterator[str]:
    """One-line entries stand together, longer ones apart."""
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
    where = f"  {style.paint(line_of(change.location), 'dim')}" if change.location else ""
    yield f"{head} {style.paint(safe(change.key), 'bold')}  {safe(_quoted(change.name))}{where}"
    if change.action is Action.NO_OP and not change.notes:
        return
    yield f"    reason: {safe(change.reason)}"
    if change.remedy:
        yield f"    {style.paint('remedy:', 'cyan')} {safe(change.remedy)}"
    for note in change.notes:
        yield f"    {style.paint('note:', 'yellow')} {safe(note)}"
    fields = fields_of(change)
    width = max((len(field.path) for field in fields), default=0)
    for field in fields:
        yield _field(change, field, width, style)


def _field(change: Change, field: FieldChange, width: int, style: Style) -> str:
    path = f"    {safe(field.path):{width}}  "
    if change.action is Action.CREATE:
        state = "" if field.at_hand else style.paint("  (not set)", "yellow")
        return f"{path}{_shown(field, field.after)}{state}"
    drift = style.paint("  (drift)", "yellow") if field.drifted else ""
    if change.action is Action.DELETE:
        return f"{path}{_shown(field, field.before)}{drift}"
    where = style.paint(f"  {line_of(field.location)}", "dim") if field.location else ""
    if field.sensitive:
        return f"{path}{_sensitive(field)}{where}"
    if field.is_there:
        return f"{path}{_shown(field, field.after)}{style.paint('  (there already)', 'dim')}{where}"
    arrow = style.paint("->", "dim")
    return f"{path}{_shown(field, field.before)} {arrow} {_shown(field, field.after)}{drift}{where}"


def _sensitive(field: FieldChange) -> str:
    """The origin, before and after where they differ, and what the comparison says."""
    origins = [origin for origin in dict.fromkeys((field.before, field.after)) if origin is not None]
    verdict = " (removed)" if field.after is None else f": {field.comparison}"
    return f"{' -> '.join(safe(origin) for origin in origins)}{verdict}"


def _shown(field: FieldChange, value: str | None) -> str:
    if value is None:
        return "(none)"
    if field.sensitive:
        return safe(value)
    return safe(_quoted(value))


def _quoted(value: str) -> str:
    return f'"{value}"' if len(value) <= _WIDEST else f'"{value[:_WIDEST]}..." ({len(value):,} characters)'


_OTHERS = {
    Action.REFRESH: "to take into the state",
    Action.FORGET: "to forget",
    Action.MOVE: "moved",
    Action.BLOCKED: "blocked",
    Action.UNMANAGED: "unmanaged",
    Action.NO_OP: "unchanged",
}


def summary(plan: Plan) -> str:
    """The last line; third-party tools parse its first sentence, which is Terraform's."""
    create, delete = plan.count(Action.CREATE), plan.count(Action.DELETE)
    recorded = sum(change.is_only_recorded for change in plan.changes if change.action is Action.UPDATE)
    update = plan.count(Action.UPDATE) - recorded
    first = f"Plan: {create} to add, {update} to change, {delete} to destroy."
    others = [f"{recorded} only recorded"] if recorded else []
    others += [f"{plan.count(action)} {word}" for action, word in _OTHERS.items() if plan.count(action)]
    return f"{first} {', '.join(others).capitalize()}." if others else first
