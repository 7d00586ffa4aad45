"""What became of a call whose outcome nobody recorded: a table of what the service shows, and the decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.applying.recovery import NoEffect, Ours, WaitUntil, decide, resolve
from provisioner.model import MYSQL_SPEC_ID, Json
from provisioner.planning.plan import Action, Undecided
from provisioner.state.folding import fold
from provisioner.state.records import Intent
from tests.planning.examples import CLIENT, desired, item, observation, only, planned, record, state

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


def patch() -> Intent:
    return replace(intent("patch"), etag='"e1"', record=record(NEW))


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


def test_a_patch_of_an_unmoved_object_had_no_effect() -> None:
    """Each update makes a new etag; and what is gone is planned anew."""
    for items in ([], [item(etag='"e1"')]):
        found = decide(patch(), observation(*items), frozenset(), SENT, SETTLE, CLIENT)
        assert found == NoEffect()


NEW, OLD = desired(name="New"), desired()


@pytest.mark.parametrize(
    ("shown", "kept"),
    [("New", "New"), ("Orders", "Orders"), ("Somebody else's", "Orders")],
    ids=["as it was to be", "as it was before", "neither"],
)
def test_after_a_patch_that_may_have_had_its_effect_no_secret_is_known(shown: str, kept: str) -> None:
    """So that the secret is sent again, also where the definition was put back in between."""
    standing = state(record(OLD), intents=[patch()])
    resolved = resolve(standing, observation(item(etag='"e2"', name=shown)), SENT, SETTLE, CLIENT)
    after = fold(standing, resolved.entries)
    assert (after.intents, after.records[0].id, after.records[0].etag) == ((), "id-1", '"e2"')
    assert (after.records[0].texts["name"], after.records[0].secrets) == (kept, ())
    for wanted in (OLD, NEW):
        change = only(planned([wanted], after, observation(item(etag='"e2"', name=shown))))
        assert change.action is Action.UPDATE
        assert "/auth/params" in {operation.path for operation in change.steps[0].operations}  # type: ignore[union-attr]


def test_two_creates_do_not_share_one_result() -> None:
    two = [intent(), replace(intent(), intent_id="i2", key="other", record=None)]
    resolved = resolve(state(intents=two), observation(made("x")), LATER, SETTLE, CLIENT)
    assert resolved.settled == ()
    assert set(resolved.undecided) == {"orders", "other"}


def test_a_delete_whose_object_is_gone_drops_the_record() -> None:
    standing = state(record(), intents=[replace(intent("delete"), id="id-1", record=None)])
    assert fold(standing, resolve(standing, observation(), SENT, SETTLE, CLIENT).entries).records == ()
    still = fold(standing, resolve(standing, observation(item()), SENT, SETTLE, CLIENT).entries)
    assert (still.intents, still.records) == ((), standing.records)


@pytest.mark.parametrize(("items", "decision"), [([], Ours("id-1", None)), ([made("id-1")], NoEffect())])
def test_a_delete(items: list[Json], decision: object) -> None:
    assert decide(intent("delete"), observation(*items), frozenset(), SENT, SETTLE, CLIENT) == decision
