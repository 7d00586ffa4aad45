"""Whether a base connection reaches its database, and what is in there. All of it only looks.

Documented: ``/test`` answers 200 with ``{"result": true|false}`` and no reason; ``/explore`` answers the root with a
bare array and a table with ``{"format", "schema": {"columns"}}``. Assumed: an array may come in ``items``, a provider
that fails is a 1100-400, and a preview has its rows in ``data``.

Which dataflows read from a base connection.

Documented (filters guide): source connections are found by ``baseConnectionId``, flows by ``sourceConnectionIds[]``; a
flow carries its ``state`` and ``scheduleParams``. Inferred: what a flow inherits names its base connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.errors import ServiceError
from provisioner.model import Json, text_in

PROVIDER_REJECTED = "1100-400"
"""The code for whatever the provider, which talks to the database, did not accept."""


@dataclass(frozen=True, slots=True)
class Reachability:
    """What ``/test`` says. ``reason`` is "" where the service gives none."""

    reachable: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One entry of the root. ``path`` is what to ask for."""

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
    """The columns of a table, and some of its rows where they were asked for and offered."""

    columns: tuple[Column, ...]
    rows: tuple[Json, ...] = ()


def read_result(what: str, body: Any) -> Reachability:
    """Raises ``ServiceError`` for an answer that says neither."""
    result = body.get("result") if isinstance(body, dict) else None
    if not isinstance(result, bool):
        raise ServiceError(f"{what}: the answer holds no result", "Check the endpoint.")
    return Reachability(
        result, "" if result else "the service gives no reason; check server, port, database, user, password, sslMode"
    )


def read_tables(what: str, body: Any) -> tuple[Table, ...]:
    """Raises ``ServiceError`` for an answer that holds no list."""
    listed = body.get("items") if isinstance(body, dict) else body
    if not isinstance(listed, list):
        raise ServiceError(f"{what}: the answer holds no list of tables", "Check the endpoint.")
    return tuple(_table(one) for one in listed if isinstance(one, dict))


def _table(one: Json) -> Table:
    name = text_in(one.get("name")) or text_in(one.get("path"))
    return Table(name, text_in(one.get("path")) or name, text_in(one.get("type")), one.get("canPreview") is True)


def read_contents(what: str, body: Any) -> TableContents:
    """Raises ``ServiceError`` for an answer without columns."""
    schema = body.get("schema") if isinstance(body, dict) else None
    columns = schema.get("columns") if isinstance(schema, dict) else None
    if not isinstance(columns, list):
        raise ServiceError(
            f"{what}: the answer holds no columns", "Check the path of the table: `explore KEY` lists them."
        )
    rows = body.get("data")
    listed = tuple(one for one in rows if isinstance(one, dict)) if isinstance(rows, list) else ()
    return TableContents(tuple(_column(one) for one in columns if isinstance(one, dict)), listed)


def _column(one: Json) -> Column:
    xdm = one.get("xdm")
    shown = xdm if isinstance(xdm, dict) else {}
    return Column(text_in(one.get("name")), text_in(one.get("type")), text_in(shown.get("format")))


@dataclass(frozen=True, slots=True)
class Dataflow:
    """A dataflow. ``schedule`` is as it is said, such as ``every 15 minutes``, "" where none is shown."""

    id: str
    name: str
    state: str
    schedule: str

    def __str__(self) -> str:
        known = ", ".join(filter(None, (self.state, self.schedule)))
        return f"{self.name or self.id}{f' ({known})' if known else ''}"


def read_flow(item: Json) -> Dataflow:
    """One item of the list of flows; whatever is absent is left out."""
    return Dataflow(str(item.get("id", "")), text_in(item.get("name")), text_in(item.get("state")), _schedule(item))


def by_base(sources: Iterable[Json], flows: Iterable[Json]) -> Mapping[str, tuple[Dataflow, ...]]:
    """The flows of each base connection, by its id, as source connections and flows lead there."""
    bases = {str(one.get("id")): text_in(one.get("baseConnectionId")) for one in sources}
    found: dict[str, dict[str, Dataflow]] = {}
    for item in flows:
        flow = read_flow(item)
        for base in {*_through(item, bases), *_inherited(item)} - {""}:
            found.setdefault(base, {})[flow.id] = flow
    return {base: tuple(sorted(flows.values(), key=lambda one: one.name)) for base, flows in found.items()}


def _through(item: Json, bases: Mapping[str, str]) -> Iterator[str]:
    ids = item.get("sourceConnectionIds")
    yield from (bases.get(str(one), "") for one in (ids if isinstance(ids, list) else []))


def _inherited(item: Json) -> Iterator[str]:
    inherited = item.get("inheritedAttributes")
    sources = inherited.get("sourceConnections") if isinstance(inherited, dict) else None
    for one in sources if isinstance(sources, list) else []:
        base = one.get("baseConnection") if isinstance(one, dict) else None
        yield text_in(base.get("id")) if isinstance(base, dict) else ""


_UNITS = ("minute", "hour", "day", "week", "month")


def _schedule(item: Json) -> str:
    params = item.get("scheduleParams")
    if not isinstance(params, dict):
        return ""
    frequency, interval = text_in(params.get("frequency")), str(params.get("interval", "")).strip()
    if frequency not in _UNITS or not interval:
        return frequency
    return f"every {frequency}" if interval == "1" else f"every {interval} {frequency}s"
