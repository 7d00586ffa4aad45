"""``validate``: every file, every target, every problem. No secret, no network, no state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from provisioner.definitions.definition import Definition
from provisioner.definitions.desired import Desired
from provisioner.definitions.files import not_read
from provisioner.definitions.lint import description_warnings, name_warnings
from provisioner.definitions.project import CONNECTIONS, FILE_NAME, Project, Target, UnsoundProject, read_project
from provisioner.definitions.read import read
from provisioner.definitions.syntax import source_line
from provisioner.errors import ProblemsFound
from provisioner.model import Location, Problem
from provisioner.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Checked:
    """What ``validate`` found. ``problems`` are errors and ``warnings`` what does not make it fail, sorted, each once;
    ``texts`` are those of the files, by path, also of the project file and of what is no YAML."""

    definitions: tuple[Definition, ...]
    targets: tuple[str, ...]
    problems: tuple[Problem, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    @property
    def findings(self) -> tuple[Problem, ...]:
        """Errors and warnings, in the order of their places."""
        return tuple(sorted((*self.problems, *self.warnings)))

    @property
    def files(self) -> int:
        """The number of definitions that could be read, whatever they hold."""
        return sum(file != FILE_NAME for file in self.texts)

    def source_line(self, location: Location) -> str:
        """Return the line that a location is in."""
        return source_line(self.texts.get(location.file, ""), location.line)


def open_project(folder: Path) -> Project:
    """Read the project file. Where it is unsound, raise ``ProblemsFound`` with what is wrong with the definitions too,
    as far as that does not depend on the unsound parts."""
    try:
        return read_project(folder)
    except UnsoundProject as unsound:
        found = validate(unsound.rest, tuple(unsound.rest.targets.values()))
        problems = tuple(sorted({*unsound.problems, *found.problems}))
        raise ProblemsFound(problems, found.source_line) from None


def validate(project: Project, targets: tuple[Target, ...], progress: Progress = SILENT) -> Checked:
    """Check the definitions against each target that they apply to."""
    found = read(project, targets, {}, progress)
    names = tuple(target.name for target in targets)
    built = dict(zip(names, found.built, strict=True))
    by_file = {one.file: one for one in found.definitions}
    problems = {*found.problems, *_merge({name: one.problems for name, one in built.items()}, by_file)}
    doubts = {
        name: (*name_warnings(_by_file(one.desired)), *description_warnings(one.desired)) for name, one in built.items()
    }
    warnings = {*_merge(doubts, by_file), *not_read(project.folder, CONNECTIONS)}
    texts = {FILE_NAME: project.text, **found.texts}
    return Checked(found.definitions, names, tuple(sorted(problems)), texts, tuple(sorted(warnings)))


def _by_file(desired: Iterable[Desired]) -> list[Desired]:
    return sorted(desired, key=lambda one: one.location)


def _merge(found: Mapping[str, Iterable[Problem]], by_file: Mapping[str, Definition]) -> Iterable[Problem]:
    """Equal problems of several targets become one, which names them unless it holds for all that apply."""
    holds_for: dict[Problem, list[str]] = {}
    for target, problems in found.items():
        for problem in problems:
            holds_for.setdefault(replace(problem, targets=()), []).append(target)
    for problem, targets in holds_for.items():
        definition = by_file.get(problem.location.file)
        applicable = [target for target in found if definition is None or definition.is_for(target)]
        if definition is None or not set(targets) >= set(applicable) or problem.rule in ALWAYS_NAMED:
            problem = replace(problem, targets=tuple(sorted(set(targets))))
        yield problem


ALWAYS_NAMED = ("template.unset-var",)
"""What is to be mended in the project file, at the target."""
