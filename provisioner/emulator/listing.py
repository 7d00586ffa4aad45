"""Lists, such as ``GET /connections``: their parameters, their pages, and the token from one page to the next."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import Refused, coded
from provisioner.emulator.filters import CONNECTION_FIELDS, Condition, Kind, Order, conditions, order, value_at
from provisioner.emulator.json_text import dump, parse
from provisioner.emulator.messages import Json, JsonObject, Request

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


def _bad_value(value: str, field: str) -> Refused:
    return coded("1452-400", value=value, field=field)
