"""What goes in and what comes out of the pure core.

JSON as the standard means it: no NaN, no infinities, and no nesting that another parser would refuse.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Json]

MASK = "********"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are lower case, repeated headers joined by ", "; the path is percent-decoded."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The header's value without surrounding blanks; empty when absent."""
        return self.headers.get(name, "").strip()

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of a query parameter, in order."""
        return tuple(value for key, value in self.query if key == name)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response. A body is sent as JSON, bytes as they are, and None as no body at all."""

    status: int
    body: Json | bytes = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Garbling:
    """What is done to an answer on its way: one of ``faults.GARBLINGS``, with what belongs to it."""

    kind: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the client gets: a reply, perhaps garbled; None is a connection reset."""

    reply: Reply | None
    garblings: tuple[Garbling, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingReply:
    """A reply that waits for a database. ``question`` is asked in a thread of its own, and has ``seconds`` in all;
    ``reply`` makes the reply of its answer, as a handler. Both may raise ``Refused``."""

    question: Callable[[], Any]
    reply: Callable[[Any], Reply]
    seconds: float


MAX_DEPTH = 100


def parse(raw: bytes) -> Json:
    """The value of a JSON text; ValueError for anything else, whatever the bytes are."""
    try:
        value: Json = _DECODER.decode(raw.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    # Counting brackets costs nothing and spares the walk for every ordinary body.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError("nested too deeply")
    return value


def dump(value: Json) -> bytes:
    """ASCII only, so that any string that JSON can carry, lone surrogates included, can be sent and stored."""
    return _ENCODER.encode(value).encode("ascii")


def _depth(value: Json) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [child for parent in level for child in _children(parent)]
    return depth


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
