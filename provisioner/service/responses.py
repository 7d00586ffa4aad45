"""Responses about the use of a base connection: ``/test``, ``/explore``, and the dataflows that read from it. Pure.

Documented: ``/test`` answers 200 with ``{"result": true|false}`` and no reason; ``/explore`` answers the root with a
bare array and a table with ``{"format", "schema": {"columns"}}``. A provider that fails is a 1100-400 (inferred:
provider-rejects). The root may also come in ``items``, and a preview has its rows in ``data`` (inferred:
explore-shape).

Documented (filters guide): source connections are found by ``baseConnectionId``, flows by ``sourceConnectionIds[]``; a
flow carries its ``state`` and ``scheduleParams``. Its ``inheritedAttributes`` name its base connections (inferred:
flow-inherits).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.errors import ServiceError
from provisioner.model import Json, text_or_empty

PROVIDER_REJECTED = "1100-400"
"""The code for everything that the provider, which talks to the database, rejected."""

NO_COLUMNS = "1330-400"
"""The code for a table without columns, such as one that does not exist."""

_INTERVAL_UNITS = ("minute", "hour", "day", "week", "month")


@dataclass(frozen=True, slots=True)
class Reachability:
    """The result of ``/test``. ``reason`` is "" where the service gives none."""

    reachable: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One entry of the root. ``path`` identifies it in requests."""

    name: str
    path: str
    kind: str
    can_preview: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One column, with the types that the service gives it."""

    name: str
    type: str
    format: str


@dataclass(frozen=True, slots=True)
class TableContents:
    """The columns of a table, and some of its rows if a preview was requested and offered."""

    columns: tuple[Column, ...]
    rows: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataflow:
    """A dataflow. ``schedule`` is text such as ``every 15 minutes``, "" if none is known."""

    id: str
    name: str
    state: str
    schedule: str

    def __str__(self) -> str:
        details = ", ".join(filter(None, (self.state, self.schedule)))
        return f"{self.name or self.id}{f' ({details})' if details else ''}"


def read_reachability(what: str, body: Any) -> Reachability:
    """Return the result of a test. Raise ``ServiceError`` for a response without one."""
    result = body.get("result") if isinstance(body, dict) else None
    if not isinstance(result, bool):
        raise ServiceError(f"{what}: the response holds no result", "check the endpoint")
    return Reachability(
        result, "" if result else "the service gives no reason; check server, port, database, user, password, sslMode"
    )


def read_tables(what: str, body: Any) -> tuple[Table, ...]:
    """Return the tables of the root. Raise ``ServiceError`` for a response that holds no list."""
    items = body.get("items") if isinstance(body, dict) else body
    if not isinstance(items, list):
        raise ServiceError(f"{what}: the response holds no list of tables", "check the endpoint")
    tables = []
    for item in (item for item in items if isinstance(item, dict)):
        name, path = text_or_empty(item.get("name")), text_or_empty(item.get("path"))
        tables.append(
            Table(name or path, path or name, text_or_empty(item.get("type")), item.get("canPreview") is True)
        )
    return tuple(tables)


def read_contents(what: str, body: Any) -> TableContents:
    """Return the columns and rows of a table. Raise ``ServiceError`` for a response without columns."""
    schema = body.get("schema") if isinstance(body, dict) else None
    items = schema.get("columns") if isinstance(schema, dict) else None
    if not isinstance(items, list):
        raise ServiceError(
            f"{what}: the response holds no columns", "check the path of the table: `explore KEY` lists them"
        )
    columns = []
    for item in (item for item in items if isinstance(item, dict)):
        xdm = item.get("xdm")
        xdm_format = text_or_empty(xdm.get("format")) if isinstance(xdm, dict) else ""
        columns.append(Column(text_or_empty(item.get("name")), text_or_empty(item.get("type")), xdm_format))
    rows = body.get("data")
    rows = rows if isinstance(rows, list) else []
    return TableContents(tuple(columns), tuple(row for row in rows if isinstance(row, dict)))


def read_flow(item: Json) -> Dataflow:
    """Return one item of the list of flows; absent fields are ""."""
    return Dataflow(
        str(item.get("id", "")), text_or_empty(item.get("name")), text_or_empty(item.get("state")), _schedule(item)
    )


def flows_by_base(sources: Iterable[Json], flows: Iterable[Json]) -> Mapping[str, tuple[Dataflow, ...]]:
    """Return the flows of each base connection, by its id: those of its source connections, and those that inherit
    from it."""
    base_of_source = {str(source.get("id")): text_or_empty(source.get("baseConnectionId")) for source in sources}
    grouped: dict[str, dict[str, Dataflow]] = {}
    for item in flows:
        source_ids = item.get("sourceConnectionIds")
        bases = {base_of_source.get(str(ident), "") for ident in (source_ids if isinstance(source_ids, list) else [])}
        flow = read_flow(item)
        for base in (bases | _inherited_bases(item)) - {""}:
            grouped.setdefault(base, {})[flow.id] = flow
    return {base: tuple(sorted(flows.values(), key=lambda flow: flow.name)) for base, flows in grouped.items()}


def _inherited_bases(item: Json) -> set[str]:
    inherited = item.get("inheritedAttributes")
    sources = inherited.get("sourceConnections") if isinstance(inherited, dict) else None
    sources = [source for source in sources if isinstance(source, dict)] if isinstance(sources, list) else []
    bases = [source.get("baseConnection") for source in sources]
    return {text_or_empty(base.get("id")) for base in bases if isinstance(base, dict)}


def _schedule(item: Json) -> str:
    params = item.get("scheduleParams")
    if not isinstance(params, dict):
        return ""
    frequency, interval = text_or_empty(params.get("frequency")), str(params.get("interval", "")).strip()
    if frequency not in _INTERVAL_UNITS or not interval:
        return frequency
    return f"every {frequency}" if interval == "1" else f"every {interval} {frequency}s"
