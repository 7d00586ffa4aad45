"""Two processes, one state: one writes, the other waits or is refused, and both know of each other."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from tests.acceptance.support import COMMAND, Project, Service, basic, between


@contextmanager
def in_the_middle(project: Project, service: Service) -> Iterator[tuple[subprocess.Popen[str], Event]]:
    """An apply whose first POST is under way until the event is set."""
    arrived, go_on = Event(), Event()

    def meddle(method: str, _path: str, _body: object) -> None:
        if method == "POST" and not arrived.is_set() and "ims" not in _path:
            arrived.set()
            go_on.wait(120)

    with between(service, meddle) as url:
        project.target(url, ims_endpoint=service.url)
        process = subprocess.Popen(
            [*COMMAND, "apply", "--yes", "--parallelism", "1"],
            cwd=project.folder,
            env=project.environment({"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "a/b"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert arrived.wait(60)
            yield process, go_on
        finally:
            go_on.set()
            process.communicate(timeout=60)


def hears(process: subprocess.Popen[str], words: str) -> None:
    """Wait until the process has said something on standard error."""
    assert process.stderr is not None
    while words not in (line := process.stderr.readline()):
        assert line, f"it never said: {words}"


@pytest.fixture
def three(project: Project) -> Project:
    for key in ("a", "b", "c"):
        project.define(key, basic(key.upper()))
    return project


def test_the_second_is_refused_and_told_by_whom(three: Project, service: Service) -> None:
    with in_the_middle(three, service) as (first, _):
        refused = three.run("apply", "--yes")
        assert refused.code == 6
        assert f"pid {first.pid}: provisioner apply --target here, since 20" in refused.err
        assert "--lock-timeout SECONDS" in refused.err
    assert (first.returncode, len(service.items())) == (0, 3)


@pytest.mark.parametrize("flags", [[], ["--offline"], ["--format", "json"], ["--detailed-exitcode"]])
def test_a_plan_meanwhile_says_who_writes(three: Project, service: Service, flags: list[str]) -> None:
    with in_the_middle(three, service) as (first, _):
        plan = three.run("plan", *flags)
        (note,) = [line for line in plan.err.splitlines() if "is writing this state" in line]
        assert f"pid {first.pid}: provisioner apply --target here, since 20" in note
        assert note.startswith("note: ")
        assert note.endswith("plan again when that has ended")
        assert plan.code == (2 if "--detailed-exitcode" in flags else 0)
    assert "is writing" not in three.run("plan", *flags).err


def test_the_second_waits_and_finds_everything_done(three: Project, service: Service) -> None:
    with in_the_middle(three, service) as (first, go_on):
        second = subprocess.Popen(
            [*COMMAND, "apply", "--yes", "--lock-timeout", "60"],
            cwd=three.folder,
            env=three.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr is not None
        assert f"waiting for {os.environ.get('USER', '')}" in (told := second.stderr.readline())
        assert f"pid {first.pid}" in told
        go_on.set()
        out, _ = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert out.rstrip().endswith("Apply complete: 0 added, 0 changed, 0 destroyed.")
    assert len(service.items()) == 3


def test_a_killed_holder_holds_nothing(three: Project, service: Service) -> None:
    with in_the_middle(three, service) as (first, go_on):
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        go_on.set()  # what was sent arrives, with nobody left to hear the answer
        assert three.run("apply", "--yes").code == 0
    assert sorted(item["name"] for item in service.items()) == ["A", "B", "C"]


@pytest.mark.parametrize("ask", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_what_is_under_way_end(three: Project, service: Service, ask: signal.Signals) -> None:
    with in_the_middle(three, service) as (first, go_on):
        first.send_signal(ask)
        hears(first, "interrupted: no new calls")
        go_on.set()
        out, _ = first.communicate(timeout=60)
        assert first.returncode == 130
        assert "Apply incomplete: 1 added, 0 changed, 0 destroyed. 2 not attempted." in out
        assert len(three.state["records"]) == len(service.items()) == 1
        assert three.run("apply", "--yes").code == 0
    assert len(service.items()) == 3


def test_a_second_signal_stops_at_once_and_is_recoverable(three: Project, service: Service) -> None:
    with in_the_middle(three, service) as (first, go_on):
        first.send_signal(signal.SIGINT)
        hears(first, "press Ctrl-C again to stop at once")
        first.send_signal(signal.SIGINT)
        _, err = first.communicate(timeout=60)  # the call is still held
        assert not go_on.is_set()
        go_on.set()
        assert (first.returncode, "stopped at once" in err) == (130, True)
        assert three.run("state", "list").out.count("has no known outcome") == 1
        assert three.run("apply", "--yes").code == 0
    assert sorted(item["name"] for item in service.items()) == ["A", "B", "C"]
