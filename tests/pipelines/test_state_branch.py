"""``ci/state-branch``: clones of one repository are the runners of jobs; what one leaves the next goes on with."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.acceptance.support import CREDENTIALS, PASSWORDS, Meddler, Result, Service, between
from tests.pipelines.repository import Repository, Runner, repository_for

BRANCH = "provisioner-state/prod"
STATE, JOURNAL = "state/prod.json", "state/prod.json.journal"
APPROVED = "approved.plan"
FETCH, KEEP = 'sh ci/state-branch fetch "$TARGET"', 'sh ci/state-branch keep "$TARGET"'
APPLY = "exec provisioner apply approved.plan"


@pytest.fixture
def repository(tmp_path: Path, service: Service) -> Iterator[Repository]:
    with repository_for(tmp_path, service.url) as repository:
        yield with_secrets(repository)


def with_secrets(repository: Repository) -> Repository:
    repository.environ |= {"TARGET": "prod", **CREDENTIALS, **PASSWORDS}
    return repository


def step(runner: Runner, script: str) -> Result:
    """Run a step. What is applied is what would be done now."""
    if script == APPLY and not (runner.folder / APPROVED).exists():
        runner.run("plan", "--target", "prod", "--out", APPROVED)
    return runner.shell(script)


def steps(runner: Runner, *scripts: str) -> None:
    for script in scripts:
        result = step(runner, script)
        assert result.code == 0, result.out + result.err


def head(repository: Repository) -> str:
    """Return the commit that the branch stands at."""
    return repository.git("rev-parse", BRANCH)


def ids(service: Service) -> dict[str, str]:
    """The ids of the base connections by name, which is the key here. No name occurs twice."""
    items = service.items()
    assert len({item["name"] for item in items}) == len(items)
    return {item["name"]: item["id"] for item in items}


def killing(running: list[subprocess.Popen[str]]) -> Meddler:
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
    running: list[subprocess.Popen[str]] = []
    with between(service, killing(running)) as url, repository_for(tmp_path, url) as repository:
        with_secrets(repository)
        repository.define("orders")
        steps(repository.runner(), FETCH, APPLY, KEEP)
        assert list(repository.kept("prod")) == [STATE]

        repository.define(*keys)
        first = repository.runner()
        steps(first, FETCH)
        first.run("plan", "--target", "prod", "--out", APPROVED)
        assert first.shell(APPLY, started=running.append).code == -signal.SIGKILL
        steps(first, KEEP)
        assert len(ids(service)) < len(keys)
        assert set(repository.kept("prod")) == {STATE, JOURNAL}

        running.clear()
        second = repository.runner()
        shutil.copy(first.folder / APPROVED, second.folder)  # "Re-run failed jobs": the very same approval
        steps(second, FETCH, APPLY, KEEP)
        assert second.results[1].err.count("an earlier create") > 0
        assert sorted(post["body"]["name"] for post in service.seen("POST")) == sorted(keys)
        assert second.state_of("prod") == ids(service)
        assert set(second.state_of("prod")) == keys
        assert repository.kept("prod") == {STATE: second.files()[STATE]}
        assert second.run("plan", "--target", "prod", "--detailed-exitcode").code == 0


def test_of_two_that_race_the_second_is_refused_and_loses_nothing(repository: Repository, service: Service) -> None:
    repository.define("orders")
    first = repository.runner()
    repository.define("stock")
    second = repository.runner()
    steps(first, FETCH, APPLY)
    steps(second, FETCH)
    step(second, APPLY)
    steps(first, KEEP)
    kept, files = head(repository), second.files()

    refused = step(second, KEEP)
    assert refused.code == 1
    assert "nothing was kept: provisioner-state/prod has moved since it was fetched" in refused.err
    assert "remedy: save these files, allow only one run per target at a time, run the pipeline again" in refused.err
    assert STATE in refused.err
    assert (head(repository), second.files()) == (kept, files)
    overwriting = step(second, FETCH)
    assert overwriting.code == 1
    assert "state/prod.json is here already and differs from provisioner-state/prod" in overwriting.err
    assert second.files() == files

    again = repository.runner()
    steps(again, FETCH)
    assert step(again, APPLY).code == 1
    assert heal(again).code == 0
    steps(again, KEEP)
    assert again.state_of("prod") == ids(service)
    assert set(again.state_of("prod")) == {"orders", "stock"}


def heal(runner: Runner) -> Result:
    return runner.run("apply", "--target", "prod", "--yes", "--import-existing")


def test_what_a_runner_took_with_it_is_blocked_and_taken_over(repository: Repository, service: Service) -> None:
    repository.define("orders")
    steps(repository.runner(), FETCH, APPLY, KEEP)
    repository.define("stock")
    steps(repository.runner(), FETCH, APPLY)  # and dies before it can keep anything
    made = ids(service)

    second = repository.runner()
    steps(second, FETCH)
    blocked = step(second, APPLY)
    assert blocked.code == 1
    assert "already exists" in blocked.out
    assert ids(service) == made
    assert heal(second).code == 0
    steps(second, KEEP)
    assert second.state_of("prod") == ids(service) == made
    assert len(service.seen("POST")) == 2


def test_only_what_must_survive_is_kept_and_nothing_else_is_touched(repository: Repository) -> None:
    repository.define("orders")
    runner = repository.runner()
    steps(runner, FETCH, APPLY)
    assert f"{STATE}.lock" in runner.files()
    rescue = f"{STATE}.rescue"
    for name in (JOURNAL, rescue, f"{STATE}.backup", f"{STATE}.tmp", f"{STATE}.lock.info"):
        runner.write(name, f"{name}\r\n")
    runner.write("connections/draft.yaml", "# not committed\n")
    runner.git("add", "connections/draft.yaml")
    before = [runner.git(*look) for look in (("status", "--porcelain"), ("rev-parse", "HEAD"), ("branch", "--all"))]
    files = runner.files()

    steps(runner, KEEP)
    assert set(repository.kept("prod")) == {STATE, JOURNAL, rescue}
    assert repository.kept("prod") == {path: files[path] for path in repository.kept("prod")}
    assert repository.git("log", "-1", "--format=%an <%ae>", BRANCH).strip().endswith("@pipeline.invalid>")
    after = [runner.git(*look) for look in (("status", "--porcelain"), ("rev-parse", "HEAD"), ("branch", "--all"))]
    assert (before, files) == (after, runner.files())

    other = repository.runner()
    steps(other, FETCH)
    assert other.files() == repository.kept("prod")

    for name in (JOURNAL, rescue):  # settled by the other one, so that they are gone
        (other.folder / name).unlink()
    steps(other, KEEP)
    steps(runner, FETCH)
    assert files.keys() - runner.files().keys() == {JOURNAL, rescue}


def test_what_is_not_new_makes_no_commit(repository: Repository) -> None:
    repository.define("orders")
    runner = repository.runner()
    steps(runner, FETCH, KEEP)
    assert "nothing to keep" in runner.results[-1].err
    assert repository.git("branch", "--list", BRANCH) == ""
    steps(runner, APPLY, KEEP)
    kept = head(repository)
    steps(runner, KEEP, FETCH, APPLY, KEEP)
    assert "nothing new to keep" in runner.results[-1].err
    assert head(repository) == kept


def test_a_branch_that_cannot_be_read_is_no_first_run(repository: Repository) -> None:
    repository.define("orders")
    runner = repository.runner()
    steps(runner, FETCH, APPLY, KEEP)
    elsewhere = runner.run_process(command=("sh", "ci/state-branch", "fetch", "prod", "state/other.json"))
    assert elsewhere.code == 1
    assert "provisioner-state/prod holds no state/other.json" in elsewhere.err
    hidden = repository.origin.rename(repository.folder / "hidden.git")
    unreachable = step(runner, FETCH)
    assert unreachable.code == 1
    assert "origin cannot be asked for provisioner-state/prod" in unreachable.err
    hidden.rename(repository.origin)
    repository.git("branch", "-D", BRANCH)
    gone = step(runner, FETCH)
    assert gone.code == 1
    assert "put it back: git push origin refs/provisioner-state/prod:refs/heads/provisioner-state/prod" in gone.err


def test_it_signs_in_with_a_token_that_stands_nowhere(repository: Repository) -> None:
    """A clone that keeps no credentials, at an origin that asks for some. No other remote gets the token."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response_only(404 if seen[-1] else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

    repository.define("orders")
    runner = repository.runner()
    runner.git("config", "--unset", "remote.origin.url")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/x.git"
        environ = {"STATE_REMOTE": url, "STATE_TOKEN": "job-token-0815"}
        elsewhere = runner.shell(FETCH, environ)
        runner.git("config", "remote.origin.url", url)
        del environ["STATE_REMOTE"]
        refused = runner.shell(FETCH, environ)
        with_user = runner.shell(FETCH, {**environ, "STATE_USER": "ci"})
        nobody = runner.shell(FETCH, {**environ, "STATE_TOKEN": ""})
        server.shutdown()
    assert [one.code for one in (elsewhere, refused, with_user, nobody)] == [1, 1, 1, 1]
    assert seen[0] is None
    users = [base64.b64decode(one.removeprefix("Basic ")).decode() for one in seen if one]
    assert users == ["x-access-token:job-token-0815", "ci:job-token-0815"]
    assert "job-token-0815" not in refused.out + refused.err + runner.git("config", "--list")


def test_the_state_lies_where_the_project_says(tmp_path: Path, service: Service) -> None:
    with repository_for(tmp_path, service.url) as repository:
        with_secrets(repository).point_to(service.url, state="elsewhere/prod-1.json")
        repository.define("orders")
        runner = repository.runner()
        steps(runner, FETCH, APPLY, KEEP)
        assert set(repository.kept("prod")) == {"elsewhere/prod-1.json"}
        steps(repository.runner(), FETCH, APPLY, KEEP)
        assert len(service.items()) == 1


def test_a_run_that_is_started_again_needs_the_newest_commit(repository: Repository) -> None:
    repository.define("orders")
    older = repository.git("rev-parse", "main").strip()
    repository.define("stock")
    again = {"RUN_ATTEMPT": "2"}
    refused = repository.runner(older).shell(FETCH, again)
    assert (refused.code, "its commit is not the newest of the default branch" in refused.err) == (1, True)
    assert repository.runner(older).shell(FETCH, {"RUN_ATTEMPT": "1"}).code == 0
    assert repository.runner().shell(FETCH, again).code == 0
