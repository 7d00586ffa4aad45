"""A command that waits for service or network says so: on a terminal, with -v, and in a log where it is long."""

from __future__ import annotations

import re
import socket

import pytest

from tests.acceptance.support import Project, Service, basic

LIST = {"method": "GET", "path": "*/connections"}
ASKED = "the service asked to wait {0} s (429); trying again in {0} s"
BUSY = "the service receives too many requests (429); trying again in 1"
DOWN = "the service answered with status 503; trying again in 0."


@pytest.fixture
def one(project: Project) -> Project:
    project.define("a", basic("A"))
    return project


@pytest.mark.parametrize(
    ("fault", "flags", "said"),
    [
        ({"status": 429, "retry_after": 15}, [], ASKED.format(15)),
        ({"status": 429, "retry_after": 15}, ["-v"], ASKED.format(15)),
        ({"status": 429, "retry_after": 1}, [], ""),
        ({"status": 429}, ["-v"], BUSY),
        ({"status": 503}, ["-v"], DOWN),
        ({"status": 503}, [], ""),
    ],
)
@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"CI": "true", "FORCE_COLOR": "1"}])
def test_in_a_log(
    one: Project, service: Service, fault: dict[str, int], flags: list[str], said: str, environ: dict[str, str]
) -> None:
    service.faults({"kind": "status", **fault, **LIST, "times": 1})
    plan = one.run("plan", "--target", "here", *flags, environ=environ)
    assert plan.code == 0
    waits = [line for line in plan.err.splitlines() if "trying again" in line]
    assert len(waits) == bool(said)
    assert all(line.startswith(said) and re.search(r" s \(request [^ ]+\)\Z", line) for line in waits)
    assert "trying again" not in plan.out
    assert "\x1b[2K" not in plan.err, "no line of a log can be wiped"


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_on_a_terminal_the_line_goes_when_it_is_over(one: Project, service: Service, command: str) -> None:
    service.faults({"kind": "status", "status": 429, "retry_after": 2, **LIST, "times": 1})
    seen = one.at_terminal(command, *(["--yes"] if command == "apply" else []))
    assert seen.code == 0
    _, line, after = seen.out.partition("the service asked to wait 2 s (429); trying again in 2.")
    assert line, seen.out
    assert "\n" not in after.partition("\r\x1b[2K")[0], "wiped where it stands"


def test_where_nobody_listens(one: Project) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        one.target(f"http://127.0.0.1:{closed.getsockname()[1]}")
        refused = one.run("plan", "-v")
    assert refused.code == 1
    assert refused.err.count("connection refused; trying again in ") == 4
    assert "remedy: is `provisioner emulator` running?" in refused.err
