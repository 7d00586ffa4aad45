"""``validate``: check every definition against every target, and warn about names and descriptions.

Needs no secret, no network and no state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from provisioner.definitions.definition import Definition
from provisioner.definitions.desired import Desired
from provisioner.definitions.files import overlooked_files
from provisioner.definitions.project import CONNECTIONS, FILE_NAME, Project, Target, UnsoundProject, read_project
from provisioner.definitions.render import read
from provisioner.definitions.yaml_problems import source_line
from provisioner.errors import ProblemsFound
from provisioner.model import Location, Problem, Severity
from provisioner.progress import SILENT, Progress
from provisioner.text import instability, lookalikes, stabilize

ALWAYS_NAMES_TARGETS = ("template.unset-var",)
"""Rules whose problems are solved in the project file, separately for each target."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of ``validate``. ``problems`` are errors, ``warnings`` do not make it fail; both are sorted.
    ``texts`` are those of all files by path, including the project file and files that are not YAML."""

    definitions: tuple[Definition, ...]
    targets: tuple[str, ...]
    problems: tuple[Problem, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    @property
    def findings(self) -> tuple[Problem, ...]:
        """Return errors and warnings, sorted by location."""
        return tuple(sorted((*self.problems, *self.warnings)))

    @property
    def files(self) -> int:
        """Return the number of files of definitions that could be read, valid or not."""
        return sum(file != FILE_NAME for file in self.texts)

    def source_line(self, location: Location) -> str:
        return source_line(self.texts.get(location.file, ""), location.line)


def open_project(folder: Path) -> Project:
    """Read the project file. If it has problems, raise ``ProblemsFound`` with those of the definitions too, as far as
    the sound part of the project file allows to find them."""
    try:
        return read_project(folder)
    except UnsoundProject as unsound:
        checked = validate(unsound.rest, tuple(unsound.rest.targets.values()))
        problems = tuple(sorted({*unsound.problems, *checked.problems}))
        raise ProblemsFound(problems, checked.source_line) from None


def validate(project: Project, targets: tuple[Target, ...], progress: Progress = SILENT) -> CheckResult:
    """Check the definitions against each of the targets that they apply to."""
    result = read(project, targets, {}, progress)
    names = tuple(target.name for target in targets)
    by_file = {definition.file: definition for definition in result.definitions}
    problems: dict[str, tuple[Problem, ...]] = {}
    warnings: dict[str, tuple[Problem, ...]] = {}
    for name, built in zip(names, result.by_target, strict=True):
        problems[name] = built.problems
        by_location = sorted(built.desired, key=lambda desired: desired.location)
        warnings[name] = (*name_warnings(by_location), *description_warnings(by_location))
    return CheckResult(
        result.definitions,
        names,
        tuple(sorted({*result.problems, *_merged(problems, by_file)})),
        {FILE_NAME: project.text, **result.texts},
        tuple(sorted({*_merged(warnings, by_file), *overlooked_files(project.folder, CONNECTIONS)})),
    )


def _merged(problems: Mapping[str, Iterable[Problem]], by_file: Mapping[str, Definition]) -> Iterator[Problem]:
    """Yield the problems by target with equal ones merged. A merged problem names its targets, unless they are all that
    the definition applies to."""
    targets_of: dict[Problem, set[str]] = {}
    for target, target_problems in problems.items():
        for problem in target_problems:
            targets_of.setdefault(replace(problem, targets=()), set()).add(target)
    for problem, targets in targets_of.items():
        definition = by_file.get(problem.location.file)
        applies_to = {target for target in problems if definition is None or definition.is_for(target)}
        if definition is None or not targets >= applies_to or problem.rule in ALWAYS_NAMES_TARGETS:
            problem = replace(problem, targets=tuple(sorted(targets)))
        yield problem


def name_warnings(desired: Iterable[Desired]) -> Iterator[Problem]:
    """Yield a warning for each name that the service may change, and for the later of two names that look alike.

    A name is skipped if its value is not known here or must not be shown.
    """
    by_file = {item.location.file: item for item in desired if "name" in item.texts}
    others = lookalikes({file: item.name for file, item in by_file.items()})
    earlier = set[str]()
    for file, item in by_file.items():
        if reason := instability(item.name):
            stable = stabilize(item.name)
            remedy = f"write `{stable}`" if stable else "write a shorter name without invisible characters"
            message = f"the name {reason}, and the service may return it changed"
            yield _warning(item, "name", "name.unstable", message, remedy)
        if others.get(file) in earlier:
            message = (
                f"the name looks like that of {others[file]}: it differs only in case, white space, Unicode form or "
                "invisible characters"
            )
            yield _warning(
                item, "name", "name.lookalike", message, "give each base connection a clearly different name"
            )
        earlier.add(file)


def description_warnings(desired: Iterable[Desired]) -> Iterator[Problem]:
    """Yield a warning for each description with white space at its ends, as a block scalar leaves it.

    If the service trims texts, every later plan shows such a description as changed. Any other comes back as it was
    sent (assumed: text-kept).
    """
    for item in desired:
        text = item.texts.get("description", "")
        if text != text.strip():
            message = "the description begins or ends with white space, and the service may return it without"
            remedy = "remove it; in a block, `|-` and `>-` add no line break at the end"
            yield _warning(item, "description", "description.unstable", message, remedy)


def _warning(desired: Desired, path: str, rule: str, message: str, remedy: str) -> Problem:
    return Problem(desired.location_of(path), rule, message, remedy, severity=Severity.WARNING)
