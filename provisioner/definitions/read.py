"""The folder of definitions -> what they ask for on each target, and all that is wrong with them.

A few files at a time are worked on from their texts to what they ask for, stage by stage, which is a fifth faster than
file by file; what they were parsed into is dropped, so that thousands take little memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.definitions import files
from provisioner.definitions.building import Builder, Built, joined
from provisioner.definitions.definition import Declared, Definer, Definition, between
from provisioner.definitions.loader import parse
from provisioner.definitions.project import CONNECTIONS, Project, Target
from provisioner.model import Problem
from provisioner.progress import SILENT, Progress

TOGETHER = 100
"""Files that are worked on together."""


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
    definer = Definer(project)
    builders = [Builder(target, environment) for target in targets]
    built: list[list[Built]] = [[] for _ in targets]
    more = progress.of("definitions read", len(entries))
    more(0)
    for start in range(0, len(entries), TOGETHER):
        chunk = entries[start : start + TOGETHER]
        contents = [(entry, files.read_entry(entry, project.connections)) for entry in chunk]
        problems += [text for _, text in contents if isinstance(text, Problem)]
        texts |= {entry.file: text for entry, text in contents if isinstance(text, str)}
        documents = [(entry, parse(entry.file, text)) for entry, text in contents if isinstance(text, str)]
        defined = [definer.define(document, entry.stem) for entry, document in documents]
        declared = [one for one in defined if isinstance(one, Declared)]
        problems += [problem for one in defined for problem in (one.problems if isinstance(one, Declared) else one)]
        definitions += [one.definition for one in declared]
        for parts, builder in zip(built, builders, strict=True):
            parts += [builder.build(one) for one in declared]
        more(len(chunk))
    whole = tuple(definitions)
    return Read(texts, whole, (*problems, *between(whole)), tuple(map(joined, built)))
