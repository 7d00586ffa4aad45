"""Lists such as ``GET /connections``: query parameters, filters, order, pages, and continuation tokens.

``parse_query`` reads the parameters, ``list_body`` renders the answer from rows. ``parse_filter`` and ``parse_order``
implement the grammar of ``property`` and ``orderby``.
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

FieldType = Literal["text", "number"]

# A row's position in the order of creation, and the item that a GET shows.
Row = tuple[int, JsonObject]
# Returns rows, newest first, below a position in the order of creation (None: all).
Scan = Callable[[int | None], Iterable[Row]]

_PARAMETERS = ("property", "limit", "orderby", "continuationToken", "count")


@dataclass(frozen=True, slots=True)
class Collection:
    """A kind of object that is listed: its path from the service's root, and its fields for filters and order."""

    path: str
    fields: Mapping[str, FieldType]


# Documented as filterable: id, name, description, connectionSpec.id, state (FILT, "any property"); the rest inferred.
CONNECTIONS = Collection(
    "/connections",
    {
        **dict.fromkeys(("id", "name", "description", "state", "auth.specName", "sandboxName", "imsOrgId"), "text"),
        **dict.fromkeys(("connectionSpec.id", "connectionSpec.version", "etag", "version"), "text"),
        **dict.fromkeys(("createdBy", "updatedBy", "createdClient", "updatedClient"), "text"),
        **dict.fromkeys(("createdAt", "updatedAt"), "number"),
    },
)
SPEC_FIELDS: Mapping[str, FieldType] = dict.fromkeys(("id", "name", "version", "providerId"), "text")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The end of a page: the last item's position, and its value of the ``orderby`` field."""

    position: int
    value: Json = None


@dataclass(frozen=True, slots=True)
class Query:
    """A list request. ``properties`` and ``orderby`` are kept as text, to be put in the continuation token."""

    properties: tuple[str, ...]
    orderby: str
    limit: int
    count: bool
    after: Cursor | None
    collection: Collection = CONNECTIONS

    def conditions(self) -> list[Condition]:
        return parse_filter(self.properties, self.collection.fields)

    def order(self) -> Order | None:
        """Return the requested order; None means newest first (OASD)."""
        return parse_order(self.orderby, self.collection.fields) if self.orderby else None


def parse_query(request: Request, behaviour: Behaviour, collection: Collection = CONNECTIONS) -> Query:
    """Read the parameters; unknown ones are 1451-400, limit together with count=true 1401-400 (ERR).

    The token stands for the whole query: filter and order given beside it are ignored (assumed), a limit is honoured.
    """
    for name, _ in request.query:
        if name not in _PARAMETERS:
            raise coded("1451-400", param=name)
    count = _boolean(_last(request, "count"), "count")
    limit_text = _last(request, "limit")
    if count and limit_text is not None:
        raise coded("1401-400")
    limit = behaviour.page_limit if limit_text is None else _limit(limit_text, behaviour)
    token = _last(request, "continuationToken")
    if token is not None:
        return _continued(token, limit if limit_text is not None else None, count, collection)
    return Query(request.values("property"), _last(request, "orderby") or "", limit, count, None, collection)


def _last(request: Request, name: str) -> str | None:
    values = request.values(name)
    return values[-1] if values else None


def _limit(text: str, behaviour: Behaviour) -> int:
    """Return a positive integer up to the maximum (OASD); that anything else is refused with 1452-400 is assumed."""
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 0 < number <= behaviour.page_limit_max:
        raise _bad_value(text, "limit")
    return number


def _boolean(text: str | None, name: str) -> bool:
    if text is None or text.lower() in ("true", "false"):
        return text is not None and text.lower() == "true"
    raise _bad_value(text, name)


def _bad_value(value: str, field: str) -> ErrorReply:
    return coded("1452-400", value=value, field=field)


def _token(query: Query, last: Row) -> str:
    order = query.order()
    value = value_at(last[1], order.field) if order else None
    state: Json = [list(query.properties), query.orderby, query.limit, last[0], value]
    return base64.urlsafe_b64encode(dump(state)).decode("ascii").rstrip("=")


def _continued(token: str, limit: int | None, count: bool, collection: Collection) -> Query:
    """Return the query in a token, with the page that follows it. Raise ``ErrorReply`` for an invalid one."""
    try:
        state = parse(base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4)))
    except ValueError:
        state = None
    match state:
        case [list(properties), str(orderby), int(size), int(position), (None | int() | str()) as value] if (
            0 < size <= 10**9 and 0 <= position < 2**63 and all(isinstance(each, str) for each in properties)
        ):
            texts = tuple(str(each) for each in properties)
            return Query(texts, orderby, limit or size, count, Cursor(position, value), collection)
    raise _bad_value(token, "continuationToken")


def list_body(query: Query, scan: Scan) -> JsonObject:
    """Return the body of the list, or of the count, which has no items (FILT).

    ``_links.next`` is there when more items follow, and is a path from the service's root (OAS); that the last page
    has an empty ``_links`` is inferred. Creates and deletes between two pages neither repeat nor hide other items.
    """
    conditions = query.conditions()
    below = query.after.position if query.after and not query.orderby and not query.count else None
    matching = (row for row in scan(below) if all(condition.matches(row[1]) for condition in conditions))
    rows = _ordered(query, matching)
    if query.count:
        return {"count": sum(1 for _ in rows)}
    page = list(islice(rows, query.limit + 1))
    links: JsonObject = {}
    if len(page) > query.limit:
        token = _token(query, page[query.limit - 1])
        links["next"] = {"href": f"{query.collection.path}?continuationToken={token}"}
    items: list[Json] = [item for _, item in page[: query.limit]]
    return {"items": items, "_links": links}


def _ordered(query: Query, rows: Iterator[Row]) -> Iterator[Row]:
    """Return the rows in the requested order, without those up to the cursor."""
    order = query.order()
    if order is None:
        return rows

    # Items with the same value stay newest first, in both directions: sorted() is stable even when reversed.
    by_value = sorted(rows, key=lambda row: _sort_key(value_at(row[1], order.field)), reverse=order.descending)
    return (row for row in by_value if query.after is None or query.count or _follows(row, query.after, order))


def _follows(row: Row, after: Cursor, order: Order) -> bool:
    key, cursor_key = _sort_key(value_at(row[1], order.field)), _sort_key(after.value)
    if key == cursor_key:
        return row[0] < after.position
    return key < cursor_key if order.descending else key > cursor_key


def _sort_key(value: Json) -> tuple[int, float, str]:
    """Return a total order over all values of a field: absent, then numbers, then text."""
    if isinstance(value, int | float):
        return 1, value, ""
    return (2, 0, value) if isinstance(value, str) else (0, 0, "")


_PROPERTY = re.compile(r"(?P<field>[^=<>!~]*)(?P<op>[=<>!~]+)(?P<value>.*)", re.DOTALL)
_VALUE = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"(?=,|\Z)|(?P<bare>[^",][^,]*)(?=,|\Z)', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_OPERATORS = ("==", "<", ">", "<=", ">=")


@dataclass(frozen=True, slots=True)
class Condition:
    """One ``property``: the field compares with at least one of ``values``."""

    field: str
    op: str
    values: tuple[str | int, ...]

    def matches(self, item: JsonObject) -> bool:
        """Return whether the item satisfies the condition; an absent field never does."""
        actual = _values_at(item, self.field.split("."))
        return any(_compare(each, self.op, value) for each in actual for value in self.values)


@dataclass(frozen=True, slots=True)
class Order:
    """``orderby``: the field, and whether it has a minus."""

    field: str
    descending: bool


def parse_filter(
    properties: Iterable[str], fields: Mapping[str, FieldType], unknown_field: str = "1449-400"
) -> list[Condition]:
    """Return the conditions, all of which must hold (repeated ``property`` is AND, FILT)."""
    return [_condition(text, fields, unknown_field) for text in properties]


def parse_order(text: str, fields: Mapping[str, FieldType]) -> Order:
    """Parse ``name``, ``+name`` or ``-name`` (FILT). A plus that was not percent-encoded arrives as a blank."""
    match = re.fullmatch(r"(?P<sign>[^A-Za-z#]?)(?P<field>.*)", text, re.DOTALL)
    sign, field = (match["sign"], match["field"]) if match else ("", text)
    if sign not in ("", "+", "-", " "):
        raise coded("1432-400")
    if field not in fields:
        raise coded("1433-400", field=field)
    return Order(field, sign == "-")


def value_at(item: JsonObject, field: str) -> Json:
    """Return the value at a dotted path; None if it is absent."""
    value: Json = item
    for key in field.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _values_at(value: Json, path: list[str]) -> list[Json]:
    """Return the values at a path; ``name[]`` stands for every element of an array (FILT)."""
    if not path:
        return [value]
    name, rest = path[0], path[1:]
    inner = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    if not name.endswith("[]"):
        return _values_at(inner, rest)
    return [each for element in (inner if isinstance(inner, list) else []) for each in _values_at(element, rest)]


def _condition(text: str, fields: Mapping[str, FieldType], unknown_field: str) -> Condition:
    match = _PROPERTY.fullmatch(text)
    if match is None:
        raise coded("1453-400", value=text)
    field, op, value = match["field"].strip(), match["op"], match["value"].strip()
    if field not in fields:
        raise coded(unknown_field, field=field)
    _check_operator(field, op, fields[field])
    if not value:
        raise coded("1453-400", value=text)
    values = tuple(_converted(each, field, fields[field]) for each in _split(value))
    if len(values) > 1 and op != "==":
        raise coded("1443-400", op=op)
    return Condition(field, op, values)


def _check_operator(field: str, op: str, field_type: FieldType) -> None:
    if op == "~":
        raise coded("1440-400", op=op)
    if op not in _OPERATORS:
        raise coded("1450-400", op=op)
    # Documented for id (ERR: ">= not supported for field id"); for other text fields inferred from that.
    if op != "==" and field_type == "text":
        raise coded("1448-400", op=op, field=field)


def _split(text: str) -> list[str]:
    """Split comma-separated values, bare or in double quotes (FILT); a backslash escapes inside quotes (assumed)."""
    values, position = [], 0
    while position <= len(text):
        match = _VALUE.match(text, position)
        if match is None:
            raise coded("1454-400")
        quoted = match["quoted"]
        values.append(match["bare"].strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        position = match.end() + 1
    return values


def _converted(value: str, field: str, field_type: FieldType) -> str | int:
    if field_type == "text":
        return value
    if not _NUMBER.fullmatch(value):
        raise _bad_value(value, field)
    return int(value)


def _compare(actual: Json, op: str, value: str | int) -> bool:
    if op == "==":
        return actual == value
    if not isinstance(actual, int) or not isinstance(value, int):
        return False
    return {"<": actual < value, ">": actual > value, "<=": actual <= value, ">=": actual >= value}[op]
