"""What somebody changed outside: seen, named, taken into the state or put back. What is protected stays."""

from __future__ import annotations

import re

import pytest

from tests.acceptance.support import Project, Service, basic


@pytest.fixture
def drifted(project: Project, service: Service) -> Project:
    """``a`` was edited outside, ``b`` deleted, ``c`` left alone."""
    for key in "abc":
        project.define(key, basic(key.upper()))
    assert project.run("apply", "--yes").code == 0
    service.edit(project.id("a"), "/description", "Mine now")
    service.delete(project.id("b"))
    return project


def test_refresh_only_shows_drift_alone_and_changes_nothing(drifted: Project, service: Service) -> None:
    drifted.define("c", basic("C", server="db9"))
    writes, state = len(service.writes()), drifted.state
    plan = drifted.run("plan", "--refresh-only")
    assert plan.code == 0
    assert re.search(r"< refresh +a ", plan.out)
    assert 'description  "A" -> "Mine now"  (drift)  connections/a.yaml:2' in plan.out
    assert "changed by somebody-else" in plan.out
    assert re.search(r"x forget +b ", plan.out)
    assert "was deleted outside provisioner" in plan.out
    assert '"db9"' not in plan.out
    assert plan.last.endswith("1 to refresh, 1 to forget, 1 unchanged.")
    assert (len(service.writes()), drifted.state) == (writes, state)
    assert drifted.run("plan", "--refresh-only", "--detailed-exitcode").code == 2


def test_what_is_accepted_is_in_the_state_and_nothing_is_sent(drifted: Project, service: Service) -> None:
    writes = len(service.writes())
    del drifted.environ["MYSQL_ORDERS_PASSWORD"]  # no secret is needed for it
    done = drifted.run("apply", "--refresh-only", "--yes")
    assert done.code == 0, done.err
    assert done.last == ("Apply complete: 0 added, 0 changed, 0 destroyed. 1 refreshed. 1 forgotten.")
    assert len(service.writes()) == writes
    assert drifted.state["records"]["a"]["fields"]["description"] == "Mine now"
    assert "b" not in drifted.state["records"]
    assert drifted.run("plan", "--refresh-only", "--detailed-exitcode").code == 0
    plan = drifted.run("plan")
    assert "drift" not in plan.out
    assert '"Mine now" -> "A"' in plan.out
    assert plan.last.startswith("Plan: 1 to add, 1 to change, 0 to destroy.")


def test_what_was_deleted_outside_is_planned_for_creation_with_the_reason(drifted: Project) -> None:
    gone = drifted.id("b")
    plan = drifted.run("plan")
    assert f"reason: {gone} was deleted outside provisioner" in plan.out


def test_a_saved_refresh_is_applied_exactly(drifted: Project, service: Service) -> None:
    assert drifted.run("plan", "--refresh-only", "--out", "drift.plan").code == 0
    service.edit(drifted.id("a"), "/description", "Mine again")
    stale = drifted.run("apply", "drift.plan")
    assert (stale.code, "a: remote differs" in stale.err) == (5, True)
    assert drifted.run("plan", "--refresh-only", "--out", "drift.plan").code == 0
    assert drifted.run("apply", "drift.plan").code == 0
    assert drifted.state["records"]["a"]["fields"]["description"] == "Mine again"


def test_a_digest_approves_no_refresh(drifted: Project) -> None:
    plan = drifted.run("plan", "--refresh-only", "--format", "json").json
    assert plan["not_in_digest"] == ["a", "b"]
    refused = drifted.run("apply", "--refresh-only", "--expect-digest", plan["digest"])
    assert refused.code == 5
    for words in (
        "a: remote differs: changed outside provisioner: description",
        "b: remote differs: deleted outside provisioner",
        "save the plan",
    ):
        assert words in refused.err
    assert "b" in drifted.state["records"]


@pytest.mark.parametrize("flag", ["--import-existing", "--allow-delete", "--allow-mass-delete"])
def test_refresh_only_is_alone(project: Project, flag: str) -> None:
    assert project.run("plan", "--refresh-only", flag).code == 64


def test_refresh_only_has_to_look(project: Project) -> None:
    result = project.run("plan", "--refresh-only", "--offline")
    assert (result.code, "leave out --offline" in result.err) == (64, True)


LIFECYCLE = "lifecycle: {preventDestroy: true}\n"


def test_what_is_protected_is_not_deleted_by_accident(project: Project, service: Service) -> None:
    project.define("a", basic("A"))
    project.define("b", basic("B"))
    assert project.run("apply", "--yes").code == 0
    sent = len(service.writes())
    project.define("a", basic("A") + LIFECYCLE)
    plan = project.run("plan")
    assert 'lifecycle.preventDestroy  (none) -> "true"  connections/a.yaml:12' in plan.out
    assert project.run("apply", "--yes").code == 0
    assert len(service.writes()) == sent, "nothing of it is sent"
    assert project.run("plan", "--detailed-exitcode").code == 0

    (project.folder / "connections/a.yaml").unlink()
    held = project.run("apply", "--yes", "--allow-delete")
    assert held.code == 1
    assert "remedy: restore the definition" in held.out
    assert {one["name"] for one in service.items()} == {"A", "B"}
    done = project.run("apply", "--yes", "--allow-delete", "--allow-protected-delete")
    assert done.code == 0, done.out
    assert "(--allow-delete, --allow-protected-delete)" in done.out, "the plan says which guards were lifted"
    assert [one["name"] for one in service.items()] == ["B"]


def test_what_was_created_protected_is_protected(project: Project, service: Service) -> None:
    project.define("a", basic("A") + LIFECYCLE)
    project.define("b", basic("B"))
    assert project.run("apply", "--yes").code == 0
    assert "lifecycle" not in service.writes()[0]["body"]
    (project.folder / "connections/a.yaml").unlink()
    assert project.run("plan", "--allow-delete").code == 1
