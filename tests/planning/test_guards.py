"""Deletes, recreates and drift that take a flag of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.definitions.desired import PREVENT_DESTROY, Desired
from provisioner.planning.changes import PlanInputs
from provisioner.planning.guards import hold_back_drift, hold_back_mass_delete, hold_back_mass_recreate
from provisioner.planning.plan import Action
from provisioner.planning.refresh import refresh_plan
from provisioner.planning.steps import Accept, Operation, Patch
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
