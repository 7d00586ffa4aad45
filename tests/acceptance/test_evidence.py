"""The evidence of an apply: who ran it, what was approved, every call with its request id; however the run ended."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from provisioner import __version__
from provisioner.cli import apply
from provisioner.cli.settings import pipeline_run
from provisioner.json_schema import load
from provisioner.model import TargetIdentity
from provisioner.service.messages import HttpResponse
from provisioner.service.transport import HttpTransport
from provisioner.state.lock import Holder
from provisioner.state.store import FileStore
from tests.acceptance.support import CONNECTIONS, FLOW, LOST, ORDERS, ORG, Project, Service, basic, between

VALIDATOR = jsonschema.Draft202012Validator(load("apply"), format_checker=jsonschema.FormatChecker())
TOKEN = "/ims/token/v3"


@pytest.fixture
def project(project: Project) -> Project:
    project.define("orders", basic("Orders"))
    return project


def evidence(project: Project, *args: str, environ: Mapping[str, str | None] | None = None) -> Any:
    """Return the report of an apply, which is removed before."""
    file = project.folder / "evidence.json"
    file.unlink(missing_ok=True)
    project.run("apply", *args, "--report", "json=evidence.json", environ=environ)
    document = json.loads(file.read_text("utf-8"))
    VALIDATOR.validate(document)
    return document


def called(calls: list[Any]) -> list[str]:
    assert all(call["request_id"] for call in calls if call["status"])
    return [f"{call['method']} {call['path'].partition('?')[0].removeprefix(FLOW)} {call['status']}" for call in calls]


def test_a_run_tells_who_what_and_every_call(project: Project, service: Service) -> None:
    before = datetime.now(UTC)
    found = evidence(project, "--yes", "--test", "--allow-delete")
    assert (found["result"], found["format_version"], found["provisioner_version"]) == ("done", "1.1", __version__)
    assert (found["runner"]["user"], found["runner"]["host"]) == (getpass.getuser(), os.uname().nodename)
    assert found["target"] == {"name": "here", "endpoint": service.url, "org_id": ORG, "sandbox": "prod"}
    assert (found["approved_by"], found["asked"]) == ("--yes", ["--allow-delete", "--test"])
    assert found["plan"]["digest"].startswith("sha256:")
    (outcome,) = found["outcomes"]
    ident = project.id("orders")
    assert called(outcome["calls"]) == ["POST /connections 201", f"GET /connections/{ident}/test 200"]
    assert (outcome["etag_before"], outcome["tested"], outcome["proved"]) == (None, "passed", False)
    assert outcome["etag_after"] == project.state["records"]["orders"]["etag"]
    assert called(found["calls"]) == [f"POST {TOKEN} 200", *["GET /connections 200"] * 2]
    times = [found["started"], *(call["time"] for call in found["calls"]), outcome["started"], found["ended"]]
    # Of the lists, the last checks what was created.
    assert sorted(times[:-3]) == times[:-3]
    assert all(before.replace(microsecond=0) <= datetime.fromisoformat(time) <= datetime.now(UTC) for time in times)


def test_etags_of_an_update_and_a_delete(project: Project) -> None:
    first = evidence(project, "--yes")["outcomes"][0]["etag_after"]
    project.define("orders", basic("Orders", description="B"))
    (updated,) = evidence(project, "--yes")["outcomes"]
    assert (updated["etag_before"], updated["tested"]) == (first, None)
    assert updated["etag_after"] == project.state["records"]["orders"]["etag"] != first
    (project.folder / "connections/orders.yaml").unlink()
    (deleted,) = evidence(project, "--yes", "--allow-delete", "--allow-mass-delete")["outcomes"]
    assert (deleted["etag_before"], deleted["etag_after"]) == (updated["etag_after"], None)


def test_credentials_that_were_proved(project: Project) -> None:
    assert evidence(project, "--yes")["result"] == "done"
    (outcome,) = evidence(project, "--yes", "--prove", "--resend", "--test")["outcomes"]
    assert (outcome["proved"], outcome["tested"]) == (True, "passed")
    assert [call.split(" ")[0] for call in called(outcome["calls"])].count("PATCH") == 1


def test_each_repetition_is_a_call_of_its_own(project: Project, service: Service) -> None:
    answers: list[tuple[int, Any]] = [
        (429, {"error_code": "429050", "message": "slow"}),
        (401, {"error_code": "401013"}),
    ]

    def meddle(method: str, path: str, _: object) -> tuple[int, Any] | None:
        return answers.pop() if method == "POST" and path == CONNECTIONS and answers else None

    with between(service, meddle) as url:
        project.target(url, ims_endpoint=service.url)
        found = evidence(project, "--yes")
    (outcome,) = found["outcomes"]
    assert [call["status"] for call in outcome["calls"]] == [401, 429, 201]
    assert [call["path"] for call in found["calls"]].count(TOKEN) == 2, "a token serves all changes"


def test_a_call_whose_answer_was_lost_stays_with_its_change(project: Project, service: Service) -> None:
    lost = [LOST]
    with between(
        service, lambda method, path, _: lost.pop() if method == "POST" and path == CONNECTIONS and lost else None
    ) as url:
        project.target(url, ims_endpoint=service.url)
        found = evidence(project, "--yes")
    (outcome,) = found["outcomes"]
    assert (found["result"], outcome["outcome"], outcome["id"]) == ("done", "done", project.id("orders"))
    (call,) = outcome["calls"]
    assert (call["status"], call["request_id"]) == (None, None)
    assert call["note"]
    assert outcome["etag_after"]


def test_calls_stand_with_the_change_that_they_were_made_for(project: Project) -> None:
    for number in range(6):
        project.define(f"shop-{number}", basic(f"Shop {number}"))
    outcomes = evidence(project, "--yes", "--test")["outcomes"]
    assert len(outcomes) == 7
    for outcome in outcomes:
        assert called(outcome["calls"]) == ["POST /connections 201", f"GET /connections/{outcome['id']}/test 200"]


def test_a_test_that_failed(project: Project, service: Service) -> None:
    with between(service, lambda _, path, __: (200, {"result": False}) if path.endswith("/test") else None) as url:
        project.target(url, ims_endpoint=service.url)
        (outcome,) = evidence(project, "--yes", "--test")["outcomes"]
        assert (outcome["outcome"], outcome["tested"]) == ("untested", "failed")
        assert outcome["etag_after"]


def test_a_test_that_could_not_be_made(project: Project, service: Service) -> None:
    with between(service, lambda _, path, __: (400, {}) if path.endswith("/test") else None) as url:
        project.target(url, ims_endpoint=service.url)
        (outcome,) = evidence(project, "--yes", "--test")["outcomes"]
    assert (outcome["outcome"], outcome["tested"]) == ("untested", "not made")


def test_how_it_was_approved(project: Project) -> None:
    assert project.run("plan", "--report", "digest=digest").code == 0
    digest = (project.folder / "digest").read_text().strip()
    assert evidence(project, "--expect-digest", digest)["approved_by"] == "digest"
    assert evidence(project)["approved_by"] == "nothing to do"
    project.define("orders", basic("Orders", description="B"))
    assert project.run("plan", "--out", "a.plan").code == 0
    assert evidence(project, "a.plan")["approved_by"] == "saved plan"
    project.define("orders", basic("Orders", description="C"))
    answered = project.at_terminal("apply", "--report", "json=evidence.json", answer="yes")
    assert answered.code == 0
    assert json.loads((project.folder / "evidence.json").read_text())["approved_by"] == "question"


NO_FILE = dict.fromkeys(("checksum", "created_at", "provisioner_version", "commit"))


def saved(project: Project, name: str) -> Any:
    assert project.run("plan", "--out", name).code == 0
    return json.loads((project.folder / name).read_text("utf-8"))


def test_which_plan_was_approved(project: Project, service: Service) -> None:
    """Drift is not in the digest: only the checksum tells the two saved plans apart."""
    assert evidence(project, "--yes")["approved"] is None
    git(project, "init", "-q")
    git(project, "add", "connections")
    git(project, "commit", "-qm", "one")
    head = git(project, "rev-parse", "HEAD")
    first = saved(project, "a.plan")
    service.edit(project.id("orders"), "/description", "By hand")
    second = saved(project, "b.plan")
    for name, file, result in (("a.plan", first, "stale"), ("b.plan", second, "done")):
        found = evidence(project, name)
        assert (found["result"], found["approved_by"]) == (result, "saved plan" if result == "done" else None)
        assert found["approved"] == {
            "digest": found["plan"]["digest"],
            "checksum": file["checksum"],
            "created_at": file["created_at"],
            "provisioner_version": __version__,
            "commit": head,
        }
        assert f"checksum       {file['checksum']}\n" in project.run("show", name).out
    assert first["checksum"] != second["checksum"]


def test_a_refused_approval_is_named_as_it_was_given(project: Project) -> None:
    assert saved(project, "a.plan")["commit"] == ""
    given = json.loads(project.run("plan", "--format", "json").out)["digest"]
    project.define("orders", basic("Orders", description="B"))
    by_file, by_digest = evidence(project, "a.plan"), evidence(project, "--expect-digest", given)
    for found in (by_file, by_digest):
        assert (found["result"], found["approved"]["digest"]) == ("stale", given)
        assert found["plan"]["digest"] != given
    assert by_digest["approved"] == {"digest": given, **NO_FILE}


def test_a_plan_that_is_saved_names_its_commit(project: Project) -> None:
    git(project, "init", "-q")
    git(project, "add", "connections")
    git(project, "commit", "-qm", "one")
    head = git(project, "rev-parse", "HEAD")
    assert saved(project, "a.plan")["commit"] == head
    project.define("orders", basic("Orders", description="B"))
    assert saved(project, "a.plan")["commit"] == f"{head}-dirty"
    assert f"from commit {head}-dirty" in project.run("show", "a.plan").out
    assert evidence(project, "a.plan")["approved"]["commit"] == f"{head}-dirty"


NOT_DONE: dict[str, Any] = {
    "failed": (400, {"type": "x/1100-400", "status": 400, "detail": "no"}),
    "stale": None,
    "unknown": (500, {}),
    "not attempted": (401, {"error_code": "401013", "message": "Oauth token is not valid"}),
}


@pytest.mark.parametrize("outcome", NOT_DONE)
def test_a_change_that_is_not_done_names_its_base_connection(project: Project, service: Service, outcome: str) -> None:
    """Of the two, the second has no turn if the token is not accepted any more."""

    def meddle(method: str, path: str, _: object) -> tuple[int, Any] | None:
        if method == "PATCH" and outcome == "stale":
            service.edit(path.rpartition("/")[2], "/description", "By hand")
        return NOT_DONE[outcome] if method == "PATCH" else None

    with between(service, meddle) as url:
        project.target(url, ims_endpoint=service.url)
        project.define("stock", basic("Stock"))
        assert evidence(project, "--yes")["result"] == "done"
        for key in ("orders", "stock"):
            project.define(key, basic(key.title(), description="B"))
        found = evidence(project, "--yes", "--parallelism", "1", "--no-wait")["outcomes"]
    assert found[-1]["outcome"] == outcome
    assert [one["id"] for one in found] == [project.id("orders"), project.id("stock")]


def test_a_create_that_failed_names_none(project: Project, service: Service) -> None:
    refused = (400, {"type": "x/1100-400", "status": 400, "detail": "no"})
    with between(service, lambda method, path, _: refused if method == "POST" and path == CONNECTIONS else None) as url:
        project.target(url, ims_endpoint=service.url)
        (outcome,) = evidence(project, "--yes")["outcomes"]
        assert (outcome["outcome"], outcome["id"]) == ("failed", None)


def test_a_recreate_that_failed_does_not_name_what_is_gone(project: Project, service: Service) -> None:
    made: list[str] = []

    def meddle(method: str, path: str, _: object) -> tuple[int, Any] | None:
        refused = (400, {"type": "x/1100-400", "status": 400, "detail": "no"})
        return refused if made and method == "POST" and path == CONNECTIONS else None

    with between(service, meddle) as url:
        project.target(url, ims_endpoint=service.url)
        assert evidence(project, "--yes")["result"] == "done"
        made.append(project.id("orders"))
        service.delete(made[0])
        (outcome,) = evidence(project, "--yes")["outcomes"]
    assert (outcome["outcome"], outcome["action"], outcome["id"]) == ("failed", "create", None)


def test_an_adoption_that_failed_names_what_it_would_adopt(project: Project, service: Service) -> None:
    refused = (400, {"type": "x/1100-400", "status": 400, "detail": "no"})
    with between(service, lambda method, *_: refused if method == "PATCH" else None) as url:
        project.target(url, ims_endpoint=service.url)
        assert evidence(project, "--yes")["result"] == "done"
        ident = project.id("orders")
        project.state_file.unlink()
        (outcome,) = evidence(project, "--yes", "--import-existing")["outcomes"]
    assert (outcome["outcome"], outcome["id"]) == ("failed", ident)


def test_a_blocked_change_names_its_base_connection(project: Project) -> None:
    assert evidence(project, "--yes")["result"] == "done"
    project.define("stock", basic("Stock"))
    ident = project.id("orders")
    (project.folder / "connections/orders.yaml").unlink()
    project.define("new", basic("Orders"))
    found = evidence(project, "--yes", "--allow-delete")
    assert {one["address"]: one["id"] for one in found["blocked"]}["orders"] == ident


@pytest.mark.parametrize("command", ["apply --yes", "rotate orders --yes"])
@pytest.mark.parametrize(
    ("definition", "environ", "rules", "details"),
    [
        ("name: 1\n", {}, 1, []),
        (None, {"MYSQL_ORDERS_PASSWORD": None}, 1, []),
        ("name: 1\n", {"AEP_API_KEY": None}, 1, ["AEP_API_KEY is not set"]),
    ],
)
def test_problems_are_part_of_the_same_document(
    project: Project,
    command: str,
    definition: str | None,
    environ: dict[str, str | None],
    rules: int,
    details: list[str],
) -> None:
    if definition:
        project.define("orders", definition)
    report = ("--report", "json=a.json", "--report", "junit=a.xml")
    by_form = {
        form: project.run(*command.split(), "--format", form, *report, environ=environ)
        for form in ("text", "json", "events")
    }
    documents = [
        json.loads((project.folder / "a.json").read_text()),
        by_form["json"].json,
        json.loads(by_form["events"].last),
    ]
    for document in documents[:2]:
        VALIDATOR.validate(document)
    for found in documents:
        assert (found["result"], found["details"]) == ("failed", details)
        assert len(found["problems"]) >= rules
        assert all(one["file"] == "connections/orders.yaml" and one["rule"] for one in found["problems"])
    assert all("connections/orders.yaml:" in done.err and done.code == 1 for done in by_form.values())
    assert "connections/orders.yaml" in (project.folder / "a.xml").read_text()


def test_rotate_leaves_the_same_evidence(project: Project) -> None:
    assert evidence(project, "--yes")["result"] == "done"
    report = ("--report", "json=a.json", "--report", "junit=a.xml", "--report", "markdown=a.md")
    done = project.run("rotate", "orders", "--yes", "--format", "json", *report)
    found = json.loads((project.folder / "a.json").read_text())
    VALIDATOR.validate(found)
    assert (done.code, done.json) == (0, found)
    assert found["asked"] == ["--prove", "--resend", "--test", "--select orders"]
    (outcome,) = found["outcomes"]
    assert (outcome["proved"], outcome["tested"], found["approved_by"]) == (True, "passed", "--yes")
    assert (project.folder / "a.xml").exists()
    assert (project.folder / "a.md").exists()
    events = project.run("rotate", "orders", "--yes", "--format", "events").out.splitlines()
    assert [json.loads(line)["type"] for line in events] == ["plan", "planned_change", "outcome", "summary"]


def test_a_run_that_is_locked_out(project: Project) -> None:
    assert project.run("apply", "--yes").code == 0
    store = FileStore(project.state_file, TargetIdentity(**project.state["target"]))
    with store.hold(Holder("jane", "host", 1, "apply", "now"), 0, lambda _: None):
        found = evidence(project, "--yes")
    assert found["result"] == "locked"
    assert "is locked by jane on host" in found["message"]
    assert (found["target"]["name"], found["plan"], found["outcomes"]) == ("here", None, [])


@pytest.mark.parametrize(
    ("args", "environ", "result", "message"),
    [
        (("--expect-digest", f"sha256:{'0' * 64}"), {}, "stale", "create orders"),
        ((), {}, "usage", "cannot ask"),
        (("--yes", "--target", "elsewhere"), {}, "usage", "elsewhere"),
        (("none.plan",), {}, "failed", "none.plan"),
        (("--yes",), {"AEP_CLIENT_SECRET": None}, "failed", "neither AEP_CLIENT_SECRET nor AEP_ACCESS_TOKEN is set"),
        (("--yes",), {"AEP_CLIENT_SECRET": "wrong", "AEP_ACCESS_TOKEN": "no blanks"}, "usage", "AEP_ACCESS_TOKEN"),
        (("--yes",), {"AEP_API_KEY": "no blanks"}, "usage", "AEP_API_KEY"),
    ],
)
@pytest.mark.parametrize("form", ["report", "json", "events"])
def test_a_run_that_ends_in_an_error(
    project: Project, args: tuple[str, ...], environ: dict[str, str | None], result: str, message: str, form: str
) -> None:
    if form == "report":
        found = evidence(project, *args, environ=environ)
    else:
        done = project.run("apply", *args, "--format", form, environ=environ)
        found = json.loads(done.out if form == "json" else done.last)
    assert found["result"] == result
    assert message in "\n".join([found["message"], *found["details"]])
    assert found["approved_by"] is None
    assert found.get("outcomes", []) == []


@pytest.mark.parametrize(
    ("error", "result", "message"),
    [
        (KeyboardInterrupt(), "interrupted", "interrupted; nothing was sent"),
        (ZeroDivisionError("orders-secret-0815"), "bug", "ZeroDivisionError; standard error says more"),
        (OSError(28, "orders-secret-0815"), "failed", "No space left on device"),
    ],
)
def test_a_run_that_breaks_off(
    project: Project, monkeypatch: pytest.MonkeyPatch, error: BaseException, result: str, message: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(apply, "run_apply", fail)
    found = evidence(project, "--yes")
    assert (found["result"], found["message"]) == (result, message)


def test_events_end_with_the_evidence_of_the_run(project: Project) -> None:
    events = [json.loads(line) for line in project.run("apply", "--yes", "--format", "events").out.splitlines()]
    assert [event["type"] for event in events] == ["plan", "planned_change", "outcome", "summary"]
    assert called(events[-2]["outcome"]["calls"]) == ["POST /connections 201"]
    assert (events[-1]["result"], events[-1]["approved_by"]) == ("done", "--yes")
    assert events[-1]["message"].startswith("Apply complete: 1 added")


@pytest.mark.parametrize("status", [200, 503])
def test_a_request_id_that_repeats_a_secret_is_left_out(
    project: Project, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """It would end the run as a leak, after calls that had their effect."""
    read = HttpTransport._read

    def repeating(self: HttpTransport, *args: Any) -> HttpResponse:
        response = read(self, *args)
        status_here = status if response.status == 201 and status > 201 else response.status
        return replace(response, status=status_here, headers={**response.headers, "x-request-id": ORDERS})

    monkeypatch.setattr(HttpTransport, "_read", repeating)
    found = evidence(project, "--yes", "-v", "--no-wait")
    assert found["result"] == ("done" if status == 200 else "incomplete")
    assert {call["request_id"] for one in (found, *found["outcomes"]) for call in one["calls"]} == {None}


# --- who and where

PIPELINES: dict[str, tuple[dict[str, str], tuple[str, str, str]]] = {
    "none": ({}, ("", "", "")),
    "GitHub": (
        {
            "GITHUB_RUN_ID": "7",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/aep",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_SHA": "a" * 40,
        },
        ("https://github.com/acme/aep/actions/runs/7", "octocat", "a" * 40),
    ),
    "GitLab": (
        {"CI_JOB_URL": "https://gitlab.com/j/1", "GITLAB_USER_LOGIN": "fox", "CI_COMMIT_SHA": "b" * 40},
        ("https://gitlab.com/j/1", "fox", "b" * 40),
    ),
    "Azure DevOps": (
        {
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
            "SYSTEM_TEAMPROJECT": "Data Team",
            "BUILD_BUILDID": "12",
            "BUILD_REQUESTEDFOR": "Jane Doe",
            "BUILD_SOURCEVERSION": "c" * 40,
        },
        ("https://dev.azure.com/acme/Data%20Team/_build/results?buildId=12", "Jane Doe", "c" * 40),
    ),
    "Azure DevOps, nothing set": ({"BUILD_REQUESTEDFOR": "$(BUILD_REQUESTEDFOR)"}, ("", "", "")),
}


@pytest.mark.parametrize(("environ", "expected"), PIPELINES.values(), ids=PIPELINES)
def test_the_run_of_a_pipeline(environ: dict[str, str], expected: tuple[str, str, str]) -> None:
    run = pipeline_run(environ)
    assert (run.url, run.actor, run.commit) == expected


def test_a_pipeline_is_named(project: Project) -> None:
    runner = evidence(project, "--yes", environ=PIPELINES["Azure DevOps"][0])["runner"]
    url, actor, commit = PIPELINES["Azure DevOps"][1]
    assert (runner["url"], runner["actor"], runner["commit"]) == (url, actor, commit)


def git(project: Project, *args: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(["git", *identity, *args], cwd=project.folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_elsewhere_git_tells_the_commit(project: Project) -> None:
    assert evidence(project, "--yes")["runner"]["commit"] is None
    git(project, "init", "-q")
    assert evidence(project, "--yes")["runner"]["commit"] is None, "there is none yet"
    git(project, "add", "connections")
    git(project, "commit", "-qm", "one")
    git(project, "tag", "-am", "v1", "v1")
    head = git(project, "rev-parse", "HEAD")
    assert evidence(project, "--yes")["runner"]["commit"] == head
    project.define("orders", basic("Orders", description="B"))
    assert evidence(project, "--yes")["runner"]["commit"] == f"{head}-dirty"
    assert evidence(project, "--yes", environ={"PATH": None})["runner"]["commit"] is None
