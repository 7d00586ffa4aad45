"""A document -> a definition: its key, the targets that it is for, and the rules that hold across definitions.

What is found here does not depend on a target. A file with problems still becomes a ``Definition`` where it could be
parsed, so that the targets find theirs in the same run.
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
    fields_of,
    is_plain,
    judge,
    with_likely_spec,
    with_values,
)
from provisioner.definitions.hints import suggestion
from provisioner.definitions.loader import Document
from provisioner.definitions.project import Called, Project
from provisioner.model import Key, Location, Problem

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a file says of itself. ``targets`` is None where it is for all of them; ``sound`` says that the schema
    accepts it. ``called`` holds its key and the path that is its key if it names none; ``moved_from`` is the key that
    it had before, "" where it says none. ``key_location`` and ``moved_location`` are where it says so, or would."""

    key: Key
    called: Called
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
    """A file that could be parsed. ``fields`` are those with nothing against them on any target, ``broken`` the rest;
    ``problems`` are those of the file, on any target."""

    definition: Definition
    document: Document
    fields: tuple[TemplateField, ...]
    broken: tuple[TemplateField, ...]
    problems: tuple[Problem, ...]


class DefinitionParser:
    """Makes definitions of documents."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._checker = schema.Checker(json_schema.load("connection"))

    def define(self, document: Document, stem: str) -> ParsedDefinition | tuple[Problem, ...]:
        """Return the definition that lies at ``stem``; what is wrong with the file where it could not be parsed."""
        if document.data is None and document.problems:
            return document.problems
        if not isinstance(document.data, dict):
            return (*document.problems, *self._checker.check(document))
        key = _text(document, "key", stem)
        called = (key, stem)
        leaves, problems = fields_of(document)
        against = {leaf: tuple(judge(leaf, called, self._project)) for leaf in leaves if not is_plain(leaf)}
        broken = tuple(leaf for leaf, found in against.items() if found)
        problems += [problem for found in against.values() for problem in found]
        sound = tuple(leaf for leaf in leaves if not against.get(leaf)) if broken else tuple(leaves)
        problems += self._schema_problems(document, sound, broken)
        definition = Definition(
            key=key,
            called=called,
            targets=_targets(document),
            sound=not problems and not document.problems,
            key_location=document.value_location(("key",)),
            moved_from=_text(document, "movedFrom", ""),
            moved_location=document.value_location(("movedFrom",)),
        )
        problems += [*document.problems, *_key_problems(document, stem), *_target_problems(document, self._project)]
        return ParsedDefinition(definition, document, sound, broken, tuple(problems))

    def _schema_problems(
        self, document: Document, leaves: Iterable[TemplateField], broken: Iterable[TemplateField]
    ) -> Iterator[Problem]:
        """Yield what the schema says of the file as it is written, but of what could not be read as YAML."""
        said = {problem.location for problem in document.problems}
        data = with_values(document, written(leaves, broken))
        found = set(self._checker.check(document, data))
        if (likely := with_likely_spec(data)) is not data:
            found.update(self._checker.check(document, likely))
        yield from sorted(problem for problem in found if problem.location not in said)


def written(leaves: Iterable[TemplateField], broken: Iterable[TemplateField]) -> Iterator[tuple[TemplateField, str]]:
    """Yield the texts of leaves as they are in the file, where nothing is against them."""
    yield from ((leaf, leaf.text) for leaf in leaves if leaf.keyword)
    yield from ((leaf, STAND_IN) for leaf in broken)


_RULE = json_schema.load("connection")["properties"]["key"]
KEY, KEY_LENGTH = re.compile(_RULE["pattern"]), _RULE["maxLength"]


def _text(document: Document, name: str, otherwise: str) -> str:
    written = document.data.get(name)
    return written if isinstance(written, str) else otherwise


def _key_problems(document: Document, stem: str) -> Iterator[Problem]:
    if "key" not in document.data and not (KEY.fullmatch(stem) and len(stem) <= KEY_LENGTH):
        message = f"the path of the file cannot serve as a key: {_unfit(stem)}"
        remedy = "rename it to letters, digits, `.`, `_` and `-`, or give it a `key:`"
        yield Problem(Location(document.file), "key.invalid", message, remedy)


_UNFIT = re.compile(r"[^A-Za-z0-9._/-]")


def _unfit(stem: str) -> str:
    """Return what of a path no key may hold."""
    found = _UNFIT.search(stem)
    if found:
        name = "a blank" if found[0] == " " else f"`{found[0]}`" if found[0].isprintable() else f"U+{ord(found[0]):04X}"
        return f"it holds {name}"
    if len(stem) > KEY_LENGTH:
        return f"it is longer than {KEY_LENGTH} characters"
    part = next((part for part in stem.split("/") if not part[:1].isalnum()), stem)
    return f"`{part}` does not begin with a letter or a digit"


def _targets(document: Document) -> tuple[str, ...] | None:
    written = document.data.get("targets")
    return tuple(name for name in written if isinstance(name, str)) if isinstance(written, list) else None


def _target_problems(document: Document, project: Project) -> Iterator[Problem]:
    written = document.data.get("targets")
    for index, name in enumerate(written if isinstance(written, list) else ()):
        if isinstance(name, str) and not project.has_target(name):
            remedy = suggestion(name, project.targets, f"targets: {', '.join(project.targets)}")
            location = document.value_location(("targets", index))
            yield Problem(location, "definition.unknown-target", f"there is no target `{name}`", remedy)


def between(definitions: tuple[Definition, ...]) -> Iterator[Problem]:
    """What is wrong with definitions beside each other, whatever the target."""
    yield from _duplicate_keys(definitions)
    yield from _move_problems(definitions)


def _duplicate_keys(definitions: Iterable[Definition]) -> Iterator[Problem]:
    for one, other in repeated(definitions, attrgetter("key")):
        message = f"the key `{one.key}` is taken by {other.file}"
        remedy = "rename one of the files, or give one of them another `key:`"
        yield Problem(one.key_location, "definition.duplicate-key", message, remedy)


def repeated(items: Iterable[Item], of: Callable[[Item], str]) -> Iterator[tuple[Item, Item]]:
    """Each item that has the same as an earlier one, with the first that has it."""
    first: dict[str, Item] = {}
    for item in items:
        other = first.setdefault(of(item), item)
        if other is not item:
            yield item, other


def _move_problems(definitions: Iterable[Definition]) -> Iterator[Problem]:
    """A key that a definition gives up cannot be another one's, now or before."""
    by_key = {one.key: one for one in definitions}
    movers: dict[Key, Definition] = {}
    for one in definitions:
        if not one.moved_from:
            continue
        taken = by_key.get(one.moved_from) or movers.setdefault(one.moved_from, one)
        if taken is not one or one.moved_from == one.key:
            whose = "this definition itself" if taken is one else taken.file
            message = f"`movedFrom` names `{one.moved_from}`, which is the key of {whose}, or was"
            yield Problem(
                one.moved_location, "definition.moved-from", message, "name the former key of this definition alone"
            )
