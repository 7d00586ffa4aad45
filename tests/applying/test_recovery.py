"""What became of a call whose outcome nobody recorded: a table of what the service shows, and the decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.applying.recovery import NoEffect, Ours, WaitUntil, decide
from provisioner.model import MYSQL_SPEC_ID, Json
from provisioner.planning.plan import Undecided
from provisioner.state.records import Intent
from tests.planning.examples import CLIENT, item, observation, record

SENT = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=75)
LATER = SENT + SETTLE
MS = int(SENT.timestamp() * 1000)


def intent(step: str = "create", seen: tuple[str, ...] = ()) -> Intent:
    identity = None if step == "create" else "id-1"
    return Intent(
        "i1",
        "orders",
        step,
        "Orders",
        MYSQL_SPEC_ID,
        identity,
        None,
        SENT.isoformat(),
        seen,
        record(identity=identity or ""),
    )  # type: ignore[arg-type]


def made(identity: str = "x", after: int = 100, **changed: object) -> Json:
    return item(identity=identity, etag='"e7"', createdAt=MS + after, **changed)


CREATES: list[tuple[str, list[Json], datetime, object]] = [
    ("one, as declared, after the call", [made()], LATER, Ours("x", '"e7"')),
    ("at once", [made()], SENT, Ours("x", '"e7"')),
    ("4 s before, by another clock", [made(after=-4000)], LATER, Ours("x", '"e7"')),
    ("its parameters not shown", [made(auth={"specName": "Basic Authentication"})], LATER, Ours("x", '"e7"')),
    ("its client not shown", [made(createdClient="")], LATER, Ours("x", '"e7"')),
    ("no etag yet", [{**made(), "etag": None}], LATER, Ours("x", None)),
    ("made too early", [made(after=-6000)], LATER, Undecided),
    ("made by another client", [made(createdClient="exc_app")], LATER, Undecided),
    ("another description", [made(description="other")], LATER, Undecided),
    ("two of them", [made("x"), made("y")], LATER, Undecided),
    ("only one that was there before", [made("before")], LATER, NoEffect()),
    ("one that was there before, and ours", [made("before"), made("x")], LATER, Ours("x", '"e7"')),
    ("only one that is managed", [made("managed")], LATER, NoEffect()),
    ("another name", [made(name="Other")], LATER, NoEffect()),
    ("another spec", [made(connectionSpec={"id": "other", "version": "1.0"})], LATER, NoEffect()),
    ("nothing yet", [], SENT, WaitUntil(LATER)),
    ("nothing just before the end", [], LATER - timedelta(seconds=1), WaitUntil(LATER)),
    ("nothing at the end", [], LATER, NoEffect()),
]


@pytest.mark.parametrize(("items", "now", "decision"), [row[1:] for row in CREATES], ids=[row[0] for row in CREATES])
def test_a_create(items: list[Json], now: datetime, decision: object) -> None:
    found = decide(intent(seen=("before",)), observation(*items), frozenset({"managed"}), now, SETTLE, CLIENT)
    assert isinstance(found, Undecided) if decision is Undecided else found == decision


def test_what_is_left_to_the_user_names_the_candidates() -> None:
    found = decide(intent(), observation(made("x"), made("y")), frozenset(), LATER, SETTLE, CLIENT)
    assert isinstance(found, Undecided)
    assert "x, y" in found.reason
    assert found.remedy


@pytest.mark.parametrize("items", [[], [made("id-1")]])
def test_a_patch_is_planned_anew(items: list[Json]) -> None:
    """The same PATCH again ends in the same object."""
    assert decide(intent("patch"), observation(*items), frozenset(), SENT, SETTLE, CLIENT) == NoEffect()


@pytest.mark.parametrize(("items", "decision"), [([], Ours("id-1", None)), ([made("id-1")], NoEffect())])
def test_a_delete(items: list[Json], decision: object) -> None:
    assert decide(intent("delete"), observation(*items), frozenset(), SENT, SETTLE, CLIENT) == decision
