"""What ``test`` and ``explore`` found, as tables for the eye and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from provisioner.apply.outcome import Tested
from provisioner.model import Json
from provisioner.report.terminal import Style, columns, count, json_text, safe
from provisioner.service.responses import Reachability, Table, TableContents

FORMAT_VERSION = "1.0"

_WIDEST = 40
"""Columns of one value of a preview; the rest is cut."""


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]], style: Style) -> str:
    """A table whose columns are as wide as what stands in them."""
    shown = [[safe(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(columns, cells)) for cells in zip(*shown, strict=True)]
    lines = [_row(row, widths) for row in shown]
    return "\n".join([style.paint(lines[0], "dim"), *lines[1:]])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{cell}{' ' * (width - columns(cell))}" for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def test_line(tested: Tested, width: int, style: Style) -> str:
    """One tested base connection, with the remedy where it did not pass. ``width``: columns of the widest key."""
    word, colour = ("no answer", "yellow") if tested.reached is None else _verdict(tested.reached)
    record = tested.record
    key = safe(record.key)
    key += " " * (width - columns(key))
    head = f"{style.paint(f'{word:12}', colour)} {key}  {style.paint(safe(record.id), 'dim')}"
    lines = [head, *([f"    {safe(tested.reason)}"] if tested.reason else [])]
    lines += [f"    {style.paint('remedy:', 'cyan')} {safe(tested.remedy)}"] if tested.remedy else []
    return style.fold("\n".join(lines))


def _verdict(reached: Reachability) -> tuple[str, str]:
    return ("reachable", "green") if reached.reachable else ("unreachable", "red")


def test_summary(passed: int, failed: int) -> str:
    """The last line."""
    return f"{count(passed + failed, 'base connection')} tested: {passed:,} reachable, {failed:,} not."


def tests_json(results: Iterable[Tested]) -> str:
    """``{format_version, results: [{address, id, reachable, reason, remedy}]}``; reachable null: no answer."""
    return json_text({"format_version": FORMAT_VERSION, "results": [_result(one) for one in results]})


def _result(tested: Tested) -> Json:
    return {
        "address": tested.record.key,
        "id": tested.record.id,
        "reachable": tested.reached.reachable if tested.reached else None,
        "reason": tested.reason,
        "remedy": tested.remedy,
    }


def tables_text(found: Sequence[Table], style: Style) -> str:
    """What there is to pick from."""
    if not found:
        return "the service shows no tables"
    rows = ((one.path, one.kind, "yes" if one.can_preview else "no") for one in found)
    return aligned(("TABLE", "TYPE", "PREVIEW"), rows, style)


def tables_json(found: Iterable[Table]) -> str:
    """``{format_version, tables: [{name, path, type, can_preview}]}``."""
    listed = [{"name": t.name, "path": t.path, "type": t.kind, "can_preview": t.can_preview} for t in found]
    return json_text({"format_version": FORMAT_VERSION, "tables": listed})


def words_of(found: TableContents) -> Iterator[str]:
    """Yield all that the service says in it, as it is."""
    for column in found.columns:
        yield from (column.name, column.type, column.format)
    for row in found.rows:
        yield from (text for pair in row.items() for text in map(str, pair))


def contents_text(found: TableContents, style: Style, asked: bool = False) -> str:
    """The columns with their types, then the rows that were offered, where they were ``asked`` for."""
    listed = aligned(("COLUMN", "TYPE", "FORMAT"), ((c.name, c.type, c.format) for c in found.columns), style)
    return "\n\n".join([listed, *_preview(found, style, asked)])


def _preview(found: TableContents, style: Style, asked: bool) -> Iterator[str]:
    if asked and not found.rows:
        yield "no rows: the table is empty, or the service offers none"
    if found.rows:
        names = [column.name for column in found.columns]
        yield aligned(names, ([_cut(row.get(name)) for name in names] for row in found.rows), style)


def _cut(value: object) -> str:
    text = "NULL" if value is None else str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def contents_json(found: TableContents) -> str:
    """``{format_version, columns: [{name, type, format}], rows: [...]}``."""
    listed = [{"name": c.name, "type": c.type, "format": c.format or None} for c in found.columns]
    return json_text({"format_version": FORMAT_VERSION, "columns": listed, "rows": list(found.rows)})
