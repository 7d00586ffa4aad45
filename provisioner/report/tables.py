"""Aligned tables, fitted to a terminal; results of ``test`` and ``explore`` as such and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from provisioner.apply.outcome import Tested
from provisioner.model import Json
from provisioner.report.terminal import Style, columns, json_text, safe
from provisioner.service.responses import Table, TableContents
from provisioner.text import count

FORMAT_VERSION = "1.0"

_MAX_VALUE = 40
"""Characters of one value in a preview; longer ones are cut."""

_GAP, _CUT = "  ", "..."


def aligned(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    style: Style,
    roles_of: Callable[[str, str], tuple[str, ...]] = lambda *_: (),
) -> str:
    """Return a table with aligned columns, one line a row. ``roles_of`` colours a cell, by its title and text."""
    shown = [[safe(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(columns, cells)) for cells in zip(*shown, strict=True)]
    titles, *others = shown
    painted = [
        [style.paint(text, *roles_of(title, text)) for title, text in zip(titles, row, strict=True)] for row in others
    ]
    first, *lines = (
        _GAP.join(_padded(*pair) for pair in zip(row, widths, strict=True)).rstrip() for row in (titles, *painted)
    )
    return "\n".join([style.paint(first, "dim"), *lines])


def fitted(table: Sequence[Sequence[str]], least: Mapping[str, int], width: int) -> Sequence[Sequence[str]]:
    """Return a table, its head first, cut to ``width`` columns of a terminal; uncut if that is 0.

    ``least`` has, by title, the width that a column keeps at least. The first is cut first, then always the widest. If
    that is not enough, they are left out, one after the other. Columns that are not in ``least`` stay as they are.
    """
    shown = [[safe(cell) for cell in row] for row in table]
    whole = {cells[0]: max(map(columns, cells)) for cells in zip(*shown, strict=True)}
    if not width or _total(whole) <= width:
        return table
    widths = _narrowed(whole, least, width)
    for title in least:
        if _total(widths) <= width:
            break
        del whole[title]
        widths = _narrowed(whole, least, width)
    return [
        [_cut_to(text, widths[title]) for title, text in zip(shown[0], row, strict=True) if title in widths]
        for row in shown
    ]


def _narrowed(whole: Mapping[str, int], least: Mapping[str, int], width: int) -> dict[str, int]:
    widths = dict(whole)
    first = next(iter(least))
    while _total(widths) > width:
        wide = [title for title in least if widths.get(title, 0) > least[title]]
        if not wide:
            break
        widths[first if first in wide else max(wide, key=widths.__getitem__)] -= 1
    return widths


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _cut_to(text: str, width: int) -> str:
    if columns(text) <= width:
        return text
    ends = accumulate(map(columns, text))
    return text[: sum(end <= width - len(_CUT) for end in ends)] + _CUT


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def test_as_line(tested: Tested, width: int, style: Style) -> str:
    """Return one tested base connection, with a remedy if it is not reachable. ``width``: columns of the widest key."""
    if tested.reached is None:
        word, colour = "not tested", "yellow"
    else:
        word, colour = ("reachable", "green") if tested.reached.reachable else ("unreachable", "red")
    record = tested.record
    key = _padded(safe(record.key), width)
    head = f"{style.paint(f'{word:12}', colour)} {key}  {style.paint(safe(record.id), 'dim')}"
    lines = [head, *([f"    {safe(tested.reason)}"] if tested.reason else [])]
    lines += [f"    {style.paint('remedy:', 'cyan')} {safe(tested.remedy)}"] if tested.remedy else []
    return style.fold("\n".join(lines))


def tests_as_summary(results: Sequence[Tested]) -> str:
    """Return how many databases are reachable, how many are not, and how many could not be tested."""
    untested = sum(each.reached is None for each in results)
    passed = sum(each.passed for each in results)
    tested = len(results) - untested
    counted = f"{count(tested, 'base connection')} tested: {passed:,} reachable, {tested - passed:,} not."
    return f"{counted} {untested:,} not tested." if untested else counted


def tests_as_json(results: Iterable[Tested]) -> str:
    """Return ``{format_version, results: [{address, id, reachable, reason, remedy}]}``; reachable null: not tested."""
    entries: list[Json] = [
        {
            "address": tested.record.key,
            "id": tested.record.id,
            "reachable": tested.reached.reachable if tested.reached else None,
            "reason": tested.reason,
            "remedy": tested.remedy,
        }
        for tested in results
    ]
    return json_text({"format_version": FORMAT_VERSION, "results": entries})


def tables_as_text(tables: Sequence[Table], style: Style) -> str:
    if not tables:
        return "the service lists no tables"
    rows = ((table.path, table.kind, "yes" if table.can_preview else "no") for table in tables)
    return aligned(("TABLE", "TYPE", "PREVIEW"), rows, style)


def tables_as_json(tables: Iterable[Table]) -> str:
    """Return ``{format_version, tables: [{name, path, type, can_preview}]}``."""
    listed = [{"name": t.name, "path": t.path, "type": t.kind, "can_preview": t.can_preview} for t in tables]
    return json_text({"format_version": FORMAT_VERSION, "tables": listed})


def foreign_texts(contents: TableContents) -> Iterator[str]:
    """Yield every text from the service, unescaped."""
    for column in contents.columns:
        yield from (column.name, column.type, column.format)
    for row in contents.rows:
        yield from (text for pair in row.items() for text in map(str, pair))


def contents_as_text(contents: TableContents, style: Style, asked: bool = False) -> str:
    """Return the columns with their types, then the rows of the preview. ``asked``: say if there are none."""
    head = ("COLUMN", "TYPE", "FORMAT")
    parts = [aligned(head, ((column.name, column.type, column.format) for column in contents.columns), style)]
    if contents.rows:
        names = [column.name for column in contents.columns]
        parts.append(aligned(names, ([_cut(row.get(name)) for name in names] for row in contents.rows), style))
    elif asked:
        parts.append("no rows: the table is empty, or the service offers none")
    return "\n\n".join(parts)


def _cut(value: object) -> str:
    text = "NULL" if value is None else str(value)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 3]}..."


def contents_as_json(contents: TableContents) -> str:
    """Return ``{format_version, columns: [{name, type, format}], rows: [...]}``."""
    listed = [{"name": c.name, "type": c.type, "format": c.format or None} for c in contents.columns]
    return json_text({"format_version": FORMAT_VERSION, "columns": listed, "rows": list(contents.rows)})
