"""``validate``: every file, every target, every problem. No secret, no network, no state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from provisioner.definitions.definition import Definition, read_definitions
from provisioner.definitions.desired import build
from provisioner.definitions.documents import Document
from provisioner.definitions.project import Project, Target
from provisioner.model import Location, Problem
from provisioner.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Checked:
    """What ``validate`` found. ``problems`` are sorted, each once; ``documents`` are the files, unreadable YAML too."""

    definitions: tuple[Definition, ...]
    targets: tuple[str, ...]
    problems: tuple[Problem, ...]
    documents: tuple[Document, ...] = ()

    def source_line(self, location: Location) -> str:
        """The line of a definition that a location is in."""
        found = (document for document in self.documents if document.file == location.file)
        return next((document.line(location.line) for document in found), "")


def validate(project: Project, targets: tuple[Target, ...], progress: Progress = SILENT) -> Checked:
    """Check the definitions against each target that they apply to."""
    definitions, documents, problems = read_definitions(project, progress)
    names = tuple(target.name for target in targets)
    found = {target.name: build(definitions, project, target, {}, progress).problems for target in targets}
    merged = _merge(found, {one.document.file: one for one in definitions})
    return Checked(definitions, names, tuple(sorted({*problems, *merged})), documents)


def _merge(found: Mapping[str, Iterable[Problem]], by_file: Mapping[str, Definition]) -> Iterable[Problem]:
    """Equal problems of several targets become one, which names them unless it holds for all that apply."""
    holds_for: dict[Problem, list[str]] = {}
    for target, problems in found.items():
        for problem in problems:
            holds_for.setdefault(problem, []).append(target)
    for problem, targets in holds_for.items():
        definition = by_file[problem.location.file]
        applicable = [target for target in found if definition.is_for(target)]
        everywhere = set(targets) >= set(applicable)
        yield problem if everywhere else replace(problem, targets=tuple(sorted(set(targets))))
