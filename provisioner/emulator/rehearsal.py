"""A JSON document -> the rehearsal it describes, or a text that says which entry is wrong and how."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from provisioner.emulator.faults import KINDS, Existing, Fault, FaultError, Kind, Rehearsal
from provisioner.emulator.messages import Json, JsonObject

# Any fault may say these; what else belongs to its kind.
COMMON = ("kind", "when", "method", "path", "name", "nth", "probability", "times")
_METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS")

_Check = tuple[Callable[[Json], bool], str]


def rehearsal(document: Json) -> Rehearsal:
    """Read ``[fault, ...]`` or ``{"seed": n, "faults": [...], "existing": [...]}``. Raises ``FaultError``."""
    if isinstance(document, list):
        document = {"faults": document}
    if not isinstance(document, dict):
        raise FaultError("the faults must be an array, or an object with seed, faults and existing")
    _only(document, ("seed", "faults", "existing"), "the document")
    seed = document.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise FaultError("seed must be a whole number")
    faults = tuple(_fault(each, f"faults[{place}]") for place, each in enumerate(_array(document, "faults")))
    existing = tuple(_existing(each, f"existing[{place}]") for place, each in enumerate(_array(document, "existing")))
    return Rehearsal(faults, existing, seed)


def _fault(entry: Json, where: str) -> Fault:
    given = _object(entry, where)
    name = given.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        raise FaultError(f"{where}: there is no kind {name!r}; the kinds are {', '.join(KINDS)}")
    kind, where = KINDS[name], f"{where} ({name})"
    _only(given, COMMON + kind.fields, where)
    _need(given, kind.required, where)
    _check(given, where, {"when": (lambda value: value in kind.whens, f"must be {' or '.join(kind.whens)}")})
    if "nth" in given and "probability" in given:
        raise FaultError(f"{where}: nth and probability exclude each other")
    return Fault(**_values(_placed(given, kind)))


def _existing(entry: Json, where: str) -> Existing:
    given = _object(entry, where)
    _only(given, tuple(each.name for each in fields(Existing)), where)
    _need(given, ("name", "org"), where)
    _check(given, where, {})
    return Existing(**dict[str, Any](given))


def _placed(given: JsonObject, kind: Kind) -> JsonObject:
    """With the defaults of the kind filled in."""
    place: JsonObject = {} if "method" in given or "path" in given else {"method": kind.method, "path": kind.path}
    return {"when": kind.whens[0], **place, **given}


def _values(given: JsonObject) -> dict[str, Any]:
    values: dict[str, Any] = dict(given)
    if (nth := given.get("nth")) is not None:
        values["nth"] = tuple(nth) if isinstance(nth, list) else (nth,)
    return values


def _check(given: JsonObject, where: str, more: Mapping[str, _Check]) -> None:
    for name, value in given.items():
        fits, meaning = more.get(name) or _CHECKS.get(name, (_text, "must be a text that is not empty"))
        if not fits(value):
            raise FaultError(f"{where}: {name} {meaning}")


def _only(given: JsonObject, known: tuple[str, ...], where: str) -> None:
    if unknown := [name for name in given if name not in known]:
        raise FaultError(f"{where}: there is no field {unknown[0]!r} here; the fields are {', '.join(known)}")


def _need(given: JsonObject, required: tuple[str, ...], where: str) -> None:
    if missing := [name for name in required if name not in given]:
        raise FaultError(f"{where}: {missing[0]} is missing")


def _object(entry: Json, where: str) -> JsonObject:
    if not isinstance(entry, dict):
        raise FaultError(f"{where}: must be an object")
    return entry


def _array(document: JsonObject, name: str) -> list[Json]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise FaultError(f"{name} must be an array")
    return value


def _text(value: Json) -> bool:
    return isinstance(value, str) and value != ""


def _number(most: float = 1e9) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _whole(least: int = 1, most: float = 1e9) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _array_of(fits: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: all(map(fits, value)) and value != [] if isinstance(value, list) else fits(value)


_BOOLEAN: _Check = (lambda value: isinstance(value, bool), "must be true or false")
_SECONDS: _Check = (_number(), "must be seconds, 0 or more")
_COUNT: _Check = (_whole(), "must be a whole number from 1")
_CHECKS: Mapping[str, _Check] = {
    "method": (lambda value: value in _METHODS, f"must be one of {', '.join(_METHODS)}"),
    "nth": (_array_of(_whole()), "must be a whole number from 1, or an array of them"),
    "probability": (_number(1), "must be from 0 to 1"),
    "times": _COUNT,
    "count": _COUNT,
    "status": (_whole(200, 599), "must be from 200 to 599"),
    "retry_after": (lambda value: _number()(value) or _text(value), "must be seconds, or a text to send as it is"),
    "as_date": _BOOLEAN,
    "visible": _BOOLEAN,
    "seconds": _SECONDS,
    "age": _SECONDS,
    "params": (
        lambda value: isinstance(value, dict) and all(isinstance(each, str) for each in value.values()),
        "must be an object of texts",
    ),
}
