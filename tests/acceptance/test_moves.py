"""A definition under another key keeps its base connection, by ``movedFrom`` or ``state mv``; ``state rm`` forgets."""

from __future__ import annotations

import pytest

from tests.acceptance.support import Project, Service, basic


@pytest.fixture
def applied(project: Project) -> Project:
    project.define("a", basic("A"))
    project.define("b", basic("B"))
    assert project.run("apply", "--yes").code == 0
    return project


def rename(project: Project, old: str, new: str, more: str = "") -> None:
    file = project.folder / f"connections/{old}.yaml"
    project.define(new, more + file.read_text("utf-8"))
    file.unlink()


def test_a_renamed_file_that_says_so_plans_no_change(applied: Project, service: Service) -> None:
    identity, writes = applied.id("a"), len(service.writes())
    rename(applied, "a", "shop/a", "movedFrom: a\n")
    plan = applied.run("plan", "--detailed-exitcode")
    assert (plan.code, plan.last) == (2, "Plan: 0 to add, 0 to change, 0 to destroy. 1 to move, 1 unchanged.")
    assert "reason: its record moves here from a\n" in plan.out
    done = applied.run("apply", "--yes")
    assert done.code == 0, done.err
    assert "shop/a: moved here from a; nothing is sent" in done.err
    assert done.last == "Apply complete: 0 added, 0 changed, 0 destroyed. 1 moved."
    assert (applied.id("shop/a"), set(applied.state["records"])) == (identity, {"shop/a", "b"})
    assert len(service.writes()) == writes
    again = applied.run("plan", "--detailed-exitcode")
    assert (again.code, "moves here" in again.out) == (0, False)


def test_it_may_change_at_the_same_time(applied: Project, service: Service) -> None:
    identity = applied.id("a")
    rename(applied, "a", "c", "movedFrom: a\n")
    text = (applied.folder / "connections/c.yaml").read_text("utf-8")
    applied.define("c", text.replace("db.example.com", "db2.example.com").replace("name: A", "name: C"))
    assert applied.run("apply", "--yes").last == "Apply complete: 0 added, 1 changed, 0 destroyed."
    assert applied.id("c") == identity
    assert {one["name"] for one in service.items()} == {"B", "C"}


def test_without_secrets_everybody_sees_the_same(applied: Project) -> None:
    rename(applied, "a", "c", "movedFrom: a\n")
    fork = applied.run("plan", "--offline", "--format", "json", environ={"MYSQL_ORDERS_PASSWORD": None}).json
    (moved,) = [one for one in fork["resource_changes"] if one["address"] == "c"]
    assert (moved["action"], moved["previous_address"]) == ("move", "a")


def test_what_was_never_there_is_created(applied: Project) -> None:
    applied.define("c", f"movedFrom: never\n{basic('C')}")
    assert applied.run("apply", "--yes").last == "Apply complete: 1 added, 0 changed, 0 destroyed."


def test_where_both_are_recorded_nothing_moves(applied: Project) -> None:
    (applied.folder / "connections/a.yaml").unlink()
    applied.define("b", f"movedFrom: a\n{basic('B')}")
    plan = applied.run("plan")
    assert "? unmanaged a" in plan.out
    assert "moves here" not in plan.out
    assert "moved here" not in plan.out


def test_a_record_is_moved_by_hand(applied: Project, service: Service) -> None:
    identity, writes = applied.id("a"), len(service.writes())
    moved = applied.run("state", "mv", "a", "shop/a")
    assert (moved.code, identity in moved.out) == (0, True)
    rename(applied, "a", "shop/a")
    assert applied.run("plan", "--detailed-exitcode").code == 0
    assert applied.id("shop/a") == identity
    assert len(service.writes()) == writes


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("none", "c", "nothing is recorded under none"),
        ("a", "b", "something is recorded under b already"),
        ("a", "../c", "../c cannot be a key"),
        ("a", "a", "something is recorded under a already"),
    ],
)
def test_what_cannot_be_moved(applied: Project, old: str, new: str, words: str) -> None:
    before = applied.state
    refused = applied.run("state", "mv", old, new)
    assert (refused.code, words in refused.err) == (64, True)
    assert applied.state == before


def test_records_are_forgotten_and_the_objects_stay(applied: Project, service: Service) -> None:
    identity = applied.id("a")
    forgotten = applied.run("state", "rm", "a", "b")
    assert (forgotten.code, f"removed the record of a; base connection {identity} is unchanged" in forgotten.out) == (
        0,
        True,
    )
    assert applied.state["records"] == {}
    assert len(service.items()) == 2
    assert "already exists" in applied.run("plan").out


def test_none_is_forgotten_where_one_is_not_recorded(applied: Project) -> None:
    assert applied.run("state", "rm", "a", "none").code == 64
    assert set(applied.state["records"]) == {"a", "b"}


@pytest.fixture
def open_call(applied: Project, service: Service) -> Project:
    applied.define("a", basic("A", server="db2.example.com"))
    service.faults({"kind": "reset", "when": "after", "method": "PATCH"})
    assert applied.run("apply", "--yes", "--no-wait").code == 4
    service.faults()
    return applied


def test_a_call_of_unknown_outcome_is_settled_before_a_move(open_call: Project) -> None:
    refused = open_call.run("state", "mv", "a", "c")
    assert (refused.code, "a call of which the outcome is open" in refused.err) == (64, True)


def test_what_is_given_up_may_have_an_open_call(open_call: Project) -> None:
    """The last resort where nobody can tell what became of one."""
    done = open_call.run("state", "rm", "a")
    assert (done.code, "gave up on a patch of A with an open outcome" in done.out) == (0, True)
    assert (set(open_call.state["records"]), open_call.state["intents"]) == ({"b"}, {})


def test_a_move_without_effect_is_told(applied: Project) -> None:
    applied.define("c", f"movedFrom: never\n{basic('C')}")
    assert "note: movedFrom has no effect: nothing is recorded under never" in applied.run("plan").out


def test_nor_has_it_one_where_both_are_recorded(applied: Project) -> None:
    applied.define("c", basic("C"))
    assert applied.run("apply", "--yes").code == 0
    rename(applied, "a", "old")
    (applied.folder / "connections/old.yaml").unlink()
    applied.define("c", f"movedFrom: a\n{basic('C')}")
    assert "note: movedFrom has no effect: c has a record of its own" in applied.run("plan").out


def test_a_move_waits_for_a_call_of_unknown_outcome(applied: Project, service: Service) -> None:
    """Else the record that moves and the create that is found out would meet under one key, and one id be lost."""
    first = applied.id("a")
    rename(applied, "a", "c")
    text = (applied.folder / "connections/c.yaml").read_text("utf-8").replace("name: A", "name: C")
    applied.define("c", text)
    service.faults(
        {"kind": "lag", "seconds": 0.5},
        {"kind": "reset", "when": "after", "method": "POST", "path": "*/connections", "nth": 1},
    )
    assert applied.run("apply", "--yes", "--no-wait").code == 4
    applied.define("c", f"movedFrom: a\n{text}")
    assert applied.run("apply", "--yes").code == 0
    service.faults()
    known = {record["id"] for record in applied.state["records"].values()}
    assert first in known
    assert known == {one["id"] for one in service.items()}


def test_what_was_deleted_outside_leaves_no_old_record(applied: Project, service: Service) -> None:
    service.delete(applied.id("a"))
    rename(applied, "a", "c", "movedFrom: a\n")
    plan = applied.run("plan")
    assert "was deleted outside provisioner" in plan.out
    assert "keeps" not in plan.out
    assert applied.run("apply", "--yes").last == "Apply complete: 1 added, 0 changed, 0 destroyed."
    assert set(applied.state["records"]) == {"b", "c"}
    assert applied.run("plan", "--detailed-exitcode").code == 0


def test_a_blocked_change_leaves_its_record_where_it_is(applied: Project, service: Service) -> None:
    """Also where nothing is asked, as nothing else is to be done: nobody has agreed to the move."""
    service.delete(applied.id("a"))
    rename(applied, "a", "c", "movedFrom: a\n")
    blocked = applied.run("apply", "--select", "c", "--resend")
    assert (blocked.code, "blocked" in blocked.out) == (1, True)
    assert set(applied.state["records"]) == {"a", "b"}


def test_nor_is_it_said_to_have_moved(applied: Project, service: Service) -> None:
    service.edit(applied.id("a"), "/description", "By hand")
    rename(applied, "a", "c", "movedFrom: a\n")
    blocked = applied.run("apply", "--yes")
    assert (blocked.code, "moved here from a; nothing is sent" in blocked.err) == (1, False)
    assert set(applied.state["records"]) == {"a", "b"}
    assert applied.run("apply", "--yes", "--overwrite-drift").code == 0
    assert set(applied.state["records"]) == {"b", "c"}
