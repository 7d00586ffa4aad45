"""A saved plan is the plan in every format, and what is approved follows from what is shown."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from provisioner import json_schema
from provisioner.planning import steps
from provisioner.planning.approval import pin_of, pinned, prior_as_json
from provisioner.planning.changes import PlanInputs
from provisioner.planning.consistency import contradictions
from provisioner.planning.diff import FieldChange
from provisioner.planning.digest import checksum
from provisioner.planning.moves import apply_moves, with_moves
from provisioner.planning.plan import Change, Plan, Provenance
from provisioner.planning.refresh import refresh_plan
from provisioner.planning.saved_plan import dump, load
from provisioner.planning.verification_steps import with_proofs, with_tests, with_waits
from provisioner.report import formats
from provisioner.secrets import Sensitive, Symbolic
from provisioner.state.fingerprint import Comparison
from tests.planning.examples import (
    FINGERPRINTER,
    IDENTITY,
    UNSET,
    desired,
    item,
    observation,
    planned,
    record,
    secret,
    state,
)

from .examples import NOW, PLANS, many_alike, many_different, password, updated


def with_true_pins(plan: Plan) -> Plan:
    """Return a sample plan with the pins that its changes have; those of the samples are made up."""
    pins = (pin_of(change, prior_as_json(change.record) if change.record else None) for change in plan.changes)
    return replace(plan, pins=tuple(filter(None, pins)))


KNOWN = state(record())


def planned_as(*wanted: Any, seen: Any = None, known: Any = KNOWN, **options: Any) -> Plan:
    return finished(planned(wanted, known, seen, **options), known)


def finished(plan: Plan, known: Any = KNOWN) -> Plan:
    return replace(pinned(plan, known, FINGERPRINTER), provenance=Provenance(NOW, "9.9", "0" * 40))


def moved() -> Plan:
    wanted = replace(desired("new"), moved_from="orders")
    now, moves = apply_moves(KNOWN, [wanted])
    return finished(with_moves(planned([wanted], now, None), moves), now)


def refreshed(*seen: Any) -> Plan:
    return finished(refresh_plan("prod", IDENTITY, [desired()], PlanInputs(KNOWN, observation(*seen), FINGERPRINTER)))


SAMPLES = {
    **{name: with_true_pins(plan) for name, plan in PLANS.items()},
    "many alike": with_true_pins(many_alike(200)),
    "many different": with_true_pins(many_different(50)),
    "a comparison of each kind": with_true_pins(
        replace(PLANS["one"], changes=tuple(updated(kind.name, password("x", kind)) for kind in Comparison))
    ),
}
PLANNED = {
    "created": planned_as(desired(), known=state()),
    "created anew": planned_as(desired(), seen=observation()),
    "adopted": planned_as(desired(), known=state(), seen=observation(item()), import_existing=True),
    "blocked": planned_as(desired(), known=state(), seen=observation(item())),
    "changed": planned_as(desired(auth__params__server="db2"), seen=observation(item())),
    "drift": planned_as(desired(), seen=observation(item(description="By hand"))),
    "an empty text in the record": planned_as(
        desired(description=None), known=state(replace(record(), texts={**record().texts, "description": ""}))
    ),
    "rotated": planned_as(desired(auth__params__password=secret("second-secret"))),
    "not set": planned_as(desired(auth__params__password=UNSET, auth__params__server="db2")),
    "only recorded": planned_as(
        desired(auth__params__server="db2"), seen=observation(item(desired(auth__params__server="db2")))
    ),
    "deleted": planned_as(seen=observation(item()), allow_delete=True),
    "a note about no definition": planned_as(
        desired(), seen=observation(item(), item(identity="id-9", name="Stray"), item(identity="id-8", name="Other"))
    ),
    "unmanaged": planned_as(seen=observation(item())),
    "waits, proofs, tests": finished(
        with_tests(
            with_proofs(
                with_waits(
                    planned(
                        [desired(), desired("b", name="B", auth__params__server="h")],
                        KNOWN,
                        observation(item(state="initializing", etag=None)),
                    )
                )
            )
        )
    ),
    "moved": moved(),
    "refreshed": refreshed(item(description="By hand")),
    "forgotten": refreshed(),
}
EVERY: dict[str, Plan] = {**SAMPLES, **PLANNED}


@pytest.mark.parametrize("format_", formats.PLAN)
@pytest.mark.parametrize("name", EVERY)
def test_every_format_is_the_same(name: str, format_: str) -> None:
    plan = replace(EVERY[name], is_saved=True)
    assert formats.PLAN[format_](load(dump(plan)).plan) == formats.PLAN[format_](plan)


@pytest.mark.parametrize("name", EVERY)
def test_the_plan_comes_back(name: str) -> None:
    """All of it but sensitive values, which no report has; what `apply` compares above all."""
    plan, again = replace(EVERY[name], is_saved=True), load(dump(EVERY[name])).plan
    assert again.pins == plan.pins
    assert again.unset_origins == plan.unset_origins
    assert without_definitions(again) == without_definitions(plan)
    assert dump(again) == dump(plan)


def without_definitions(plan: Plan) -> Plan:
    """Symbols are compared by identity, so that definitions are left to the reports."""
    return replace(plan, changes=tuple(replace(change, desired=None) for change in plan.changes))


def test_every_step_and_a_note_are_among_them() -> None:
    assert PLANNED["a note about no definition"].notes
    found = {type(step).__name__ for plan in EVERY.values() for change in plan.changes for step in change.steps}
    assert found == {"Accept", "Await", "Create", "Delete", "Forget", "Patch", "Probe", "Test"}


@pytest.mark.parametrize(
    ("part", "type_", "more"),
    [
        ("change", Change, {"pin"}),
        ("field", FieldChange, set()),
    ],
)
def test_the_schema_knows_every_field(part: str, type_: Any, more: set[str]) -> None:
    """Else a plan with a new one could be saved, and not be read."""
    found = json_schema.load("saved-plan")["$defs"][part]["properties"].keys()
    assert found == {field.name for field in fields(type_)} | more
    members = json_schema.load("saved-plan")["$defs"]["step"]["properties"]
    with_fields = (steps.Patch, steps.Delete, steps.Accept)
    assert members.keys() == {"step", *(field.name for step in with_fields for field in fields(step))}
    assert members["operations"]["items"]["properties"].keys() == {field.name for field in fields(steps.Operation)}


Edit = Callable[[Any], None]


def forged(plan: Plan, edit: Edit) -> Plan:
    """Return what is read of a file that somebody has edited and given a new checksum."""
    document = json.loads(dump(plan))
    del document["checksum"]
    edit(document)
    return load(json.dumps({**document, "checksum": checksum(document)})).plan


def of(document: Any, key: str = "orders") -> Any:
    return next(change for change in document["changes"] if change["key"] == key)


def field_of(document: Any, path: str) -> Any:
    return next(field for field in of(document)["fields"] if field["path"] == path)


SERVER = "auth.params.server"
EDITS: dict[str, tuple[str, Edit]] = {
    "the new value shown": ("changed", lambda one: field_of(one, SERVER).update(after="evil")),
    "the old value shown": ("changed", lambda one: field_of(one, SERVER).update(before="evil")),
    "shown as set already": ("changed", lambda one: field_of(one, SERVER).update(before="evil", after="evil")),
    "shown as a secret": ("changed", lambda one: field_of(one, SERVER).update(comparison="changed")),
    "not shown": ("changed", lambda one: of(one)["fields"].clear()),
    "the name shown": ("changed", lambda one: of(one).update(name="Other")),
    "the value declared": ("changed", lambda one: of(one)["desired"]["texts"].update({SERVER: "evil"})),
    "one more value declared": ("changed", lambda one: of(one)["desired"]["texts"].update({"auth.params.port": "1"})),
    "the value recorded": ("changed", lambda one: of(one)["record"]["fields"].update({SERVER: "evil"})),
    "no steps": ("created", lambda one: of(one)["steps"].clear()),
    "no steps of a change": ("changed", lambda one: of(one)["steps"].clear()),
    "a value of a new one without steps": (
        "created",
        lambda one: [of(one)["steps"].clear(), field_of(one, SERVER).update(after="evil")],
    ),
    "a value of a new one": ("created", lambda one: field_of(one, SERVER).update(after="evil")),
    "a value of a new one not shown": ("created", lambda one: of(one)["fields"].pop(3)),
    "the variable declared": (
        "changed",
        lambda one: of(one)["desired"]["symbols"]["auth.params.password"].update(origin="env(MYSQL_EVIL)"),
    ),
    "a rotation not shown": ("rotated", lambda one: of(one)["fields"].clear()),
    "a rotation shown as none": (
        "rotated",
        lambda one: field_of(one, "auth.params.password").update(comparison="unchanged"),
    ),
    "the secret of what is adopted not shown": ("adopted", lambda one: of(one)["fields"].clear()),
    "the name of what is deleted": ("deleted", lambda one: of(one).update(name="Other")),
    "a value of what is deleted": ("deleted", lambda one: field_of(one, SERVER).update(before="other")),
    "what is refreshed, before": ("refreshed", lambda one: field_of(one, "description").update(before="other")),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_is_shown_is_what_is_approved(edit: str) -> None:
    """Whoever can write a checksum can edit a file, but not so that it shows one thing and approves another."""
    name, change = EDITS[edit]
    assert [*contradictions(forged(EVERY[name], change))]


PIN_EDITS: dict[str, tuple[str, Edit]] = {
    "drift": ("drift", lambda one: field_of(one, "description").update(before="other")),
    "drift not shown": ("drift", lambda one: of(one)["fields"].clear()),
    "what is refreshed": ("refreshed", lambda one: field_of(one, "description").update(after="other")),
    "another action": ("changed", lambda one: of(one).update(action="delete")),
    "another etag": ("changed", lambda one: of(one)["steps"][0].update(etag='"e9"')),
    "a fingerprint": ("changed", lambda one: of(one)["pin"]["secrets"]["auth.params.password"].update(mac="00")),
    "the record of what is gone": ("created anew", lambda one: of(one)["pin"]["prior"].update(id="other")),
    "a change left out": ("changed", lambda one: one["changes"].clear()),
}


@pytest.mark.parametrize("edit", PIN_EDITS)
def test_what_is_shown_otherwise_is_approved_otherwise(edit: str) -> None:
    name, change = PIN_EDITS[edit]
    assert forged(EVERY[name], change).pins != EVERY[name].pins


PASSWORD = "auth.params.password"
DEFINITIONS = [
    desired(),
    desired(description=None),
    desired(description=""),
    desired(name="Renamed"),
    desired(auth__params__server="db2", lifecycle__preventDestroy="true"),
    desired(auth__params__server=secret("host.example.com"), auth__params__password=UNSET),
    desired(auth__params__password=secret("second-secret"), auth__params__port=None),
    desired(auth__params__password=Sensitive("first-secret", "env(MYSQL_OTHER)", ("MYSQL_OTHER",))),
    desired(auth__params__username=Symbolic("env(MYSQL_OTHER)"), auth__params__password=None),
]
RECORDS = [
    None,
    *(record(one) for one in DEFINITIONS),
    replace(record(), secrets=()),
    replace(record(), texts={**record().texts, "description": ""}),
]
SEEN = [
    None,
    observation(),
    *(observation(item(one)) for one in DEFINITIONS[:6]),
    observation(item(etag='"e2"')),
    observation(item(description="By hand", state="initializing", etag=None)),
]
OPTIONS = [{}, {"import_existing": True}, {"resend": True}]


def test_no_plan_contradicts_itself() -> None:
    for wanted, known, seen, options in itertools.product(DEFINITIONS, RECORDS, SEEN, OPTIONS):
        plan = planned_as(wanted, known=state(*[known] if known else []), seen=seen, **options)
        assert [*contradictions(plan)] == [], (wanted, known, plan.changes)
        assert load(dump(plan)).plan.pins == plan.pins
    for known, seen in itertools.product(RECORDS, SEEN):
        plan = planned_as(known=state(*[known] if known else []), seen=seen, allow_delete=True)
        assert [*contradictions(plan)] == [], (known, plan.changes)
    assert [name for name, plan in PLANNED.items() if [*contradictions(load(dump(plan)).plan)]] == []
