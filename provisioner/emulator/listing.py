"""Lists, such as ``GET /connections``: their parameters, their pages, and the token from one page to the next.

``property`` filters and ``orderby``: their grammar, and what they select.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import ErrorReply, coded
from provisioner.emulator.messages import Json, JsonObject, Request, dump, parse

Kind = Literal["text", "number"]

# Documented as filterable: id, name, description, connectionSpec.id, state (FILT, "any property"); the rest inferred.
CONNECTION_FIELDS: Mapping[str, Kind] = {
    **dict.fromkeys(("id", "name", "description", "state", "auth.specName", "sandboxName", "imsOrgId"), "text"),
    **dict.fromkeys(("connectionSpec.id", "connectionSpec.version", "etag", "version"), "text"),
    **dict.fromkeys(("createdBy", "updatedBy", "createdClient", "updatedClient"), "text"),
    **dict.fromkeys(("createdAt", "updatedAt"), "number"),
}
SPEC_FIELDS: Mapping[str, Kind] = dict.fromkeys(("id", "name", "version", "providerId"), "text")

_PROPERTY = re.compile(r"(?P<field>[^=<>!~]*)(?P<op>[=<>!~]+)(?P<value>.*)", re.DOTALL)
_VALUE = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"(?=,|\Z)|(?P<bare>[^",][^,]*)(?=,|\Z)', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_OPERATORS = ("==", "<", ">", "<=", ">=")


@dataclass(frozen=True, slots=True)
class Condition:
    """One ``property``: the field's value compares with any of ``values``."""

    field: str
    op: str
    values: tuple[str | int, ...]

    def holds(self, item: JsonObject) -> bool:
        """Whether the item satisfies it; an absent field satisfies nothing."""
        found = _values_at(item, self.field.split("."))
        return any(_compare(one, self.op, value) for one in found for value in self.values)


@dataclass(frozen=True, slots=True)
class Order:
    """``orderby``: the field, and whether it was asked for with a minus."""

    field: str
    descending: bool


def conditions(
    properties: Iterable[str], fields: Mapping[str, Kind], unknown_field: str = "1449-400"
) -> list[Condition]:
    """All of them must hold (repeated ``property`` is AND, FILT)."""
    return [_condition(text, fields, unknown_field) for text in properties]


def order(text: str, fields: Mapping[str, Kind]) -> Order:
    """``name``, ``+name`` or ``-name`` (FILT). A plus that was not percent-encoded arrives as a blank."""
    found = re.fullmatch(r"(?P<sign>[^A-Za-z#]?)(?P<field>.*)", text, re.DOTALL)
    sign, field = (found["sign"], found["field"]) if found else ("", text)
    if sign not in ("", "+", "-", " "):
        raise coded("1432-400")
    if field not in fields:
        raise coded("1433-400", field=field)
    return Order(field, sign == "-")


def value_at(item: JsonObject, field: str) -> Json:
    """The value at a dotted path; None where there is none."""
    value: Json = item
    for key in field.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _values_at(value: Json, path: list[str]) -> list[Json]:
    """The values at a path; ``name[]`` stands for every element of an array (FILT)."""
    if not path:
        return [value]
    name, rest = path[0], path[1:]
    inner = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    if not name.endswith("[]"):
        return _values_at(inner, rest)
    return [found for one in (inner if isinstance(inner, list) else []) for found in _values_at(one, rest)]


def _condition(text: str, fields: Mapping[str, Kind], unknown_field: str) -> Condition:
    found = _PROPERTY.fullmatch(text)
    if found is None:
        raise coded("1453-400", value=text)
    field, op, value = found["field"].strip(), found["op"], found["value"].strip()
    if field not in fields:
        raise coded(unknown_field, field=field)
    _check_operator(field, op, fields[field])
    if not value:
        raise coded("1453-400", value=text)
    values = tuple(_converted(each, field, fields[field]) for each in _split(value))
    if len(values) > 1 and op != "==":
        raise coded("1443-400", op=op)
    return Condition(field, op, values)


def _check_operator(field: str, op: str, kind: Kind) -> None:
    if op == "~":
        raise coded("1440-400", op=op)
    if op not in _OPERATORS:
        raise coded("1450-400", op=op)
    # Documented for id (ERR: ">= not supported for field id"); for other text fields inferred from that.
    if op != "==" and kind == "text":
        raise coded("1448-400", op=op, field=field)


def _split(text: str) -> list[str]:
    """Comma-separated values, bare or in double quotes (FILT); a backslash escapes inside quotes (assumed)."""
    values, position = [], 0
    while position <= len(text):
        found = _VALUE.match(text, position)
        if found is None:
            raise coded("1454-400")
        quoted = found["quoted"]
        values.append(found["bare"].strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        position = found.end() + 1
    return values


def _converted(value: str, field: str, kind: Kind) -> str | int:
    if kind == "text":
        return value
    if not _NUMBER.fullmatch(value):
        raise _bad_filter(value, field)
    return int(value)


def _bad_filter(value: str, field: str) -> ErrorReply:
    return coded("1452-400", value=value, field=field)


def _compare(found: Json, op: str, value: str | int) -> bool:
    if op == "==":
        return found == value
    if not isinstance(found, int) or not isinstance(value, int):
        return False
    return {"<": found < value, ">": found > value, "<=": found <= value, ">=": found >= value}[op]


_PARAMETERS = ("property", "limit", "orderby", "continuationToken", "count")

# A connection's place in the order of creation, and the item that a GET shows.
Row = tuple[int, JsonObject]
# Rows, newest first, below a place in the order of creation (None: all).
Scan = Callable[[int | None], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the last item's place, and its value of the ``orderby`` field."""

    place: int
    value: Json = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed: its path from the service's root, and what it can be filtered by."""

    path: str
    fields: Mapping[str, Kind]


CONNECTIONS = Listing("/connections", CONNECTION_FIELDS)


def conditions_of(properties: Iterable[str], of: Listing) -> list[Condition]:
    """The filter that these say."""
    return conditions(properties, of.fields)


@dataclass(frozen=True, slots=True)
class Query:
    """A list request. ``properties`` and ``orderby`` are kept as text, to travel in the continuation token."""

    properties: tuple[str, ...]
    orderby: str
    limit: int
    count: bool
    after: Position | None
    of: Listing = CONNECTIONS

    def conditions(self) -> list[Condition]:
        """The filter."""
        return conditions_of(self.properties, self.of)

    def order(self) -> Order | None:
        """The order asked for; None means newest first (OASD)."""
        return order(self.orderby, self.of.fields) if self.orderby else None


def query(request: Request, behaviour: Behaviour, of: Listing = CONNECTIONS) -> Query:
    """Read the parameters; unknown ones are 1451-400, limit together with count=true 1401-400 (ERR).

    The token stands for the whole query: filter and order given beside it are ignored (assumed), a limit is honoured.
    """
    for name, _ in request.query:
        if name not in _PARAMETERS:
            raise coded("1451-400", param=name)
    counting = _boolean(_last(request, "count"), "count")
    asked = _last(request, "limit")
    if counting and asked is not None:
        raise coded("1401-400")
    limit = behaviour.page_limit if asked is None else _limit(asked, behaviour)
    token = _last(request, "continuationToken")
    if token is not None:
        return _resumed(token, limit if asked is not None else None, counting, of)
    return Query(request.values("property"), _last(request, "orderby") or "", limit, counting, None, of)


def answer(asked: Query, scan: Scan) -> JsonObject:
    """The body of the list, or of the count, which has no items (FILT).

    ``_links.next`` is there when more follow, and is a path from the service's root (OAS); that the last page has an
    empty ``_links`` is inferred. Items created or deleted while somebody pages repeat nothing and hide nothing.
    """
    conditions = asked.conditions()
    rows = _ordered(asked, (row for row in scan(_below(asked)) if all(each.holds(row[1]) for each in conditions)))
    if asked.count:
        return {"count": sum(1 for _ in rows)}
    page = list(islice(rows, asked.limit + 1))
    links: JsonObject = {}
    if len(page) > asked.limit:
        links["next"] = {"href": f"{asked.of.path}?continuationToken={_token(asked, page[asked.limit - 1])}"}
    items: list[Json] = [item for _, item in page[: asked.limit]]
    return {"items": items, "_links": links}


def _below(asked: Query) -> int | None:
    return asked.after.place if asked.after and not asked.orderby and not asked.count else None


def _ordered(asked: Query, rows: Iterator[Row]) -> Iterator[Row]:
    wanted = asked.order()
    if wanted is None:
        return rows

    # Items with the same value stay newest first, in both directions: sorted() is stable even when reversed.
    by_value = sorted(rows, key=lambda row: _rank(value_at(row[1], wanted.field)), reverse=wanted.descending)
    return (row for row in by_value if asked.after is None or asked.count or _follows(row, asked.after, wanted))


def _follows(row: Row, after: Position, wanted: Order) -> bool:
    mine, theirs = _rank(value_at(row[1], wanted.field)), _rank(after.value)
    if mine == theirs:
        return row[0] < after.place
    return mine < theirs if wanted.descending else mine > theirs


def _rank(value: Json) -> tuple[int, float, str]:
    """A total order over everything a field may hold: absent, numbers, text."""
    if isinstance(value, int | float):
        return 1, value, ""
    return (2, 0, value) if isinstance(value, str) else (0, 0, "")


def _token(asked: Query, last: Row) -> str:
    wanted = asked.order()
    value = value_at(last[1], wanted.field) if wanted else None
    state: Json = [list(asked.properties), asked.orderby, asked.limit, last[0], value]
    return base64.urlsafe_b64encode(dump(state)).decode("ascii").rstrip("=")


def _resumed(token: str, limit: int | None, counting: bool, of: Listing) -> Query:
    match _decoded(token):
        case [list(properties), str(orderby), int(size), int(place), (None | int() | str()) as value] if (
            0 < size <= 10**9 and 0 <= place < 2**63 and all(isinstance(each, str) for each in properties)
        ):
            texts = tuple(str(each) for each in properties)
            return Query(texts, orderby, limit or size, counting, Position(place, value), of)
    raise _bad_value(token, "continuationToken")


def _decoded(token: str) -> Json:
    try:
        return parse(base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4)))
    except ValueError:
        return None


def _limit(text: str, behaviour: Behaviour) -> int:
    """A positive integer up to the maximum (OASD); that anything else is refused with 1452-400 is assumed."""
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 0 < number <= behaviour.page_limit_max:
        raise _bad_value(text, "limit")
    return number


def _boolean(text: str | None, name: str) -> bool:
    if text is None or text.lower() in ("true", "false"):
        return text is not None and text.lower() == "true"
    raise _bad_value(text, name)


def _last(request: Request, name: str) -> str | None:
    values = request.values(name)
    return values[-1] if values else None


def _bad_value(value: str, field: str) -> ErrorReply:
    return coded("1452-400", value=value, field=field)
