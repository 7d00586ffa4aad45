"""The folder of definitions -> what they ask for on each target, and all that is wrong with them.

A few files at a time are worked on from their texts to what they ask for, and what they were parsed into is dropped:
thousands take little memory, and other processes can take a share of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from provisioner.definitions import files
from provisioner.definitions.building import Builder, Built, joined
from provisioner.definitions.definition import Definer, Definition, between
from provisioner.definitions.documents import Document, parse
from provisioner.definitions.part import Part, pack, unpack
from provisioner.definitions.project import CONNECTIONS, Project, Target
from provisioner.model import Problem
from provisioner.progress import SILENT, Progress
from provisioner.sharing import Job, Share, alone, in_order


@dataclass(frozen=True, slots=True)
class Read:
    """``texts`` are those of all files that could be read, by path; ``definitions`` those of them that could be parsed;
    ``problems`` are with the files as such; ``built`` is what is asked for on each of the targets, in their order."""

    texts: Mapping[str, str]
    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...]
    built: tuple[Built, ...]


@contextmanager
def reading(
    project: Project,
    targets: tuple[Target, ...],
    environment: Mapping[str, str],
    progress: Progress = SILENT,
    share: Share = alone,
) -> Iterator[Callable[[], Read]]:
    """Begins to read every definition of the project and to apply it to each of the targets that it is for, as far as
    others help; the function that is given ends it, and has what it comes to. It is called once, before the end."""
    entries, found = files.list_tree(project.connections, CONNECTIONS)
    more = progress.of("definitions read", len(entries))
    more(0)
    with share(entries, Job(_Work(project, targets, environment), pack, unpack), more) as chunks:
        yield lambda: _read(_whole(in_order(chunks), len(entries)), found, targets)


def read(
    project: Project,
    targets: tuple[Target, ...],
    environment: Mapping[str, str],
    progress: Progress = SILENT,
    share: Share = alone,
) -> Read:
    """The same at once."""
    with reading(project, targets, environment, progress, share) as finish:
        return finish()


def _whole(parts: list[Part], number: int) -> list[Part]:
    """What is not read must never look as if it were not there: definitions that are gone may be deleted."""
    if len(parts) != number:
        raise RuntimeError(f"{len(parts)} of {number} definitions were read")
    return parts


def _read(parts: Sequence[Part], found: Iterable[Problem], targets: tuple[Target, ...]) -> Read:
    definitions = tuple(part.definition for part in parts if part.definition)
    problems = (*found, *(problem for part in parts for problem in part.problems), *between(definitions))
    built = tuple(joined(part.built[index] for part in parts) for index in range(len(targets)))
    return Read({part.file: part.text for part in parts if part.text is not None}, definitions, problems, built)


class _Work:
    """From a file that was listed to what it comes to."""

    def __init__(self, project: Project, targets: tuple[Target, ...], environment: Mapping[str, str]) -> None:
        self._folder = project.connections
        self._definer = Definer(project.targets)
        self._builders = tuple(Builder(project, target, environment) for target in targets)

    def __call__(self, entries: Sequence[files.Entry]) -> list[Part]:
        # Stage by stage: a processor that does the same thing again is an eighth faster.
        texts = [files.read_entry(entry, self._folder) for entry in entries]
        documents = list(map(_parsed, entries, texts))
        found = [self._definer.define(document, entry.stem) for entry, document in zip(entries, documents, strict=True)]
        definitions = [definition for definition, _ in found]
        by_target = [list(map(builder.build, definitions, documents)) for builder in self._builders]
        built = list(zip(*by_target, strict=True)) or [()] * len(entries)
        return [
            Part(document.file, text if isinstance(text, str) else None, *found, built)
            for document, text, found, built in zip(documents, texts, found, built, strict=True)
        ]


def _parsed(entry: files.Entry, text: str | Problem) -> Document:
    return Document(entry.file, "", problems=(text,)) if isinstance(text, Problem) else parse(entry.file, text)
