"""``ci/github``: the plan that reviewers see, and whether a plan is the one that they approved."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.acceptance.support import CREDENTIALS, PASSWORDS, Result, Service
from tests.pipelines.github import BOT, REPOSITORY, GitHub, running_github
from tests.pipelines.repository import Repository, Runner, repository_for

DIGEST = r"sha256:[0-9a-f]{64}"
ZERO = f"sha256:{'0' * 64}"
REVIEWED = [{"id": 1, "type": "required_reviewers", "reviewers": [{"type": "User", "reviewer": {"login": "jane"}}]}]
HEAD = "a" * 40


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running_github() as github:
        github.environments["prod-approval"] = REVIEWED
        yield github


@pytest.fixture
def repository(tmp_path: Path, service: Service) -> Iterator[Repository]:
    with repository_for(tmp_path, service.url) as repository:
        repository.environ |= {**CREDENTIALS, **PASSWORDS}
        repository.define("orders")
        yield repository


def job(repository: Repository, github: GitHub, event: Any, **environ: str) -> Runner:
    """A runner that GitHub has told what it is about."""
    runner = repository.runner()
    files = runner.folder.parent / f"{runner.folder.name}-files"
    files.mkdir()
    for name in ("GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY"):
        (files / name).write_text(json.dumps(event) if name == "GITHUB_EVENT_PATH" else "", "utf-8")
        runner.environ[name] = str(files / name)
    runner.environ |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ID": "7",
        "GITHUB_SHA": runner.git("rev-parse", "HEAD").strip(),
        "GITHUB_REF_NAME": "main",
        "GITHUB_EVENT_NAME": "workflow_dispatch" if "inputs" in event else "push",
        "GITHUB_TOKEN": "job-token",
        "APPROVED_BY": "pull-request",
        **environ,
    }
    return runner


def plan(runner: Runner, *flags: str, **environ: str) -> Result:
    """Plan as the workflow does, and remember how it ended."""
    reports = ("--report", "markdown=plan.md", "--report", "json=plan.json")
    result = runner.run("plan", "--target", "prod", *reports, *flags, environ=environ)
    runner.environ["PLANNED"] = "failure" if result.code else "success"
    return result


def show(runner: Runner) -> Result:
    result = runner.shell("python ci/github show prod")
    assert result.code == 0, result.err
    return result


def reviewed(repository: Repository, github: GitHub, **environ: str) -> Runner:
    """A pull request that was planned and shown."""
    runner = job(repository, github, {"pull_request": {"number": 12, "head": {"sha": HEAD}}})
    plan(runner, *([] if environ.get("AEP_API_KEY", "x") else ["--offline"]), **environ)
    show(runner)
    return runner


def merged(repository: Repository, github: GitHub, **environ: str) -> Runner:
    """The job after its merge, planned."""
    runner = job(repository, github, {}, **environ)
    github.merge(12, HEAD, runner.environ["GITHUB_SHA"])
    plan(runner)
    return runner


def approval(runner: Runner) -> Result:
    return runner.shell("python ci/github approval prod")


def summary(runner: Runner) -> str:
    return Path(runner.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8")


def test_a_plan_that_was_approved_needs_no_other_approval(repository: Repository, github: GitHub) -> None:
    runner = reviewed(repository, github)
    (comment,) = github.comments
    assert comment["number"] == "12"
    assert "create `orders`" in comment["body"]
    (status,) = github.statuses[HEAD]
    assert (status["state"], status["context"]) == ("success", "provisioner/prod")
    assert status["description"] in comment["body"]
    assert status["target_url"].endswith("/acme/databases/actions/runs/7")
    assert comment["body"] == f"{summary(runner)}\nPlan of commit {HEAD}.\n"
    assert approval(merged(repository, github)).out == "approved=yes\n"


NOT_APPROVED = {
    "another plan": lambda github: github.status(HEAD, description=ZERO),
    "somebody else's status": lambda github: github.status(HEAD, creator={"login": "mallory"}),
    "a status of a deleted account": lambda github: github.status(HEAD, creator=None),
    "a plan that is not finished": lambda github: github.status(HEAD, state="pending", description=ZERO),
    "a plan with errors": lambda github: github.status(HEAD, state="failure", description=ZERO),
    "no digest": lambda github: github.status(HEAD, description=None),
    "half a digest": lambda github: github.status(HEAD, description="sha256:0"),
    "a digest of an older version": lambda github: github.status(HEAD, description=f"public-{'0' * 64}"),
    "another target": lambda github: github.status(HEAD, context="provisioner/dev", description=ZERO),
    "no plan": lambda _: None,
}


@pytest.mark.parametrize("status", NOT_APPROVED.values(), ids=NOT_APPROVED)
def test_what_was_not_approved_waits_at_the_environment(
    repository: Repository, github: GitHub, status: Callable[[GitHub], None]
) -> None:
    status(github)
    runner = merged(repository, github)
    assert approval(runner).out == "approved=no\n"
    assert "To be approved at the environment `prod-approval`" in summary(runner)


def test_a_plan_that_moved_since_waits_at_the_environment(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    repository.define("stock")
    waiting = approval(merged(repository, github))
    assert waiting.out == "approved=no\n"
    assert re.search(f"the approved digest is {DIGEST}, and this plan has {DIGEST}", waiting.err)


def test_a_plan_that_was_made_after_the_merge_is_no_approval(repository: Repository, github: GitHub) -> None:
    runner = merged(repository, github)
    github.status(HEAD, description=json.loads((runner.folder / "plan.json").read_text("utf-8"))["digest"])
    assert approval(runner).out == "approved=no\n"


def test_what_came_by_no_pull_request_waits_at_the_environment(repository: Repository, github: GitHub) -> None:
    runner = job(repository, github, {})
    github.merge(12, HEAD, "b" * 40)
    plan(runner)
    waiting = approval(runner)
    assert (waiting.out, "was merged to main by no pull requests" in waiting.err) == ("approved=no\n", True)


def test_a_run_by_hand_is_approved_at_the_environment(repository: Repository, github: GitHub) -> None:
    """Also one of the commit whose pull request was approved: its inputs were not."""
    reviewed(repository, github)
    runner = merged(repository, github)
    assert approval(runner).out == "approved=yes\n"
    runner.environ["GITHUB_EVENT_NAME"] = "workflow_dispatch"
    assert approval(runner).out == "approved=no\n"


def test_a_team_can_have_every_plan_approved_at_the_environment(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    assert approval(merged(repository, github, APPROVED_BY="environment")).out == "approved=no\n"


def test_a_pull_request_to_another_branch_approves_nothing(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    runner = job(repository, github, {})
    github.merge(12, HEAD, runner.environ["GITHUB_SHA"], base="feature")
    plan(runner)
    assert approval(runner).out == "approved=no\n"


def test_an_environment_that_every_branch_may_use_is_warned_of(repository: Repository, github: GitHub) -> None:
    runner = job(repository, github, {})
    plan(runner)
    assert "::warning::every branch may use the environment prod" in approval(runner).err
    github.environments["prod"] = []
    assert "::warning::" not in approval(runner).err
    github.open_to_all = {"prod"}
    assert "::warning::every branch may use the environment prod" in approval(runner).err


Outside: TypeAlias = Callable[[Service, str], None]
OUTSIDE: dict[str, tuple[Outside, dict[str, str]]] = {
    "drift": (lambda service, found: service.edit(found, "/description", "By hand"), {}),
    "deleted outside": (lambda service, found: service.delete(found), {}),
    "rotated": (lambda _, __: None, {"MYSQL_ORDERS_PASSWORD": "rotated-Kx93hvQw71z"}),
}


@pytest.mark.parametrize(("outside", "environ"), OUTSIDE.values(), ids=OUTSIDE)
def test_what_the_digest_does_not_cover_waits_at_the_environment(
    repository: Repository, github: GitHub, service: Service, outside: Outside, environ: dict[str, str]
) -> None:
    first = repository.runner()
    assert first.run("apply", "--target", "prod", "--yes").code == 0
    state = first.files()
    (item,) = service.items()
    outside(service, item["id"])
    repository.define("stock")
    repository.environ |= environ

    def restored(runner: Runner) -> Runner:
        (runner.folder / "state").mkdir(exist_ok=True)
        (runner.folder / "state/prod.json").write_bytes(state["state/prod.json"])
        plan(runner)
        return runner

    review = restored(job(repository, github, {"pull_request": {"number": 12, "head": {"sha": HEAD}}}))
    show(review)
    assert "waits for an approval at the environment `prod-approval`" in github.comments[0]["body"]
    runner = restored(merged(repository, github))
    waiting = approval(runner)
    assert waiting.out == "approved=no\n"
    assert "the digest does not cover what the service or a secret says about orders" in waiting.err


@pytest.mark.parametrize(
    ("environments", "words"),
    [
        ({}, "there is no environment prod-approval"),
        ({"prod": REVIEWED}, "there is no environment prod-approval"),
        ({"prod-approval": []}, "the environment prod-approval has no required reviewers"),
        ({"prod-approval": [{"type": "wait_timer", "wait_timer": 30}]}, "prod-approval has no required reviewers"),
        ({"prod-approval": [{"type": "required_reviewers", "reviewers": []}]}, "has no required reviewers"),
    ],
    ids=["missing", "another one", "unprotected", "only waits", "nobody reviews"],
)
def test_an_environment_where_nobody_has_to_approve_is_refused(
    repository: Repository, github: GitHub, environments: dict[str, Any], words: str
) -> None:
    github.environments = environments
    runner = job(repository, github, {})
    plan(runner)
    refused = approval(runner)
    assert (refused.code, refused.out) == (1, "")
    assert words in refused.err
    assert "tick Required reviewers" in refused.err


def test_where_nothing_is_to_do_nothing_is_to_approve(repository: Repository, github: GitHub) -> None:
    github.environments = {}
    runner = job(repository, github, {})
    assert runner.run("apply", "--target", "prod", "--yes").code == 0
    plan(runner)
    assert approval(runner).out == "approved=yes\n"


def test_a_fork_may_not_write_and_sees_its_plan(repository: Repository, github: GitHub, service: Service) -> None:
    github.may_write = False
    fork = reviewed(repository, github, **dict.fromkeys((*CREDENTIALS, *PASSWORDS), ""))
    assert service.seen() == []
    assert "the plan is in the summary of this step, and in no comment: POST" in fork.results[-1].err
    assert "the digest is in no status, so this plan counts as not approved" in fork.results[-1].err
    assert "The service was not queried" in summary(fork)
    github.may_write = True
    assert approval(merged(repository, github)).out == "approved=no\n"


def test_its_digest_is_that_of_the_same_plan_with_secrets(repository: Repository, github: GitHub) -> None:
    own = reviewed(repository, github)
    fork = reviewed(repository, github, **dict.fromkeys(("AEP_API_KEY", "MYSQL_ORDERS_PASSWORD"), ""))
    first, second = (re.findall(DIGEST, summary(one)) for one in (own, fork))
    assert first
    assert first == second


def test_there_is_one_comment_and_it_is_kept_up_to_date(repository: Repository, github: GitHub) -> None:
    others = [
        {"id": n, "user": {"login": "jane"}, "body": "<!-- provisioner:plan target=prod -->"} for n in range(1, 151)
    ]
    github.comments.extend(others)
    reviewed(repository, github)
    repository.define("stock")
    reviewed(repository, github)
    assert len(github.comments) == 151
    assert "2 to add" in github.comments[-1]["body"]


NULL = {
    "a comment of a deleted account": {
        "id": 1,
        "user": None,
        "number": 12,
        "body": "<!-- provisioner:plan target=prod -->",
    },
    "a comment without text": {"id": 1, "user": {"login": BOT}, "number": 12, "body": None},
}


@pytest.mark.parametrize("comment", NULL.values(), ids=NULL)
def test_what_github_says_nothing_of_is_not_ours(repository: Repository, github: GitHub, comment: Any) -> None:
    github.comments.append(comment)
    reviewed(repository, github)
    assert len(github.comments) == 2
    assert len(github.statuses[HEAD]) == 1


def test_a_plan_that_could_not_be_shown_is_not_approved(
    repository: Repository, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a locked conversation, a comment that is too long, a rate limit: an older comment may be there."""
    answer = github.answer

    def refusing(method: str, path: str, body: Any) -> tuple[int, Any]:
        return (422, {}) if method != "GET" and path.startswith("issues") else answer(method, path, body)

    reviewed(repository, github)
    monkeypatch.setattr(github, "answer", refusing)
    repository.define("stock")
    runner = reviewed(repository, github)
    assert ": 422 (a pull request from a fork may not write)" in runner.results[-1].err
    assert [status["state"] for status in github.statuses[HEAD]] == ["failure", "success"]
    assert approval(merged(repository, github)).out == "approved=no\n"


def test_without_a_status_the_plan_is_shown_all_the_same(
    repository: Repository, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = github.answer
    monkeypatch.setattr(github, "answer", lambda *call: (422, {}) if "statuses" in call[1] else answer(*call))
    runner = reviewed(repository, github)
    assert "this plan counts as not approved after the merge" in runner.results[-1].err
    assert len(github.comments) == 1


def test_definitions_with_problems_leave_no_older_plan_standing(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    repository.author.define("orders", "name: Orders\n")
    repository.define()
    reviewed(repository, github)
    (comment,) = github.comments
    assert "There is no plan" in comment["body"]
    assert [status["state"] for status in github.statuses[HEAD]] == ["failure", "success"]


def test_a_closed_pull_request_keeps_its_comment_and_its_status(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    before = (github.comments[0]["body"], len(github.statuses[HEAD]))
    repository.define("stock")
    github.open = False
    late = reviewed(repository, github)
    assert "the pull request is closed" in late.results[-1].err
    assert (github.comments[0]["body"], len(github.statuses[HEAD])) == before


def test_the_script_says_how_it_is_used(repository: Repository) -> None:
    for words in ("", "approve prod", "show", "approval", "approval prod x"):
        result = repository.author.shell(f"python ci/github {words}")
        assert (result.code, "python ci/github approval TARGET" in result.err) == (64, True)
