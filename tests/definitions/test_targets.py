"""One definition with several targets: merged problems, their targets, and ``--target``."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.errors import UsageError
from tests.definitions.support import brief, check, project

DEFINITION = """\
name: Orders
{extra}
auth:
  specName: Basic Authentication
  params:
    server: "{{{{ var('{var}') }}}}"
    database: orders
    username: svc
    password: "{{{{ env('MYSQL_P') }}}}"
    sslMode: {ssl}
"""
PROJECT = """\
version: 1
targets:
  prod: {sandbox: prod, vars: {host: a, old: a}}
  dev: {sandbox: dev, vars: {host: b}}
  aws: {cloud: aws, sandbox: aws, vars: {host: c}}
"""
EVERY = ("prod", "dev", "aws")


@pytest.mark.parametrize(
    ("var", "ssl", "extra", "targets", "problems"),
    [
        ("host", "REQUIRED", "targets: [prod, dev]", EVERY, []),
        ("host", "REQUIRED", "", EVERY, ["10:14 schema.value on aws"]),
        ("host", "REQUIRED", "", ("prod", "dev"), []),
        ("host", "REQUIRED", "", ("aws",), ["10:14 schema.value"]),
        ("host", "true", "", EVERY, ["10:14 schema.value on dev, prod"]),
        ("host", "true", "targets: [aws]", EVERY, []),
        ("old", "\"{{ var('none') }}\"", "targets: [prod]", EVERY, ["10:14 template.unset-var on prod"]),
        ("old", "REQUIRED", "targets: [prod, dev]", EVERY, ["6:13 template.unset-var on dev"]),
        ("old", "REQUIRED", "targets: [prod, dev]", ("prod",), []),
        ("none", "REQUIRED", "targets: [prod, dev]", EVERY, ["6:13 template.unset-var on dev, prod"]),
        ("none", "REQUIRED", "targets: [prod, dev]", ("aws",), []),
        ("host", "MAYBE", "", EVERY, ["10:14 schema.value"]),
        ("none", "REQUIRED", "targets: [gone]", EVERY, ["2:11 definition.unknown-target"]),
    ],
)
def test_targets(tmp_path: Path, var: str, ssl: str, extra: str, targets: tuple[str, ...], problems: list[str]) -> None:
    text = DEFINITION.format(var=var, ssl=ssl, extra=extra)
    checked = check(project(tmp_path, {"orders.yaml": text}, PROJECT), *targets)
    assert [brief(problem) for problem in checked.problems] == problems
    assert checked.targets == targets


def test_a_target_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no target `prd`") as refused:
        check(project(tmp_path, {}, PROJECT), "prd")
    assert refused.value.remedy == "use a target of provisioner.yaml: prod, dev, aws"


UNSOUND = {
    "org_id: bad": True,
    "sandbox: UPPER": True,
    "endpoint: no": True,
    "ims_endpoint: 7": True,
    "state: ../x.json": True,
    "sandbox: []": True,
    "limits: {deletes: many}": True,
    "cloud: gcp": False,
    "clod: aws": False,
    "emulator: maybe": False,
}


@pytest.mark.parametrize("line", UNSOUND)
def test_a_problem_of_a_target_hides_only_problems_that_depend_on_it(tmp_path: Path, line: str) -> None:
    text = DEFINITION.format(var="host", ssl="REQUIRED", extra="")
    sound = "version: 1\ntargets:\n  prod:\n    vars: {host: 'db1:3306'}\n"
    (told,) = check(project(tmp_path, {"orders.yaml": text}, sound)).problems
    checked = check(project(tmp_path, {"orders.yaml": text}, f"{sound}    {line}\n"))
    assert ((told.location, told.message) in {(one.location, one.message) for one in checked.problems}) is UNSOUND[line]
    assert len(checked.problems) == 1 + UNSOUND[line]
