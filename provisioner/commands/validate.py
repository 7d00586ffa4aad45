"""``validate``: every file, every target, every problem. No secret, no network, no state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from provisioner.definitions.definition import Definition, read_definitions
from provisioner.definitions.desired import build
from provisioner.definitions.project import Project, Target
from provisioner.model import Location, Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """What ``validate`` found. ``problems`` are sorted, each once."""

    definitions: tuple[Definition, ...]
    targets: tuple[str, ...]
    problems: tuple[Problem, ...]

    def source_line(self, location: Location) -> str:
        """The line of a definition that a location is in."""
        for definition in self.definitions:
            if definition.document.file == location.file:
                return definition.document.line(location.line)
        return ""


def validate(project: Project, targets: tuple[Target, ...]) -> Checked:
    """Check the definitions against each target that they apply to."""
    definitions, problems = read_definitions(project)
    names = tuple(target.name for target in targets)
    found = {target.name: build(definitions, project, target, {})[1] for target in targets}
    merged = _merge(found, {one.document.file: one for one in definitions})
    return Checked(definitions, names, tuple(sorted({*problems, *merged})))


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
