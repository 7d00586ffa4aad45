"""The folder of definitions -> what they ask for on each target, and all that is wrong with them.

Each file is worked on from its text to what it asks for before the next one is looked at, and what it was parsed into
is dropped: thousands of files take little memory, and other processes can take a share of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.definitions import files
from provisioner.definitions.definition import Definer, Definition, between
from provisioner.definitions.desired import Builder, Built, joined
from provisioner.definitions.documents import parse
from provisioner.definitions.part import Part, pack, unpack
from provisioner.definitions.project import CONNECTIONS, Project, Target
from provisioner.model import Problem
from provisioner.progress import SILENT, Progress
from provisioner.sharing import Job, Share, alone


@dataclass(frozen=True, slots=True)
class Read:
    """``texts`` are those of all files that could be read, by path; ``definitions`` those of them that could be parsed;
    ``problems`` are with the files as such; ``built`` is what is asked for on each of the targets, in their order."""

    texts: Mapping[str, str]
    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...]
    built: tuple[Built, ...]


def read(
    project: Project,
    targets: tuple[Target, ...],
    environment: Mapping[str, str],
    progress: Progress = SILENT,
    share: Share = alone,
) -> Read:
    """Every definition of the project, applied to each of the targets that it is for."""
    entries, found = files.list_tree(project.connections, CONNECTIONS)
    job = Job(_Work(project, targets, environment), pack, unpack)
    parts = share(entries, job, progress.of("definitions read", len(entries)))
    definitions = tuple(part.definition for part in parts if part.definition)
    problems = (*found, *(problem for part in parts for problem in part.problems), *between(definitions))
    built = tuple(joined(part.built[place] for part in parts if part.built) for place in range(len(targets)))
    return Read({part.file: part.text for part in parts if part.text is not None}, definitions, problems, built)


class _Work:
    """From a file that was listed to what it comes to."""

    def __init__(self, project: Project, targets: tuple[Target, ...], environment: Mapping[str, str]) -> None:
        self._folder = project.connections
        self._definer = Definer(project.targets)
        self._builders = tuple(Builder(project, target, environment) for target in targets)

    def __call__(self, entry: files.Entry) -> Part:
        text = files.read_entry(entry, self._folder)
        if isinstance(text, Problem):
            return Part(entry.file, problems=(text,))
        document = parse(entry.file, text)
        definition, problems = self._definer.define(document, entry.stem)
        built = tuple(builder.build(definition, document) for builder in self._builders) if definition else ()
        return Part(entry.file, text, definition, problems, built)
