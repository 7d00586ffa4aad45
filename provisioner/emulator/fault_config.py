"""Fault configuration: its JSON form, and the choice of the faults that apply to a request.

``fault_config`` reads the document that ``schemas/faults.schema.json`` describes; ``Faults`` counts requests and
selects faults. ``fault_injection`` carries them out. No network, no store.
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

RESPONSE_FAULTS = ("truncate", "invalid-json", "wrong-content-type", "two-lengths", "interim", "drip")
"""The kinds of faults that damage a reply while it is sent."""

_CONNECTIONS, _CONNECTION = "*/connections", "*/connections/*"
DEFAULT_ROUTES: Mapping[str, tuple[str, str]] = {
    "foreign-create": ("POST", _CONNECTIONS),
    "foreign-edit": ("PATCH", _CONNECTION),
    "foreign-delete": ("PATCH", _CONNECTION),
    "initializing": ("POST", _CONNECTIONS),
    "lag": ("GET", _CONNECTIONS),
}
"""Method and path of a fault that names neither, by kind; other kinds then match every request."""


class FaultError(ValueError):
    """An unusable fault configuration; the text names the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. ``method``, ``path`` and ``name`` match requests; ``nth`` or ``probability`` and ``times`` select.

    ``path`` and ``name`` are globs; None matches everything. ``name`` is that of the base connection which a POST
    creates or which the path addresses. The other fields belong to some kinds only; schemas/faults.schema.json says
    which. Values are not validated here but in ``fault_config``.
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
        """Return whether the fault counts this request; ``name`` is called only if the fault has one."""
        if self.method not in (None, request.method):
            return False
        if self.path is not None and not fnmatchcase(request.path.removesuffix("/"), self.path):
            return False
        return self.name is None or fnmatchcase(name() or "", self.name)

    @property
    def prevents_handling(self) -> bool:
        """True if a request that the fault hits reaches no handler."""
        return self.when == "before" and self.kind in ("status", "reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """At least ``count`` base connections of one name that exist from the start, created ``age`` seconds ago."""

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
    """All faults of a run. The same ``seed`` and the same order of requests give the same hits."""

    faults: tuple[Fault, ...] = ()
    existing: tuple[Existing, ...] = ()
    seed: int = 0


class Faults:
    """The active fault configuration with its counts. Not thread-safe."""

    def __init__(self, config: FaultConfig = FaultConfig()) -> None:
        self.load(config)

    def load(self, config: FaultConfig) -> None:
        """Replace the configuration and set all counts to zero."""
        self._config = config
        self._counters = [
            _FaultCounter(fault, random.Random(f"{config.seed}/{index}"))  # noqa: S311
            for index, fault in enumerate(config.faults)
        ]

    def __bool__(self) -> bool:
        return bool(self._counters)

    def choose(self, request: Request, name: Callable[[], str | None]) -> tuple[Fault, ...]:
        """Return the faults that hit this request, in the order given.

        A fault that prevents handling is the last one: those that follow do not count the request.
        """
        chosen: list[Fault] = []
        for counter in self._counters:
            if counter.hits(request, name):
                chosen.append(counter.fault)
                if counter.fault.prevents_handling:
                    break
        return tuple(chosen)

    def report(self) -> JsonObject:
        """Return the configuration as JSON, each fault with ``considered`` and ``hit``, and ``injected`` in total."""
        faults: list[Json] = [
            {**_to_json(counter.fault), "considered": counter.considered, "hit": counter.hit}
            for counter in self._counters
        ]
        existing: list[Json] = [_to_json(entry) for entry in self._config.existing]
        injected = sum(counter.hit for counter in self._counters)
        return {"seed": self._config.seed, "injected": injected, "faults": faults, "existing": existing}


@dataclass(slots=True)
class _FaultCounter:
    """A fault, the number of requests it matched and the number it hit."""

    fault: Fault
    random: random.Random
    considered: int = 0
    hit: int = 0

    def hits(self, request: Request, name: Callable[[], str | None]) -> bool:
        """Count the request if it matches, and return whether the fault hits it."""
        fault = self.fault
        if not fault.matches(request, name):
            return False
        self.considered += 1
        if fault.nth:
            selected = self.considered in fault.nth
        else:
            selected = fault.probability is None or self.random.random() < fault.probability
        if not selected or self.hit == fault.times:
            return False
        self.hit += 1
        return True


def _to_json(value: Fault | Existing) -> JsonObject:
    """Return the fields that differ from their defaults, and ``when``."""
    defaults = {each.name: each.default for each in fields(value)} | {"when": None, "params": {}, "headers": {}}
    changed = {name: each for name, each in asdict(value).items() if each != defaults[name]}
    return {name: list(each) if isinstance(each, tuple) else each for name, each in changed.items()}


def fault_config(document: Json) -> FaultConfig:
    """Read ``[fault, ...]`` or ``{"seed": n, "faults": [...], "existing": [...]}``.

    Raises ``FaultError``, whose text names the entry and quotes no value: ``existing`` may hold passwords.
    """
    root: Any = {"faults": document} if isinstance(document, list) else document
    _validate(root)
    faults, existing = root.get("faults", []), root.get("existing", [])
    _refuse_fractions(root, [])
    for name, entries in (("faults", faults), ("existing", existing)):
        for index, entry in enumerate(entries):
            _refuse_fractions(entry, [name, index])
    return FaultConfig(tuple(map(_fault, faults)), tuple(Existing(**entry) for entry in existing), root.get("seed", 0))


def _fault(entry: dict[str, Any]) -> Fault:
    """Return the fault, with the defaults of its kind filled in."""
    kind, nth = entry["kind"], entry.get("nth", [])
    method, path = (None, None) if "method" in entry or "path" in entry else DEFAULT_ROUTES.get(kind, (None, None))
    values = {"when": "after" if kind in RESPONSE_FAULTS else "before", "method": method, "path": path, **entry}
    return Fault(**values | {"nth": tuple(nth) if isinstance(nth, list) else (nth,)})


def _validate(document: Any) -> None:
    """Raise ``FaultError`` for a document that does not satisfy the schema."""
    # JSON can spell lone surrogates, which the validator cannot read.
    readable = json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    try:
        problems = list(_validator().iter_errors(readable))
    except ValueError as error:  # nested too deeply
        raise FaultError(f"the document cannot be read: {error}") from error
    if problems:
        # The deepest one is the cause; the others may follow from it, such as an unexpected field in the entry around.
        problem = max(problems, key=lambda each: len(each.instance_path))
        raise FaultError(_at(problem.instance_path, _message(problem)))


def _message(problem: Any) -> str:
    match problem.schema_path[-1]:
        case "enum":
            return f"the value is none of {', '.join(problem.kind.options)}"
        case "additionalProperties" | "unevaluatedProperties":
            return f"there is no field {problem.kind.unexpected[0]!r} here"
        case "not":
            return "nth and probability exclude each other"
    return str(problem.message)


def _refuse_fractions(entry: dict[str, Any], path: list[str | int]) -> None:
    """Raise ``FaultError`` for 2.0 where an integer belongs; to JSON Schema it is one."""
    for name in ("seed", "nth", "times", "status", "count"):
        value = entry.get(name)
        if any(isinstance(each, float) for each in (value if isinstance(value, list) else [value])):
            raise FaultError(_at([*path, name], "a whole number is written without a point"))


def _at(path: Iterable[str | int], message: str) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.') or 'the document'}: {message}"


@cache
def _validator() -> Any:
    import jsonschema_rs

    package = Path(__file__).resolve().parents[1]
    # Inside the package when it is installed, beside it in a checkout.
    folder = next(folder for folder in (package / "schemas", package.parent / "schemas") if folder.is_dir())
    schema = json.loads((folder / "faults.schema.json").read_text("utf-8"))
    return jsonschema_rs.validator_for(schema, mask="the value")
