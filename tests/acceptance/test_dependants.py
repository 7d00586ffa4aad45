"""What reads from a base connection is named before its credentials change, and holds its deletion back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.acceptance.support import ROTATED, SPEC, Project, Service, basic

SCHEDULE = {"frequency": "minute", "interval": "15"}


def flow(service: Service, base: str, name: str, **more: Any) -> str:
    """Somebody makes a dataflow that reads from a base connection."""
    source = {"name": f"source of {name}", "baseConnectionId": base, "connectionSpec": SPEC}
    made = service.call("POST", "", resource="sourceConnections", json=source).json()["id"]
    body = {"name": name, "sourceConnectionIds": [made], "scheduleParams": SCHEDULE, **more}
    return str(service.call("POST", "", resource="flows", json=body).json()["id"])


@pytest.fixture
def used(project: Project, service: Service) -> Project:
    """``a`` is used by two dataflows, ``b`` by none."""
    project.define("a", basic("A"))
    project.define("b", basic("B"))
    assert project.run("apply", "--yes").code == 0
    flow(service, project.id("a"), "Nightly orders", state="disabled")
    flow(service, project.id("a"), "Orders")
    return project


FLOWS = "Nightly orders (disabled, every 15 minutes), Orders (enabled, every 15 minutes)"
USED = f"used by 2 dataflows: {FLOWS}"


def test_a_deletion_that_would_fail_is_blocked_in_the_plan(used: Project, service: Service) -> None:
    for key in "ab":
        (used.folder / f"connections/{key}.yaml").unlink()
    used.define("c", basic("C"))
    flags = ["--allow-delete", "--allow-mass-delete"]
    plan = used.run("plan", *flags)
    assert plan.code == 1
    assert f"reason: {USED}: the service would refuse to delete it (1418)" in plan.out
    assert plan.last == "Plan: 1 to add, 0 to change, 1 to destroy. 1 blocked."
    done = used.run("apply", "--yes", *flags)
    assert (done.code, done.last) == (4, "Apply incomplete: 1 added, 0 changed, 1 destroyed. 1 blocked.")
    assert {one["name"] for one in service.items()} == {"A", "C"}
    for one in service.call("GET", "", resource="flows").json()["items"]:
        service.call("DELETE", f"/{one['id']}", resource="flows")
    assert used.run("apply", "--yes", *flags).code == 0
    assert {one["name"] for one in service.items()} == {"C"}


def test_a_fork_comes_to_the_same_digest(used: Project) -> None:
    (used.folder / "connections/a.yaml").unlink()
    here = used.run("plan", "--allow-delete", "--report", "digest=here")
    fork = used.run("plan", "--allow-delete", "--offline", "--report", "digest=fork")
    assert (here.code, fork.code) == (1, 0)
    assert (used.folder / "here").read_text("utf-8") == (used.folder / "fork").read_text("utf-8")


def test_a_change_of_credentials_names_who_will_notice(used: Project) -> None:
    plan = used.run("plan", environ={"MYSQL_ORDERS_PASSWORD": ROTATED})
    note = f"note: {FLOWS} use it, and sign in with the new credentials from their next run"
    assert plan.out.count(note) == 1
    used.define("a", basic("A", server="db2"))
    assert f"note: {FLOWS} use it, and connect with these values from their next run" in used.run("plan").out
    used.define("a", basic("A", description="New"))
    assert "dataflow" not in used.run("plan").out, "a description is not noticed"


def test_many_are_read_from_two_lists(used: Project, service: Service) -> None:
    for number in range(30):
        used.define(f"n{number:02}", basic(f"N{number:02}"))
    assert used.run("apply", "--yes").code == 0
    for number in range(30):
        flow(service, used.id(f"n{number:02}"), f"Flow {number:02}")
    before = len(service.seen())
    plan = used.run("plan", environ={"MYSQL_ORDERS_PASSWORD": ROTATED})
    one = r"note: Flow \d\d \(enabled, every 15 minutes\) uses it, and signs in with the new credentials from its next"
    assert len(re.findall(one, plan.out)) == 30
    asked = [one["path"].rpartition("/")[2] for one in service.seen()[before:]]
    assert asked == ["connections", "sourceConnections", "flows"]


def test_where_flows_may_not_be_read_the_plan_says_so(used: Project, service: Service) -> None:
    service.faults({"kind": "status", "status": 403, "path": "*/flows"})
    plan = used.run("plan", environ={"MYSQL_ORDERS_PASSWORD": ROTATED})
    service.faults()
    assert plan.code == 0
    assert "note: its dataflows could not be read: " in plan.out


def test_a_deletion_is_confirmed(project: Project, service: Service) -> None:
    project.define("a", basic("A"))
    assert project.run("apply", "--yes").code == 0
    (project.folder / "connections/a.yaml").unlink()
    assert project.run("apply", "--yes", "--allow-delete", "--allow-mass-delete").code == 0
    assert [one["method"] for one in service.seen()[-2:]] == ["DELETE", "GET"]
