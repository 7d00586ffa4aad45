"""``property`` filters and ``orderby``: their grammar, and what they select."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from provisioner.emulator.errors import Refused, coded
from provisioner.emulator.messages import Json, JsonObject

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
        raise _bad_value(value, field)
    return int(value)


def _bad_value(value: str, field: str) -> Refused:
    return coded("1452-400", value=value, field=field)


def _compare(found: Json, op: str, value: str | int) -> bool:
    if op == "==":
        return found == value
    if not isinstance(found, int) or not isinstance(value, int):
        return False
    return {"<": found < value, ">": found > value, "<=": found <= value, ">=": found >= value}[op]
