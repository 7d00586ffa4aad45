"""Every case of ``tests/cases``: adding one is adding its files.

``invalid/NAME.yaml`` is one definition in the project of ``cases/provisioner.yaml``; ``invalid/NAME/`` is a whole
project. ``NAME.expected`` (in a folder: ``expected``) lists the problems, one a line, ``line:column rule``, sorted.
``warned/`` is laid out likewise, for definitions with warnings and no problem.
``valid/NAME.yaml`` has neither; ``NAME.azure.json`` beside it is the body that goes to the service.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.definitions.check import CheckResult
from provisioner.definitions.desired import body
from provisioner.definitions.project import read_project
from provisioner.definitions.render import read
from provisioner.model import Severity
from provisioner.report import problems as report
from provisioner.report.terminal import Style
from tests.definitions.support import CASES, SECRET, brief, check, project_of

INVALID = sorted(path for path in (CASES / "invalid").iterdir() if path.is_dir() or path.suffix == ".yaml")
WARNED = sorted(path for path in (CASES / "warned").iterdir() if path.is_dir() or path.suffix == ".yaml")
VALID = sorted((CASES / "valid").glob("*.yaml"))
BODIES = sorted((CASES / "valid").glob("*.json"))
ENVIRONMENT = json.loads((CASES / "environment.json").read_text("utf-8"))


def name_of(path: Path) -> str:
    return path.name.removesuffix(".yaml")


@pytest.fixture(scope="module", params=INVALID, ids=name_of)
def case(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def folder(case: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_of(case, tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="module")
def checked(folder: Path) -> CheckResult:
    return check(folder)


def test_invalid(case: Path, checked: CheckResult) -> None:
    expected = case / "expected" if case.is_dir() else case.with_suffix(".expected")
    found = [brief(problem, case.is_dir()) for problem in checked.problems]
    assert found == expected.read_text("utf-8").splitlines()


def test_problems_are_complete_sorted_and_deterministic(folder: Path, checked: CheckResult) -> None:
    assert checked.problems
    assert list(checked.problems) == sorted(set(checked.problems))
    assert checked.problems == check(folder).problems
    for problem in checked.problems:
        assert min(problem.location.line, problem.location.column) >= 1
        assert problem.message.strip()
        assert problem.remedy.strip(), problem


def test_reports_contain_no_secret(checked: CheckResult) -> None:
    assert SECRET not in report.as_text(checked.problems, Style(), checked.source_line)
    assert SECRET not in report.as_json(checked.problems, 1, checked.targets)


@pytest.mark.parametrize("case", VALID, ids=name_of)
def test_valid(case: Path, tmp_path: Path) -> None:
    checked = check(project_of(case, tmp_path))
    assert checked.findings == ()
    assert len(checked.definitions) == 1


@pytest.mark.parametrize("case", WARNED, ids=name_of)
def test_warned(case: Path, tmp_path: Path) -> None:
    checked = check(project_of(case, tmp_path))
    expected = case / "expected" if case.is_dir() else case.with_suffix(".expected")
    assert checked.problems == ()
    assert [brief(one, case.is_dir()) for one in checked.warnings] == expected.read_text("utf-8").splitlines()
    assert all(one.message and one.remedy and one.severity is Severity.WARNING for one in checked.warnings)


@pytest.mark.parametrize("case", BODIES, ids=name_of)
def test_body(case: Path, tmp_path: Path) -> None:
    name, target = case.name.removesuffix(".json").rsplit(".", 1)
    project = read_project(project_of(case.parent / f"{name}.yaml", tmp_path))
    (built,) = read(project, (project.target(target),), ENVIRONMENT).by_target
    assert built.problems == ()
    assert body(built.desired[0]) == json.loads(case.read_text("utf-8"))


def test_every_case_has_an_expected_file() -> None:
    expected = {
        path.with_suffix(".yaml") for kind in ("invalid", "warned") for path in (CASES / kind).glob("*.expected")
    }
    assert expected == {path for path in (*INVALID, *WARNED) if path.is_file()}
    assert all((path / "expected").is_file() for path in (*INVALID, *WARNED) if path.is_dir())
    assert {path.name.rsplit(".", 2)[0] for path in BODIES} <= {path.stem for path in VALID}


def test_there_are_enough_cases() -> None:
    assert len(INVALID) >= 50
    assert len(VALID) >= 10
