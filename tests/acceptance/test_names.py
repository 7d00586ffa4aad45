"""What is told of names that may not come back as they were sent, and of a folder of definitions that is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.acceptance.support import ORG, SPEC, Project, Service, basic

REMEDY = "add `connections/.gitkeep`: git does not keep empty folders"


def make(service: Service, name: str) -> str:
    """Somebody makes one by hand."""
    params = {
        "server": "db7",
        "port": "3307",
        "database": "crm",
        "username": "svc",
        "password": "by-hand-Kx93hvQ",
        "sslMode": "REQUIRED",
    }
    body = {"name": name, "auth": {"specName": "Basic Authentication", "params": params}, "connectionSpec": SPEC}
    return str(service.call("POST", "", json=body).json()["id"])


def test_validate_warns_and_succeeds(project: Project) -> None:
    project.define("a", basic("Orders"))
    project.define("b", basic('"ORDERS "'))
    done = project.run("validate")
    assert done.code == 0
    alike, first_remedy, unstable, second_remedy, summary = done.out.splitlines()
    place = "warning: connections/b.yaml:1:7: the name"
    assert alike.startswith(f"{place} looks like that of connections/a.yaml: it differs only in")
    assert alike.endswith("(name.lookalike)")
    assert first_remedy == "    remedy: give each base connection a clearly different name"
    assert unstable.startswith(f"{place} begins or ends with white space, and the service may return it changed")
    assert unstable.endswith("(name.unstable)")
    assert second_remedy == "    remedy: write `ORDERS`"
    assert summary == "2 definitions checked for target here: no problems, 2 warnings"


def test_warnings_beside_problems_and_in_reports(project: Project) -> None:
    project.define("a", basic("Orders  EU"))
    project.define("b", "name: [")
    forms = {"json": "r.json", "github": "r.txt", "gitlab-codequality": "q.json", "junit": "r.xml"}
    done = project.run("validate", *(word for form, file in forms.items() for word in ("--report", f"{form}={file}")))
    assert done.code == 1
    assert done.last == "1 problem and 1 warning found in 2 definitions"
    texts = {form: (project.folder / file).read_text("utf-8") for form, file in forms.items()}
    found = json.loads(texts["json"])
    assert (found["valid"], [one["severity"] for one in found["problems"]]) == (False, ["warning", "error"])
    assert [line.split(" ")[0] for line in texts["github"].splitlines()] == ["::warning", "::error"]
    assert [one["severity"] for one in json.loads(texts["gitlab-codequality"])] == ["minor", "major"]
    (suite,) = ElementTree.fromstring(texts["junit"])
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_json_of_warnings_alone_is_valid(project: Project) -> None:
    project.define("a", basic("Orders  EU"))
    done = project.run("validate", "--format", "json")
    assert (done.code, done.json["valid"]) == (0, True)
    assert [one["severity"] for one in done.json["problems"]] == ["warning"]


@pytest.mark.parametrize(
    ("declared", "names", "rules"),
    [
        ([], ["Orders"], {}),
        ([], ["Orders "], {"orders": ["name.unstable"]}),
        ([], [" - 'x': {y} # z "], {"x-y-z": ["name.unstable"]}),
        ([], ["Bu\u0308cher"], {None: ["name.unstable"]}),
        ([], ["Orders  EU"], {"orders-eu": ["name.unstable"]}),
        (["Orders"], ["orders"], {"orders": ["name.lookalike"]}),
        ([], ["Orders", "ORDERS"], {"orders-2": ["name.lookalike"]}),
        (['"Declared "'], ["Orders"], {}),
    ],
)
def test_an_imported_draft_keeps_the_name_and_warns(
    project: Project, service: Service, declared: list[str], names: list[str], rules: dict[str | None, list[str]]
) -> None:
    (project.folder / "connections").mkdir(exist_ok=True)
    for number, name in enumerate(declared):
        project.define(f"zz/{number}", basic(name))
    for name in names:
        make(service, name)
    done = project.run("import", "--all")
    assert done.code == 0, done.out + done.err
    warned = [line for line in done.err.splitlines() if line.startswith("warning:") and "(name." in line]
    wanted = [(key, rule) for key, found in rules.items() for rule in found]
    assert len(warned) == len(wanted)
    for line, (key, rule) in zip(warned, wanted, strict=True):
        assert f"({rule})" in line
        assert key is None or line.startswith(f"warning: connections/{key}.yaml:")
    plan = project.run("plan", "--format", "json")
    shown = {one["name"] for one in plan.json["resource_changes"]}
    assert shown == {*(name.strip('"') for name in declared), *names}
    assert all(one["action"] == "no-op" for one in plan.json["resource_changes"] if one["name"] in names)


def test_what_has_unseen_characters_in_its_name_is_not_imported(project: Project, service: Service) -> None:
    make(service, "Orders\u3164EU")
    done = project.run("import", "--all")
    assert done.code == 1
    assert "U+3164 (hangul filler) is not allowed here" in done.out
    assert "rename it in Experience Platform" in done.out


def without_folder(project: Project) -> None:
    shutil.rmtree(project.folder / "connections", ignore_errors=True)


@pytest.mark.parametrize(
    "command",
    [
        ("validate",),
        ("plan",),
        ("plan", "--offline"),
        ("apply", "--yes"),
        ("apply", "--yes", "--allow-delete", "--allow-mass-delete"),
        ("rotate", "a", "--yes"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("applied", [False, True])
def test_a_missing_folder_is_an_error(
    project: Project, service: Service, command: tuple[str, ...], applied: bool
) -> None:
    project.define("a", basic("Orders"))
    if applied:
        assert project.run("apply", "--yes").code == 0
    without_folder(project)
    before = len(service.writes())
    done = project.run(*command)
    assert done.code not in (0, 2), done.out
    assert "connections:1:1: the folder does not exist (files.no-folder)" in done.out + done.err
    assert REMEDY in done.out + done.err
    assert len(service.writes()) == before


def test_an_empty_folder_is_for_the_guards_of_deletes(project: Project) -> None:
    project.define("a", basic("Orders"))
    assert project.run("apply", "--yes").code == 0
    (project.folder / "connections/a.yaml").unlink()
    (project.folder / "connections/.gitkeep").touch()
    assert project.run("plan").last == "Plan: 0 to add, 0 to change, 0 to destroy. 1 unmanaged."


@pytest.mark.parametrize("dangling", [False, True])
def test_import_makes_the_folder_and_no_other_problem_is_excused(
    project: Project, service: Service, dangling: bool
) -> None:
    make(service, "Orders")
    without_folder(project)
    folder: Path = project.folder / "connections"
    if dangling:
        folder.symlink_to(project.folder / "nowhere")
    done = project.run("import", "--all")
    assert (done.code == 0, folder.is_dir()) == (not dangling, not dangling), done.out + done.err
    if dangling:
        assert "it is not a folder (files.no-folder)" in done.out + done.err


def test_two_targets_of_one_place(project: Project) -> None:
    target: dict[str, Any] = {"org_id": ORG, "sandbox": "prod"}
    project.project_file({"here": target, "there": {**target, "endpoint": "https://platform.adobe.io:443"}})
    done = project.run("plan")
    assert done.code == 1
    assert "the targets `here` and `there` share endpoint, organization and sandbox (project.same-place)" in done.err
