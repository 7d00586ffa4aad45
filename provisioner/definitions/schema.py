r"""A document x a JSON Schema -> problems with positions.

In the published patterns ``(?!\n)`` stands behind ``$``, which in Python would also match before a last line break.

The published schemas hold three annotations of our own beside the standard ones: ``x-expected`` (what belongs here, in
words), ``x-env`` (``env()`` may appear in this leaf) and the standard ``writeOnly`` (the leaf is sensitive whatever it
came from). A message never repeats the value of a leaf that has ``x-env`` or ``writeOnly``.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from provisioner import json_schema
from provisioner.definitions.hints import Misplaced, closest, misplaced, reason, suggestion
from provisioner.definitions.loader import Document, Path
from provisioner.model import Cloud, Json, Location, Problem


@cache
def narrowed(cloud: Cloud) -> Json:
    """Return the schema of a definition, with the vocabulary of one cloud instead of both."""
    schema = copy.deepcopy(json_schema.load("connection"))
    definitions = schema["$defs"]
    for name in ("sslMode", "specName"):
        definitions[name] = definitions[f"{name}-{cloud}"]
    for variant in [name for name in definitions if "-" in name]:
        del definitions[variant]
    return schema


class ValueSource(NamedTuple):
    """Where the value of a leaf came from: ``variables`` of the environment that it is, or values of the project file.

    Those are named in ``said``; ``location`` is where the value stands, None where the leaf is not just that.
    """

    variables: tuple[str, ...] = ()
    location: Location | None = None
    said: str = ""


ValueSources: TypeAlias = Mapping[Path, ValueSource]
WRITTEN = ValueSource()
"""The document itself."""


class Checker:
    """Checks documents against one schema."""

    def __init__(self, schema: Json) -> None:
        self._schema = schema
        self._accepts = json_schema.accepts(schema)

    def check(
        self, document: Document, data: Any = None, sources: ValueSources = MappingProxyType({})
    ) -> tuple[Problem, ...]:
        """Return what is wrong with a document, or with ``data`` rendered from it; each problem once, sorted.

        ``sources`` say by path where rendered values came from.
        """
        held = document.data if data is None else data
        if self._accepts(held):
            return ()
        errors = list(json_schema.errors(self._schema, held))
        astray = list(misplaced(self._schema, errors))
        problems = {problem for error in errors for problem in _problems(document, error, astray, sources)}
        return tuple(sorted({*problems, *(one.problem(document) for one in astray)}))


def _problems(
    document: Document, error: Any, astray: Collection[Misplaced], sources: ValueSources
) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    if error.validator == "required":
        yield from _missing(document, error, path, astray)
    elif error.validator == "additionalProperties" and error.validator_value is False:
        yield from _unknown(document, error, path, {name for one in astray if one.path == path for name in one.names})
    elif error.validator == "not" and not error.validator_value:
        message = f"{_shown(path)} has no meaning here"
        yield Problem(
            document.key_location(path), "schema.not-here", message, str(error.schema.get("x-remedy", "remove it"))
        )
    elif error.validator == "pattern" and "propertyNames" in error.absolute_schema_path:
        yield _bad_name(document, error, path)
    elif not (error.instance is None and any(one.home == path for one in astray)):
        yield _bad_value(document, error, path, sources)


def _missing(document: Document, error: Any, path: Path, astray: Collection[Misplaced]) -> Iterator[Problem]:
    there = {one.home[len(path)] for one in astray if one.home[: len(path)] == path and len(one.home) > len(path)}
    there |= {name for one in astray if one.home == path for name in one.names}
    for name in error.validator_value:
        if name not in error.instance and name not in there:
            message = f"`{name}` is missing" + (f" in {_shown(path)}" if path else "")
            yield Problem(document.key_location(path), "schema.missing", message, f"add `{name}:`")


def _unknown(document: Document, error: Any, path: Path, astray: Collection[str]) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    for name in error.instance:
        if name in known or name in astray:
            continue
        remedy = suggestion(name, known, f"known here: {', '.join(known)}")
        message = f"unknown property `{name}`" + (f" in {_shown(path)}" if path else "")
        yield Problem(document.key_location((*path, name)), "schema.unknown-property", message, remedy)


def _bad_name(document: Document, error: Any, path: Path) -> Problem:
    # The name is not repeated: where a connection string is quoted wrongly, it is a piece of the password.
    message = f"a name in {_shown(path)} must be {_expected(error)}"
    return Problem(document.key_location((*path, error.instance)), "schema.name", message, "rename it")


def _bad_value(document: Document, error: Any, path: Path, sources: ValueSources) -> Problem:
    location = document.value_location(path)
    source = _source_of(path, sources)
    if error.instance is None:
        return Problem(location, "schema.empty", f"{_shown(path)} has no value", f"write {_expected(error)}")
    if error.validator == "type" and _is_scalar(error.instance) and "string" in _types(error.schema):
        return _unquoted(document, error, path)
    rule = _RULES.get(error.validator, "schema.value")
    if error.validator == "enum" and path and path[-1] == "specName":
        rule = "schema.spec-name"
    message = f"{_shown(path)} must be {_expected(error)}"
    if source.variables:
        # What of it is wrong would tell what the variable holds.
        shown = _shown(path if _is_known(path) else path[:-1])
        message = f"{shown} must be {_expected(error)}"
        return Problem(location, rule, message, f"look at {', '.join(source.variables)}")
    why = reason(str(path[-1]) if path else "", error.instance) if isinstance(error.instance, str) else None
    message += f", but {why.why}" if why else ""
    remedy = (why.remedy if why else "") or _hint(error) or _example(error.schema, path)
    if source.said:
        return Problem(source.location or location, rule, f"{source.said}: {message}", remedy)
    return Problem(location, rule, message, remedy)


def _source_of(path: Path, sources: ValueSources) -> ValueSource:
    """Return where the value at a path came from, or what holds it."""
    return next((sources[path[:end]] for end in range(len(path), 0, -1) if path[:end] in sources), WRITTEN)


def _is_known(path: Path) -> bool:
    """Whether the name at the end of a path is one of ours, and not a keyword out of a connection string."""
    return path[-2:-1] != ("options",)


_RULES = {"type": "schema.type", "uniqueItems": "schema.duplicate-item"}


def _unquoted(document: Document, error: Any, path: Path) -> Problem:
    """A number, or a yes-or-no word, where text belongs."""
    what = "true or false" if isinstance(error.instance, bool) else "a number"
    text = document.texts.get(path, "")
    remedy = "quote it" if _is_secret(error.schema) or not text else f'quote it: "{text}"'
    return Problem(
        document.value_location(path), "schema.type", f"{_shown(path)} must be text, and reads as {what}", remedy
    )


def _expected(error: Any) -> str:
    schema = error.schema
    if "x-expected" in schema:
        return str(schema["x-expected"])
    if "enum" in schema:
        values = [str(value) for value in schema["enum"]]
        return values[0] if len(values) == 1 else "one of: " + ", ".join(values)
    if "const" in schema:
        return json.dumps(schema["const"])
    if error.validator == "uniqueItems":
        return "a list without repeated items"
    return " or ".join(_TYPE_WORDS[name] for name in _types(schema)) or "another value"


_TYPE_WORDS = {
    "object": "a mapping of properties",
    "array": "a list that is not empty",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _types(schema: Json) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _hint(error: Any) -> str:
    """``did you mean``, from the enumerations that the value was held against."""
    if _is_secret(error.schema) or not isinstance(error.instance, str):
        return ""
    branches = [error.schema, *error.schema.get("anyOf", [])]
    words = [value for branch in branches for value in branch.get("enum", []) if isinstance(value, str)]
    by_upper = {word.upper(): word for word in words}
    close = closest(error.instance.upper().replace("-", "_").replace(" ", "_"), by_upper)
    return f"did you mean `{by_upper[close]}`?" if close else ""


def _example(schema: Json, path: Path) -> str:
    """What the remedy says where there is no better one: the schema's own example."""
    if "x-remedy" in schema:
        return str(schema["x-remedy"])
    single = [schema[word] for word in ("default", "const") if word in schema]
    examples = [*schema.get("examples", ()), *single, *schema.get("enum", ())]
    named = next((part for part in reversed(path) if isinstance(part, str)), "")
    return f"for example: `{named}: {json.dumps(examples[0])}`" if examples and named else "see `provisioner schema`"


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _is_secret(schema: Json) -> bool:
    return bool(schema.get("writeOnly") or schema.get("x-env"))


def _shown(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"`{text.removeprefix('.')}`" if path else "the document"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What the schema says of the leaves at one place. Each part of ``place`` matches one part of a path."""

    place: tuple[re.Pattern[str], ...]
    sensitive: bool
    may_use_env: bool

    def covers(self, path: Path) -> bool:
        return len(path) == len(self.place) and all(
            part.fullmatch(str(name)) for part, name in zip(self.place, path, strict=True)
        )


PLAIN = FieldRule((), sensitive=False, may_use_env=False)


class FieldRules:
    """The annotations of a schema, looked up by the path of a leaf."""

    def __init__(self, schema: Json) -> None:
        self._rules = tuple(_leaf_rules(schema, schema, ()))
        self._known: dict[Path, FieldRule] = {}

    def at(self, path: Path) -> FieldRule:
        if path not in self._known:
            found = [rule for rule in self._rules if rule.covers(path)]
            self._known[path] = found[0] if found else PLAIN
        return self._known[path]


def _leaf_rules(schema: Any, root: Json, place: tuple[re.Pattern[str], ...]) -> Iterator[FieldRule]:
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from _leaf_rules(root["$defs"][schema["$ref"].rpartition("/")[2]], root, place)
    if _is_secret(schema):
        yield FieldRule(place, bool(schema.get("writeOnly")), bool(schema.get("x-env")))
    for branch in _branches(schema):
        yield from _leaf_rules(branch, root, place)
    for name, child in schema.get("properties", {}).items():
        yield from _leaf_rules(child, root, (*place, re.compile(re.escape(name))))
    for pattern, child in schema.get("patternProperties", {}).items():
        yield from _leaf_rules(child, root, (*place, re.compile(f".*({pattern}).*")))


def _branches(schema: Json) -> Iterable[Any]:
    yield from schema.get("allOf", ())
    yield from schema.get("anyOf", ())
    yield from (schema[word] for word in ("then", "else") if word in schema)
