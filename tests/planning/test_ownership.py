"""Owners of names and ids: changes that are blocked because of them, and notes."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model import MYSQL_SPEC_ID
from provisioner.planning.changes import PlanInputs
from provisioner.planning.observed import observe
from provisioner.planning.plan import Action
from provisioner.planning.refresh import refresh_plan
from provisioner.state.records import Intent, State
from tests.planning.examples import CLIENT, FINGERPRINTER, IDENTITY, desired, item, observation, planned, record, state

ORDERS, STOCK = desired(), desired("stock", name="Stock")
SENT = "2026-01-01T12:00:00+00:00"
BOTH = state(record(ORDERS), record(STOCK, "id-2"))


@pytest.mark.parametrize(
    ("shown", "action"),
    [
        ("Orders", Action.NO_OP),
        ("orders ", Action.UPDATE),
        ("By hand", Action.UPDATE),
        ("Stock", Action.BLOCKED),
        ("STOCK\u200b", Action.BLOCKED),
    ],
)
def test_what_carries_the_name_of_another_is_never_drift(shown: str, action: Action) -> None:
    """An id that was recorded under the wrong key looks like this; to put the name back would change another one."""
    changes = planned([ORDERS, STOCK], BOTH, observation(item(ORDERS, name=shown), item(STOCK, "id-2"))).changes
    (change,) = [one for one in changes if one.key == "orders"]
    assert change.action is action
    assert (change.steps == ()) == (action in (Action.NO_OP, Action.BLOCKED))


@pytest.mark.parametrize("flags", [{}, {"allow_delete": True}])
def test_nor_is_it_deleted(flags: dict[str, bool]) -> None:
    seen = observation(item(ORDERS, name="Stock"), item(STOCK, "id-2"))
    changes = planned([STOCK], BOTH, seen, **flags).changes
    assert [one.steps for one in changes] == [(), ()]


def test_nor_taken_into_the_state() -> None:
    seen = observation(item(ORDERS, name="Stock"), item(STOCK, "id-2"))
    plan = refresh_plan("prod", IDENTITY, [ORDERS, STOCK], PlanInputs(BOTH, seen, FINGERPRINTER))
    assert [one.key for one in plan.blocked] == ["orders"]
    assert not plan.pending


@pytest.mark.parametrize("flags", [{}, {"allow_delete": True}])
@pytest.mark.parametrize("declared", [True, False])
def test_nor_is_what_is_called_otherwise_while_another_one_has_its_name(declared: bool, flags: dict[str, bool]) -> None:
    """The id of somebody else's, recorded and never checked, looks like this: it is neither changed nor deleted."""
    seen = observation(item(ORDERS, name="By hand"), item(ORDERS, "id-3"), item(STOCK, "id-2"))
    wanted = [ORDERS, STOCK] if declared else [STOCK]
    orders, _ = planned(wanted, BOTH, seen, **flags).changes
    assert orders.steps == ()
    if declared or flags:
        assert orders.action is Action.BLOCKED
        assert "is called By hand now, and id-3 has the name that it had" in orders.reason


@pytest.mark.parametrize("flags", [{}, {"allow_delete": True}])
@pytest.mark.parametrize("now", ["recorded", "shown", "being changed"])
def test_whatever_name_is_left_without_a_definition_is_not_taken(now: str, flags: dict[str, bool]) -> None:
    """The file was renamed after the name: made outside, or by a change of which nobody knows whether it was done."""
    renamed = desired(name="Renamed")
    known = record(renamed if now == "recorded" else ORDERS)
    change = Intent("i1", "orders", "patch", "Renamed", MYSQL_SPEC_ID, "id-1", None, SENT, (), record(renamed))
    standing = state(known, intents=[change] if now == "being changed" else [])
    seen = observation(item(ORDERS, name="Renamed" if now == "shown" else "Orders"))
    changes = {one.key: one for one in planned([desired("new", name="Renamed")], standing, seen, **flags).changes}
    assert {one.steps for one in changes.values()} == {()}
    assert (
        "has the same name as orders, which has no definition any longer: this looks like a rename"
        in changes["new"].reason
    )
    assert changes["orders"].action is (Action.BLOCKED if flags else Action.UNMANAGED)


@pytest.mark.parametrize("looked", [True, False])
def test_nor_is_it_given_to_another_record(looked: bool) -> None:
    seen = observation(item(ORDERS), item(STOCK, "id-2")) if looked else None
    orders, stock = planned([desired("stock", name="orders")], BOTH, seen, allow_delete=True).changes
    assert (orders.action, stock.action) == (Action.DELETE, Action.BLOCKED)
    assert stock.reason == "its new name is that of orders, which has no definition any more"


def test_two_that_exchange_their_names_are_each_still_their_own() -> None:
    wanted = [desired(name="Stock"), desired("stock", name="Orders")]
    plan = planned(wanted, BOTH, observation(item(ORDERS), item(STOCK, "id-2")))
    assert [one.action for one in plan.changes] == [Action.UPDATE] * 2


OPEN = Intent("i1", "lost", "create", "New", "spec", None, None, "2026-01-01T00:00:00+00:00", (), None)
NEW_NAMES = {
    "nobody's": (BOTH, [], Action.UPDATE, ""),
    "that of a stray of our own": (BOTH, ["New"], Action.BLOCKED, "its new name already exists: stray-0"),
    "that of two, folded": (BOTH, ["NEW", "new "], Action.BLOCKED, "its new name already exists: stray-0, stray-1"),
    "that of what has no definition": (
        state(*BOTH.records, record(desired("old", name="New"), "id-3")),
        [],
        Action.BLOCKED,
        "its new name is that of old, which has no definition any more",
    ),
    "that of an open create": (
        state(*BOTH.records, intents=[OPEN]),
        [],
        Action.BLOCKED,
        "its new name is that of lost, whose create is open",
    ),
}


@pytest.mark.parametrize("flags", [{}, {"allow_delete": True}, {"import_existing": True}])
@pytest.mark.parametrize(("prior", "strays", "action", "reason"), NEW_NAMES.values(), ids=NEW_NAMES)
def test_a_rename_makes_no_second_one_of_its_name(
    prior: State, strays: list[str], action: Action, reason: str, flags: dict[str, bool]
) -> None:
    new = desired(name="New")
    others = [item(new, f"stray-{n}", name=name, createdClient=CLIENT) for n, name in enumerate(strays)]
    old = [item(desired("old", name="New"), "id-3")] if any(one.key == "old" for one in prior.records) else []
    plan = planned([new, STOCK], prior, observation(item(ORDERS), item(STOCK, "id-2"), *others, *old), **flags)
    changes = {one.key: one for one in plan.changes}
    assert (changes["orders"].action, changes["orders"].steps == ()) == (action, action is Action.BLOCKED)
    assert reason in changes["orders"].reason
    # What has the name and is to go goes; the rename follows in the next plan.
    assert not old or changes["old"].action is (Action.DELETE if flags.get("allow_delete") else Action.UNMANAGED)


def test_a_name_that_only_reads_the_same_is_not_taken_by_itself() -> None:
    (change,) = planned([desired(name="ORDERS")], state(record(ORDERS)), observation(item(ORDERS))).changes
    assert change.action is Action.UPDATE


def test_what_may_be_gone_is_blocked_alone() -> None:
    seen = observe([item(STOCK, "id-2")], {"id-1": "answers 404, but not in the service's words"})
    for plan in (
        planned([ORDERS, STOCK], BOTH, seen),
        refresh_plan("prod", IDENTITY, [ORDERS, STOCK], PlanInputs(BOTH, seen, FINGERPRINTER)),
    ):
        orders, stock = plan.changes
        assert (orders.action, stock.action) == (Action.BLOCKED, Action.NO_OP)
        assert orders.reason == "id-1 answers 404, but not in the service's words"
        assert orders.remedy == "if it is gone: `state rm orders`"


def test_a_second_object_of_a_managed_name_is_told() -> None:
    seen = observation(item(ORDERS), item(ORDERS, "twin", name=" orders", createdClient="exc_app"))
    (change,) = planned([ORDERS], state(record()), seen).changes
    assert change.action is Action.NO_OP
    assert "of the same name: twin" in change.notes[0]


STRAYS: list[tuple[str, dict[str, Any], bool]] = [
    ("ours, and unknown", {}, True),
    ("of another client", {"createdClient": "exc_app"}, False),
    ("of a declared name", {"name": "Orders"}, False),
]


@pytest.mark.parametrize(("changed", "told"), [row[1:] for row in STRAYS], ids=[row[0] for row in STRAYS])
def test_what_our_own_client_made_and_nothing_knows_is_told(changed: dict[str, Any], told: bool) -> None:
    stray = {**item(ORDERS, "stray", name="Left", createdClient=CLIENT), **changed}
    plan = planned([ORDERS], state(record()), observation(item(ORDERS), stray))
    assert any("Left (stray)" in note for note in plan.notes) == told


def test_of_many_some_are_named() -> None:
    strays = [item(ORDERS, f"s{n}", name=f"Left {n}", createdClient=CLIENT) for n in range(8)]
    (note,) = planned([], state(), observation(*strays)).notes
    assert "Left 4 (s4) and 3 more" in note
