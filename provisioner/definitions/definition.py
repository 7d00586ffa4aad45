"""A document -> a definition: its key, the targets that it is for, and the rules that hold across definitions.

What is found here does not depend on a target. A file with problems still becomes a ``Definition`` where it could be
parsed, so that its templates are checked in the same run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from provisioner import json_schema
from provisioner.definitions import schema
from provisioner.definitions.closest import closest
from provisioner.definitions.documents import Document
from provisioner.definitions.project import Called
from provisioner.model import Key, Location, Problem

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a file says of itself. ``targets`` is None where it is for all of them; ``sound`` says that the schema
    accepts it. ``called`` holds its key and the path that is its key if it names none; ``moved_from`` is the key that
    it had before, "" where it says none. ``key_at`` and ``moved_at`` are where it says so, or would."""

    key: Key
    called: Called
    targets: tuple[str, ...] | None
    sound: bool
    key_at: Location
    moved_from: Key
    moved_at: Location

    @property
    def file(self) -> str:
        return self.key_at.file

    def is_for(self, target: str) -> bool:
        return self.targets is None or target in self.targets


class Definer:
    """Makes definitions of documents. ``targets`` are those that the project has."""

    def __init__(self, targets: Collection[str]) -> None:
        self._targets = targets
        self._checker = schema.Checker(json_schema.load("connection"))

    def define(self, document: Document, stem: str) -> tuple[Definition | None, tuple[Problem, ...]]:
        """The definition that lies at ``stem``, and what is wrong with it. None where it could not be parsed."""
        if document.data is None and document.problems:
            return None, document.problems
        said = {problem.location for problem in document.problems}
        found = (problem for problem in self._checker.check(document) if problem.location not in said)
        problems = (*document.problems, *found)
        if not isinstance(document.data, dict):
            return None, problems
        key = _text(document, "key", stem)
        definition = Definition(
            key=key,
            called=(key, stem),
            targets=_targets(document),
            sound=not problems,
            key_at=document.value_at(("key",)),
            moved_from=_text(document, "movedFrom", ""),
            moved_at=document.value_at(("movedFrom",)),
        )
        return definition, (*problems, *_key_problems(document, stem), *_target_problems(document, self._targets))


KEY = re.compile(json_schema.load("connection")["properties"]["key"]["pattern"])


def _text(document: Document, name: str, otherwise: str) -> str:
    written = document.data.get(name)
    return written if isinstance(written, str) else otherwise


def _key_problems(document: Document, stem: str) -> Iterator[Problem]:
    if "key" not in document.data and not KEY.fullmatch(stem):
        message = "the path of the file cannot serve as a key"
        remedy = "rename it to letters, digits, `.`, `_` and `-`, or give it a `key:`"
        yield Problem(Location(document.file), "key.invalid", message, remedy)


def _targets(document: Document) -> tuple[str, ...] | None:
    written = document.data.get("targets")
    return tuple(name for name in written if isinstance(name, str)) if isinstance(written, list) else None


def _target_problems(document: Document, targets: Collection[str]) -> Iterator[Problem]:
    written = document.data.get("targets")
    for index, name in enumerate(written if isinstance(written, list) else ()):
        if isinstance(name, str) and name not in targets:
            close = closest(name, targets)
            remedy = f"did you mean `{close}`?" if close else f"targets: {', '.join(targets)}"
            location = document.value_at(("targets", index))
            yield Problem(location, "definition.unknown-target", f"there is no target `{name}`", remedy)


def between(definitions: tuple[Definition, ...]) -> Iterator[Problem]:
    """What is wrong with definitions beside each other, whatever the target."""
    yield from _duplicate_keys(definitions)
    yield from _move_problems(definitions)


def _duplicate_keys(definitions: Iterable[Definition]) -> Iterator[Problem]:
    for one, other in repeated(definitions, attrgetter("key")):
        message = f"the key `{one.key}` is taken by {other.file}"
        remedy = "rename one of the files, or give one of them another `key:`"
        yield Problem(one.key_at, "definition.duplicate-key", message, remedy)


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
                one.moved_at, "definition.moved-from", message, "name the former key of this definition alone"
            )
