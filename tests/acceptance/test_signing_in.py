"""Credentials come from the environment, go to Adobe's hosts or loopback, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from provisioner import __version__
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from provisioner.service import messages
from provisioner.service.messages import DATABASE_TIMEOUT, HttpOutcome, HttpRequest
from provisioner.service.transport import HttpTransport

from .support import CLIENT_SECRET, CONNECTIONS, CREDENTIALS, KEY, ORG, Project, Service, basic, between


@pytest.fixture
def project(project: Project) -> Project:
    """With one definition."""
    project.define("orders", basic("Orders"))
    return project


def test_one_token_serves_the_whole_run(project: Project, service: Service) -> None:
    for number in range(5):
        project.define(f"more/{number}", basic(f"More {number}"))
    assert project.run("apply", "--yes").code == 0
    assert len(service.seen("POST")) == 6
    assert service.tokens() == 1
    assert len({one["headers"]["authorization"] for one in service.seen()}) == 1


def test_every_call_names_us_and_our_version(project: Project, service: Service) -> None:
    assert project.run("apply", "--yes", "--test").code == 0
    log = requests.get(f"{service.url}/_emulator/requests", timeout=5).json()
    agents = {(one["path"], one["headers"]["user-agent"].partition(" ")[0]) for one in log}
    assert {agent for _, agent in agents} == {f"provisioner/{__version__}"}
    assert {"/ims/token/v3", CONNECTIONS} <= {path for path, _ in agents}


def test_every_attempt_has_the_deadline_of_its_place(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a token too: else a hanging sign-in would hold up an interrupt for longer."""
    within: dict[str, float] = {}
    send = HttpTransport.send

    def noted(self: HttpTransport, call: HttpRequest) -> HttpOutcome:
        within[call.path.partition("?")[0].rpartition("/")[2]] = call.within
        return send(self, call)

    monkeypatch.setattr(HttpTransport, "send", noted)
    assert project.run("apply", "--yes", "--test").code == 0
    assert (within.pop("test"), {*within.values()}) == (DATABASE_TIMEOUT, {messages.LOOPBACK.attempt})
    assert {"connections", "v3"} <= within.keys()


def test_a_token_that_is_not_accepted_is_renewed_once(project: Project, service: Service) -> None:
    refusals = [(401, {"error_code": "401013", "message": "Oauth token is not valid"})]
    with between(service, lambda method, *_: refusals.pop() if method == "GET" and refusals else None) as url:
        project.target(url)
        assert project.run("plan").code == 0
    assert service.tokens() == 2


def test_and_not_more_than_once(project: Project) -> None:
    with Emulator(behaviour=Behaviour(token_seconds=0, foreign_tokens="reject")) as emulator:
        project.target(emulator.url)
        plan = project.run("plan")
        assert plan.code == 1
        assert Service(emulator.url).tokens() == 2
    assert "401" in plan.err


def test_a_wrong_client_secret_is_explained(project: Project) -> None:
    with Emulator(behaviour=Behaviour(clients={KEY: "another"})) as emulator:
        project.target(emulator.url)
        plan = project.run("plan")
    assert plan.code == 1
    assert "no access token" in plan.err
    assert "AEP_CLIENT_SECRET" in plan.err


def test_a_ready_token_is_used_as_it_is(project: Project, service: Service) -> None:
    environ = {"AEP_CLIENT_SECRET": None, "AEP_ACCESS_TOKEN": CLIENT_SECRET}
    assert project.run("apply", "--yes", environ=environ).code == 0
    assert service.tokens() == 0
    assert {one["headers"]["authorization"] for one in service.seen()} == {f"Bearer {CLIENT_SECRET}"}


def test_a_ready_token_that_expires_on_the_way_is_an_outcome_like_others(project: Project, service: Service) -> None:
    project.define("stock", basic("Stock"))
    ready = {"AEP_CLIENT_SECRET": None, "AEP_ACCESS_TOKEN": CLIENT_SECRET}
    expired = (401, {"error_code": "401013", "message": "Oauth token is not valid"})
    with between(service, lambda *_: expired if service.writes() else None) as url:
        project.target(url)
        stopped = project.run("apply", "--yes", "--parallelism", "1", environ=ready)
        assert stopped.code == 4
        assert "AEP_ACCESS_TOKEN is not accepted" in stopped.out
        assert [one["name"] for one in service.items()] == ["Orders"]
        assert list(project.state["records"]) == ["orders"]
        assert project.state["intents"] == {}


@pytest.mark.parametrize(
    ("variable", "value"), [("AEP_ORG_ID", "0000000000000000@AdobeOrg"), ("AEP_SANDBOX_NAME", "dev")]
)
def test_two_places_that_contradict_each_other_are_an_error(
    project: Project, service: Service, variable: str, value: str
) -> None:
    for command in ("plan", "apply"):
        refused = project.run(command, environ={variable: value})
        assert (refused.code, refused.out) == (64, "")
        assert variable in refused.err
        assert value in refused.err
    assert service.seen() == []


def test_the_environment_fills_in_what_the_target_leaves_out(project: Project, service: Service) -> None:
    project.target(service.url, org_id=None, sandbox=None)
    missing = project.run("plan")
    assert (missing.code, "AEP_ORG_ID" in missing.err) == (64, True)
    assert project.run("plan", environ={"AEP_ORG_ID": ORG, "AEP_SANDBOX_NAME": "dev"}).code == 0
    assert {one["headers"]["x-sandbox-name"] for one in service.seen()} == {"dev"}


@pytest.mark.parametrize(
    ("field", "url", "code", "words"),
    [
        ("endpoint", "http://platform.adobe.io", 1, "begins with https://"),
        ("endpoint", "https://collector.example.com", 64, "PROVISIONER_ALLOW_HOSTS"),
        ("ims_endpoint", "https://collector.example.com", 64, "PROVISIONER_ALLOW_HOSTS"),
        ("ims_endpoint", "http://ims-na1.adobelogin.com", 1, "begins with https://"),
    ],
)
def test_no_token_goes_to_a_host_that_the_environment_does_not_name(
    project: Project, service: Service, field: str, url: str, code: int, words: str
) -> None:
    project.target(service.url, **{field: url})
    refused = project.run("apply", "--yes")
    assert (refused.code, refused.out) == (code, "")
    assert (url if code == 64 else f"targets.here.{field}") in refused.err
    assert words in refused.err
    assert service.seen() == []
    assert service.tokens() == 0


def test_netrc_is_not_read(project: Project, service: Service) -> None:
    project.write("home/.netrc", "machine 127.0.0.1 login me password from-netrc\n")
    assert project.run("plan", environ={"HOME": str(project.folder / "home")}).code == 0
    assert all(one["headers"]["authorization"].startswith("Bearer ") for one in service.seen())


def test_no_proxy_stands_between_the_command_and_loopback(project: Project) -> None:
    nobody = "http://127.0.0.1:9"
    environ: Any = {"HTTP_PROXY": nobody, "HTTPS_PROXY": nobody, "ALL_PROXY": nobody}
    assert project.run("plan", environ=environ).code == 0


def test_verbose_names_each_call_and_shows_no_body(project: Project) -> None:
    apply = project.run("apply", "--yes", "--verbose")
    lines = apply.err.splitlines()
    assert [line.split()[0] for line in lines] == ["POST", "GET", "POST", "GET"]
    assert [line.split()[2] for line in lines] == ["200", "200", "201", "200"]
    assert "/ims/token/v3" in lines[0]
    assert all("request " in line for line in lines[1:])
    assert "db.example.com" not in apply.err
    assert "Bearer" not in apply.err


def test_where_no_emulator_runs_it_is_said_how_to_start_one(project: Project) -> None:
    project.target("http://127.0.0.1:9")
    refused = project.run("plan")
    assert refused.code == 1
    assert "remedy: is `provisioner emulator` running? start it with --port 9, or correct `endpoint:`" in refused.err


@pytest.mark.parametrize("name", ["AEP_API_KEY", "AEP_ORG_ID", "AEP_SANDBOX_NAME", "AEP_ACCESS_TOKEN"])
@pytest.mark.parametrize("value", ["caf\u00e9 s3cretvalue", "s3cretvalue\nx: y"])
def test_a_command_names_it_and_does_not_show_it(project: Project, name: str, value: str) -> None:
    project.define("orders", basic("Orders"))
    done = project.run("plan", environ={name: value})
    assert done.code == 64
    assert name in done.err
    assert "s3cretvalue" not in done.err


@pytest.mark.parametrize(
    "command",
    ["plan", "apply --yes", "rotate orders", "show a.plan --check", "test", "explore orders", "import --all"],
)
def test_without_credentials_only_plan_names_its_other_way(project: Project, command: str) -> None:
    assert project.run("plan", "--out", "a.plan").code == 0
    refused = project.run(*command.split(), environ=dict.fromkeys(CREDENTIALS))
    assert "remedy: set AEP_API_KEY and AEP_CLIENT_SECRET" in refused.err
    assert ("plan --offline" in refused.err) is (command == "plan")
