"""Definitions: a parsed document with its key, targets and fields, and the rules that hold between definitions.

Nothing here depends on a target. A file with problems still becomes a ``Definition`` if it could be parsed, so that the
problems on each target are found in the same run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, TypeVar

from provisioner import json_schema
from provisioner.definitions import schema
from provisioner.definitions.fields import (
    STAND_IN,
    TemplateField,
    field_problems,
    fields_of,
    is_plain,
    with_likely_spec,
    with_values,
)
from provisioner.definitions.project import KeyAndPath, Project
from provisioner.definitions.suggestions import suggestion
from provisioner.definitions.yaml_loader import Document
from provisioner.errors import UsageError
from provisioner.model import Key, Location, Problem

_KEY_SCHEMA = json_schema.load("connection")["properties"]["key"]
KEY, KEY_LENGTH = re.compile(_KEY_SCHEMA["pattern"]), _KEY_SCHEMA["maxLength"]


@dataclass(frozen=True, slots=True)
class Definition:
    """The properties of a definition that are the same on every target.

    ``key_and_path`` identifies it in the rules for ``env()``. ``targets`` is None if it applies to all of them.
    ``sound`` is true if it has no problem that would keep it from being rendered. ``moved_from`` is the former key, ""
    if there is none. The locations are those of ``key:`` and ``movedFrom:``, or of the document if it has none.
    """

    key: Key
    key_and_path: KeyAndPath
    targets: tuple[str, ...] | None
    sound: bool
    key_location: Location
    moved_from: Key
    moved_location: Location

    @property
    def file(self) -> str:
        return self.key_location.file

    def is_for(self, target: str) -> bool:
        return self.targets is None or target in self.targets


class ParsedDefinition(NamedTuple):
    """A definition with its document. ``fields`` have no problems that are independent of a target, ``broken`` have;
    ``problems`` are all that are independent of a target."""

    definition: Definition
    document: Document
    fields: tuple[TemplateField, ...]
    broken: tuple[TemplateField, ...]
    problems: tuple[Problem, ...]


class DefinitionParser:
    """Turns documents into definitions."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._checker = schema.Checker(json_schema.load("connection"))

    def parse(self, document: Document, stem: str) -> ParsedDefinition | tuple[Problem, ...]:
        """Return the definition in the file at ``stem``; its problems if it could not be parsed."""
        if document.data is None and document.problems:
            return document.problems
        if not isinstance(document.data, dict):
            return (*document.problems, *self._checker.check(document))
        key = _text(document, "key", stem)
        fields, problems = fields_of(document)
        problems_by_field = {
            field: tuple(field_problems(field, (key, stem), self._project)) for field in fields if not is_plain(field)
        }
        broken = tuple(field for field, its_problems in problems_by_field.items() if its_problems)
        problems += [problem for its_problems in problems_by_field.values() for problem in its_problems]
        sound = tuple(field for field in fields if not problems_by_field.get(field)) if broken else tuple(fields)
        problems += self._schema_problems(document, sound, broken)
        targets = document.data.get("targets")
        definition = Definition(
            key=key,
            key_and_path=(key, stem),
            targets=tuple(name for name in targets if isinstance(name, str)) if isinstance(targets, list) else None,
            sound=not problems and not document.problems,
            key_location=document.value_location(("key",)),
            moved_from=_text(document, "movedFrom", ""),
            moved_location=document.value_location(("movedFrom",)),
        )
        problems += [*document.problems, *_key_problems(document, stem), *_target_problems(document, self._project)]
        return ParsedDefinition(definition, document, sound, broken, tuple(problems))

    def _schema_problems(
        self, document: Document, fields: Iterable[TemplateField], broken: Iterable[TemplateField]
    ) -> list[Problem]:
        """Return the schema's problems with the file as written, except for values that are not valid YAML."""
        values = [(field, field.text) for field in fields if field.keyword]
        data = with_values(document, [*values, *((field, STAND_IN) for field in broken)])
        problems = set(self._checker.check(document, data))
        if (likely := with_likely_spec(data)) is not data:
            problems.update(self._checker.check(document, likely))
        unreadable = {problem.location for problem in document.problems}
        return sorted(problem for problem in problems if problem.location not in unreadable)


def _text(document: Document, name: str, default: str) -> str:
    value = document.data.get(name)
    return value if isinstance(value, str) else default


def check_key(text: str) -> None:
    """Raise ``UsageError`` for a text on the command line that cannot be a key, or a folder of keys."""
    if not KEY.fullmatch(text):
        raise UsageError(f"{text} cannot be a key", "use letters, digits, `.`, `_` and `-`, in parts separated by `/`")


_NOT_IN_KEY = re.compile(r"[^A-Za-z0-9._/-]")


def _key_problems(document: Document, stem: str) -> Iterator[Problem]:
    if "key" in document.data or (KEY.fullmatch(stem) and len(stem) <= KEY_LENGTH):
        return
    if match := _NOT_IN_KEY.search(stem):
        character = match[0]
        name = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
        reason = f"it contains {'a space' if character == ' ' else name}"
    elif len(stem) > KEY_LENGTH:
        reason = f"it is longer than {KEY_LENGTH} characters"
    else:
        part = next((part for part in stem.split("/") if not part[:1].isalnum()), stem)
        reason = f"`{part}` does not begin with a letter or a digit"
    message = f"the path of the file cannot serve as a key: {reason}"
    remedy = "rename it to letters, digits, `.`, `_` and `-`, or give it a `key:`"
    yield Problem(Location(document.file), "key.invalid", message, remedy)


def _target_problems(document: Document, project: Project) -> Iterator[Problem]:
    targets = document.data.get("targets")
    for index, name in enumerate(targets if isinstance(targets, list) else ()):
        if isinstance(name, str) and not project.has_target(name):
            remedy = suggestion(name, project.targets, f"use one of: {', '.join(project.targets)}")
            location = document.value_location(("targets", index))
            yield Problem(location, "definition.unknown-target", f"there is no target `{name}`", remedy)


def key_conflicts(definitions: tuple[Definition, ...]) -> Iterator[Problem]:
    """Yield a problem for each key that two definitions use, now or formerly."""
    for definition, first in duplicates(definitions, attrgetter("key")):
        message = f"the key `{definition.key}` is already used by {first.file}"
        remedy = "rename one of the files, or give one of them another `key:`"
        yield Problem(definition.key_location, "definition.duplicate-key", message, remedy)
    by_key = {definition.key: definition for definition in definitions}
    by_former_key: dict[Key, Definition] = {}
    for definition in definitions:
        former = definition.moved_from
        if not former:
            continue
        owner = by_key.get(former) or by_former_key.setdefault(former, definition)
        if owner is not definition or former == definition.key:
            owner_name = "this definition itself" if owner is definition else owner.file
            message = f"`movedFrom` names `{former}`, which is or was the key of {owner_name}"
            remedy = "name a former key of this definition only"
            yield Problem(definition.moved_location, "definition.moved-from", message, remedy)


Item = TypeVar("Item")


def duplicates(items: Iterable[Item], key: Callable[[Item], str]) -> Iterator[tuple[Item, Item]]:
    """Yield each item whose key equals that of an earlier item, with the first item that has it."""
    first: dict[str, Item] = {}
    for item in items:
        other = first.setdefault(key(item), item)
        if other is not item:
            yield item, other
