"""Helpers for the tests of definitions: a project around a few files, and its problems as ``validate`` finds them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from provisioner.definitions.check import CheckResult, open_project, validate
from provisioner.errors import ProblemsFound
from provisioner.model import Problem

CASES = Path(__file__).resolve().parent.parent / "cases"
PROJECT = CASES / "provisioner.yaml"
SECRET = "hunter2"
"""The literal secret in all cases. It must not occur in anything that the tool prints."""


def project(folder: Path, files: Mapping[str, str | bytes], project_file: str | None = None) -> Path:
    """Create a project with these definitions, by path below ``connections/``."""
    (folder / "connections").mkdir(parents=True, exist_ok=True)
    (folder / "provisioner.yaml").write_text(project_file or PROJECT.read_text("utf-8"), "utf-8")
    for name, content in files.items():
        path = folder / "connections" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def project_of(case: Path, folder: Path) -> Path:
    """Create the project of a case: a copy of a folder, or the standard project with a file as its only definition."""
    if case.is_dir():
        return Path(shutil.copytree(case, folder / "project"))
    return project(folder, {"case.yaml": case.read_bytes()})


def check(folder: Path, *targets: str) -> CheckResult:
    """Run ``validate``, for all targets if none is named. Problems of the project file are in the result too."""
    try:
        read = open_project(folder)
    except ProblemsFound as found:
        return CheckResult((), (), found.problems)
    return validate(read, tuple(read.target(name) for name in targets or read.targets))


def brief(problem: Problem, with_file: bool = False) -> str:
    """Return ``line:column rule`` and, unless for all, the targets, as in the ``.expected`` files."""
    place = f"{problem.location.line}:{problem.location.column}"
    where = f"{problem.location.file}:{place}" if with_file else place
    return f"{where} {problem.rule}" + (f" on {', '.join(problem.targets)}" if problem.targets else "")
