"""Notes and reasons of a plan: complete and true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.definitions.desired import Desired
from provisioner.planning.guards import announce_drift, hold_back_drift
from provisioner.planning.impact import with_other_readers
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Accept
from provisioner.report.plan_json import as_dict
from provisioner.report.plan_markdown import as_markdown
from provisioner.report.plan_text import as_text
from provisioner.report.wording import shown_fields
from provisioner.secrets import Sensitive
from tests.planning.examples import CLIENT, desired, item, observation, only, planned, record, secret, state

STOCK = desired("stock", name="Stock")
PROTECTED = desired(lifecycle__preventDestroy="true")


def told(plan: Plan) -> dict[str, Any]:
    (change,) = as_dict(plan)["resource_changes"]
    return dict(change["change"])


GOING = {
    "as recorded": ({}, "db1", False),
    "changed outside provisioner": ({"auth": {"params": {"server": "db9"}}}, "db9", True),
    "not seen": (None, "db1", False),
}


@pytest.mark.parametrize(("shown", "server", "drifted"), GOING.values(), ids=GOING)
def test_a_delete_shows_what_goes_in_every_form(shown: dict[str, Any] | None, server: str, drifted: bool) -> None:
    seen = None if shown is None else observation(item(**shown))
    plan = planned([], state(record(PROTECTED)), seen, allow_delete=True, allow_protected_delete=True)
    change = only(plan)
    assert [field.path for field in change.fields] == [
        "name",
        "description",
        "auth.specName",
        "connectionSpec.id",
        "connectionSpec.version",
        "auth.params.server",
        "auth.params.port",
        "auth.params.database",
        "auth.params.username",
        "auth.params.password",
    ]
    assert {field.after for field in change.fields} == {None}
    assert change.drifted is drifted
    assert told(plan)["before"]["auth.params.server"] == server
    assert told(plan)["after"] is None
    text = as_text(plan)
    assert f'auth.params.server    "{server}"{"  (drift)" if drifted else ""}' in text
    assert "auth.params.password  env(MYSQL_PASSWORD)\n" in text
    assert f'- "{server}"' in as_markdown(plan)


BEFORE = {
    "a field changed outside": (item(description="By hand"), "description", "By hand"),
    "a field emptied outside": (item(description=""), "description", None),
    "nothing": (item(), "description", "Orders database"),
}


@pytest.mark.parametrize(("shown", "path", "there"), BEFORE.values(), ids=BEFORE)
def test_before_is_what_is_there(shown: dict[str, Any], path: str, there: str | None) -> None:
    plan = planned([desired()], state(record()), observation(shown))
    assert told(plan)["before"].get(path) == there
    assert told(plan)["after"][path] == "Orders database"


def test_before_of_what_is_taken_over_is_what_is_as_declared() -> None:
    plan = planned([desired()], state(), observation(item(createdClient=CLIENT)), import_existing=True)
    assert told(plan)["before"]["auth.params.server"] == "db1"
    assert told(planned([desired()], state(), observation()))["before"] is None


@pytest.mark.parametrize(("before", "after"), [(desired(), PROTECTED), (PROTECTED, desired())], ids=["set", "removed"])
def test_what_is_only_recorded_says_so(before: Desired, after: Desired) -> None:
    plan = planned([after], state(record(before)), observation(item()))
    assert only(plan).reason.endswith("only recorded, nothing is sent")
    assert as_text(plan).endswith("Plan: 0 to add, 0 to change, 0 to destroy. 1 only recorded.")


ALIKE = {
    "a text": ({"description": "By hand"}, {"description": "By hand"}, "description", "By hand"),
    "a parameter": (
        {"auth__params__server": "db9"},
        {"auth": {"params": {"server": "db9"}}},
        "auth.params.server",
        "db9",
    ),
    "emptied": ({"description": ""}, {"description": ""}, "description", None),
}


@pytest.mark.parametrize(("declared", "shown", "path", "value"), ALIKE.values(), ids=ALIKE)
def test_what_is_declared_as_it_is_there_is_only_recorded(
    declared: dict[str, str], shown: dict[str, Any], path: str, value: str | None
) -> None:
    """As the remedy of drift says: the definition is made to say what was edited outside."""
    plan = planned([desired(**declared)], state(record()), observation(item(etag='"e2"', **shown)))
    (step,) = only(plan).steps
    assert isinstance(step, Accept)
    assert (step.record.etag, step.record.texts.get(path)) == ('"e2"', value)
    assert (told(plan)["before"].get(path) or None) == value
    assert "(already set)" in as_text(plan)
    assert "already set" in as_markdown(plan)
    assert "drift" not in as_text(plan)


def test_what_nobody_chooses_is_left_out_for_people_alone() -> None:
    plan = planned([desired()], state(), None)
    assert "connectionSpec" not in as_text(plan)
    assert "connectionSpec" not in as_markdown(plan)
    assert "connectionSpec.id" in told(plan)["after"]
    other = planned([desired(connectionSpec__id="another", connectionSpec__version="2.0")], state(), None)
    assert "connectionSpec.id" in as_text(other)
    assert [field.path for field in shown_fields(only(other)) if field.path.startswith("connectionSpec")] == [
        "connectionSpec.id",
        "connectionSpec.version",
    ]


DRIFTED = planned([desired()], state(record()), observation(item(description="By hand")))
DRIFTED_DELETE = planned([], state(record()), observation(item(description="By hand")), allow_delete=True)
HINT = "--overwrite-drift"


@pytest.mark.parametrize("plan", [DRIFTED, DRIFTED_DELETE], ids=["update", "delete"])
def test_a_hint_stands_once_and_not_where_it_was_followed(plan: Plan) -> None:
    assert HINT not in " ".join(only(plan).notes)
    announced = announce_drift(plan)
    assert sum(HINT in note for note in only(announced).notes) == 1
    held = only(hold_back_drift(announced))
    assert (held.action, HINT in held.remedy, any(HINT in note for note in held.notes)) == (
        Action.BLOCKED,
        True,
        False,
    )


@pytest.mark.parametrize("there", ["disabled", "updating", "failed"])
def test_another_state_is_a_difference(there: str) -> None:
    (note,) = only(planned([desired()], state(record()), observation(item(etag='"e2"', state=there)))).notes
    assert f"its state is {there}, and nothing else differs" in note
    assert "nothing visible differs" not in note
    untouched = only(planned([desired()], state(record()), observation(item(state=there))))
    assert untouched.notes == (f"its state is {there}",)


def reading(key: str, *names: str) -> Any:
    value = Sensitive("new-secret", f"env({names[0]})", names)
    return desired(key, name=key, auth__params__password=value)


def other_readers(chosen: str, *wanted: Any, unrecorded: str = "") -> Change:
    before = [record(replace_secret(one), f"id-{one.key}") for one in wanted if one.key != unrecorded]
    whole = planned(wanted, state(*before), None)
    return only(with_other_readers(whole.only({chosen}), whole))


def replace_secret(one: Any) -> Any:
    return replace(one, symbols={"auth.params.password": secret("old-secret")})


READERS = {
    "one more": ([reading("a", "SHARED"), reading("b", "SHARED")], "", "SHARED is also read by b,"),
    "two more": ([reading("a", "SHARED"), reading("b", "SHARED"), reading("c", "SHARED")], "", "read by b, c,"),
    "one of its variables": ([reading("a", "OWN", "SHARED"), reading("b", "SHARED")], "", "SHARED is also read by b,"),
    "another variable": ([reading("a", "OWN"), reading("b", "OTHER")], "", ""),
    "nothing is there yet": ([reading("a", "SHARED"), reading("b", "SHARED")], "b", ""),
}


@pytest.mark.parametrize(("wanted", "unrecorded", "words"), READERS.values(), ids=READERS)
def test_who_else_reads_the_variable_is_named(wanted: list[Any], unrecorded: str, words: str) -> None:
    notes = [note for note in other_readers("a", *wanted, unrecorded=unrecorded).notes if "also read by" in note]
    assert words in " ".join(notes)
    assert bool(notes) == bool(words)


def test_whoever_is_sent_it_as_well_is_not_named() -> None:
    wanted = [reading("a", "SHARED"), reading("b", "SHARED")]
    whole = planned(wanted, state(*(record(replace_secret(one), f"id-{one.key}") for one in wanted)), None)
    assert with_other_readers(whole, whole) == whole


JANE = "jane@example.com with client exc_app on 2023-11-14 22:15 UTC"
EDITS: dict[str, tuple[dict[str, Any] | None, str]] = {
    "nothing": (item(), ""),
    "a field": (item(description="By hand", etag='"e2"'), JANE),
    "nothing visible": (item(etag='"e2"'), JANE),
    "the declared value": (item(desired(auth__params__server="db2"), etag='"e2"'), JANE),
    "a field, without an etag": (item(description="By hand", etag=None), JANE),
    "a field, with the same etag": (item(description="By hand"), JANE),
    "nothing, without an etag": (item(etag=None), ""),
    "not seen": (None, ""),
}


@pytest.mark.parametrize(("shown", "by"), EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("declared", [[desired()], [desired(auth__params__server="db2")], []], ids=["", "new", "gone"])
def test_who_changed_it_outside_last(shown: dict[str, Any] | None, by: str, declared: list[Desired]) -> None:
    seen = None if shown is None else observation(shown)
    change = only(planned(declared, state(record()), seen, allow_delete=True))
    if change.action is not Action.BLOCKED:
        assert change.last_edit == by
