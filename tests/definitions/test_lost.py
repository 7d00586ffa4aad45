"""Misplaced and misnamed files, and suggestions for other slips."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.definitions.files import overlooked_files
from provisioner.definitions.project import read_project
from provisioner.errors import UsageError
from tests.definitions.support import check, project

PROJECT = "version: 1\ntargets: {local: {emulator: true}}\n"
DEFINITION = "name: A\nauth: {specName: Basic Authentication, params: {}}\n"

SEARCHES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "nothing": ({}, ".", "there is no provisioner.yaml in", "provisioner init"),
    "no folder": ({}, "nowhere", "does not exist", "--project"),
    "a file": ({"file": ""}, "file", "is a file", "--project"),
    ".yml": ({"provisioner.yml": PROJECT}, ".", "but provisioner.yml", "rename provisioner.yml to provisioner.yaml"),
    "upper case": ({"Provisioner.yaml": PROJECT}, ".", "but Provisioner.yaml", "to provisioner.yaml"),
    "hidden": ({".provisioner.yml": PROJECT}, ".", "but .provisioner.yml", "to provisioner.yaml"),
    "as text": ({"provisioner.yaml.txt": PROJECT}, ".", "but provisioner.yaml.txt", "to provisioner.yaml"),
    "a folder": ({"provisioner.yaml/x": ""}, ".", "is a folder", "replace it with a file"),
    "one level up": ({"provisioner.yaml": PROJECT, "sub/x": ""}, "sub", "but there is one in ..", "--project .."),
    "two levels up": (
        {"provisioner.yaml": PROJECT, "a/b/x": ""},
        "a/b",
        "but there is one in ../..",
        "--project ../..",
    ),
    "further in": ({"deploy/provisioner.yaml": PROJECT}, ".", "but there is one in deploy", "--project deploy"),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_a_misplaced_project_file_is_named(tmp_path: Path, case: str) -> None:
    files, where, message, remedy = SEARCHES[case]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(UsageError) as refused:
        read_project(tmp_path / where)
    assert message in refused.value.message
    assert remedy in refused.value.remedy


OVERLOOKED = {
    "connections/a.yaml.txt": "not read: definitions end in .yaml or .yml",
    "connections/sub/a.yml.txt": "not read: definitions end in .yaml or .yml",
    "connections/a.yaml.j2": "not read: definitions end in .yaml or .yml",
    "connections/a.json": "not read: definitions end in .yaml or .yml",
    "connections/a.yam": "not read: definitions end in .yaml or .yml",
    "connections/a.ymal": "not read: definitions end in .yaml or .yml",
    "connections/dir.yaml/x.yaml": "a folder that is named like a definition; the files in it are read",
    "orders.yaml": "not read: definitions lie below connections/",
    "orders.yml": "not read: definitions lie below connections/",
}
LEFT_OUT = [
    *("connections/README.md", "connections/.gitkeep", "connections/a.yaml.bak", "connections/a.yaml~"),
    *("connections/.a.yaml.txt", "connections/a.yaml.orig", "connections/a.yaml.disabled", ".orders.yaml"),
]


@pytest.mark.parametrize("path", OVERLOOKED)
def test_overlooked_definitions_are_named(tmp_path: Path, path: str) -> None:
    folder = project(tmp_path, {}, PROJECT)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(DEFINITION, "utf-8")
    (warning,) = overlooked_files(folder, "connections")
    assert (warning.location.file, warning.message) == (path.removesuffix("/x.yaml"), OVERLOOKED[path])
    assert warning in check(folder).warnings


@pytest.mark.parametrize("path", LEFT_OUT)
def test_files_left_out_on_purpose_are_not_named(tmp_path: Path, path: str) -> None:
    folder = project(tmp_path, {}, PROJECT)
    (folder / path).write_text(DEFINITION, "utf-8")
    assert list(overlooked_files(folder, "connections")) == []


def test_other_files_beside_the_project_file_are_not_named(tmp_path: Path) -> None:
    folder = project(tmp_path, {}, PROJECT)
    (folder / "docker-compose.yml").write_text("name: x\nservices: {}\n", "utf-8")
    (folder / "latin.yaml").write_bytes(b"name: \xe9\nauth: x\n")
    (folder / "folder.yaml").mkdir()
    assert list(overlooked_files(folder, "connections")) == []


@pytest.mark.parametrize("name", ["Connections", "connection", "conections", "CONNECTIONS", "connnections"])
def test_a_misnamed_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "provisioner.yaml").write_text(PROJECT, "utf-8")
    (tmp_path / name).mkdir()
    (problem,) = check(tmp_path).problems
    assert (problem.rule, problem.remedy) == ("files.no-folder", f"rename `{name}/` to `connections/`")


def test_no_unrelated_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "provisioner.yaml").write_text(PROJECT, "utf-8")
    (tmp_path / "schemas").mkdir()
    (problem,) = check(tmp_path).problems
    assert problem.remedy == "add `connections/.gitkeep`: git does not keep empty folders"


KEYS = {
    "my orders": "it contains a space",
    "bestellüngen": "it contains `ü`",
    "a\tb": "it contains U+0009",
    "-a": "`-a` does not begin with a letter or a digit",
    "sales/_a": "`_a` does not begin with a letter or a digit",
    "/".join(["a" * 100] * 3): "it is longer than 200 characters",
}


@pytest.mark.parametrize("stem", KEYS)
def test_reasons_why_a_path_cannot_be_a_key(tmp_path: Path, stem: str) -> None:
    folder = project(tmp_path, {f"{stem}.yaml": "name: A\n"}, PROJECT)
    messages = [problem.message for problem in check(folder).problems if problem.rule == "key.invalid"]
    assert messages == [f"the path of the file cannot serve as a key: {KEYS[stem]}"]


PASSWORDS = {
    "{ env('MYSQL_P') }": "env('MYSQL_P')",
    "${MYSQL_P}": "env('MYSQL_P')",
    "$MYSQL_P": "env('MYSQL_P')",
    "$(MYSQL_P)": "env('MYSQL_P')",
    "{MYSQL_P}": "env('MYSQL_P')",
    "%MYSQL_P%": "env('MYSQL_P')",
    "MYSQL_P": "env('MYSQL_P')",
    "env('MYSQL_P')": "env('MYSQL_P')",
    "${env:MYSQL_P}": "env('MYSQL_P')",
    "HUNTER2": "env('NAME')",
    "${HUNTER2}": "env('NAME')",
    "${{ secrets.MYSQL_P }}": "env('MYSQL_P')",
    "${{ vars.MYSQL_P }}": "env('MYSQL_P')",
    "{{ env.MYSQL_P }}": "env('",
    "{{ secrets.hunter }}": "env('NAME')",
}


@pytest.mark.parametrize("password", PASSWORDS)
def test_foreign_syntax_for_a_variable_is_corrected_with_its_name(tmp_path: Path, password: str) -> None:
    params = f'{{server: a, database: b, username: c, password: "{password}"}}'
    text = f"name: A\nauth:\n  specName: Basic Authentication\n  params: {params}\n"
    (problem,) = check(project(tmp_path, {"a.yaml": text}, PROJECT)).problems
    assert PASSWORDS[password] in problem.remedy
    assert "hunter" not in f"{problem.message} {problem.remedy}".lower()
    assert "getattr" not in problem.message
