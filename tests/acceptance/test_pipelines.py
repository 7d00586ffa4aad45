"""From pull request to apply, by the pipelines that ``init`` makes: their steps are run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from provisioner.cli.init import scaffold
from tests.acceptance.github import BOT, REPOSITORY, GitHub, running_github
from tests.acceptance.support import Result, Service
from tests.acceptance.test_pipeline_state import (
    APPLY,
    APPROVED,
    FETCH,
    GITLAB,
    KEEP,
    WORKFLOW,
    Repository,
    Runner,
    ids,
    repository_for,
    step,
)

ROOT = Path(__file__).resolve().parents[2]
VALIDATE, PLAN, FIND, PLAN_APPROVED = "Validate", "Plan", "Find the approved digest", "Plan what was approved"
INSTEAD, REST = "Show what to approve instead", "Find where the rest is approved"
DIGEST = r"sha256:[0-9a-f]{64}"
REVIEWED = [{"id": 1, "type": "required_reviewers", "reviewers": [{"type": "User", "reviewer": {"login": "jane"}}]}]
HEAD = "a" * 40


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running_github() as github:
        yield github


@pytest.fixture
def repository(tmp_path: Path, service: Service) -> Iterator[Repository]:
    with repository_for(tmp_path, service.url) as repository:
        repository.define("orders")
        yield repository


def job(repository: Repository, github: GitHub, event: Any, **environ: str) -> Runner:
    """A runner that GitHub has told what it is about."""
    runner = repository.runner()
    sha = runner.git("rev-parse", "HEAD").strip()
    runner.environ |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ID": "7",
        "GITHUB_SHA": sha,
        "GITHUB_TOKEN": "job-token",
        "GITHUB_EVENT_PATH": str(runner.folder / "../event.json"),
        "GITHUB_STEP_SUMMARY": str(runner.folder / "../summary.md"),
        "GITHUB_OUTPUT": str(runner.folder / "../output"),
        "GIVEN": "",
        **environ,
    }
    for name in ("GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        Path(runner.environ[name]).write_text(json.dumps(event) if name == "GITHUB_EVENT_PATH" else "", "utf-8")
    return runner


def pull_request(repository: Repository, github: GitHub, **environ: str) -> Runner:
    return job(repository, github, {"pull_request": {"number": 12, "head": {"sha": HEAD}}}, **environ)


def reviewed(repository: Repository, github: GitHub, **environ: str) -> Runner:
    """A pull request that was planned."""
    runner = pull_request(repository, github, **environ)
    for name in (VALIDATE, FETCH, PLAN):
        result = runner.step(name, "plan")
        assert result.code == 0, result.err
    return runner


def merged(repository: Repository, github: GitHub, **environ: str) -> Runner:
    """The job after its merge, up to the digest."""
    runner = job(repository, github, {}, **environ)
    github.merge(12, HEAD, runner.environ["GITHUB_SHA"])
    return runner


def outputs(runner: Runner) -> dict[str, str]:
    """What the steps put out so far."""
    lines = Path(runner.environ["GITHUB_OUTPUT"]).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def find(runner: Runner) -> Result:
    """Run the step, and hand on what it puts out, as the workflow does."""
    result = runner.step(FIND, "approved")
    runner.environ["DIGEST"] = outputs(runner).get("digest", "")
    return result


def plan_approved(runner: Runner) -> str:
    """Run the job ``approved``. Returns the environment that the next job is to have."""
    runner.steps(FETCH)
    for result in (find(runner), runner.step(PLAN_APPROVED, "approved"), runner.step(REST, "approved")):
        assert result.code == 0, result.err
    return outputs(runner)["environment"]


def test_what_was_approved_is_applied_after_the_merge(repository: Repository, github: GitHub, service: Service) -> None:
    planned = reviewed(repository, github)
    assert service.writes() == []
    (comment,) = github.comments
    assert comment["number"] == "12"
    assert "create `orders`" in comment["body"]
    (status,) = github.statuses[HEAD]
    assert (status["state"], status["context"]) == ("success", "provisioner/prod")
    assert status["description"] in comment["body"]
    assert status["target_url"].endswith("/acme/databases/actions/runs/7")
    shown = Path(planned.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8")
    assert comment["body"] == f"{shown}\nPlan of commit {HEAD}.\n"

    runner = merged(repository, github)
    assert plan_approved(runner) == "prod"
    runner.steps(APPLY, KEEP)
    assert set(ids(service)) == {"orders"}
    assert runner.ids == ids(service)


def test_a_plan_that_moved_since_is_not_applied(repository: Repository, github: GitHub, service: Service) -> None:
    reviewed(repository, github)
    repository.define("stock")
    runner = merged(repository, github)
    runner.steps(FETCH)
    assert find(runner).code == 0
    stale = runner.step(PLAN_APPROVED, "approved")
    assert stale.code == 5
    assert "create orders, create stock" in stale.err
    assert not (runner.folder / APPROVED).exists()
    assert service.writes() == []
    again = re.search(DIGEST, Path(runner.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8"))
    assert again, "the summary shows what to approve instead"

    by_hand = job(repository, github, {}, GIVEN=again.group())
    assert plan_approved(by_hand) == "prod"
    by_hand.steps(APPLY, KEEP)
    assert set(ids(service)) == {"orders", "stock"}


def test_a_fork_gets_a_plan_without_secrets_and_no_approval(
    repository: Repository, github: GitHub, service: Service
) -> None:
    github.may_write = False
    secrets = [name for name, value in step(PLAN, "plan")["env"].items() if "secrets." in value]
    fork = reviewed(repository, github, **dict.fromkeys(secrets, ""))
    assert service.seen() == []
    assert "+ create    orders" in fork.results[-1].out
    assert "the plan is in the summary of this step, and in no comment: POST" in fork.results[-1].err
    assert "the digest is in no status, so that nothing can be applied by it: POST" in fork.results[-1].err
    assert "The service was not queried" in Path(fork.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8")
    refused = find(merged(repository, github))
    assert refused.code == 1
    assert "pull request 12 was not planned before its merge" in refused.err
    assert "run this workflow by hand with its digest" in refused.err


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


def test_a_status_of_a_deleted_account_is_no_approval(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    github.statuses[HEAD][0]["creator"] = None
    refused = find(merged(repository, github))
    assert (refused.code, "was not planned before its merge" in refused.err) == (1, True)


@pytest.mark.parametrize("refused", ["issues", "statuses"])
def test_what_one_is_refused_for_does_not_keep_back_the_other(
    repository: Repository, github: GitHub, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A locked conversation, a comment that is too long, a rate limit: the digest has to be there all the same."""
    answer = github.answer

    def refusing(method: str, path: str, body: Any) -> tuple[int, Any]:
        return (422, {}) if method == "POST" and path.startswith(refused) else answer(method, path, body)

    monkeypatch.setattr(github, "answer", refusing)
    runner = reviewed(repository, github)
    assert ": 422 (a pull request from a fork may not write)" in runner.results[-1].err
    assert (len(github.comments), len(github.statuses)) == ((0, 1) if refused == "issues" else (1, 0))


def test_its_digest_is_that_of_the_same_plan_with_secrets(repository: Repository, github: GitHub) -> None:
    own = reviewed(repository, github)
    fork = reviewed(repository, github, **dict.fromkeys(("AEP_API_KEY", "MYSQL_ORDERS_PASSWORD"), ""))
    first, second = (re.search(DIGEST, one.results[-1].out) for one in (own, fork))
    assert first
    assert second
    assert first.group() == second.group()


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


def test_definitions_with_problems_leave_no_older_plan_standing(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    repository.author.define("orders", "name: Orders\n")
    repository.define()
    runner = pull_request(repository, github)
    assert runner.step(PLAN, "plan").code == 1
    assert "::error" in runner.results[-1].out
    (comment,) = github.comments
    assert "There is no plan" in comment["body"]
    assert github.statuses[HEAD][0]["state"] == "failure"
    refused = find(merged(repository, github))
    assert (refused.code, "had errors or blocked changes" in refused.err) == (1, True)


@pytest.mark.parametrize(
    "changed",
    [
        {"creator": {"login": "mallory"}},
        {"state": "pending"},
        {"state": "failure"},
        {"description": "sha256:0"},
        {"description": f"public-{'0' * 64}"},
        {"description": None},
        {"context": "provisioner/dev"},
    ],
)
def test_what_is_no_approval(repository: Repository, github: GitHub, changed: Any) -> None:
    github.status(HEAD, **{"description": f"sha256:{'0' * 64}", **changed})
    assert find(merged(repository, github)).code == 1


def test_what_came_by_no_pull_request_is_not_approved(repository: Repository, github: GitHub) -> None:
    github.status(HEAD, description=f"sha256:{'0' * 64}")
    runner = job(repository, github, {})
    github.merge(12, HEAD, "b" * 40)
    refused = find(runner)
    assert (refused.code, "merged by no pull requests" in refused.err) == (1, True)
    assert Path(runner.environ["GITHUB_OUTPUT"]).read_text("utf-8") == ""


def test_a_plan_that_was_made_after_the_merge_is_no_approval(repository: Repository, github: GitHub) -> None:
    runner = merged(repository, github)
    github.status(HEAD, description=f"sha256:{'0' * 64}")
    refused = find(runner)
    assert (refused.code, "was not planned before its merge" in refused.err) == (1, True)


def test_a_closed_pull_request_keeps_its_comment_and_its_status(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    before = (github.comments[0]["body"], len(github.statuses[HEAD]))
    repository.define("stock")
    github.open = False
    late = reviewed(repository, github)
    assert "the pull request is closed" in late.results[-1].err
    assert (github.comments[0]["body"], len(github.statuses[HEAD])) == before


def test_an_older_run_that_is_started_again_applies_nothing(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    runner = merged(repository, github, GITHUB_RUN_ATTEMPT="2")
    assert find(runner).code == 0
    github.newest = "c" * 40
    refused = find(runner)
    assert (refused.code, "is not the newest commit any more" in refused.err) == (1, True)


Outside: TypeAlias = Callable[[Service, str], None]


def edited(service: Service, identity: str) -> None:
    service.edit(identity, "/description", "By hand")


def deleted(service: Service, identity: str) -> None:
    service.delete(identity)


def nothing(_: Service, __: str) -> None:
    pass


NEW_PASSWORD = {"MYSQL_ORDERS_PASSWORD": "rotated-Kx93hvQw71z"}


@pytest.mark.parametrize(
    ("outside", "environ"),
    [(edited, {}), (deleted, {}), (nothing, NEW_PASSWORD)],
    ids=["drift", "deleted outside", "rotated"],
)
def test_what_the_digest_does_not_cover_is_approved_at_the_environment(
    repository: Repository, github: GitHub, service: Service, outside: Outside, environ: dict[str, str]
) -> None:
    github.environments["prod-approval"] = REVIEWED
    apply_all(repository, github)
    outside(service, ids(service)["orders"])
    repository.define("stock")
    reviewed(repository, github, **environ)
    assert "waits for an approval at the environment `prod-approval`" in github.comments[0]["body"]
    (status,) = github.statuses[HEAD][:1]
    assert re.fullmatch(DIGEST, status["description"])

    runner = merged(repository, github, **environ)
    assert plan_approved(runner) == "prod-approval"
    shown = Path(runner.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8")
    assert all(f"`{key}` at `connections/{key}.yaml" in shown for key in ("orders", "stock")), "what is to be approved"
    writes = len(service.writes())
    runner.steps(APPLY, KEEP)
    assert {one["name"]: one["description"] for one in service.items()} == {"orders": "A", "stock": "A"}
    assert len(service.writes()) == writes + 2


def test_a_manual_run_is_approved_alike(repository: Repository, github: GitHub, service: Service) -> None:
    github.environments["prod-approval"] = REVIEWED
    apply_all(repository, github)
    edited(service, ids(service)["orders"])
    shown = job(repository, github, {})
    shown.steps(FETCH)
    assert shown.step(INSTEAD, "approved").code == 0
    found = re.search(DIGEST, Path(shown.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8"))
    assert found
    by_hand = job(repository, github, {}, GIVEN=found.group())
    assert plan_approved(by_hand) == "prod-approval"
    by_hand.steps(APPLY, KEEP)
    assert [one["description"] for one in service.items()] == ["A"]


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
    github.environments.update(environments)
    runner = job(repository, github, {})
    runner.write("plan.json", '{"not_in_digest": ["orders"]}')
    refused = runner.step(REST, "approved")
    assert (refused.code, outputs(runner)) == (1, {})
    assert words in refused.err
    assert "tick Required reviewers" in refused.err
    runner.write("plan.json", '{"not_in_digest": []}')
    assert runner.step(REST, "approved").code == 0
    assert outputs(runner) == {"environment": "prod"}


def apply_all(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    runner = merged(repository, github)
    assert plan_approved(runner) == "prod"
    runner.steps(APPLY, KEEP)


def test_a_green_run_that_is_started_again_stays_green(
    repository: Repository, github: GitHub, service: Service
) -> None:
    apply_all(repository, github)
    writes = len(service.writes())
    runner = merged(repository, github)
    github.pulls[runner.environ["GITHUB_SHA"]].pop()
    assert plan_approved(runner) == "prod"
    runner.steps(APPLY, KEEP)
    assert len(service.writes()) == writes


def test_what_is_applied_is_not_planned_offline(repository: Repository, github: GitHub) -> None:
    reviewed(repository, github)
    runner = merged(repository, github, AEP_API_KEY="")
    runner.steps(FETCH)
    assert find(runner).code == 0
    refused = runner.step(PLAN_APPROVED, "approved")
    assert (refused.code, "AEP_API_KEY is not set here" in refused.err) == (1, True)


def test_where_nothing_was_approved_the_plan_is_shown(repository: Repository, github: GitHub) -> None:
    runner = merged(repository, github)
    runner.steps(FETCH)
    assert find(runner).code == 1
    assert runner.step(INSTEAD, "approved").code == 0
    assert re.search(DIGEST, Path(runner.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8"))


def test_the_script_says_how_it_is_used(repository: Repository) -> None:
    for words in ([], ["approve", "prod"], ["plan"], ["approved"], ["approved", "prod", "x"], ["environment", "prod"]):
        result = repository.author.run_process(*words, command=("python", "ci/github"))
        assert (result.code, "python ci/github approved TARGET" in result.err) == (64, True)


def script(lines: list[str] | str) -> tuple[str, ...]:
    return ("sh", "-e", "-c", lines if isinstance(lines, str) else "\n".join(lines))


def test_gitlab_applies_the_plan_that_was_saved(repository: Repository, service: Service) -> None:
    merge_request, main = repository.runner(), repository.runner()
    for name in ("validate", "plan"):
        assert merge_request.run_process(command=script(GITLAB[name]["script"])).code == 0
    assert json.loads((merge_request.folder / "plan.json").read_text("utf-8")) == {
        "create": 1,
        "update": 0,
        "delete": 0,
    }
    assert service.writes() == []
    assert main.run_process(command=script(GITLAB["approve"]["script"])).code == 0
    repository.define("stock")
    applying = repository.runner()  # a checkout of the commit that was approved, as GitLab makes it
    applying.git("rm", "--quiet", "connections/stock.yaml")
    (applying.folder / APPROVED).write_bytes((main.folder / APPROVED).read_bytes())
    assert applying.run_process(command=script(GITLAB["apply"]["script"])).code == 0
    assert set(ids(service)) == {"orders"}


def azure_steps(stage: int) -> list[Any]:
    pipeline = yaml.safe_load(scaffold("azure")["azure-pipelines.yml"])
    (job,) = pipeline["stages"][stage]["jobs"]
    found = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
    return [one for one in found if "script" in one and "pip install" not in one["script"]]


def test_azure_applies_the_plan_that_was_saved(repository: Repository, service: Service) -> None:
    planning, applying = repository.runner(), repository.runner()
    for one in azure_steps(0):
        assert planning.run_process(command=script(one["script"])).code == 0
    assert service.writes() == []
    applying.environ["PLAN"] = str(planning.folder / APPROVED)
    for one in azure_steps(1):
        result = applying.run_process(command=script(one["script"]))
        assert result.code == 0, result.err
    assert applying.ids == ids(service)


def test_azure_applies_no_secret_that_its_variable_group_lacks(repository: Repository, service: Service) -> None:
    planning, applying = repository.runner(), repository.runner()
    for runner in (planning, applying):
        runner.environ["MYSQL_ORDERS_PASSWORD"] = "$(MYSQL_ORDERS_PASSWORD)"
        runner.environ["PROVISIONER_FINGERPRINT_KEY"] = "$(PROVISIONER_FINGERPRINT_KEY)"
    assert planning.run_process(command=script(azure_steps(0)[2]["script"])).code == 0
    applying.environ["PLAN"] = str(planning.folder / APPROVED)
    (apply,) = [one for one in azure_steps(1) if one["displayName"] == "Apply"]
    refused = applying.run_process(command=script(apply["script"]))
    assert (refused.code, "env(MYSQL_ORDERS_PASSWORD) is not set, or empty" in refused.err) == (1, True)
    assert service.writes() == []


def test_azure_plans_a_fork_offline(repository: Repository, service: Service) -> None:
    """A variable that is not there is left as it is written."""
    fork = repository.runner()
    (plan,) = [one for one in azure_steps(0) if one["displayName"] == "Plan"]
    fork.environ |= plan["env"]
    result = fork.run_process(command=script(plan["script"]))
    assert (result.code, "(offline" in result.out) == (0, True)
    assert service.seen() == []


SCHEMAS = [
    ("github", ".github/workflows/provisioner.yml", ["vendor.github-workflows"]),
    ("gitlab", ".gitlab-ci.yml", ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    (
        "azure",
        "azure-pipelines.yml",
        ["vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"],
    ),
]


@pytest.mark.parametrize(("pipeline", "path", "schema"), SCHEMAS, ids=[one[0] for one in SCHEMAS])
def test_the_platform_accepts_it(pipeline: str, path: str, schema: list[str], tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(scaffold(pipeline)[path], "utf-8")
    check(file, *schema)


def test_github_accepts_the_action() -> None:
    check(ROOT / "action.yml", "vendor.github-actions")


def check(file: Path, *schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


@pytest.mark.parametrize("name", ["Validate", "Plan"])
def test_the_action_does_what_the_workflow_does(repository: Repository, github: GitHub, name: str) -> None:
    (found,) = [one for one in ACTION["runs"]["steps"] if one.get("name") == name]
    runner = pull_request(
        repository, github, GITHUB_ACTION_PATH=str(ROOT), TARGET="prod", PLAN="saved.plan", EXPECTED="any"
    )
    result = runner.run_process(command=("bash", "-e", "-c", found["run"]))
    assert result.code == 0, result.err
    assert len(github.statuses.get(HEAD, [])) == (name == "Plan")
    assert (runner.folder / "saved.plan").exists() == (name == "Plan")


def test_the_action_takes_no_empty_digest_for_none(repository: Repository, github: GitHub) -> None:
    (found,) = [one for one in ACTION["runs"]["steps"] if one.get("name") == "Plan"]
    assert ACTION["inputs"]["expect-digest"]["default"] == "any"
    runner = pull_request(repository, github, GITHUB_ACTION_PATH=str(ROOT), TARGET="prod", PLAN="x.plan", EXPECTED="")
    refused = runner.run_process(command=("bash", "-e", "-c", found["run"]))
    assert (refused.code, "--expect-digest is empty" in refused.err) == (64, True)
    assert not (runner.folder / "x.plan").exists()


def test_the_action_applies_what_was_saved(repository: Repository, service: Service) -> None:
    (found,) = [one for one in ACTION["runs"]["steps"] if one.get("name") == "Apply"]
    runner = repository.runner()
    runner.environ |= {"PLAN": APPROVED, "GITHUB_STEP_SUMMARY": str(runner.folder / "../summary.md")}
    runner.approve(APPLY)
    assert runner.run_process(command=("bash", "-e", "-c", found["run"])).code == 0
    assert set(ids(service)) == {"orders"}
    assert "1 added" in (runner.folder / "../summary.md").read_text("utf-8")


def test_no_input_stands_in_a_script_of_the_action() -> None:
    assert all("${{" not in one.get("run", "") for one in ACTION["runs"]["steps"])
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8")))
    assert used == set(ACTION["inputs"])


def test_the_hook_for_pre_commit_runs_the_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["entry"], hook["pass_filenames"]) == (
        "provisioner-validate",
        "provisioner validate",
        False,
    )
    assert all(
        re.search(hook["files"], path) for path in ("connections/a/b.yaml", "connections/a.yml", "provisioner.yaml")
    )
    assert not re.search(hook["files"], "README.md")


def test_the_workflow_names_the_jobs_that_are_tested() -> None:
    assert set(WORKFLOW["jobs"]) == {"plan", "approved", "apply"}
    assert WORKFLOW["jobs"]["approved"]["outputs"] == {"environment": "${{ steps.environment.outputs.environment }}"}
    assert step(REST, "approved")["id"] == "environment"
    assert WORKFLOW["jobs"]["apply"]["environment"] == "${{ needs.approved.outputs.environment }}"
    assert WORKFLOW["jobs"]["approved"]["permissions"]["actions"] == "read"
    assert BOT in scaffold("github")["ci/github"]
