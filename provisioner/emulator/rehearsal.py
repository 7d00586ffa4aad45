"""A JSON document -> the rehearsal it describes. ``schemas/faults.schema.json`` says what it may hold."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from provisioner.emulator.faults import GARBLINGS, PLACES, Existing, Fault, FaultError, Rehearsal
from provisioner.emulator.messages import Json


def rehearsal(document: Json) -> Rehearsal:
    """Read ``[fault, ...]`` or ``{"seed": n, "faults": [...], "existing": [...]}``.

    Raises ``FaultError``, whose text names the entry and repeats no value: ``existing`` may hold passwords.
    """
    whole: Any = {"faults": document} if isinstance(document, list) else document
    _check(whole)
    faults, existing = whole.get("faults", []), whole.get("existing", [])
    _refuse_fractions(whole, [])
    for name, entries in (("faults", faults), ("existing", existing)):
        for number, entry in enumerate(entries):
            _refuse_fractions(entry, [name, number])
    return Rehearsal(tuple(map(_fault, faults)), tuple(Existing(**each) for each in existing), whole.get("seed", 0))


def _fault(given: dict[str, Any]) -> Fault:
    """Return the fault, with the defaults of its kind filled in."""
    kind, nth = given["kind"], given.get("nth", [])
    method, path = (None, None) if "method" in given or "path" in given else PLACES.get(kind, (None, None))
    values = {"when": "after" if kind in GARBLINGS else "before", "method": method, "path": path, **given}
    return Fault(**values | {"nth": tuple(nth) if isinstance(nth, list) else (nth,)})


def _check(document: Any) -> None:
    # Halves of a character, which JSON can spell, are more than the library can read.
    readable = json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    try:
        problems = list(_validator().iter_errors(readable))
    except ValueError as error:  # nested too deeply
        raise FaultError(f"the document cannot be read: {error}") from error
    if problems:
        # The deepest: around a field that is wrong, the fault may be said to have one too many.
        problem = max(problems, key=lambda each: len(each.instance_path))
        raise FaultError(_at(problem.instance_path, _words(problem)))


def _words(problem: Any) -> str:
    """Return the library's words, but where there are plainer ones."""
    match problem.schema_path[-1]:
        case "enum":
            return f"the value is none of {', '.join(problem.kind.options)}"
        case "additionalProperties" | "unevaluatedProperties":
            return f"there is no field {problem.kind.unexpected[0]!r} here"
        case "not":
            return "nth and probability exclude each other"
    return str(problem.message)


def _refuse_fractions(entry: dict[str, Any], place: list[str | int]) -> None:
    """Refuse 2.0 where a whole number belongs; to JSON Schema it is one."""
    for name in ("seed", "nth", "times", "status", "count"):
        value = entry.get(name)
        if any(isinstance(each, float) for each in (value if isinstance(value, list) else [value])):
            raise FaultError(_at([*place, name], "a whole number is written without a point"))


def _at(place: Iterable[str | int], words: str) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return f"{text.removeprefix('.') or 'the document'}: {words}"


@cache
def _validator() -> Any:
    import jsonschema_rs

    package = Path(__file__).resolve().parents[1]
    # Inside the package when it is installed, beside it in a checkout.
    folder = next(folder for folder in (package / "schemas", package.parent / "schemas") if folder.is_dir())
    schema = json.loads((folder / "faults.schema.json").read_text("utf-8"))
    return jsonschema_rs.validator_for(schema, mask="the value")
