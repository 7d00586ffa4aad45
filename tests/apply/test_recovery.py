"""Recovery: the decision on an open call for each observation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provisioner.model import MYSQL_SPEC_ID, Json
from provisioner.planning.observed import Observation, observe
from provisioner.planning.plan import Action, Undecided
from provisioner.planning.recovery import Evidence, NoEffect, Ours, StillThere, Wait, decide, resolve
from provisioner.state.records import Intent
from provisioner.state.replay import replay
from tests.planning.examples import CLIENT, desired, item, observation, only, planned, record, state

SENT = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
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
    return {**item(identity=identity, etag='"e7"', createdAt=MS + after), **changed}


CREATES: list[tuple[str, list[Json], bool, object]] = [
    ("one, as declared, after the call", [made()], True, Ours("x", '"e7"')),
    ("at once", [made()], False, Ours("x", '"e7"')),
    ("4 s before, by another clock", [made(after=-4000)], True, Ours("x", '"e7"')),
    ("its parameters not shown", [made(auth={"specName": "Basic Authentication"})], True, Ours("x", '"e7"')),
    ("its client not shown", [made(createdClient="")], True, Ours("x", '"e7"')),
    ("no etag yet", [{**made(), "etag": None}], True, Ours("x", None)),
    ("made too early", [made(after=-6000)], True, Undecided),
    ("its age not shown", [made(createdAt=None)], True, Undecided),
    ("made by another client", [made(createdClient="exc_app")], True, NoEffect()),
    ("another description", [made(description="other")], True, Undecided),
    ("a name that is the same when folded", [made(name=" ORDERS\u00a0")], True, Undecided),
    ("the same, at once", [made(name=" ORDERS\u00a0")], False, Undecided),
    ("two of them", [made("x"), made("y")], True, Undecided),
    ("one, and one that reads alike", [made("x"), made("y", name="orders")], True, Undecided),
    ("only one that was there before", [made("before")], True, NoEffect()),
    ("one that was there before, and ours", [made("before"), made("x")], True, Ours("x", '"e7"')),
    ("only one that is managed", [made("managed")], True, NoEffect()),
    ("another name", [made(name="Other")], True, Undecided),
    ("another name, which may not be all yet", [made(name="Other")], False, Wait()),
    ("another name, of unknown age", [made(name="Other", createdAt=None)], True, Undecided),
    ("another name, made before the call", [made(name="Other", after=-6000)], True, NoEffect()),
    ("another name, there before", [made("before", name="Other")], True, NoEffect()),
    ("another name, of another client", [made(name="Other", createdClient="exc_app")], True, NoEffect()),
    ("another name, exactly that of another open call", [made(name="Stock")], True, NoEffect()),
    ("another spec", [made(connectionSpec={"id": "other", "version": "1.0"})], True, NoEffect()),
    ("nothing yet", [], False, Wait()),
    ("nothing at the end", [], True, NoEffect()),
]


def look(*items: Json, waited: bool = True) -> Evidence:
    seen = observation(*items)
    claimed = frozenset(one.id for one in seen.by_id.values() if one.name == "Stock")
    return Evidence(seen, frozenset({"managed"}), claimed, waited, CLIENT)


@pytest.mark.parametrize(("items", "waited", "decision"), [row[1:] for row in CREATES], ids=[row[0] for row in CREATES])
def test_a_create(items: list[Json], waited: bool, decision: object) -> None:
    found = decide(intent(seen=("before",)), look(*items, waited=waited))
    assert isinstance(found, Undecided) if decision is Undecided else found == decision


def test_what_is_left_to_the_user_names_the_candidates() -> None:
    found = decide(intent(), look(made("x"), made("y")))
    assert isinstance(found, Undecided)
    assert "x, y" in found.reason
    assert found.remedy


@pytest.mark.parametrize(
    ("items", "waited", "decision"),
    [
        ([item(etag='"e1"')], False, Wait(fenced=True)),
        ([item(etag='"e1"')], True, NoEffect()),
        ([], False, Wait()),
        ([], True, NoEffect()),
    ],
    ids=["unmoved", "unmoved after the wait", "gone", "gone after the wait"],
)
def test_a_patch_that_is_not_seen_may_take_effect_yet(items: list[Json], waited: bool, decision: object) -> None:
    """Sent again with the same etag, one of the two takes effect at most, so that need not be waited for."""
    assert decide(patch(), look(*items, waited=waited)) == decision


NEW, OLD = desired(name="New"), desired()


@pytest.mark.parametrize(
    ("shown", "kept"),
    [("New", "New"), ("Orders", "Orders"), ("Somebody else's", "Orders")],
    ids=["as it was to be", "as it was before", "neither"],
)
def test_after_a_patch_that_may_have_had_its_effect_no_secret_is_known(shown: str, kept: str) -> None:
    """So that the secret is sent again, also where the definition was put back in between."""
    standing = state(replace(record(OLD), tested_at="then"), intents=[patch()])
    resolved = resolve(standing, observation(item(etag='"e2"', name=shown)), CLIENT)
    after = replay(standing, resolved.entries)
    assert (after.intents, after.records[0].id, after.records[0].etag) == ((), "id-1", '"e2"')
    assert (after.records[0].texts["name"], after.records[0].secrets) == (kept, ())
    assert after.records[0].tested_at == "", "the test was of the secret before"
    for wanted in (OLD, NEW):
        change = only(planned([wanted], after, observation(item(etag='"e2"', name=shown))))
        assert change.action is Action.UPDATE
        assert "/auth/params" in {operation.path for operation in change.steps[0].operations}  # type: ignore[union-attr]


@pytest.mark.parametrize("step", ["patch", "delete"])
@pytest.mark.parametrize("waited", [False, True])
def test_what_answers_in_other_words_leaves_a_call_open(step: str, waited: bool) -> None:
    """Taken for one without effect, a patch would leave a secret that nothing says any more."""
    standing = state(record(), intents=[intent(step)])
    found = resolve(standing, observe([], {"id-1": "answers 404"}), CLIENT, waited)
    assert (found.settled, found.waiting, list(found.undecided)) == ((), frozenset(), ["orders"])


def test_two_creates_do_not_share_one_result() -> None:
    two = [intent(), replace(intent(), intent_id="i2", key="other", record=None)]
    resolved = resolve(state(intents=two), observation(made("x")), CLIENT)
    assert resolved.settled == ()
    assert set(resolved.undecided) == {"orders", "other"}


def test_a_delete_whose_object_is_gone_drops_the_record() -> None:
    standing = state(record(), intents=[replace(intent("delete"), id="id-1", record=None)])
    assert replay(standing, resolve(standing, observation(), CLIENT).entries).records == ()
    still = replay(standing, resolve(standing, observation(item()), CLIENT, waited=True).entries)
    assert (still.intents, still.records) == ((), standing.records)


@pytest.mark.parametrize(
    ("seen", "waited", "decision"),
    [
        (observation(), False, Ours("id-1", None)),
        (observation(made("id-1")), False, Wait()),
        (observation(made("id-1")), True, NoEffect()),
        (observe([], {"id-1": "answers 404"}), True, Undecided),
    ],
    ids=["gone", "there", "there after the wait", "nobody knows"],
)
def test_a_delete(seen: Observation, waited: bool, decision: object) -> None:
    found = decide(intent("delete"), Evidence(seen, frozenset(), frozenset(), waited, CLIENT))
    assert isinstance(found, Undecided) if decision is Undecided else found == decision


@pytest.mark.parametrize(
    ("items", "waited", "decision"),
    [
        ([made(name="Orders")], False, StillThere()),
        ([made(name="orders")], True, NoEffect()),
        ([], False, Wait()),
        ([], True, NoEffect()),
    ],
    ids=["there", "something of a like name", "not seen", "not seen after the wait"],
)
def test_a_probe(items: list[Json], waited: bool, decision: object) -> None:
    assert decide(intent("probe"), look(*items, waited=waited)) == decision


def test_of_a_probe_it_is_the_deletion_that_waits() -> None:
    resolved = resolve(state(record(), intents=[replace(intent("probe"), record=None)]), observation(), CLIENT)
    assert resolved.waiting == {"orders#probe"}


def test_two_open_creates_that_are_each_shown_are_both_found() -> None:
    """What is exactly the result of one leaves the other decided."""
    stock = desired("stock", name="Stock")
    two = [intent(), replace(intent(), intent_id="i2", key="stock", name="Stock", record=record(stock, identity=""))]
    seen = observation(made("x"), item(stock, "y", createdAt=MS + 100))
    assert {one.id for one in resolve(state(intents=two), seen, CLIENT).settled} == {"x", "y"}
    missing = resolve(state(intents=two), observation(item(stock, "y", createdAt=MS + 100)), CLIENT, waited=True)
    assert [(one.verdict, one.id) for one in missing.settled] == [("failed", None), ("done", "y")]
