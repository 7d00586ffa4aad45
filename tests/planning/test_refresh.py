"""The plan of ``--refresh-only``: what counts as an outside change, and what is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.model import Json
from provisioner.planning.changes import PlanInputs
from provisioner.planning.diff import touched
from provisioner.planning.plan import Action, Plan
from provisioner.planning.refresh import refresh_plan
from provisioner.planning.steps import Accept, Forget
from tests.planning.examples import (
    CLIENT,
    FINGERPRINTER,
    IDENTITY,
    desired,
    item,
    observation,
    only,
    planned,
    record,
    state,
)


def refreshed(seen: Any, *, declared: bool = True) -> Plan:
    context = PlanInputs(state(record()), observation(*seen), FINGERPRINTER, client=CLIENT)
    return refresh_plan("prod", IDENTITY, [desired()] if declared else [], context)


def params(**changed: str) -> dict[str, Any]:
    auth = item()["auth"]
    return {"auth": {**auth, "params": {**auth["params"], **changed}}}


@pytest.mark.parametrize(
    ("changed", "action", "paths"),
    [
        ({}, Action.NO_OP, []),
        ({"name": "Mine"}, Action.REFRESH, ["name"]),
        ({"description": ""}, Action.REFRESH, ["description"]),
        (params(server="db9", port="1"), Action.REFRESH, ["auth.params.port", "auth.params.server"]),
        (params(addedByTheServer="x"), Action.NO_OP, []),
        (params(password="****"), Action.NO_OP, []),
        ({"etag": '"e2"'}, Action.REFRESH, []),
        ({"auth": {}}, Action.NO_OP, []),
    ],
)
def test_what_counts_as_drift(changed: dict[str, Any], action: Action, paths: list[str]) -> None:
    change = only(refreshed([item(**changed)]))
    assert change.action is action
    assert sorted(field.path for field in change.fields) == paths


def test_drift_has_a_name_a_time_both_values_and_a_line() -> None:
    change = only(refreshed([item(name="Mine", etag='"e2"')]))
    (field,) = change.fields
    assert change.reason == "changed by jane@example.com with client exc_app on 2023-11-14 22:15 UTC"
    assert (field.before, field.after, str(field.location)) == ("Orders", "Mine", "connections/orders.yaml:2:1")
    assert field.drifted


def test_another_run_of_ours_is_called_so() -> None:
    changed = item(name="Mine", etag='"e2"', updatedClient=CLIENT)
    assert "(your own client: another run of yours)" in only(refreshed([changed])).reason
    assert "another run of yours" in only(planned([desired()], state(record()), observation(changed))).reason
    assert "another run of yours" not in only(refreshed([item(name="Mine", etag='"e2"')])).reason


def test_what_is_accepted_is_then_as_recorded_and_its_secrets_are_kept() -> None:
    seen = [item(name="Mine", description="", etag='"e2"')]
    (step,) = only(refreshed(seen)).steps
    assert isinstance(step, Accept)
    again = refresh_plan(
        "prod", IDENTITY, [], PlanInputs(state(step.record), observation(*seen), FINGERPRINTER, client=CLIENT)
    )
    assert only(again).action is Action.NO_OP
    assert step.record.secrets == record().secrets
    assert not touched(step.record, observation(*seen).by_id["id-1"])
    follows = only(planned([desired()], state(step.record), observation(*seen)))
    assert (follows.action, follows.reason, follows.drifted) == (
        Action.UPDATE,
        "definition differs from the state",
        False,
    )


@pytest.mark.parametrize(
    ("shown", "tested_at"),
    [
        (item(name="Mine", etag='"e2"'), "then"),
        (item(etag='"e2"'), "then"),
        (item(desired(auth__params__server="db2"), etag='"e2"'), ""),
    ],
    ids=["a name", "touched", "a server"],
)
def test_a_test_covers_no_other_server(shown: Json, tested_at: str) -> None:
    known = replace(record(), applied_at="before", tested_at="then")
    plan = refresh_plan("prod", IDENTITY, [], PlanInputs(state(known), observation(shown), FINGERPRINTER))
    (step,) = only(plan).steps
    assert isinstance(step, Accept)
    assert (step.record.applied_at, step.record.tested_at) == ("before", tested_at)


def test_what_was_deleted_outside_is_forgotten() -> None:
    change = only(refreshed([], declared=False))
    assert (change.action, change.steps, change.location) == (Action.FORGET, (Forget(),), None)


def test_it_has_to_look() -> None:
    with pytest.raises(ValueError, match="needs an observation"):
        refresh_plan("prod", IDENTITY, [], PlanInputs(state(record()), None, FINGERPRINTER))
