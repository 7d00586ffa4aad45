"""The shipped pipeline, executed: clones of one repository are its runners; what one leaves the next goes on with.

The commands are those of the workflow that ``init`` makes, run by name.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml

from provisioner.cli.init import scaffold

from .support import CREDENTIALS, ORG, PASSWORDS, SECRETS, Meddler, Project, Result, Service, basic, between

WORKFLOW = yaml.safe_load(scaffold("github")[".github/workflows/provisioner.yml"])
GITLAB = yaml.safe_load(scaffold("gitlab")[".gitlab-ci.yml"])
BRANCH = "provisioner-state/prod"
STATE, JOURNAL = "state/prod.json", "state/prod.json.journal"
APPROVED = "approved.plan"
FETCH, APPLY, KEEP, SAVE = "Fetch the state", "Apply", "Keep the state", "Save what could not be kept"


def step(name: str, job: str = "apply") -> Any:
    """The step of the workflow with this name."""
    (found,) = [one for one in WORKFLOW["jobs"][job]["steps"] if one.get("name") == name]
    return found


class Runner(Project):
    """A fresh, shallow clone, as a pipeline makes one for each run."""

    @property
    def state_file(self) -> Path:
        return self.folder / STATE

    def git(self, *args: str) -> str:
        return git(self.folder, self.environment(), *args)

    def step(self, name: str, job: str = "apply") -> Result:
        """Run a step of the workflow, as its runner does. What is applied is what would be done now."""
        self.approve(name)
        return self.run_process(command=("sh", "-e", "-c", step(name, job)["run"]))

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """The same, without waiting for its end; what it started can be killed with it."""
        self.approve(name)
        return subprocess.Popen(
            ["sh", "-e", "-c", step(name)["run"]],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def approve(self, name: str) -> None:
        if name == APPLY and not (self.folder / APPROVED).exists():
            self.run("plan", "--target", "prod", "--out", APPROVED)

    def steps(self, *names: str) -> None:
        for name in names:
            result = self.step(name)
            assert result.code == 0, result.out + result.err

    def files(self) -> dict[str, bytes]:
        """What lies in the folder of the state, by path."""
        return {f"state/{path.name}": path.read_bytes() for path in self.folder.glob("state/*")}

    @property
    def ids(self) -> dict[str, str]:
        return {key: record["id"] for key, record in self.state["records"].items()}


def git(folder: Path, environ: dict[str, str], *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()  # with the line ends that are there


class Repository:
    """What the runners clone: definitions, the script, and branches that hold their state."""

    def __init__(self, folder: Path, url: str) -> None:
        config = folder / "gitconfig"
        # Converted line ends would break the seals of the journal: the script must keep bytes as they are.
        config.write_text("[core]\n\tautocrlf = true\n[init]\n\tdefaultBranch = main\n", "utf-8")
        self.environ = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
            "GIT_CONFIG_GLOBAL": str(config),
            "GIT_CONFIG_NOSYSTEM": "1",
            "CI": "true",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            **CREDENTIALS,
            **PASSWORDS,
        }
        self.folder = folder
        self.origin = folder / "origin.git"
        self.runners: list[Runner] = []
        git(folder, self.environ, "init", "--quiet", "--bare", str(self.origin))
        git(folder, self.environ, "clone", "--quiet", str(self.origin), "author")
        self.author = Runner(folder / "author", self.environ)
        target = {"org_id": ORG, "sandbox": "prod", "endpoint": url, "ims_endpoint": url}
        self.author.project_file({"prod": target}, default="prod")
        self.author.write(".gitignore", "/state/\n/.provisioner/\n")
        self.author.write(".gitattributes", "/ci/* -text\n")
        for path in ("ci/state-branch", "ci/github"):
            self.author.write(path, scaffold("github")[path])

    def define(self, *keys: str) -> None:
        """Commit definitions to the main branch."""
        for key in keys:
            self.author.define(key, basic(key))
        self.author.git("add", "--all")
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        self.author.git(*identity, "commit", "--quiet", "--message", f"Define {', '.join(keys)}")
        self.author.git("push", "--quiet", "origin", "HEAD:main")

    def runner(self) -> Runner:
        name = f"runner-{len(self.runners) + 1}"
        clone = ("clone", "--quiet", "--depth", "1", "--branch", "main", self.origin.as_uri(), name)
        git(self.folder, self.environ, *clone)
        self.runners.append(Runner(self.folder / name, dict(self.environ)))
        return self.runners[-1]

    def git(self, *args: str) -> str:
        return git(self.origin, self.environ, *args)

    @property
    def head(self) -> str:
        """The commit that the branch stands at."""
        return self.git("rev-parse", BRANCH)

    def kept(self) -> dict[str, bytes]:
        """What the branch holds, by path."""
        paths = self.git("ls-tree", "-r", "--name-only", BRANCH).splitlines()
        return {path: self.git("cat-file", "blob", f"{BRANCH}:{path}").encode() for path in paths}


@contextmanager
def repository_for(folder: Path, url: str) -> Iterator[Repository]:
    """Afterwards no secret is on any screen, in any runner's files, nor in anything that was ever pushed."""
    repository = Repository(folder, url)
    yield repository
    seen = [result.out + result.err for runner in repository.runners for result in runner.results]
    seen += [repository.git("log", "--all", "--patch", "--format=fuller")]
    assert not [secret for secret in SECRETS for text in seen if secret in text]
    assert [runner.leaks() for runner in repository.runners] == [[] for _ in repository.runners]


@pytest.fixture
def repository(tmp_path: Path, service: Service) -> Iterator[Repository]:
    with repository_for(tmp_path, service.url) as repository:
        yield repository


def ids(service: Service) -> dict[str, str]:
    """The ids of the base connections by name, which is the key here. No name occurs twice."""
    items = service.items()
    assert len({item["name"] for item in items}) == len(items)
    return {item["name"]: item["id"] for item in items}


def killing(running: list[subprocess.Popen[bytes]]) -> Meddler:
    """The third create kills who is ``running`` and has its effect all the same. No later one of theirs arrives."""
    creates, dead = count(1), Event()

    def meddle(method: str, path: str, _: Any) -> tuple[int, Any] | None:
        if not running or method != "POST" or not path.endswith("/connections"):
            return None
        number = next(creates)
        if number == 3:
            os.killpg(running[0].pid, signal.SIGKILL)
            dead.set()
        return (503, {}) if number > 3 and dead.wait(10) else None

    return meddle


def test_what_a_killed_runner_leaves_the_next_one_goes_on_with(tmp_path: Path, service: Service) -> None:
    keys = {"orders", *(f"db{number}" for number in range(1, 7))}
    running: list[subprocess.Popen[bytes]] = []
    with between(service, killing(running)) as url, repository_for(tmp_path, url) as repository:
        repository.define("orders")
        repository.runner().steps(FETCH, APPLY, KEEP)
        assert list(repository.kept()) == [STATE]

        repository.define(*keys)
        first = repository.runner()
        first.steps(FETCH)
        running.append(first.start(APPLY))
        assert running[0].wait(20) == -signal.SIGKILL
        first.steps(KEEP)
        assert len(ids(service)) < len(keys)
        assert set(repository.kept()) == {STATE, JOURNAL}

        running.clear()
        second = repository.runner()
        shutil.copy(first.folder / APPROVED, second.folder)  # "Re-run failed jobs": the very same approval
        second.steps(FETCH, APPLY, KEEP)
        assert second.results[1].err.count("an earlier create") > 0
        assert sorted(post["body"]["name"] for post in service.seen("POST")) == sorted(keys)
        assert second.ids == ids(service)
        assert set(second.ids) == keys
        assert repository.kept() == {STATE: second.files()[STATE]}
        assert second.run("plan", "--target", "prod", "--detailed-exitcode").code == 0


def test_of_two_that_race_the_second_is_refused_and_loses_nothing(repository: Repository, service: Service) -> None:
    repository.define("orders")
    first = repository.runner()
    repository.define("stock")
    second = repository.runner()
    first.steps(FETCH, APPLY)
    second.steps(FETCH)
    second.step(APPLY)
    first.steps(KEEP)
    head, files = repository.head, second.files()

    refused = second.step(KEEP)
    assert refused.code == 1
    assert "nothing was kept: provisioner-state/prod has moved since it was fetched" in refused.err
    assert "remedy: save these files, allow only one run per target at a time, run the pipeline again" in refused.err
    assert STATE in refused.err
    assert (repository.head, second.files()) == (head, files)
    overwriting = second.step(FETCH)
    assert overwriting.code == 1
    assert "state/prod.json is here already and differs from provisioner-state/prod" in overwriting.err
    assert second.files() == files

    again = repository.runner()
    again.steps(FETCH)
    assert again.step(APPLY).code == 1
    assert heal(again).code == 0
    again.steps(KEEP)
    assert again.ids == ids(service)
    assert set(again.ids) == {"orders", "stock"}


def heal(runner: Runner) -> Result:
    return runner.run("apply", "--target", "prod", "--yes", "--import-existing")


def test_what_a_runner_took_with_it_is_blocked_and_taken_over(repository: Repository, service: Service) -> None:
    repository.define("orders")
    repository.runner().steps(FETCH, APPLY, KEEP)
    repository.define("stock")
    repository.runner().steps(FETCH, APPLY)  # and dies before it can keep anything
    made = ids(service)

    second = repository.runner()
    second.steps(FETCH)
    blocked = second.step(APPLY)
    assert blocked.code == 1
    assert "already exists" in blocked.out
    assert ids(service) == made
    assert heal(second).code == 0
    second.steps(KEEP)
    assert second.ids == ids(service) == made
    assert len(service.seen("POST")) == 2


def test_only_what_must_survive_is_kept_and_nothing_else_is_touched(repository: Repository) -> None:
    repository.define("orders")
    runner = repository.runner()
    runner.steps(FETCH, APPLY)
    assert f"{STATE}.lock" in runner.files()
    rescue = f"{STATE}.rescue"
    for name in (JOURNAL, rescue, f"{STATE}.backup", f"{STATE}.tmp", f"{STATE}.lock.info"):
        runner.write(name, f"{name}\r\n")
    runner.write("connections/draft.yaml", "# not committed\n")
    runner.git("add", "connections/draft.yaml")
    before = [runner.git(*look) for look in (("status", "--porcelain"), ("rev-parse", "HEAD"), ("branch", "--all"))]
    files = runner.files()

    runner.steps(KEEP)
    assert set(repository.kept()) == {STATE, JOURNAL, rescue}
    assert repository.kept() == {path: files[path] for path in repository.kept()}
    assert repository.git("log", "-1", "--format=%an <%ae>", BRANCH).strip().endswith("@pipeline.invalid>")
    after = [runner.git(*look) for look in (("status", "--porcelain"), ("rev-parse", "HEAD"), ("branch", "--all"))]
    assert (before, files) == (after, runner.files())

    other = repository.runner()
    other.steps(FETCH)
    assert other.files() == repository.kept()
    uploaded = {path for pattern in step(SAVE)["with"]["path"].split() for path in runner.folder.glob(pattern)}
    # A rescue file came from the branch, and is there still.
    assert {path.relative_to(runner.folder).as_posix() for path in uploaded} == {STATE, JOURNAL}

    for name in (JOURNAL, rescue):  # settled by the other one, so that they are gone
        (other.folder / name).unlink()
    other.steps(KEEP)
    runner.steps(FETCH)
    assert files.keys() - runner.files().keys() == {JOURNAL, rescue}


def test_what_is_not_new_makes_no_commit(repository: Repository) -> None:
    repository.define("orders")
    runner = repository.runner()
    runner.steps(FETCH, KEEP)
    assert "nothing to keep" in runner.results[-1].err
    assert repository.git("branch", "--list", BRANCH) == ""
    runner.steps(APPLY, KEEP)
    head = repository.head
    runner.steps(KEEP, FETCH, APPLY, KEEP)
    assert "nothing new to keep" in runner.results[-1].err
    assert repository.head == head


def test_a_branch_that_cannot_be_read_is_no_first_run(repository: Repository) -> None:
    repository.define("orders")
    runner = repository.runner()
    runner.steps(FETCH, APPLY, KEEP)
    elsewhere = runner.run_process(command=("sh", "ci/state-branch", "fetch", "prod", "state/other.json"))
    assert elsewhere.code == 1
    assert "provisioner-state/prod holds no state/other.json" in elsewhere.err
    hidden = repository.origin.rename(repository.folder / "hidden.git")
    unreachable = runner.step(FETCH)
    assert unreachable.code == 1
    assert "origin cannot be asked for provisioner-state/prod" in unreachable.err
    hidden.rename(repository.origin)
    repository.git("branch", "-D", BRANCH)
    gone = runner.step(FETCH)
    assert gone.code == 1
    assert "put it back: git push origin refs/provisioner-state/prod:refs/heads/provisioner-state/prod" in gone.err


def test_the_job_for_gitlab_keeps_the_state_and_fails_where_apply_did(tmp_path: Path, service: Service) -> None:
    job = GITLAB["apply"]
    with between(service, refuse_stock) as url, repository_for(tmp_path, url) as repository:
        repository.define("orders", "stock")
        runner = repository.runner()
        assert runner.run_process(command=("sh", "-e", "-c", "\n".join(GITLAB["approve"]["script"]))).code == 0
        script, after = (("sh", "-e", "-c", "\n".join(job[part])) for part in ("script", "after_script"))
        assert runner.run_process(command=script).code == 4
        assert "nothing new to keep" in runner.run_process(command=after).err
        assert repository.kept() == {STATE: runner.files()[STATE]}
        assert runner.ids == ids(service)


def refuse_stock(_: str, __: str, body: Any) -> tuple[int, Any] | None:
    return (400, {}) if body and body.get("name") == "stock" else None


def test_the_workflow_lets_one_run_go_at_a_time_and_write_only_where_it_must() -> None:
    plan, approved, apply = (WORKFLOW["jobs"][name] for name in ("plan", "approved", "apply"))
    assert "|| 'provisioner-prod'" in WORKFLOW["concurrency"]["group"]
    assert WORKFLOW["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    assert "github.ref == 'refs/heads/main'" in approved["if"]
    assert (WORKFLOW["permissions"], apply["permissions"]) == ({"contents": "read"}, {"contents": "write"})
    assert plan["permissions"] == {"contents": "read", "pull-requests": "write", "statuses": "write"}
    assert set(approved["permissions"].values()) == {"read"}
    assert apply["needs"] == "approved"
    assert step(KEEP)["if"] == "always()"
    assert step(SAVE)["if"] == f"always() && steps.{step(KEEP)['id']}.outcome != 'success'"


def test_no_value_of_a_secret_or_an_event_stands_in_a_script() -> None:
    steps = [one for job in WORKFLOW["jobs"].values() for one in job["steps"]]
    assert all("${{" not in one.get("run", "") for one in steps), "what an event holds comes by a variable"
    own = {"GIVEN", "GITHUB_TOKEN", "DIGEST"}
    named = {name: value for one in steps for name, value in one.get("env", {}).items() if name not in own}
    assert all(value == f"${{{{ secrets.{name} }}}}" for name, value in named.items())
