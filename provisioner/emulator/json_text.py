"""JSON as the standard means it: no NaN, no infinities, and no nesting that another parser would refuse."""

import json
import math

from provisioner.emulator.messages import Json

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
