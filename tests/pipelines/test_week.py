"""An ordinary week of a team with three stages, on each platform: docs/week.md tells the same story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.support import CREDENTIALS, ORDERS, ROTATED, STOCK, Meddler, Service, basic, between
from tests.pipelines.github import running_github
from tests.pipelines.platforms import AzurePipelines, GitHubActions, GitLab, Platform, Run
from tests.pipelines.repository import Repository, repository_for

STAGES = ("dev", "stage", "prod")
SHARED = "MYSQL_SHARED_PASSWORD"
FINGERPRINT_KEY = "sample-fingerprint-key-of-the-team"


def everywhere(names: set[str]) -> dict[str, set[str]]:
    return dict.fromkeys(STAGES, names)


class Team:
    """A repository, its pipeline, and the sandboxes that it applies to."""

    def __init__(self, repository: Repository, platform: Platform, service: Service) -> None:
        self.repository, self.platform = repository, platform
        self.sandboxes = {stage: replace(service, sandbox=stage) for stage in STAGES}

    @property
    def by_digest(self) -> bool:
        """Return whether the approval of a pull request is enough where its digest covers the plan."""
        return isinstance(self.platform, GitHubActions)

    def names(self) -> dict[str, set[str]]:
        """The names of the base connections in each sandbox. None occurs twice."""
        found = {stage: [item["name"] for item in sandbox.items()] for stage, sandbox in self.sandboxes.items()}
        assert all(len(names) == len(set(names)) for names in found.values()), found
        return {stage: set(names) for stage, names in found.items()}

    def recorded(self) -> dict[str, set[str]]:
        """The keys in the kept state of each stage; no call is open."""
        made = {}
        for stage in STAGES:
            (path,) = self.repository.kept(stage)
            assert path == f"state/{stage}.json"
            made[stage] = set(json_of(self.repository, stage)["records"])
        return made

    def propose(self, *keys: str, removed: str = "", fork: bool = False) -> Run:
        """Open a pull request that defines keys and removes one. Its branch has the name of the first."""
        self.repository.author.git("fetch", "--quiet", "origin")
        self.repository.author.git("checkout", "--quiet", "-B", keys[0], "origin/main")
        for key in keys:
            self.repository.author.define(key, basic(key, secret=SHARED))
        if removed:
            (self.repository.author.folder / f"connections/{removed}.yaml").unlink()
        self.repository.commit(f"Define {', '.join(keys)}", keys[0])
        return self.platform.review(keys[0], fork)

    def merge(self, branch: str) -> str:
        """Merge a branch after its review. Return the commit."""
        author = self.repository.author
        author.git("fetch", "--quiet", "origin")
        author.git("checkout", "--quiet", "-B", "main", "origin/main")
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        author.git(*identity, "merge", "--quiet", "--no-ff", "--message", "Merge", branch)
        author.git("push", "--quiet", "origin", "main")
        sha = author.git("rev-parse", "HEAD").strip()
        if isinstance(self.platform, GitHubActions):
            self.platform.merge(branch, sha)
        return sha


def json_of(repository: Repository, stage: str) -> Any:
    return json.loads(repository.kept(stage)[f"state/{stage}.json"])


@contextmanager
def a_team(folder: Path, url: str, service: Service, kind: str) -> Iterator[Team]:
    own = {**CREDENTIALS, "PROVISIONER_FINGERPRINT_KEY": FINGERPRINT_KEY}
    own |= {"MYSQL_ORDERS_PASSWORD": ORDERS, SHARED: STOCK}
    secrets = {f"{stage}{suffix}": own for stage in STAGES for suffix in ("", "-review")}
    with running_github() as github, repository_for(folder, url, kind, STAGES) as repository:
        platform: Platform
        match kind:
            case "github":
                platform = GitHubActions(repository, secrets, github)
                one, two = "          MYSQL_ORDERS_PASSWORD: ${{ secrets.MYSQL_ORDERS_PASSWORD }}\n", SHARED
                add(repository, platform.file, one, f"{one}          {two}: ${{{{ secrets.{two} }}}}\n")
            case "gitlab":
                platform = GitLab(repository, secrets)
            case _:
                platform = AzurePipelines(repository, secrets)
                add(repository, platform.file, "KEY,MYSQL_ORDERS_PASSWORD", f"KEY,MYSQL_ORDERS_PASSWORD,{SHARED}")
        team = Team(repository, platform, service)
        repository.author.define("old", basic("old", secret=SHARED))
        repository.commit("Begin")
        yield team


def add(repository: Repository, path: str, before: str, after: str) -> None:
    """Add a secret to the pipeline: in one place."""
    file = repository.author.folder / path
    text = file.read_text("utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), "utf-8")


@pytest.fixture(params=["github", "gitlab", "azure"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def green(run: Run) -> Run:
    assert not run.failed, (run.results, run.text)
    return run


def begin(team: Team) -> None:
    """Everything is applied that is on main."""
    run = green(team.platform.merged())
    assert [stage for stage, _ in run.approvals] == list(STAGES)
    assert team.names() == everywhere({"old"})


def test_the_week(tmp_path: Path, service: Service, kind: str) -> None:
    with a_team(tmp_path, service.url, service, kind) as team:
        begin(team)
        monday(team)
        tuesday(team)
        wednesday(team)
        friday(team)


def monday(team: Team) -> None:
    """A pull request adds two and removes one. After its merge it reaches one stage after the other; the delete is a
    run by hand, whose plan somebody approves."""
    review = green(team.propose("orders", "stock", removed="old"))
    assert review.approvals == []
    assert review.summary.count("2 to add, 0 to change, 0 to destroy") == len(STAGES)
    assert team.names() == everywhere({"old"})

    run = green(team.platform.merged(team.merge("orders")))
    assert [stage for stage, _ in run.approvals] == ([] if team.by_digest else list(STAGES))
    assert team.names() == everywhere({"old", "orders", "stock"})

    team.platform.approve = lambda *_: False
    refused = team.platform.by_hand("prod", allow_delete="true")
    assert [stage for stage, _ in refused.approvals] == ["prod"]
    assert "success" not in [result for name, result in refused.results.items() if name.casefold().startswith("apply")]
    assert team.names()["prod"] == {"old", "orders", "stock"}
    team.platform.approve = lambda *_: True
    for stage in STAGES:
        run = green(team.platform.by_hand(stage, allow_delete="true"))
        ((asked, plan),) = run.approvals
        assert asked == stage
        assert "--allow-delete" in plan
        assert "1 to destroy" in plan
    assert team.names() == team.recorded() == everywhere({"orders", "stock"})


def tuesday(team: Team) -> None:
    """The password that two definitions share is rotated on prod, each proved before it is sent."""
    team.platform.secrets["prod"][SHARED] = ROTATED
    before = len(team.sandboxes["prod"].writes())
    run = green(team.platform.by_hand("prod", rotate=SHARED))
    ((asked, plan),) = run.approvals
    assert asked == "prod"
    assert all(words in plan for words in ("--prove", "--resend", "--test", "2 to change"))
    sent = [(one["method"], one["path"].rpartition("/")[2]) for one in team.sandboxes["prod"].writes()[before:]]
    assert [method for method, _ in sent].count("PATCH") == 2
    assert [method for method, _ in sent].count("POST") == 2, "a probe for each"
    assert team.names() == team.recorded()


def wednesday(team: Team) -> None:
    """Somebody edits a base connection of prod and one of dev. The schedule reports both; one is overwritten, the other
    taken over."""
    assert not team.platform.scheduled().failed
    for stage in ("dev", "prod"):
        sandbox = team.sandboxes[stage]
        (found,) = [item["id"] for item in sandbox.items() if item["name"] == "orders"]
        sandbox.edit(found, "/description", "By hand")
    run = team.platform.scheduled()
    assert sorted(run.results.values()) == ["failure", "failure", "success"]
    assert run.summary.count("By hand") >= 2

    ((asked, plan),) = green(team.platform.by_hand("prod", overwrite_drift="true", select="orders")).approvals
    assert asked == "prod"
    assert "--overwrite-drift --select orders" in plan.replace("`", "")
    described = {item["name"]: item["description"] for item in team.sandboxes["prod"].items()}
    assert described == {"orders": "A", "stock": "A"}

    green(team.platform.by_hand("dev", refresh_only="true"))
    assert json_of(team.repository, "dev")["records"]["orders"]["fields"]["description"] == "By hand"
    green(team.platform.by_hand("dev"))  # the definition holds again
    assert not team.platform.scheduled().failed


def friday(team: Team) -> None:
    """Two pull requests are merged in short order, each after its review; then one comes from a fork."""
    keys = ("billing", "crm")
    for key in keys:
        green(team.propose(key))
    for commit in [team.merge(key) for key in keys]:
        run = green(team.platform.merged(commit))
        assert [stage for stage, _ in run.approvals] == ([] if team.by_digest else list(STAGES))
    assert team.names() == team.recorded() == everywhere({"orders", "stock", "billing", "crm"})

    calls = len(service_calls(team))
    fork = green(team.propose("theirs", fork=True))
    assert "(offline" in fork.text
    assert fork.summary.count("1 to add") == len(STAGES)
    assert len(service_calls(team)) == calls


def service_calls(team: Team) -> list[Any]:
    return team.sandboxes["prod"].seen()


KEYS = [f"db{number}" for number in range(1, 21)]


def at_third_create(act: Callable[[], None]) -> Meddler:
    """The third create calls ``act``, and has its effect all the same. Those that eight workers cannot have begun yet
    wait a moment, so that there is something left."""
    creates = count(1)

    def meddle(method: str, path: str, _: Any) -> tuple[int, Any] | None:
        if method == "POST" and path.endswith("/connections"):
            number = next(creates)
            if number == 3:
                act()
            elif number > 8:
                time.sleep(1)
        return None

    return meddle


@pytest.mark.parametrize("end", ["killed", "cancelled"])
def test_thursday(tmp_path: Path, service: Service, kind: str, end: str) -> None:
    """A job is killed or cancelled in the middle of an apply. The next run goes on, nothing is there twice."""
    running: list[subprocess.Popen[str]] = []

    def act() -> None:
        if not running:
            return
        process = running.pop()
        if end == "killed":
            os.killpg(process.pid, signal.SIGKILL)
        elif kind == "gitlab":
            team.platform.cancelled = True
            os.killpg(process.pid, signal.SIGTERM)
        else:
            team.platform.cancel(process)

    def interfere(script: str, process: subprocess.Popen[str]) -> None:
        if "provisioner apply" in script:
            running.append(process)

    with between(service, at_third_create(act)) as url, a_team(tmp_path, url, service, kind) as team:
        for key in KEYS:
            team.repository.author.define(key, basic(key, secret=SHARED))
        team.repository.commit("Define twenty more")
        team.platform.interfere = interfere
        broken = team.platform.merged()
        assert broken.failed, broken.text
        begun = team.names()
        assert 0 < len(begun["dev"]) < len(KEYS)
        assert begun["prod"] == set(), "it waits for dev"
        kept = team.repository.kept("dev")
        if end == "cancelled":
            assert "not attempted" in broken.text
            assert set(kept) == {"state/dev.json"}
            assert set(json_of(team.repository, "dev")["records"]) == begun["dev"]

        team.platform.interfere = lambda *_: None
        green(team.platform.merged())
        assert team.names() == team.recorded() == everywhere({"old", *KEYS})


def test_a_job_fails_where_its_apply_does(tmp_path: Path, service: Service, kind: str) -> None:
    """The next stage waits, and the state is kept."""

    def refuse(_: str, __: str, body: Any) -> tuple[int, Any] | None:
        refusal = {"errorMessage": "refused", "errorDetails": "by the test"}
        return (400, refusal) if isinstance(body, dict) and body.get("name") == "stock" else None

    with between(service, refuse) as url, a_team(tmp_path, url, service, kind) as team:
        team.repository.author.define("stock", basic("stock", secret=SHARED))
        team.repository.commit("Define stock")
        assert team.platform.merged().failed
        assert team.names() == {"dev": {"old"}, "stage": set(), "prod": set()}
        assert set(json_of(team.repository, "dev")["records"]) == {"old"}


def test_what_cannot_be_applied_goes_to_no_approval(tmp_path: Path, service: Service, kind: str) -> None:
    with a_team(tmp_path, service.url, service, kind) as team:
        del team.platform.secrets["dev"][SHARED]
        run = team.platform.merged()
        assert (run.failed, run.approvals) == (True, [])
        assert f"env({SHARED}) is not set" in run.text
        assert team.names() == everywhere(set())


REFUSED = [{"more": "--allow-mas-delete"}, {"select": ""}, {"select": "$(AEP_API_KEY)"}, {"rotate": " "}]


@pytest.mark.parametrize("inputs", REFUSED, ids=str)
def test_an_input_that_is_refused_plans_nothing(
    tmp_path: Path, service: Service, kind: str, inputs: dict[str, str]
) -> None:
    with a_team(tmp_path, service.url, service, kind) as team:
        run = team.platform.by_hand("dev", **inputs)
        assert (run.failed, run.approvals) == (True, [])
        assert team.names() == everywhere(set())


def test_a_job_that_is_started_again_goes_not_back_behind_a_newer_merge(
    tmp_path: Path, service: Service, kind: str
) -> None:
    if kind == "gitlab":
        return  # its setting "Prevent outdated deployment jobs" is on by default, and a job does not know its attempt
    with a_team(tmp_path, service.url, service, kind) as team:
        older = team.repository.git("rev-parse", "main").strip()
        begin(team)
        team.repository.author.define("orders", basic("orders"))
        team.repository.commit("Define orders")
        team.platform.attempt = 2
        run = team.platform.merged(older)
        assert (run.failed, run.approvals) == (True, [])
        assert "its commit is not the newest of the default branch any more" in run.text
