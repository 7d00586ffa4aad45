"""The folder of definitions -> what they ask for on each target, and all that is wrong with them.

Each file is worked on from its text to what it asks for, and what it was parsed into is dropped: thousands take little
memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.definitions import files
from provisioner.definitions.building import Builder, Built, joined
from provisioner.definitions.definition import Definer, Definition, between
from provisioner.definitions.documents import parse
from provisioner.definitions.project import CONNECTIONS, Project, Target
from provisioner.model import Problem
from provisioner.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Read:
    """``texts`` are those of all files that could be read, by path; ``definitions`` those of them that could be parsed;
    ``problems`` are with the files as such; ``built`` is what is asked for on each of the targets, in their order."""

    texts: Mapping[str, str]
    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...]
    built: tuple[Built, ...]


def read(
    project: Project, targets: tuple[Target, ...], environment: Mapping[str, str], progress: Progress = SILENT
) -> Read:
    """Read every definition of the project and apply it to each of the targets that it is for."""
    entries, found = files.list_tree(project.connections, CONNECTIONS)
    problems, texts, definitions = list(found), dict[str, str](), list[Definition]()
    definer = Definer(project.targets)
    builders = [Builder(project, target, environment) for target in targets]
    built: list[list[Built]] = [[] for _ in targets]
    more = progress.of("definitions read", len(entries))
    more(0)
    for entry in entries:
        text = files.read_entry(entry, project.connections)
        more(1)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        texts[entry.file] = text
        document = parse(entry.file, text)
        definition, found = definer.define(document, entry.stem)
        problems += found
        if definition is None:
            continue
        definitions.append(definition)
        for parts, builder in zip(built, builders, strict=True):
            parts.append(builder.build(definition, document))
    whole = tuple(definitions)
    return Read(texts, whole, (*problems, *between(whole)), tuple(map(joined, built)))
