r"""Validate documents against a JSON Schema, and look up the schema's annotations of template fields.

Errors become problems with positions. The published schemas contain two annotations of our own: ``x-expected``
describes the allowed values for a message, and ``x-env`` admits ``env()`` in a field. The standard ``writeOnly`` makes
a field sensitive, wherever its value comes from. A message never repeats the value of a field with ``x-env`` or
``writeOnly``, nor a name that may be a piece of a secret.

In the published patterns ``(?!\n)`` follows ``$``, which in Python also matches before a final line break.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from provisioner import json_schema
from provisioner.definitions.names import is_recognized, quoted
from provisioner.definitions.suggestions import Misplaced, closest, misplaced, reason_for, suggestion
from provisioner.definitions.yaml_loader import Document, YamlPath
from provisioner.model import Cloud, Json, Location, Problem


@cache
def narrowed(cloud: Cloud) -> Json:
    """Return the schema of a definition with the vocabulary of one cloud instead of both."""
    schema = copy.deepcopy(json_schema.load("connection"))
    definitions = schema["$defs"]
    for name in ("sslMode", "specName"):
        definitions[name] = definitions[f"{name}-{cloud}"]
    for variant in [name for name in definitions if "-" in name]:
        del definitions[variant]
    return schema


class ValueSource(NamedTuple):
    """The source of a field's value: environment ``variables``, or values of the project file.

    ``description`` shows the latter; ``location`` is that of the value, None if the field contains other text too.
    """

    variables: tuple[str, ...] = ()
    location: Location | None = None
    description: str = ""


ValueSources: TypeAlias = Mapping[YamlPath, ValueSource]
IN_DOCUMENT = ValueSource()
"""The source of a value that is written in the document itself."""


class Checker:
    """Validates documents against one schema."""

    def __init__(self, schema: Json) -> None:
        self._schema = schema
        self._accepts = json_schema.accepts(schema)

    def check(
        self, document: Document, data: Any = None, sources: ValueSources = MappingProxyType({})
    ) -> tuple[Problem, ...]:
        """Return the problems of a document, or of ``data`` rendered from it, sorted and without duplicates.

        ``sources`` holds the sources of rendered values, by path.
        """
        value = document.data if data is None else data
        if self._accepts(value):
            return ()
        errors = list(json_schema.errors(self._schema, value))
        strays = list(misplaced(self._schema, errors))
        problems = {problem for error in errors for problem in _problems(document, error, strays, sources)}
        return tuple(sorted({*problems, *(stray.problem(document) for stray in strays)}))


def _problems(
    document: Document, error: Any, strays: Collection[Misplaced], sources: ValueSources
) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    if error.validator == "required":
        yield from _missing(document, error, path, strays)
    elif error.validator == "additionalProperties" and error.validator_value is False:
        yield from _unknown(document, error, path, strays)
    elif error.validator == "not" and not error.validator_value:
        remedy = str(error.schema.get("x-remedy", "remove it"))
        yield Problem(document.key_location(path), "schema.not-here", f"{quoted(path)} is not allowed here", remedy)
    elif error.validator == "pattern" and "propertyNames" in error.absolute_schema_path:
        # The name is not repeated: if a connection string is quoted wrongly, it is a piece of the password.
        message = f"a name in {quoted(path)} must be {_expected(error)}"
        yield Problem(document.key_location((*path, error.instance)), "schema.name", message, "rename it")
    elif not (error.instance is None and any(stray.home == path for stray in strays)):
        yield _bad_value(document, error, path, sources)


def _missing(document: Document, error: Any, path: YamlPath, strays: Collection[Misplaced]) -> Iterator[Problem]:
    """Yield a problem for each required property that is neither present nor misplaced."""
    depth = len(path)
    present = {stray.home[depth] for stray in strays if stray.home[:depth] == path and len(stray.home) > depth}
    present |= {name for stray in strays if stray.home == path for name in stray.names}
    for name in error.validator_value:
        if name not in error.instance and name not in present:
            message = f"`{name}` is missing" + (f" in {quoted(path)}" if path else "")
            yield Problem(document.key_location(path), "schema.missing", message, f"add `{name}:`")


def _unknown(document: Document, error: Any, path: YamlPath, strays: Collection[Misplaced]) -> Iterator[Problem]:
    """Yield a problem for each unknown property that is not just misplaced."""
    known = error.schema.get("properties", {})
    misplaced_names = {name for stray in strays if stray.path == path for name in stray.names}
    for name in error.instance:
        if name not in known and name not in misplaced_names:
            remedy = suggestion(name, known, f"use one of: {', '.join(known)}")
            message = (f"unknown property `{name}`" if is_recognized(name) else "unknown property") + (
                f" in {quoted(path)}" if path else ""
            )
            yield Problem(document.key_location((*path, name)), "schema.unknown-property", message, remedy)


_RULES = {"type": "schema.type", "uniqueItems": "schema.duplicate-item"}


def _bad_value(document: Document, error: Any, path: YamlPath, sources: ValueSources) -> Problem:
    instance, location = error.instance, document.value_location(path)
    if instance is None:
        return Problem(location, "schema.empty", f"{quoted(path)} has no value", f"write {_expected(error)}")
    if error.validator == "type" and isinstance(instance, bool | int | float) and "string" in _types(error.schema):
        kind = "true or false" if isinstance(instance, bool) else "a number"
        text = document.texts.get(path, "")
        remedy = "quote it" if _is_secret(error.schema) or not text else f'quote it: "{text}"'
        return Problem(location, "schema.type", f"{quoted(path)} must be text, but is read as {kind}", remedy)
    rule = _RULES.get(error.validator, "schema.value")
    if error.validator == "enum" and path and path[-1] == "specName":
        rule = "schema.spec-name"
    # The source of the value, or of the mapping that holds it.
    prefixes = (path[:end] for end in range(len(path), 0, -1))
    source = next((sources[prefix] for prefix in prefixes if prefix in sources), IN_DOCUMENT)
    if source.variables:
        # Neither a reason nor the keyword of an option, which may come from the variable too: both reveal its content.
        shown = quoted(path[:-1] if path[-2:-1] == ("options",) else path)
        remedy = f"check {', '.join(source.variables)}"
        return Problem(location, rule, f"{shown} must be {_expected(error)}", remedy)
    reason = reason_for(str(path[-1]) if path else "", instance) if isinstance(instance, str) else None
    message = f"{quoted(path)} must be {_expected(error)}" + (f", but {reason.message}" if reason else "")
    remedy = reason.remedy if reason else _value_remedy(error, path)
    if source.description:
        return Problem(source.location or location, rule, f"{source.description}: {message}", remedy)
    return Problem(location, rule, message, remedy)


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
    return " or ".join(_TYPE_NAMES[name] for name in _types(schema)) or "another value"


_TYPE_NAMES = {
    "object": "a mapping of properties",
    "array": "a list that is not empty",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _types(schema: Json) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _value_remedy(error: Any, path: YamlPath) -> str:
    """Return the closest value of an enumeration, or else the remedy or an example from the schema."""
    schema = error.schema
    if isinstance(error.instance, str) and not _is_secret(schema):
        branches = [schema, *schema.get("anyOf", [])]
        values = [value for branch in branches for value in branch.get("enum", []) if isinstance(value, str)]
        by_upper = {value.upper(): value for value in values}
        close = closest(error.instance.upper().replace("-", "_").replace(" ", "_"), by_upper)
        if close:
            return f"did you mean `{by_upper[close]}`?"
    if "x-remedy" in schema:
        return str(schema["x-remedy"])
    single = [schema[word] for word in ("default", "const") if word in schema]
    examples = [*schema.get("examples", ()), *single, *schema.get("enum", ())]
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if not examples or not name:
        return "see `provisioner schema`"
    example = json.dumps(examples[0])
    return f"for example: `{name}: {example}`" if is_recognized(name) else f"for example: `{example}`"


def _is_secret(schema: Json) -> bool:
    return bool(schema.get("writeOnly") or schema.get("x-env"))


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The annotations of fields. Each of ``patterns`` matches one part of a path."""

    patterns: tuple[re.Pattern[str], ...]
    sensitive: bool
    may_use_env: bool

    def covers(self, path: YamlPath) -> bool:
        return len(path) == len(self.patterns) and all(
            pattern.fullmatch(str(part)) for pattern, part in zip(self.patterns, path, strict=True)
        )


PLAIN = FieldRule((), sensitive=False, may_use_env=False)


class FieldRules:
    """The annotations of a schema, looked up by the path of a field."""

    def __init__(self, schema: Json) -> None:
        self._rules = tuple(_field_rules(schema, schema, ()))
        self._known: dict[YamlPath, FieldRule] = {}

    def at(self, path: YamlPath) -> FieldRule:
        if path not in self._known:
            self._known[path] = next((rule for rule in self._rules if rule.covers(path)), PLAIN)
        return self._known[path]


def _field_rules(schema: Any, root: Json, patterns: tuple[re.Pattern[str], ...]) -> Iterator[FieldRule]:
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from _field_rules(root["$defs"][schema["$ref"].rpartition("/")[2]], root, patterns)
    if _is_secret(schema):
        yield FieldRule(patterns, bool(schema.get("writeOnly")), bool(schema.get("x-env")))
    for branch in (*schema.get("allOf", ()), *schema.get("anyOf", ()), schema.get("then"), schema.get("else")):
        yield from _field_rules(branch, root, patterns)
    for name, child in schema.get("properties", {}).items():
        yield from _field_rules(child, root, (*patterns, re.compile(re.escape(name))))
    for pattern, child in schema.get("patternProperties", {}).items():
        yield from _field_rules(child, root, (*patterns, re.compile(f".*({pattern}).*")))
