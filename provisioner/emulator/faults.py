"""Faults on demand: what may go wrong, for which requests, and how often it did. No network, no store.

A JSON document -> the rehearsal it describes. ``schemas/faults.schema.json`` says what it may hold.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from provisioner.emulator.messages import Json, JsonObject, Request

GARBLINGS = ("truncate", "invalid-json", "wrong-content-type", "two-lengths", "interim", "drip")
_CONNECTIONS, _CONNECTION = "*/connections", "*/connections/*"
PLACES: Mapping[str, tuple[str, str]] = {
    "foreign-create": ("POST", _CONNECTIONS),
    "foreign-edit": ("PATCH", _CONNECTION),
    "foreign-delete": ("PATCH", _CONNECTION),
    "initializing": ("POST", _CONNECTIONS),
    "lag": ("GET", _CONNECTIONS),
}
"""Method and path of a fault that names neither, by kind; the others then meet every request."""


class FaultError(ValueError):
    """A rehearsal that cannot be used; the text names the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. ``method``, ``path`` and ``name`` choose requests; of those, ``nth`` or ``probability`` and ``times``.

    ``path`` and ``name`` are globs; None is any. ``name`` is that of the base connection which a POST creates, or
    which the path addresses. The rest belongs to some kinds only; schemas/faults.schema.json says which. Values are not
    checked here but where a document is read (``fault_config``).
    """

    kind: str
    when: str = "before"
    method: str | None = None
    path: str | None = None
    name: str | None = None
    nth: tuple[int, ...] = ()
    probability: float | None = None
    times: int | None = None
    status: int = 503
    retry_after: float | str | None = None
    as_date: bool = False
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    visible: bool = False
    connection: str | None = None
    client: str = "somebody-else"

    def matches(self, request: Request, name: Callable[[], str | None]) -> bool:
        """Whether the request is one that this fault counts; ``name`` is asked only where it matters."""
        if self.method not in (None, request.method):
            return False
        if self.path is not None and not fnmatchcase(request.path.removesuffix("/"), self.path):
            return False
        return self.name is None or fnmatchcase(name() or "", self.name)

    @property
    def ends(self) -> bool:
        """Whether a request that it hits is never handled."""
        return self.when == "before" and self.kind in ("status", "reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """At least ``count`` base connections of one name, there from the start, created ``age`` seconds ago."""

    name: str
    org: str
    sandbox: str = "prod"
    count: int = 1
    client: str = "somebody-else"
    age: float = 0
    description: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FaultConfig:
    """All that is to go wrong; the same ``seed`` and the same order of requests give the same hits."""

    faults: tuple[Fault, ...] = ()
    existing: tuple[Existing, ...] = ()
    seed: int = 0


class Faults:
    """A config under way: which fault met how many requests, and hit how many. One request uses it at a time."""

    def __init__(self, config: FaultConfig = FaultConfig()) -> None:
        """Nothing counted yet."""
        self.load(config)

    def load(self, config: FaultConfig) -> None:
        """Begin another one, with counts of zero."""
        self._rehearsal = config
        self._counted = [
            _Counted(fault, random.Random(f"{config.seed}/{place}"))  # noqa: S311
            for place, fault in enumerate(config.faults)
        ]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._counted)

    def choose(self, request: Request, name: Callable[[], str | None]) -> tuple[Fault, ...]:
        """The faults that hit this request, in the order given. One that ends it hides it from those that follow."""
        chosen: list[Fault] = []
        for each in self._counted:
            if each.hits(request, name):
                chosen.append(each.fault)
                if each.fault.ends:
                    break
        return tuple(chosen)

    def report(self) -> JsonObject:
        """The config as JSON, with ``considered`` and ``hit`` in every fault, and all hits as ``injected``."""
        faults: list[Json] = [
            {**_said(each.fault), "considered": each.considered, "hit": each.hit} for each in self._counted
        ]
        existing: list[Json] = [_said(each) for each in self._rehearsal.existing]
        injected = sum(each.hit for each in self._counted)
        return {"seed": self._rehearsal.seed, "injected": injected, "faults": faults, "existing": existing}


@dataclass(slots=True)
class _Counted:
    fault: Fault
    random: random.Random
    considered: int = 0
    hit: int = 0

    def hits(self, request: Request, name: Callable[[], str | None]) -> bool:
        if not self.fault.matches(request, name):
            return False
        self.considered += 1
        if not self._falls() or self.hit == self.fault.times:
            return False
        self.hit += 1
        return True

    def _falls(self) -> bool:
        if self.fault.nth:
            return self.considered in self.fault.nth
        return self.fault.probability is None or self.random.random() < self.fault.probability


def _said(value: Fault | Existing) -> JsonObject:
    """What is not left at its default, and ``when``."""
    usual = {each.name: each.default for each in fields(value)} | {"when": None, "params": {}, "headers": {}}
    said = {name: each for name, each in asdict(value).items() if each != usual[name]}
    return {name: list(each) if isinstance(each, tuple) else each for name, each in said.items()}


def fault_config(document: Json) -> FaultConfig:
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
    return FaultConfig(tuple(map(_fault, faults)), tuple(Existing(**each) for each in existing), whole.get("seed", 0))


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
