"""Deletes, recreates and drift that take a flag of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.definitions.desired import PREVENT_DESTROY, Desired
from provisioner.definitions.project import Limit, Limits
from provisioner.model import Location
from provisioner.planning.changes import PlanInputs
from provisioner.planning.guards import (
    announce_limits,
    hold_back_drift,
    hold_back_mass_delete,
    hold_back_mass_recreate,
    hold_to_limits,
)
from provisioner.planning.moves import apply_moves, with_moves
from provisioner.planning.plan import Action, Plan
from provisioner.planning.refresh import refresh_plan
from provisioner.planning.steps import Accept, Operation, Patch
from provisioner.state.records import Intent
from tests.planning.examples import FINGERPRINTER, IDENTITY, desired, item, observation, only, planned, record, state


@pytest.mark.parametrize(
    ("known", "declared", "held"),
    [(10, 7, False), (10, 6, True), (9, 1, False), (1, 0, True), (20, 14, False), (20, 13, True), (3, 3, False)],
)
def test_many_deletes_are_held_back(known: int, declared: int, held: bool) -> None:
    wanted = [desired(f"k{n}", name=f"n{n}") for n in range(known)]
    prior = state(*(record(one, identity=f"id-{n}") for n, one in enumerate(wanted)))
    plan = planned(wanted[:declared], prior, None, allow_delete=True)
    assert plan.count(Action.DELETE) == known - declared
    kept = hold_back_mass_delete(plan)
    assert kept.count(Action.BLOCKED) == (known - declared if held else 0)
    assert all("--allow-mass-delete" in change.remedy for change in kept.blocked)
    assert not any(change.fields for change in kept.blocked), "they would read as an update"


def test_what_has_no_definition_is_deleted_only_when_asked() -> None:
    seen = observation(item())
    assert [change.action for change in planned([], state(record()), seen).changes] == [Action.UNMANAGED]
    (change,) = planned([], state(record()), seen, allow_delete=True).changes
    assert (change.action, change.steps[0].id) == (Action.DELETE, "id-1")  # type: ignore[union-attr]


PROTECTED = desired(lifecycle__preventDestroy="true")


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        ({}, Action.UNMANAGED),
        ({"allow_protected_delete": True}, Action.UNMANAGED),
        ({"allow_delete": True}, Action.BLOCKED),
        ({"allow_delete": True, "allow_protected_delete": True}, Action.DELETE),
    ],
)
def test_what_is_protected_is_deleted_only_by_that_name(asked: dict[str, bool], action: Action) -> None:
    change = only(planned([], state(record(PROTECTED)), observation(item()), **asked))
    assert change.action is action
    assert ("--allow-protected-delete" in change.remedy) == (action is Action.BLOCKED)


@pytest.mark.parametrize(("before", "after"), [(desired(), PROTECTED), (PROTECTED, desired())])
def test_protection_is_recorded_and_nothing_is_sent_for_it(before: Desired, after: Desired) -> None:
    change = only(planned([after], state(record(before)), observation(item())))
    assert [field.path for field in change.fields] == [PREVENT_DESTROY]
    assert (change.action, change.steps) == (Action.UPDATE, (Accept(record(after)),))


def test_protection_that_a_state_holds_as_a_secret_is_put_right() -> None:
    """As somebody may have edited it."""
    known = record(PROTECTED)
    texts = {path: text for path, text in known.texts.items() if path != PREVENT_DESTROY}
    edited = replace(known, texts=texts, secrets=(*known.secrets, replace(known.secrets[0], path=PREVENT_DESTROY)))
    assert only(planned([PROTECTED], state(edited), None)).steps == (Accept(known),)


def test_protection_goes_along_with_what_is_sent() -> None:
    change = only(planned([desired(name="New", lifecycle__preventDestroy="true")], state(record()), None))
    assert change.steps == (Patch("id-1", '"e1"', (Operation("replace", "/name"),)),)


def test_what_was_edited_outside_is_not_deleted_unasked() -> None:
    plan = planned([], state(record()), observation(item(name="Precious", etag='"e2"')), allow_delete=True)
    assert "changed by jane@example.com" in plan.changes[0].reason
    assert hold_back_drift(plan).count(Action.BLOCKED) == 1


@pytest.mark.parametrize(
    ("known", "gone", "held"),
    [(1, 1, False), (2, 2, True), (2, 1, False), (9, 8, False), (9, 9, True), (10, 3, False), (10, 4, True)],
)
def test_much_that_is_gone_at_once_is_not_made_anew(known: int, gone: int, held: bool) -> None:
    """A copy of the service without its data looks like this."""
    wanted = [desired(f"k{n}", name=f"n{n}") for n in range(known)]
    prior = state(*(record(one, identity=f"id-{n}") for n, one in enumerate(wanted)))
    seen = observation(*(item(one, f"id-{n}") for n, one in enumerate(wanted) if n >= gone))
    plan = planned(wanted, prior, seen)
    kept = hold_back_mass_recreate(plan, prior, seen)
    assert (kept.count(Action.BLOCKED), kept.count(Action.CREATE)) == ((gone, 0) if held else (0, gone))
    assert all("--allow-mass-recreate" in change.remedy for change in kept.blocked)
    assert not any(change.fields for change in kept.blocked), "they would read as an update"


def test_nor_are_its_records_given_up() -> None:
    prior = state(record(), record(desired("b", name="B"), "id-2"))
    refreshed = refresh_plan("prod", IDENTITY, [], PlanInputs(prior, observation(), FINGERPRINTER))
    assert refreshed.count(Action.FORGET) == 2
    assert hold_back_mass_recreate(refreshed, prior, observation()).count(Action.BLOCKED) == 2
    deleted = planned([], prior, observation(), allow_delete=True)
    assert hold_back_mass_recreate(deleted, prior, observation()).count(Action.BLOCKED) == 2


def limits(deletes: int | None = None, updates: int | None = None) -> Limits:
    """The first at line 3 of the project file, the second at line 4."""
    found = (
        None if number is None else Limit(number, Location("provisioner.yaml", line))
        for line, number in ((3, deletes), (4, updates))
    )
    return Limits(*found)


THREE = [desired(f"k{number}", name=f"n{number}") for number in range(3)]
KNOWN = state(*(record(one, f"id-{number}") for number, one in enumerate(THREE)))
SEEN = [item(one, f"id-{number}") for number, one in enumerate(THREE)]
CHANGED = [replace(one, texts={**one.texts, "description": "New"}) for one in THREE]


@pytest.mark.parametrize(
    ("declared", "allowed", "blocked"),
    [
        pytest.param(CHANGED[:1], limits(), [], id="none"),
        pytest.param(CHANGED[:1], limits(2, 1), [], id="as many as that"),
        pytest.param(CHANGED[:1], limits(deletes=1), ["k1", "k2"], id="too many deletes leave the updates alone"),
        pytest.param(CHANGED, limits(deletes=0), [], id="no deletes, and none allowed"),
        pytest.param(CHANGED[:2], limits(deletes=0), ["k2"], id="one delete, and none allowed"),
        pytest.param(CHANGED[:2], limits(updates=1), ["k0", "k1"], id="too many updates leave the deletes alone"),
        pytest.param(CHANGED[:2], limits(0, 0), ["k0", "k1", "k2"], id="too many of both"),
        pytest.param([*THREE, desired("k3", name="n3")], limits(0, 0), [], id="creates have no limit"),
    ],
)
def test_more_than_the_limits_allow_is_blocked(declared: list[Desired], allowed: Limits, blocked: list[str]) -> None:
    plan = planned(declared, KNOWN, observation(*SEEN), allow_delete=True)
    held = hold_to_limits(plan, allowed)
    assert [change.key for change in held.blocked] == blocked
    assert all(change.remedy == "if this is intended, add --exceed-limits" for change in held.blocked)
    assert not any(change.steps for change in held.blocked)
    for before, after in zip(plan.changes, held.changes, strict=True):
        if after.action is not Action.BLOCKED:
            assert after == before
        elif before.action is Action.DELETE:
            assert after.fields == (), "they would read as an update"
        else:
            assert after.fields == before.fields != ()


UPDATES_NOTE = "exceeds limits.updates: 2 base connections, the limit is 1 (provisioner.yaml:4)"
DELETES_NOTE = "exceeds limits.deletes: 1 base connection, the limit is 0 (provisioner.yaml:3)"


def test_a_limit_is_named_with_its_place() -> None:
    plan = hold_to_limits(planned(CHANGED[:2], KNOWN, None, allow_delete=True), limits(0, 1))
    update, delete = (plan.changes[index].reason for index in (0, 2))
    assert update == (
        "this would update 2 base connections, and the limit is 1 (`limits.updates`, provisioner.yaml:4), "
        "so nothing is updated"
    )
    assert delete == (
        "this would delete 1 base connection, and the limit is 0 (`limits.deletes`, provisioner.yaml:3), "
        "so nothing is deleted"
    )
    assert plan.over_limits == ("deletes", "updates")


@pytest.mark.parametrize(
    ("allowed", "notes"),
    [
        (limits(0, 1), [UPDATES_NOTE, DELETES_NOTE]),
        (limits(0, None), [DELETES_NOTE]),
        (limits(None, 1), [UPDATES_NOTE]),
        (limits(1, 2), []),
    ],
)
def test_a_limit_that_is_lifted_is_noted_with_its_place(allowed: Limits, notes: list[str]) -> None:
    plan = replace(planned(CHANGED[:2], KNOWN, None, allow_delete=True), notes=("before",))
    assert announce_limits(plan, allowed) == replace(plan, notes=("before", *sorted(notes)))


LEFT_OVER = Intent("aa", "k", "probe", "provisioner probe aa", "", None, None, "", (), None)
LATER = item(description="By hand", etag='"e2"')


def refreshed() -> Plan:
    return refresh_plan("prod", IDENTITY, [], PlanInputs(state(record()), observation(LATER), FINGERPRINTER))


def moved() -> Plan:
    known, moves = apply_moves(state(record()), [replace(desired("new"), moved_from="orders")])
    return with_moves(planned([replace(desired("new"), moved_from="orders")], known, observation(item())), moves)


@pytest.mark.parametrize(
    ("plan", "counted"),
    [
        pytest.param(planned([desired()], state(record()), observation(LATER)), 1, id="drift"),
        pytest.param(planned([desired()], state(record()), observation(item()), resend=True), 1, id="sent again"),
        pytest.param(planned([desired()], state(), observation(item()), import_existing=True), 1, id="adopted"),
        pytest.param(planned([desired(description="By hand")], state(record()), observation(LATER)), 0, id="recorded"),
        pytest.param(planned([desired()], state(record()), observation()), 0, id="created again"),
        pytest.param(refreshed(), 0, id="refreshed"),
        pytest.param(moved(), 0, id="moved"),
        pytest.param(
            planned([], state(intents=[LEFT_OVER]), observation(item(name="provisioner probe aa"))), 0, id="a probe"
        ),
    ],
)
def test_what_counts(plan: Plan, counted: int) -> None:
    assert [change.action for change in plan.pending] != []
    assert len(hold_to_limits(plan, limits(0, 0)).blocked) == counted
