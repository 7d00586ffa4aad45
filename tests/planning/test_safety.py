"""What needs a word of its own before it is deleted."""

from __future__ import annotations

import pytest

from provisioner.planning.plan import Action
from provisioner.planning.safety import hold_back_drift, hold_back_mass_delete
from tests.planning.examples import desired, item, observation, planned, record, state


@pytest.mark.parametrize(
    ("known", "declared", "held"),
    [(10, 7, False), (10, 6, True), (9, 1, False), (1, 0, True), (20, 14, False), (20, 13, True), (3, 3, False)],
)
def test_many_deletes_are_held_back(known: int, declared: int, held: bool) -> None:
    wanted = [desired(f"k{n}", name=f"n{n}") for n in range(known)]
    prior = state(*(record(one, identity=f"id-{n}") for n, one in enumerate(wanted)))
    plan = planned(wanted[:declared], prior, None, delete=True)
    assert plan.count(Action.DELETE) == known - declared
    kept = hold_back_mass_delete(plan)
    assert kept.count(Action.BLOCKED) == (known - declared if held else 0)
    assert all("--allow-mass-delete" in change.remedy for change in kept.blocked)


def test_what_has_no_definition_is_deleted_only_when_asked() -> None:
    seen = observation(item())
    assert [change.action for change in planned([], state(record()), seen).changes] == [Action.UNMANAGED]
    (change,) = planned([], state(record()), seen, delete=True).changes
    assert (change.action, change.steps[0].id) == (Action.DELETE, "id-1")  # type: ignore[union-attr]


def test_what_was_edited_outside_is_not_deleted_unasked() -> None:
    plan = planned([], state(record()), observation(item(name="Precious", etag='"e2"')), delete=True)
    assert "changed by jane@example.com" in plan.changes[0].reason
    assert hold_back_drift(plan).count(Action.BLOCKED) == 1
