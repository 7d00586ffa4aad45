"""What stops an apply before its first change, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from tests.acceptance.support import CREDENTIALS, PASSWORDS, Project, Service, basic, between

MANY = frozenset({f"dev-{number:03}" for number in range(120)})
ACTIVE = {"name": "prod", "state": "active"}
UNSHOWN = "note: sandbox management shows these credentials no state of sandbox prod"
UNSEEN = "note: whether sandbox prod is active could not be seen"


def prepared(project: Project, url: str) -> Project:
    project.environ |= CREDENTIALS | PASSWORDS
    project.target(url)
    project.define("orders", basic("Orders"))
    return project


@pytest.mark.parametrize(
    ("switches", "refused"),
    [
        ({}, ""),
        ({"sandboxes": MANY | {"prod"}}, ""),
        ({"sandbox_states": {"prod": "active", "dev": "resetting"}}, ""),
        ({"sandbox_states": {"prod": "resetting"}}, "sandbox prod is in state 'resetting'; nothing was done"),
        ({"sandbox_states": {"prod": "deleted"}}, "sandbox prod is in state 'deleted'; nothing was done"),
    ],
    ids=["the default", "on the third page", "another one", "resetting", "deleted"],
)
def test_a_sandbox_that_is_not_active_is_not_written_to(bare: Project, switches: dict[str, Any], refused: str) -> None:
    with Emulator(behaviour=Behaviour(**switches)) as emulator:
        service = Service(emulator.url)
        project = prepared(bare, emulator.url)
        assert project.run("plan").code == 0
        done = project.run("apply", "--yes")
        assert done.code == (1 if refused else 0)
        assert refused in done.err
        assert len(service.writes()) == (0 if refused else 1)


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, {"sandboxes": [ACTIVE]}, 0, ""),
        (200, {"sandboxes": [{"name": "dev", "state": "active"}]}, 0, UNSHOWN),
        (200, {"sandboxes": [{"name": "prod"}]}, 0, UNSHOWN),
        (200, {"sandboxes": [{"name": "prod", "state": "deleting"}]}, 1, "sandbox prod is in state 'deleting'"),
        (200, {"sandboxes": []}, 0, UNSHOWN),
        (200, {"items": []}, 0, UNSEEN),
        (503, {}, 0, UNSEEN),
        (401, {"error_code": "401013", "message": "Oauth token is not valid"}, 0, UNSEEN),
        (403, {"error_code": "403027", "message": "forbidden"}, 0, UNSEEN),
        (404, {}, 0, UNSEEN),
    ],
    ids=str,
)
def test_what_sandbox_management_says_counts_and_its_silence_does_not(
    bare: Project, service: Service, status: int, body: Any, code: int, said: str
) -> None:
    def meddle(_method: str, path: str, _body: Any) -> tuple[int, Any] | None:
        return (status, body) if "/sandbox-management" in path else None

    with between(service, meddle) as url:
        done = prepared(bare, url).run("apply", "--yes")
    assert done.code == code
    assert said in done.err
    assert bool(said) == bool(done.err)
    assert len(service.writes()) == (0 if code else 1)


def test_nothing_is_asked_where_nothing_changes(bare: Project, service: Service) -> None:
    project = prepared(bare, service.url)

    def asked() -> int:
        return sum("/sandbox-management" in one["path"] for one in service.seen("GET"))

    assert project.run("plan").code == 0
    assert asked() == 0
    assert project.run("apply", "--yes").code == 0
    assert asked() == 1
    assert project.run("apply", "--yes").code == 0
    assert asked() == 1
