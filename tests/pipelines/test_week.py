"""An ordinary week of a team with three stages, on each platform: docs/week.md tells the same story."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event
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
    """The team's repository, its pipeline, and the sandboxes that it applies to."""

    def __init__(self, repository: Repository, platform: Platform, service: Service) -> None:
        self.repository, self.platform = repository, platform
        self.sandboxes = {stage: replace(service, sandbox=stage) for stage in STAGES}

    @property
    def by_digest(self) -> bool:
        """Whether the approval of a pull request is enough where its digest covers the plan."""
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
        """Open a pull request that defines keys and removes one."""
        self.repository.author.git("checkout", "--quiet", "-B", "change", "origin/main")
        for key in keys:
            self.repository.author.define(key, basic(key, secret=SHARED))
        if removed:
            (self.repository.author.folder / f"connections/{removed}.yaml").unlink()
        self.repository.commit("Change definitions", "change")
        return self.platform.review("change", fork)

    def merge(self) -> str:
        """Merge the branch `change` after its review. Returns the commit."""
        author = self.repository.author
        author.git("fetch", "--quiet", "origin")
        author.git("checkout", "--quiet", "-B", "main", "origin/main")
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        author.git(*identity, "merge", "--quiet", "--no-ff", "--message", "Merge", "change")
        author.git("push", "--quiet", "origin", "main")
        sha = author.git("rev-parse", "HEAD").strip()
        if isinstance(self.platform, GitHubActions):
            self.platform.merge(sha)
        return sha


def json_of(repository: Repository, stage: str) -> Any:
    import json

    return json.loads(repository.kept(stage)[f"state/{stage}.json"])


@contextmanager
def a_team(folder: Path, url: str, service: Service, kind: str) -> Iterator[Team]:
    own = {**CREDENTIALS, "PROVISIONER_FINGERPRINT_KEY": FINGERPRINT_KEY}
    secrets = {stage: {**own, "MYSQL_ORDERS_PASSWORD": ORDERS, SHARED: STOCK} for stage in STAGES}
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

    team.merge()
    run = green(team.platform.merged())
    assert [stage for stage, _ in run.approvals] == ([] if team.by_digest else list(STAGES))
    assert team.names() == everywhere({"old", "orders", "stock"})

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
    """Two merges in short order; then a pull request from a fork."""
    for key in ("billing", "crm"):
        green(team.propose(key))
        team.merge()
        green(team.platform.merged())
    assert team.names() == team.recorded() == everywhere({"orders", "stock", "billing", "crm"})

    calls = len(service_calls(team))
    fork = green(team.propose("theirs", fork=True))
    assert "(offline" in fork.text
    assert fork.summary.count("1 to add") == len(STAGES)
    assert len(service_calls(team)) == calls


def service_calls(team: Team) -> list[Any]:
    return team.sandboxes["prod"].seen()


def third_create(act: Any) -> Meddler:
    """The third create calls ``act``, and has its effect all the same. What comes after it waits a moment."""
    creates, done = count(1), Event()

    def meddle(method: str, path: str, _: Any) -> tuple[int, Any] | None:
        if method == "POST" and path.endswith("/connections") and next(creates) == 3:
            act()
            done.set()
        return None

    return meddle


KEYS = [f"db{number}" for number in range(1, 7)]


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

    with between(service, third_create(act)) as url, a_team(tmp_path, url, service, kind) as team:
        team.repository.author.define("old", basic("old"))
        for key in KEYS:
            team.repository.author.define(key, basic(key, secret=SHARED))
        team.repository.commit("Define six more")
        team.platform.interfere = interfere
        broken = team.platform.merged()
        assert broken.failed, broken.text
        team.platform.interfere = lambda *_: None
        running.clear()
        assert team.names()["dev"], "the third create had its effect"
        assert team.names()["prod"] == set()

        green(team.platform.merged())
        assert team.names() == team.recorded() == everywhere({"old", *KEYS})
