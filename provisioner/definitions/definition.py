"""Files -> definitions: read, parse, hold against the published schema, give each its key.

What is found here does not depend on a target. A file with problems still becomes a ``Definition`` where it could be
parsed, so that its templates are checked in the same run.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.definitions import files, schema
from provisioner.definitions.documents import Document, parse
from provisioner.definitions.project import CONNECTIONS, Called, Project
from provisioner.model import Key, Location, Problem
from provisioner.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Definition:
    """One parsed file. ``targets`` is None where it is for all of them; ``sound`` says that the schema accepts it.
    ``called`` holds its key and the path that is its key if it names none; ``moved_from`` is the key that it had
    before, "" where it says none."""

    key: Key
    called: Called
    document: Document
    targets: tuple[str, ...] | None
    sound: bool
    moved_from: Key = ""

    def is_for(self, target: str) -> bool:
        return self.targets is None or target in self.targets


def read_definitions(
    project: Project, progress: Progress = SILENT
) -> tuple[tuple[Definition, ...], tuple[Document, ...], tuple[Problem, ...]]:
    """Every definition of the project, by path; every file that was read; all that is wrong with the files as such."""
    sources, found = files.read_tree(project.connections, CONNECTIONS)
    problems = list(found)
    checker = schema.Checker(schema.load("connection"))
    definitions: list[Definition] = []
    documents = tuple(parse(source.file, source.text) for source in progress.over("files read", sources))
    for source, document in zip(sources, documents, strict=True):
        problems.extend(document.problems)
        if document.data is None and document.problems:
            continue
        schema_problems = checker.check(document)
        problems.extend(schema_problems)
        if isinstance(document.data, dict):
            sound = not schema_problems and not document.problems
            key = _key(source, document)
            called = (key, source.stem)
            definitions.append(Definition(key, called, document, _targets(document), sound, _moved_from(document)))
            problems.extend(_key_problems(source, document))
            problems.extend(_target_problems(document, project))
    problems.extend(_duplicate_keys(definitions))
    problems.extend(_move_problems(definitions))
    return tuple(definitions), documents, tuple(problems)


KEY = re.compile(schema.load("connection")["properties"]["key"]["pattern"])


def _key(source: files.Source, document: Document) -> Key:
    written = document.data.get("key")
    return written if isinstance(written, str) else source.stem


def _key_problems(source: files.Source, document: Document) -> Iterator[Problem]:
    if "key" not in document.data and not KEY.fullmatch(source.stem):
        message = "the path of the file cannot serve as a key"
        remedy = "rename it to letters, digits, `.`, `_` and `-`, or give it a `key:`"
        yield Problem(Location(source.file), "key.invalid", message, remedy)


def _moved_from(document: Document) -> Key:
    written = document.data.get("movedFrom")
    return written if isinstance(written, str) else ""


def _targets(document: Document) -> tuple[str, ...] | None:
    written = document.data.get("targets")
    return tuple(name for name in written if isinstance(name, str)) if isinstance(written, list) else None


def _target_problems(document: Document, project: Project) -> Iterator[Problem]:
    written = document.data.get("targets")
    for index, name in enumerate(written if isinstance(written, list) else ()):
        if isinstance(name, str) and name not in project.targets:
            close = difflib.get_close_matches(name, project.targets, n=1)
            remedy = f"did you mean `{close[0]}`?" if close else f"targets: {', '.join(project.targets)}"
            location = document.value_at(("targets", index))
            yield Problem(location, "definition.unknown-target", f"there is no target `{name}`", remedy)


def _duplicate_keys(definitions: Iterable[Definition]) -> Iterator[Problem]:
    first: dict[Key, Definition] = {}
    for definition in definitions:
        other = first.setdefault(definition.key, definition)
        if other is not definition:
            message = f"the key `{definition.key}` is taken by {other.document.file}"
            remedy = "rename one of the files, or give one of them another `key:`"
            location = definition.document.value_at(("key",))
            yield Problem(location, "definition.duplicate-key", message, remedy)


def _move_problems(definitions: Iterable[Definition]) -> Iterator[Problem]:
    """A key that a definition gives up cannot be another one's, now or before."""
    by_key = {one.key: one for one in definitions}
    movers: dict[Key, Definition] = {}
    for one in definitions:
        if not one.moved_from:
            continue
        taken = by_key.get(one.moved_from) or movers.setdefault(one.moved_from, one)
        if taken is not one or one.moved_from == one.key:
            whose = "this definition itself" if taken is one else taken.document.file
            message = f"`movedFrom` names `{one.moved_from}`, which is the key of {whose}, or was"
            location = one.document.value_at(("movedFrom",))
            yield Problem(location, "definition.moved-from", message, "name the former key of this definition alone")
