"""What ``/explore`` shows of a database: tables, columns, rows.

Documented (tabular.md): the root is a bare array of ``{type, name, path, canPreview, canFetchSchema}``, a table has
``{"format": "flat", "schema": {"columns": [{name, type, xdm}]}}``, and dates are strings with an XDM format. Assumed:
that names are ``database.table``, the shapes of numbers and booleans, and rows of a preview in ``data``.
"""

from collections.abc import Iterable, Mapping, Sequence

from provisioner.emulator.messages import Json, JsonObject

Columns = Mapping[str, str]
"""MySQL's type by the name of a column."""

Contents = tuple[Columns, Sequence[JsonObject] | None]
"""The columns of a table, and rows where a preview was asked for."""

_Shape = tuple[str, str]
"""The type and the XDM format, "" where it has none."""

_TEXT: _Shape = ("string", "")
_SHAPES: Mapping[_Shape, Sequence[str]] = {
    ("boolean", ""): ("boolean", "tinyint(1)"),
    ("integer", ""): ("tinyint", "smallint", "mediumint", "int", "bigint", "year"),
    ("number", ""): ("decimal", "float", "double"),
    ("string", "date"): ("date",),
    ("string", "date-time"): ("datetime", "timestamp"),
}
_SHAPE_OF = {kind: shape for shape, kinds in _SHAPES.items() for kind in kinds}


def root(tables: Iterable[str]) -> Json:
    """The entries of the root, by path."""
    return [
        {"type": "table", "name": path, "path": path, "canPreview": True, "canFetchSchema": True}
        for path in sorted(tables)
    ]


def table(contents: Contents) -> Json:
    """One table."""
    columns, rows = contents
    listed: list[Json] = [_column(name, kind) for name, kind in columns.items()]
    whole: JsonObject = {"format": "flat", "schema": {"columns": listed}}
    return whole if rows is None else {**whole, "data": list(rows)}


def _column(name: str, kind: str) -> JsonObject:
    written = kind.lower()
    short = written.partition("(")[0].partition(" ")[0]
    type_, format_ = _SHAPE_OF.get(written) or _SHAPE_OF.get(short) or _TEXT
    if not format_:
        return {"name": name, "type": type_, "xdm": {"type": type_}}
    return {"name": name, "type": type_, "meta:xdmType": format_, "xdm": {"type": type_, "format": format_}}
