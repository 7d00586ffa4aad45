"""New credentials are proved on a throwaway base connection before they go into the live one."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.acceptance.support import LOST, ROTATED, Project, Service, basic, between
from tests.acceptance.test_dependants import flow

NEW = {"MYSQL_ORDERS_PASSWORD": ROTATED}


class Meddling:
    """What the database thinks of new credentials, and whether the answer about a probe is lost."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.valid = True
        self.losing = False

    def answer(self, method: str, path: str, body: object) -> tuple[int, object] | str | None:
        if self.losing and method == "POST" and "provisioner probe" in str(body):
            return LOST
        if path.endswith("/test"):
            return None if self.valid else (200, {"result": False})
        return None

    @property
    def live(self) -> set[str]:
        return {one["id"] for one in self.service.items() if not one["name"].startswith("provisioner probe ")}


@pytest.fixture
def meddling(project: Project, service: Service) -> Iterator[Meddling]:
    meddling = Meddling(service)
    with between(service, meddling.answer) as url:
        project.target(url)
        project.define("orders", basic("Orders"))
        project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
        assert project.run("apply", "--yes").code == 0
        yield meddling


def etag(service: Service) -> str:
    return next(str(one["etag"]) for one in service.items() if one["name"] == "Orders")


@pytest.mark.usefixtures("meddling")
def test_a_valid_password_is_proved_sent_and_tested(project: Project, service: Service) -> None:
    flow(service, project.id("orders"), "Nightly")
    before = len(service.seen())
    done = project.run("rotate", "orders", "--yes", environ=NEW)
    assert (done.code, done.last) == (0, "Apply complete: 0 added, 1 changed, 0 destroyed.")
    assert "used by 1 dataflow: Nightly (enabled, every 15 minutes)" in done.out
    assert "(--prove, --test, --select orders)" in done.out
    calls = [(one["method"], one["path"].rpartition("/")[2]) for one in service.seen()[before:]]
    written = [method for method, _ in calls if method != "GET"]
    assert written == ["POST", "DELETE", "PATCH"]
    assert [last for method, last in calls if method == "GET" and last == "test"] == ["test", "test"]
    (probe,) = [one["body"] for one in service.seen("POST")[2:]]
    assert probe["name"].startswith("provisioner probe ")
    assert probe["auth"]["params"]["password"] == ROTATED
    assert {one["name"] for one in service.items()} == {"Orders", "Stock"}
    assert project.state["intents"] == {}
    assert project.run("plan", "--detailed-exitcode", environ=NEW).code == 0


def test_a_wrong_password_never_reaches_the_live_one(project: Project, service: Service, meddling: Meddling) -> None:
    before, meddling.valid = etag(service), False
    refused = project.run("rotate", "orders", "--yes", environ=NEW)
    assert refused.code == 1
    assert "not changed: with the new credentials the database is not reached" in refused.out
    assert etag(service) == before
    assert service.seen("PATCH") == []
    assert {one["name"] for one in service.items()} == {"Orders", "Stock"}
    meddling.valid = True
    assert project.run("plan", "--detailed-exitcode").code == 0, "the old one is still what is recorded"


@pytest.mark.usefixtures("meddling")
def test_without_a_new_password_there_is_nothing_to_do(project: Project, service: Service) -> None:
    writes = len(service.writes())
    assert project.run("rotate", "orders", "--yes").last == "Apply complete: 0 added, 0 changed, 0 destroyed."
    assert len(service.writes()) == writes
    assert project.run("rotate", "none", "--yes").code == 64


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_is_left_of_a_probe_is_deleted_by_the_next_apply(
    project: Project, service: Service, meddling: Meddling, method: str
) -> None:
    service.faults(*([{"kind": "status", "status": 500, "method": "DELETE"}] if method == "DELETE" else []))
    meddling.losing = method == "POST"
    first = project.run("rotate", "orders", "--yes", environ=NEW)
    service.faults()
    meddling.losing = False
    assert first.code == (4 if method == "POST" else 0), first.out
    assert len(service.items()) == 3
    plan = project.run("plan", environ=NEW)
    assert "is a probe that an earlier run has left" in plan.out
    assert project.run("apply", "--yes", environ=NEW).code == 0
    assert {one["name"] for one in service.items()} == {"Orders", "Stock"}
    time.sleep(3.2)  # as long as the list may lag on loopback
    assert project.run("apply", "--yes", environ=NEW).code == 0
    assert project.state["intents"] == {}


def test_a_test_without_an_answer_proves_nothing(project: Project, service: Service, meddling: Meddling) -> None:
    before = etag(service)
    service.faults({"kind": "status", "status": 403, "method": "GET", "path": "*/test"})
    refused = project.run("rotate", "orders", "--yes", environ=NEW)
    service.faults()
    assert (refused.code, "not changed: the new credentials could not be proved" in refused.out) == (1, True)
    assert etag(service) == before
    assert len(meddling.live) == len(service.items()) == 2
