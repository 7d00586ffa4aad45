"""Values that the emulator's core takes and returns: requests, replies, and JSON.

JSON here is strict: no NaN, no infinities, and no nesting that another parser would refuse.
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
MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are lower case, repeated headers joined by ", "; the path is percent-decoded."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return the header's value without surrounding blanks; empty when absent."""
        return self.headers.get(name, "").strip()

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of a query parameter, in order."""
        return tuple(value for key, value in self.query if key == name)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response. A body is sent as JSON, bytes are sent unchanged, and None means no body."""

    status: int
    body: Json | bytes = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PendingReply:
    """A reply that needs a database first.

    ``query`` runs in its own thread and may take ``seconds`` in total. ``to_reply`` then turns its result into the
    reply, as a handler would. Both may raise ``ErrorReply``.
    """

    query: Callable[[], Any]
    to_reply: Callable[[Any], Reply]
    seconds: float


@dataclass(frozen=True, slots=True)
class ResponseFault:
    """Damage done to a reply while it is sent. ``kind`` is one of ``faults.RESPONSE_FAULTS``."""

    kind: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of a request as the client receives it. Without a reply the connection is reset."""

    reply: Reply | None
    response_faults: tuple[ResponseFault, ...] = ()


def parse(raw: bytes) -> Json:
    """Return the value of a JSON text. Raise ``ValueError`` for anything else, whatever the bytes are."""
    try:
        value: Json = _DECODER.decode(raw.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    # Counting brackets is cheap and spares ordinary bodies the walk.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError("nested too deeply")
    return value


def dump(value: Json) -> bytes:
    """Return JSON in ASCII, so that any JSON string, lone surrogates included, can be sent and stored."""
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


def _reject_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


_DECODER = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite_float)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
