"""``init``: a project that works from its first minute, and nothing overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.scaffold.files import scaffold
from tests.acceptance.support import Project, basic

PIPELINES = ("github", "gitlab", "azure", "none")


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_it_works_at_once(bare: Project, pipeline: str) -> None:
    made = bare.run("init", "--pipeline", pipeline)
    assert made.code == 0
    assert {line.removeprefix("created  ") for line in made.out.splitlines()} == set(scaffold(pipeline))
    assert "next:" in made.err
    assert bare.run("validate").last == "1 definition checked for targets local, prod: no problems"
    assert bare.run("apply", "--target", "local", "--yes").last == "Apply complete: 1 added, 0 changed, 0 destroyed."
    (bare.folder / "provisioner.yaml").unlink()


def test_the_next_steps_begin_in_the_folder_of_the_project(bare: Project) -> None:
    assert "try it: provisioner validate, then provisioner apply --target local" in bare.run("init").err
    elsewhere = bare.run("init", "my demo").err
    assert "try it: cd 'my demo', then provisioner validate and provisioner apply --target local" in elsewhere


def test_it_overwrites_nothing(bare: Project) -> None:
    bare.write("provisioner.yaml", "version: 1\n")
    bare.write(".gitignore", "mine\n")
    made = bare.run("init")
    assert made.code == 0
    assert "kept  provisioner.yaml  (already exists; add these lines to it)\n        local:\n" in made.out
    assert "kept  .gitignore  (already exists; add these lines to it)\n      /state/\n" in made.out
    assert (bare.folder / "provisioner.yaml").read_text("utf-8") == "version: 1\n"
    ignored = made.out.partition("kept  .gitignore")[2].partition("\ncreated")[0].splitlines()[1:]
    bare.write(".gitignore", "\n".join(["mine", *(line.strip() for line in ignored)]))
    again = bare.run("init")
    assert "made" not in again.out
    assert "kept  .gitignore  (already exists)\n" in again.out


@pytest.mark.parametrize(
    ("pipeline", "path", "there", "lacking"),
    [
        ("none", ".gitignore", "/.provisioner/\n.env\n", ["/*.plan", "/provisioner-report-*.txt"]),
        ("github", ".gitignore", "  /*.plan  \n", ["/.provisioner/", "/state/"]),
        ("github", ".github/CODEOWNERS", "/docs/ @us\n", ["* @your-org/data-platform"]),
        ("none", ".gitignore", "\udcff", ["/*.plan"]),
        ("azure", "provisioner.yaml", "targets:\n  local:\n    emulator: true\n", ["  prod:", "    sandbox: prod"]),
        ("github", "Makefile", "all:\n", ["include provisioner.mk"]),
    ],
)
def test_what_a_file_that_was_there_lacks_is_said(
    bare: Project, pipeline: str, path: str, there: str, lacking: list[str]
) -> None:
    (bare.folder / path).parent.mkdir(exist_ok=True)
    (bare.folder / path).write_text(there, "utf-8", errors="surrogateescape")
    lines = [line for line in bare.run("init", "--pipeline", pipeline).out.splitlines() if line.startswith("      ")]
    assert not [words for words in lacking if not any(words in line for line in lines)]
    assert not {line.strip() for line in lines} & set(there.split())
    assert (bare.folder / path).read_text("utf-8", errors="surrogateescape") == there


def test_it_makes_the_folder(bare: Project) -> None:
    assert bare.run("init", "some/where").code == 0
    assert bare.run("validate", "--project", "some/where").code == 0


def test_a_folder_that_cannot_be_made_is_an_error(bare: Project) -> None:
    bare.write("file", "")
    result = bare.run("init", "file/below")
    assert (result.code, "cannot be written" in result.err) == (64 if "is a file" in result.err else 1, True)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_no_name_of_the_package_is_left_in_the_paths(pipeline: str) -> None:
    paths = scaffold(pipeline)
    assert not [path for path in paths if "dot-" in path]
    assert {"provisioner.yaml", "connections/orders.yaml", ".gitignore", "schemas/connection.schema.json"} <= set(paths)


def test_editors_find_the_schemas() -> None:
    files = scaffold("none")
    for path in ("provisioner.yaml", "connections/orders.yaml"):
        named = files[path].partition("$schema=")[2].partition("\n")[0]
        assert json.loads(files[os.path.normpath(Path(path).parent / named)])


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ("provisioner pl", ["plan"]),
        ("provisioner plan --targ", ["--target"]),
        ("provisioner plan --target ", ["here", "there"]),
        ("provisioner plan --target t", ["there"]),
        ("provisioner validate --target h", ["here"]),
        ("provisioner plan --format j", ["json"]),
        ("provisioner plan --report mark", ["markdown="]),
        ("provisioner plan --select team", ["team/orders"]),
        ("provisioner state show tea", ["team/orders"]),
        ("provisioner rotate --variable ", ["MYSQL_ORDERS_PASSWORD"]),
        ("provisioner plan --target here --variable MYSQL_O", ["MYSQL_ORDERS_PASSWORD"]),
        ("provisioner plan --target gone --variable MYSQL_O", [""]),
        ("provisioner apply --variable AEP", [""]),
        ("provisioner rotate --exc", ["--exceed-limits"]),
    ],
)
def test_shells_complete(bare: Project, words: str, answers: list[str]) -> None:
    bare.project_file({"here": {"emulator": True}, "there": {"emulator": True}})
    bare.define("team/orders", basic("Orders"))
    environ = {
        "_PROVISIONER_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    result = bare.run_process(environ=environ)
    assert [line.partition(",")[2] for line in result.out.splitlines()] == answers, result.err


def test_completion_without_a_project_is_empty(bare: Project) -> None:
    environ = {"_PROVISIONER_COMPLETE": "bash_complete", "COMP_WORDS": "provisioner plan --target ", "COMP_CWORD": "3"}
    assert bare.run_process(environ=environ).out.strip() == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell(bare: Project, shell: str) -> None:
    result = bare.run("completion", shell, environ={"PATH": os.environ["PATH"]})
    assert result.code == 0
    assert "_PROVISIONER_COMPLETE" in result.out
    assert sys.executable not in result.out


IN_BASH = """
{script}
compopt() {{ echo "compopt $*"; }}
COMP_WORDS=({words}) COMP_CWORD={place}
_provisioner_files provisioner "{typed}" "{before}"
echo "${{COMPREPLY[@]}}"
"""
BEHIND_A_FORMAT = [
    ("provisioner plan --report htm", "htm", "--report", ["compopt -o nospace", "html="]),
    ("provisioner plan --report html =", "", "=", ["compopt -o default", ""]),
    ("provisioner plan --report html = pl", "pl", "=", ["compopt -o default", ""]),
    ("provisioner plan --forma", "--forma", "plan", ["--format"]),
]


@pytest.mark.parametrize(("words", "typed", "before", "expected"), BEHIND_A_FORMAT)
def test_behind_a_format_bash_completes_files(
    bare: Project, words: str, typed: str, before: str, expected: list[str]
) -> None:
    script = bare.run("completion", "bash", environ={"PATH": os.environ["PATH"]}).out
    place = len(words.split()) - 1
    text = IN_BASH.format(script=script, words=words, place=place, typed=typed, before=before)
    scripts = str(Path(sys.executable).parent)
    shell = subprocess.run(
        ["bash", "-c", f"complete() {{ :; }}\n{text}"],
        env={"PATH": f"{scripts}:{os.environ['PATH']}"},
        cwd=bare.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert shell.stdout.splitlines() == expected


REFUSED_TARGETS = [
    (("local",), "choose another name"),
    (("yes",), "choose another name"),
    (("1st",), "a letter comes first"),
    (("a b",), "a letter comes first"),
    (("dev", "Dev"), "dev and Dev become the same stage"),
    (("prod_eu", "prod-eu"), "prod_eu and prod-eu become the same stage"),
    (("prod", "prod"), "prod and prod become the same stage"),
    (("prod-approval",), "an environment of another target has such a name"),
    (("dev-review",), "an environment of another target has such a name"),
]


@pytest.mark.parametrize(("names", "words"), REFUSED_TARGETS)
def test_targets_that_a_pipeline_could_not_tell_apart_are_refused(
    bare: Project, names: tuple[str, ...], words: str
) -> None:
    refused = bare.run("init", *(word for name in names for word in ("--target", name)))
    assert (refused.code, words in refused.err) == (64, True)
    assert list(bare.folder.iterdir()) == []


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_each_stage_is_a_target(bare: Project, pipeline: str) -> None:
    assert bare.run("init", "--pipeline", pipeline, "--target", "dev", "--target", "Prod_EU").code == 0
    assert bare.run("validate").last == "1 definition checked for targets local, dev, Prod_EU: no problems"
