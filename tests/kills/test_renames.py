"""Renames, moves and what may not be deleted: killed, run to the end, then as the plan advises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kills.advice import follow
from tests.kills.kinds import DELETE, PATCH, POST, Fault, at
from tests.kills.world import KILLED, Definition, Moment, World, world

NO_ROUTE: dict[str, Any] = {"message": "no Route matched with those values"}
ANSWERS: dict[str, tuple[Fault, ...]] = {
    "peace": (),
    "interim answers": tuple(
        at({"kind": "interim", "status": 103, "seconds": 0}, one) for one in (POST, PATCH, DELETE)
    ),
    "two lengths": tuple(at({"kind": "two-lengths"}, one, nth=1) for one in (POST, PATCH, DELETE)),
    "other words, after the effect": tuple(
        at({"kind": "status", "status": 404, "when": "after", "body": NO_ROUTE}, one, nth=1)
        for one in (POST, PATCH, DELETE)
    ),
    "other words, without effect": tuple(
        at({"kind": "status", "status": 404, "body": NO_ROUTE}, one, nth=1) for one in (POST, PATCH, DELETE)
    ),
}


def prepare(subject: World) -> Moment:
    subject.add_theirs()
    for key in ("deleted", "forgotten", "moved", "renamed", "used"):
        subject.define(key, "A", f"first-secret-of-{key}")
    assert subject.apply()["code"] == 0, subject.said()
    subject.flows.begin(next(one.id for one in subject.ours() if one.declared.name == "used"))
    subject.forget("deleted")
    subject.forget("used")
    subject.rename("forgotten", Definition("forgotten", "forgotten-on", "forgotten", "A"))
    subject.rename("moved", Definition("moved", "moved-on", "moved on", "B", "moved"), "second-secret-of-moved")
    subject.rename("renamed", Definition("renamed", "renamed", "renamed on", "A"))
    subject.define("new", "A", "first-secret-of-new")
    return subject.moment()


def run_to_the_end(subject: World, kept: dict[str, str]) -> None:
    """``kept`` are the ids of what is not deleted under any flag, and of what keeps its base connection."""
    subject.check_always()
    assert subject.apply()["code"] in (1, 4), subject.said()
    subject.check_always()
    there = {one.id for one in subject.ours()}
    assert set(kept.values()) <= there
    assert subject.state().intents == ()
    assert len(there) == len(kept) + 1


def test_what_the_plan_advises_ends_it(tmp_path: Path) -> None:
    with world(tmp_path / "project") as subject:
        prepare(subject)
        kept = {one.declared.name: one.id for one in subject.ours() if one.declared.name != "deleted"}
        run_to_the_end(subject, kept)
        assert follow(subject) == 2
        assert subject.apply()["code"] == 0, subject.said()
        subject.check_end()
        ids = {record.key: record.id for record in subject.state().records}
        assert {kept[one] for one in ("forgotten", "moved", "renamed")} == {*ids.values()} - {ids["new"]}


@pytest.mark.parametrize("name", ANSWERS)
def test_killed_at_boundaries(tmp_path: Path, name: str) -> None:
    """In peace at every other one, with odd answers at every seventh: each of them costs two runs."""
    faults, stride = ANSWERS[name], 7 if ANSWERS[name] else 2
    with world(tmp_path / "project") as subject:
        before = prepare(subject)
        kept = {one.declared.name: one.id for one in before.connections if one.id not in subject.known.theirs}
        del kept["deleted"]
        subject.service.faults(*faults)
        whole = subject.apply()
        assert whole["code"] in (1, 4), subject.said()
        seen: set[object] = set()
        for boundary in range(1, whole["passed"] + 1, stride):
            subject.put_back(before)
            subject.service.faults(*faults)
            assert subject.apply(kill=boundary)["code"] == KILLED
            look = subject.look(before)
            if look not in seen:
                seen.add(look)
                subject.service.faults()
                run_to_the_end(subject, kept)
        assert len(seen) > 5
