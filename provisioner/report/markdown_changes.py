"""Changes of a plan as Markdown, in as much detail as there is room for. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.model import Location
from provisioner.planning.changes import FieldChange
from provisioner.planning.plan import Action, Change, Plan
from provisioner.report.alike import Alike, alike, place_of, sorted_by_severity
from provisioner.report.markdown import code, longest_ticks, plain
from provisioner.report.places import places
from provisioner.report.style import safe
from provisioner.report.wording import line_of, verdict


@dataclass(frozen=True, slots=True)
class Level:
    """How much is told. ``grouped``: alike changes once, ``apart`` where they differ in at most so many values.
    Where they differ in more: up to ``each`` of them one by one, else ``examples``. ``widest`` characters of a value,
    ``places`` bytes of file names a group. ``told``: what the reader learns of it."""

    grouped: bool
    apart: int
    each: int
    examples: int
    widest: int
    places: int
    told: str = ""

    def lists(self, group: Alike) -> bool:
        """Whether each of this group is told with its own values."""
        return len(group.changes) <= self.each and any(group.differing)

    def abridges(self, group: Alike) -> bool:
        """Whether some values of this group are not told."""
        return not self.lists(group) and any(group.differing)


def groups_of(plan: Plan, level: Level) -> tuple[Alike, ...]:
    """What the plan tells of, in the order in which it is told."""
    told = [change for change in plan.changes if change.action is not Action.NO_OP or change.notes]
    if level.grouped:
        return alike(told, level.apart)
    return tuple(Alike((change,)) for change in sorted_by_severity(told))


def block(group: Alike, level: Level) -> str:
    """One group: a heading, why, the fields, and which definitions."""
    return "\n".join(_lines(group, level))


def _lines(group: Alike, level: Level) -> Iterator[str]:
    yield f"#### {_heading(group)}"
    yield ""
    yield f"Reason: {plain(group.reason)}"
    yield from (f"- Remedy: {plain(group.remedy)}" for _ in range(bool(group.remedy)))
    yield from (f"- Note: {plain(note)}" for note in group.notes)
    lines = [line for fields in group.fields for line in _field(group, fields, level)]
    if lines:
        fence = "`" * max(3, 1 + max(map(longest_ticks, lines)))
        yield from ("", f"{fence}diff", *lines, fence)
    if len(group.changes) > 1:
        yield from ("", *_members(group, level))


_MOST_FIELDS = 3


def _heading(group: Alike) -> str:
    change = group.first
    if len(group.changes) == 1:
        place = place_of(change)
        where = f" at {code(line_of(place))}" if place else ""
        return f"{change.action.value} {code(change.key)}{where}"
    paths = [field.path for field in change.fields] if change.action in (Action.UPDATE, Action.REFRESH) else []
    named = ", ".join(map(code, paths[:_MOST_FIELDS])) + (" and more" if len(paths) > _MOST_FIELDS else "")
    return f"{change.action.value} {len(group.changes):,} base connections{f': {named}' if named else ''}"


def _field(group: Alike, fields: tuple[FieldChange, ...], level: Level) -> Iterator[str]:
    """A line that names the field, then what goes and what comes; of many with different values only how many."""
    one = fields[0]
    said = verdict(one, group.first.action)
    marks = f"{'  drift' if one.drifted else ''}{f'  {said}' if said else ''}"
    values = {(field.before, field.after) for field in fields}
    if len(values) > 1:
        told = "told below" if level.lists(group) else f"{min(level.examples, len(values))} told below"
        yield f"  {safe(one.path)}{marks}  ({len(values):,} different ones, {told})"
        return
    yield f"  {safe(one.path)}{marks}{'' if group.first.action is Action.CREATE else _line(fields)}"
    if one.before is not None and one.before != one.after:
        yield f"- {_shown(one, one.before, level)}"
    if one.after is not None:
        yield f"{' ' if one.before == one.after else '+'} {_shown(one, one.after, level)}"


def _line(fields: tuple[FieldChange, ...]) -> str:
    """Where the field stands, as far as all have it in the same place."""
    locations = [field.location for field in fields]
    first = locations[0]
    if first is None:
        return ""
    if len(fields) == 1:
        return f"  ({line_of(first)})"
    same = all(one is not None and one.line == first.line for one in locations)
    return f"  (line {first.line})" if same else ""


def _shown(field: FieldChange, value: str | None, level: Level) -> str:
    if value is None:
        return "(none)"
    return safe(value) if field.sensitive else safe(f'"{cut(value, level.widest)}"')


def cut(text: str, widest: int) -> str:
    """The text, or its beginning and how long it is."""
    return text if len(text) <= widest else f"{text[:widest]}... ({len(text):,} characters)"


def _members(group: Alike, level: Level) -> Iterator[str]:
    """Which definitions these are; each with its own values where there is room for that."""
    if level.lists(group):
        yield from _folded([_row(change, group, level) for change in group.changes], group)
        return
    if any(group.differing) and level.examples:
        yield "For example:"
        yield ""
        yield from (_row(change, group, level) for change in group.changes[: level.examples])
        yield ""
    yield from _folded(_places(group, level), group)


_UNFOLDED = 10


def _folded(rows: list[str], group: Alike) -> Iterator[str]:
    if len(rows) <= _UNFOLDED:
        yield from rows
    else:
        yield from (f"<details><summary>All {len(group.changes):,}</summary>", "", *rows, "", "</details>")


def _row(change: Change, group: Alike, level: Level) -> str:
    """One of a group, with the values that the others do not have."""
    place = place_of(change)
    own = [field for field, differs in zip(change.fields, group.differing, strict=True) if differs]
    said = "; ".join(_own_value(field, place, level) for field in own)
    return f"- {code(line_of(place) if place else change.key)}{f': {said}' if said else ''}"


def _own_value(field: FieldChange, place: Location | None, level: Level) -> str:
    line = field.location.line if field.location and place and field.location.line != place.line else 0
    where = f" (line {line})" if line else ""
    shown = [code(_shown(field, value, level)) for value in (field.before, field.after) if value is not None]
    return f"{code(field.path)}{where} {' to '.join(dict.fromkeys(shown))}"


def _places(group: Alike, level: Level) -> list[str]:
    """Where each of the group is written; those without a definition by key and what is recorded of them."""
    named = [code(place) for place in places(group.locations)] or list(map(_recorded, group.changes))
    shown: list[str] = []
    room = level.places
    for name in named:
        room -= len(name.encode()) + 3
        if room < 0:
            break
        shown.append(f"- {name}")
    if len(shown) < len(named):
        shown.append(f"- ... and more: {_counted_folders(group.locations) or f'{len(named):,} in all'}")
    return shown


def _recorded(change: Change) -> str:
    return f"{code(change.key)}{f', {code(change.record.id)}' if change.record else ''}"


MOST_NAMES = 20


def _counted_folders(locations: Iterable[Location]) -> str:
    """All of the group by folder, the fullest first."""
    folders = Counter(place.file.rpartition("/")[0] for place in locations)
    listed = [f"{number:,} in {code(folder)}" for folder, number in folders.most_common(MOST_NAMES)]
    more = len(folders) - MOST_NAMES
    return f"in all {', '.join([*listed, *([f'{more:,} more folders'] if more > 0 else [])])}" if listed else ""
