"""``make validate``, ``make plan`` and ``make apply`` of a project, and what make makes of signals and exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from provisioner.scaffold.files import scaffold
from provisioner.state.lock import Holder, hold
from tests.acceptance.support import CREDENTIALS, ORG, PASSWORDS, Meddler, Project, Service, basic, between
from tests.pipelines.repository import repository_for

VARIABLES = ("TARGET", "PLAN", "DIGEST", "REPORT", "ARGS")
HOLDER = Holder("ada", "elsewhere", 4711, "provisioner apply", "2026-11-24T12:00:00+00:00", "")


@pytest.fixture
def project(tmp_path: Path, service: Service) -> Project:
    return a_project(tmp_path / "project", service.url)


def a_project(folder: Path, url: str) -> Project:
    """A project as ``init`` writes it, with one definition and one target, ``prod``."""
    project = Project(folder)
    for path in ("Makefile", "provisioner.mk"):
        project.write(path, scaffold("none")[path])
    project.project_file({"prod": {"org_id": ORG, "sandbox": "prod", "endpoint": url, "ims_endpoint": url}}, "prod")
    project.define("orders", basic("orders"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    project.environ |= {"PATH": path, **CREDENTIALS, **PASSWORDS}
    return project


def make(project: Project, *words: str, **environ: str) -> Any:
    return project.run_process(*words, command=("make",), environ=environ)


def result_of(project: Project) -> str:
    file = project.folder / ".provisioner/result"
    return file.read_text("utf-8").strip() if file.exists() else ""


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("goal", ["validate", "plan", "apply"])
@pytest.mark.parametrize("how", ["argument", "environment", "blanks"])
def test_what_is_given_and_empty_is_refused(
    project: Project, service: Service, goal: str, variable: str, how: str
) -> None:
    words = {"argument": [f"{variable}="], "environment": [], "blanks": [f"{variable}=  "]}[how]
    environ = {"CI": "true", **({variable: ""} if how == "environment" else {})}
    project.write(".provisioner/result", "done\n")  # of an earlier run
    refused = make(project, goal, *words, **environ)
    assert refused.code == 2
    assert f"{variable} is empty: set the variable that it comes from, or leave it out" in refused.err
    assert service.seen() == []
    assert result_of(project) == ""


def test_a_reviewed_plan_is_applied(project: Project, service: Service) -> None:
    assert make(project, "validate", "TARGET=prod", "REPORT=json=problems.json junit=problems.xml").code == 0
    planned = make(project, "plan", "TARGET=prod", "PLAN=approved.plan", "REPORT=markdown=plan.md digest=digest.txt")
    assert (planned.code, result_of(project)) == (0, "done")
    assert all((project.folder / name).exists() for name in ("problems.json", "problems.xml", "plan.md"))
    applied = make(project, "apply", "PLAN=approved.plan", "REPORT=json=evidence.json")
    assert (applied.code, result_of(project)) == (0, "done")
    assert (project.folder / "evidence.json").exists()
    assert [item["name"] for item in service.items()] == ["orders"]


def test_a_digest_is_an_approval(project: Project, service: Service) -> None:
    make(project, "plan", "REPORT=digest=digest.txt")
    digest = (project.folder / "digest.txt").read_text("utf-8").strip()
    assert make(project, "plan", f"DIGEST={digest}", "ARGS=--offline").code == 0
    assert make(project, "apply", f"DIGEST={digest}").code == 0
    assert len(service.items()) == 1


def test_arguments_are_words(project: Project, service: Service) -> None:
    project.define("stock", basic("stock", secret="MYSQL_STOCK_PASSWORD"))
    assert make(project, "apply", "ARGS=--yes --select=or*").code == 0
    assert [item["name"] for item in service.items()] == ["orders"]


@pytest.mark.parametrize("word", ["PLN=approved.plan", "plan=approved.plan", "DIGESTS=x"])
def test_a_misspelled_variable_is_refused(project: Project, service: Service, word: str) -> None:
    refused = make(project, "apply", word, "TARGET=prod", CI="true")
    assert (refused.code, f"{word.partition('=')[0]} is no variable of apply" in refused.err) == (2, True)
    assert service.seen() == []


def test_a_flag_is_no_plan(project: Project, service: Service) -> None:
    refused = make(project, "apply", "TARGET=prod", "PLAN=--yes")
    assert (refused.code, service.writes()) == (2, [])
    assert "--yes" in refused.err


def test_without_provisioner_no_earlier_result_is_left(project: Project) -> None:
    project.write(".provisioner/result", "done\n")
    failed = make(project, "validate", PATH=os.defpath)
    assert (failed.code, result_of(project)) == (2, "")


HOSTILE = ["$(touch taken)", "`touch taken`", "x; touch taken", "$(shell touch taken)", "* 'a b\" \\", "${HOME}"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("variable", VARIABLES)
def test_nothing_in_a_value_is_carried_out(project: Project, service: Service, variable: str, value: str) -> None:
    for goal in ("validate", "plan", "apply"):
        make(project, goal, CI="true", **{"DIGEST": "sha256:0", variable: value})
        make(
            project, goal, f"{variable}={value}", CI="true", **({} if variable == "DIGEST" else {"DIGEST": "sha256:0"})
        )
    assert list(project.folder.rglob("taken*")) == []
    assert service.writes() == []


CI = [
    *((value, True) for value in ("true", "True", "1", "yes")),
    *((value, False) for value in ("false", "False", "0", "no", "", " ", "off", "n", "$(touch x)")),
]


@pytest.mark.parametrize(("value", "applies"), CI)
def test_only_a_pipeline_applies_without_a_question(
    project: Project, service: Service, value: str, applies: bool
) -> None:
    result = make(project, "apply", "TARGET=prod", CI=value)
    assert bool(service.writes()) == applies
    assert result.code == (0 if applies else 2)
    assert ("cannot ask for confirmation without a terminal" in result.err) == (not applies)
    assert result_of(project) == ("done" if applies else "usage")


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 2)])
@pytest.mark.parametrize("ci", [{}, {"CI": "false"}, {"CI": ""}])
def test_a_terminal_is_asked(project: Project, service: Service, answer: str, code: int, ci: dict[str, str]) -> None:
    asked = project.at_terminal("apply", answer=answer, command=("make",), environ=ci)
    assert "Apply these changes?" in asked.out
    assert (asked.code, bool(service.writes())) == (code, answer == "yes")


def test_a_target_without_credentials_is_not_applied(project: Project, service: Service) -> None:
    refused = make(project, "apply", "TARGET=prod", CI="true", AEP_API_KEY="", AEP_CLIENT_SECRET="")
    assert (refused.code, "AEP_API_KEY is not set" in refused.err) == (2, True)
    assert service.seen() == []


def test_the_pipeline_in_the_documentation(tmp_path: Path, service: Service) -> None:
    """docs/pipelines.md: a pipeline that calls ``make apply``."""
    text = (Path(__file__).resolve().parents[2] / "docs/pipelines.md").read_text("utf-8")
    (script,) = re.findall(r"A pipeline that calls `make apply`:\n\n```sh\n(.*?)```", text, re.DOTALL)
    with repository_for(tmp_path, service.url) as repository:
        repository.environ |= {**CREDENTIALS, **PASSWORDS}
        repository.define("orders")
        runner = repository.runner()
        assert runner.shell(script).code == 0
        assert set(runner.state_of("prod")) == {item["name"] for item in service.items()} == {"orders"}
        assert set(repository.kept("prod")) == {"state/prod.json"}
        repository.define("stock")
        words = {stale: "have it approved", locked: "another run is under way"}
        for end, said in words.items():
            runner = repository.runner()
            changed = script.replace("make apply", "sh meddle; make apply")
            if end is stale:
                runner.write("meddle", "sed -i s/3306/3307/ connections/stock.yaml\n")
                ended = runner.shell(changed)
            else:
                runner.write("meddle", ":\n")
                with hold_of(runner):
                    ended = runner.shell(changed)
            assert (ended.code, said in ended.out) == (2, True), ended.err
        assert len(service.items()) == 1


# What make does to exit codes


def stale(project: Project) -> Any:
    make(project, "plan", "PLAN=approved.plan")
    project.define("stock", basic("stock", secret="MYSQL_STOCK_PASSWORD"))
    return make(project, "apply", "PLAN=approved.plan")


def hold_of(project: Project) -> Any:
    (project.folder / "state").mkdir(exist_ok=True)
    return hold(project.folder / "state/prod.json", HOLDER)


def locked(project: Project) -> Any:
    with hold_of(project):
        return make(project, "apply", "TARGET=prod", CI="true")


def blocked(project: Project) -> Any:
    project.define("orders", "name: Orders\n")
    return make(project, "apply", "TARGET=prod", CI="true")


def misused(project: Project) -> Any:
    return make(project, "apply", "ARGS=--no-such-flag")


ENDS: list[tuple[Callable[[Project], Any], str, int]] = [
    (stale, "stale", 5),
    (locked, "locked", 6),
    (blocked, "failed", 1),
    (misused, "usage", 64),
]


@pytest.mark.parametrize(("end", "word", "code"), ENDS, ids=[word for _, word, _ in ENDS])
def test_a_line_and_a_file_tell_how_it_ended(
    project: Project, end: Callable[[Project], Any], word: str, code: int
) -> None:
    ended = end(project)
    assert ended.code == 2, "whatever went wrong"
    assert re.search(rf"make: \*\*\* \[.*apply\] Error {code}$", ended.err, re.MULTILINE)
    assert f"result: {word} (exit code {code}), also in .provisioner/result" in ended.err
    assert result_of(project) == word


def refuse_stock(_: str, __: str, body: Any) -> tuple[int, Any] | None:
    refusal = {"errorMessage": "refused", "errorDetails": "by the test"}
    return (400, refusal) if isinstance(body, dict) and body.get("name") == "stock" else None


def test_partly_done_is_told_apart(tmp_path: Path, service: Service) -> None:
    with between(service, refuse_stock) as url:
        project = a_project(tmp_path / "project", url)
        project.define("stock", basic("stock", secret="MYSQL_STOCK_PASSWORD"))
        assert make(project, "apply", "TARGET=prod", CI="true").code == 2
        assert result_of(project) == "incomplete"
        assert [item["name"] for item in service.items()] == ["orders"]


# What make does to signals


def at_third_create(act: Callable[[], None]) -> Meddler:
    """The third create calls ``act``. The next one waits, so that a signal arrives before there is none left."""
    creates = count(1)

    def meddle(method: str, path: str, _: Any) -> None:
        if method == "POST" and path.endswith("/connections"):
            number = next(creates)
            if number == 3:
                act()
            elif number == 4:
                time.sleep(1)

    return meddle


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGTERM, "interrupted"), (signal.SIGINT, "done")], ids=["SIGTERM", "SIGINT"]
)
def test_make_hands_on_the_end_of_a_run_and_no_interrupt(
    tmp_path: Path, service: Service, number: signal.Signals, word: str
) -> None:
    """SIGTERM reaches provisioner, which ends its calls. SIGINT does not: make expects that the terminal has sent it
    to all, so a pipeline that interrupts its first process runs provisioner itself."""
    running: list[subprocess.Popen[bytes]] = []
    keys = [f"db{number}" for number in range(20)]
    with between(service, at_third_create(lambda: running[0].send_signal(number))) as url:
        project = a_project(tmp_path / "project", url)
        for key in keys:
            project.define(key, basic(key))
        with subprocess.Popen(
            ["make", "apply", "TARGET=prod"],
            cwd=project.folder,
            env=project.environment({"CI": "true", "ARGS": "--parallelism=1"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            running.append(process)
            process.communicate(timeout=60)  # the output ends when provisioner has ended
        assert process.returncode == -number
        assert result_of(project) == word
        names = [item["name"] for item in service.items()]
        assert len(names) == len(set(names))
        assert (len(names) == 21) == (number == signal.SIGINT)
        assert set(project_state(project)) == set(names)


def project_state(project: Project) -> Any:
    return json.loads((project.folder / "state/prod.json").read_text("utf-8"))["records"]
