"""The limits of the project file: of all targets, of one, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.definitions.project import read_project
from tests.definitions.support import check, project

TWO_TARGETS = """\
version: 1
{}
targets:
  prod:
    sandbox: prod
    {}
  dev: {{sandbox: dev}}
"""


@pytest.mark.parametrize(
    ("of_all", "of_prod", "prod", "dev"),
    [
        ("", "", (None, None), (None, None)),
        ("limits: {}", "limits: {}", (None, None), (None, None)),
        ("limits: {deletes: 5}", "", ((5, 2), None), ((5, 2), None)),
        ("", "limits: {updates: 0}", (None, (0, 6)), (None, None)),
        ("limits: {deletes: 5, updates: 9}", "limits: {deletes: 0}", ((0, 6), (9, 2)), ((5, 2), (9, 2))),
        ("limits: {deletes: 0}", "limits: {deletes: 7, updates: 7}", ((7, 6), (7, 6)), ((0, 2), None)),
    ],
)
def test_a_number_of_a_target_replaces_that_of_all(
    tmp_path: Path, of_all: str, of_prod: str, prod: tuple[object, object], dev: tuple[object, object]
) -> None:
    read = read_project(project(tmp_path, {}, TWO_TARGETS.format(of_all, of_prod)))
    for name, expected in (("prod", prod), ("dev", dev)):
        limits = read.target(name).limits
        numbers = (limit and (limit.number, limit.location.line) for limit in (limits.deletes, limits.updates))
        assert tuple(numbers) == expected


WRONG = {
    "limits: {deletes: -1}": "schema.value `{}limits.deletes` must be a whole number, 0 or more",
    'limits: {deletes: "5"}': "schema.type `{}limits.deletes` must be a whole number, 0 or more",
    "limits: {updates: true}": "schema.type `{}limits.updates` must be a whole number, 0 or more",
    "limits: {updates: 1.5}": "yaml.fraction a number with a fraction or an exponent, which no property takes",
    "limits: {updates: }": "schema.empty `{}limits.updates` has no value",
    "limits:": "schema.empty `{}limits` has no value",
    "limits: 5": "schema.type `{}limits` must be a mapping with `deletes`, `updates`, or both",
    "limits: {delete: 5}": "schema.unknown-property unknown property `delete` in `{}limits`: did you mean `deletes`?",
    "limits: {creates: 5}": "schema.unknown-property unknown property in `{}limits`: use one of",
    "deletes: 5": "schema.misplaced `deletes` belongs under `{}limits`",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_limits(tmp_path: Path, text: str) -> None:
    for of_all, of_prod, line, prefix in ((text, "", 2, ""), ("", text, 6, "targets.prod.")):
        problems = check(project(tmp_path, {}, TWO_TARGETS.format(of_all, of_prod))).problems
        (problem,) = (one for one in problems if one.location.file == "provisioner.yaml")
        assert problem.location.line == line
        assert f"{problem.rule} {problem.message}: {problem.remedy}".startswith(WRONG[text].format(prefix))
        assert problem.remedy
