"""The action follows from definition and record; the influence of the service is limited to the cases here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.definitions.desired import Desired
from provisioner.model import Json
from provisioner.planning.guards import hold_back_drift
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Undecided
from provisioner.planning.steps import Await, Create, Delete, Operation, Patch, Probe, patch_body
from provisioner.planning.verification_steps import with_proofs
from provisioner.secrets import Value
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import Intent, Record
from tests.planning.examples import (
    FINGERPRINTER,
    UNSET,
    desired,
    item,
    observation,
    only,
    planned,
    record,
    secret,
    state,
)

PARAMS = Operation("replace", "/auth/params")

CHANGED_FIELDS: list[tuple[str, dict[str, Value | None], tuple[Operation, ...], str]] = [
    ("a name", {"name": "New"}, (Operation("replace", "/name"),), "definition differs from the state"),
    ("a description", {"description": "New"}, (Operation("add", "/description"),), "definition differs from the state"),
    (
        "no description any more",
        {"description": None},
        (Operation("add", "/description"),),
        "definition differs from the state",
    ),
    ("a server", {"auth__params__server": "db2"}, (PARAMS,), "definition differs from the state"),
    ("one parameter less", {"auth__params__port": None}, (PARAMS,), "definition differs from the state"),
    ("a parameter more", {"auth__params__sslMode": "REQUIRED"}, (PARAMS,), "definition differs from the state"),
    (
        "a rotated secret",
        {"auth__params__password": secret("second-secret")},
        (PARAMS,),
        "secret changed: env(MYSQL_PASSWORD)",
    ),
    (
        "a parameter that became a secret",
        {"auth__params__server": secret("db1")},
        (PARAMS,),
        "secret cannot be compared and will be sent: env(MYSQL_PASSWORD)",
    ),
    (
        "one secret less",
        {"auth__params__password": None},
        (PARAMS,),
        "secret removed: env(MYSQL_PASSWORD)",
    ),
    (
        "a secret more",
        {"auth__params__options__CertificatePassword": secret("second-secret")},
        (PARAMS,),
        "definition differs from the state; secret cannot be compared and will be sent: env(MYSQL_PASSWORD)",
    ),
    (
        "a secret more, not set",
        {"auth__params__options__CertificatePassword": UNSET},
        (PARAMS,),
        "definition differs from the state",
    ),
    (
        "another auth spec",
        {"auth__specName": "Connection String Based Authentication"},
        (Operation("replace", "/auth/specName"), PARAMS),
        "definition differs from the state",
    ),
    (
        "a host and a secret",
        {"auth__params__server": "db2", "auth__params__password": secret("second-secret")},
        (PARAMS,),
        "definition differs from the state; secret changed: env(MYSQL_PASSWORD)",
    ),
]


@pytest.mark.parametrize(
    ("changed", "operations", "reason"), [row[1:] for row in CHANGED_FIELDS], ids=[r[0] for r in CHANGED_FIELDS]
)
@pytest.mark.parametrize("seen", [None, observation(item(etag='"e9"'))], ids=["offline", "online"])
def test_a_changed_field_is_one_patch(
    changed: dict[str, Value | None], operations: tuple[Operation, ...], reason: str, seen: Observation | None
) -> None:
    """Sent with the etag that the plan saw: the service's, or the state's offline."""
    change = only(planned([desired(**changed)], state(record()), seen))
    assert (change.action, change.reason) == (Action.UPDATE, reason)
    assert change.steps == (Patch("id-1", '"e9"' if seen else '"e1"', operations),)


def test_adding_a_description_is_an_add() -> None:
    change = only(planned([desired()], state(record(desired(description=None))), None))
    assert change.steps == (Patch("id-1", '"e1"', (Operation("add", "/description"),)),)


@pytest.mark.parametrize("seen", [None, observation(item())], ids=["offline", "online"])
def test_nothing_changed_is_a_no_op(seen: Observation | None) -> None:
    change = only(planned([desired()], state(record()), seen))
    assert (change.action, change.steps, change.notes) == (Action.NO_OP, (), ())


def test_an_absent_description_equals_an_empty_one() -> None:
    assert (
        only(planned([desired(description="")], state(record(desired(description=None))), None)).action is Action.NO_OP
    )


@pytest.mark.parametrize(
    ("wanted", "action", "said"),
    [
        (desired(auth__params__password=UNSET), Action.NO_OP, ", so provisioner cannot tell whether it changed"),
        (desired(auth__params__password=UNSET, name="N"), Action.UPDATE, ": apply will need it"),
    ],
)
def test_an_unset_secret_is_no_action_of_its_own(wanted: Desired, action: Action, said: str) -> None:
    change = only(planned([wanted], state(record()), None))
    assert change.action is action
    assert change.notes == (f"env(MYSQL_PASSWORD) is not set{said}",)


def test_a_secret_made_with_another_key_is_sent() -> None:
    """Present but not comparable: one PATCH heals it."""
    other = Fingerprinter("0f" * 16, b"z" * 32)
    made = record()
    foreign = replace(
        made,
        secrets=tuple(
            replace(one, fingerprint=other.make(one.path, "first-secret", made.salt)) for one in made.secrets
        ),
    )
    change = only(planned([desired()], state(foreign), None))
    assert (change.action, change.reason) == (
        Action.UPDATE,
        "secret cannot be compared and will be sent: env(MYSQL_PASSWORD)",
    )


def test_another_connection_spec_is_blocked() -> None:
    """1414: documented."""
    change = only(planned([desired(connectionSpec__version="2.0")], state(record()), None))
    assert change.action is Action.BLOCKED
    assert "1414" in change.reason


NEW: list[tuple[str, Observation | None, Action, str]] = [
    ("offline", None, Action.CREATE, "not in the state"),
    ("nothing there", observation(), Action.CREATE, "not in the state"),
    ("another name there", observation(item(name="Other")), Action.CREATE, "not in the state"),
    ("the name is there", observation(item(identity="x")), Action.BLOCKED, "already exists: x"),
    (
        "the name is there twice",
        observation(item(identity="x"), item(identity="y")),
        Action.BLOCKED,
        "2 base connections with this name already exist: x, y",
    ),
]


@pytest.mark.parametrize(("seen", "action", "reason"), [row[1:] for row in NEW], ids=[row[0] for row in NEW])
def test_without_a_record(seen: Observation | None, action: Action, reason: str) -> None:
    change = only(planned([desired()], state(), seen))
    assert (change.action, change.reason) == (action, reason)
    assert change.steps == ((Create(),) if action is Action.CREATE else ())
    assert change.remedy or action is Action.CREATE


def test_a_managed_object_of_the_same_name_blocks_nothing() -> None:
    """A renamed definition may leave its name to a new one."""
    old = desired("old", name="Orders")
    declared = [desired("new"), desired("old", name="Former orders")]
    plan = planned(declared, state(record(old)), observation(item(old)))
    assert [(change.key, change.action) for change in plan.changes] == [("new", Action.CREATE), ("old", Action.UPDATE)]


def test_an_object_that_vanished_is_created_again() -> None:
    change = only(planned([desired()], state(record()), observation()))
    assert (change.action, change.reason) == (Action.CREATE, "id-1 was deleted outside provisioner")


ADOPT: list[tuple[str, Json, Action, str]] = [
    ("as declared and ours", item(identity="x"), Action.UPDATE, "adopts the existing x"),
    (
        "parameters not shown",
        item(identity="x", auth={"specName": "Basic Authentication"}),
        Action.UPDATE,
        "adopts",
    ),
    ("another description", item(identity="x", description="no"), Action.BLOCKED, "differs in description"),
    ("another server", item(desired(auth__params__server="no"), "x"), Action.BLOCKED, "differs in auth.params.server"),
    ("another client", item(identity="x", createdClient="exc_app"), Action.BLOCKED, "created by exc_app"),
    ("no client", item(identity="x", createdClient=None), Action.BLOCKED, "created by an unknown client"),
]


@pytest.mark.parametrize(("there", "action", "reason"), [row[1:] for row in ADOPT], ids=[row[0] for row in ADOPT])
def test_import_existing(there: Json, action: Action, reason: str) -> None:
    change = only(planned([desired()], state(), observation(there), import_existing=True))
    assert change.action is action
    assert reason in change.reason
    assert change.steps == ((Patch("x", '"e1"', (PARAMS,)),) if action is Action.UPDATE else ())


def test_drift_is_put_back_and_named() -> None:
    drifted = item(desired(auth__params__server="moved"), etag='"e2"')
    change = only(planned([desired()], state(record()), observation(drifted)))
    assert change.action is Action.UPDATE
    assert change.reason == "drift: changed by jane@example.com with client exc_app on 2023-11-14 22:15 UTC"
    assert [(field.path, field.before, field.after, field.drifted) for field in change.fields] == [
        ("auth.params.server", "moved", "db1", True)
    ]


def test_drift_that_nobody_confirmed_is_held_back() -> None:
    drifted = item(desired(auth__params__server="moved"))
    change = only(hold_back_drift(planned([desired()], state(record()), observation(drifted))))
    assert (change.action, change.steps) == (Action.BLOCKED, ())
    assert "--overwrite-drift" in change.remedy


def test_a_field_that_both_sides_changed_is_drift() -> None:
    """What somebody did outside is not overwritten unnoticed."""
    seen = observation(item(desired(description="by hand"), etag='"e2"'))
    change = only(planned([desired(description="declared anew")], state(record()), seen))
    (field,) = change.fields
    assert (field.before, field.after, field.drifted) == ("by hand", "declared anew", True)
    assert change.drifted


def test_what_both_sides_changed_alike_is_no_drift() -> None:
    seen = observation(item(desired(description="same"), etag='"e2"'))
    change = only(planned([desired(description="same")], state(record()), seen))
    assert (change.action, change.drifted, change.notes) == (Action.UPDATE, False, ())


def test_a_description_removed_outside_is_put_back() -> None:
    shown = item()
    del shown["description"]
    change = only(planned([desired()], state(record()), observation(shown)))
    assert change.steps == (Patch("id-1", '"e1"', (Operation("add", "/description"),)),)


def test_a_secret_that_became_plain_differs_whatever_it_says() -> None:
    was = record(desired(auth__params__server=secret("db1")))
    change = only(planned([desired(auth__params__server="env(MYSQL_PASSWORD)")], state(was), observation(item())))
    assert (change.action, change.drifted) == (Action.UPDATE, False)
    assert "db1" not in repr(change.fields)


def test_a_renamed_file_makes_no_second_one_of_its_name() -> None:
    old = desired("old")
    blocked, kept = planned([desired("new")], state(record(old)), observation(item(old))).changes
    assert (blocked.action, kept.action, blocked.steps) == (Action.BLOCKED, Action.UNMANAGED, ())
    assert "has the same name as old" in blocked.reason
    assert "add `movedFrom: old` to this file to keep the base connection" in blocked.remedy
    assert "add `movedFrom: old` to the file of new" in kept.remedy
    assert "--allow-delete" not in kept.remedy


@pytest.mark.parametrize("name", ["Orders", " orders\u200b"], ids=["the same", "the same when folded"])
@pytest.mark.parametrize(
    "flags", [{}, {"allow_delete": True}, {"import_existing": True}, {"allow_delete": True, "import_existing": True}]
)
def test_the_name_of_what_has_no_definition_is_not_taken_under_any_flag(name: str, flags: dict[str, bool]) -> None:
    """It is most likely a renamed file; carried out, dataflows would lose what they use, or there would be two."""
    old, new = desired("old"), desired("new", name=name)
    seen = observation(item(old), item(new, "stray", createdClient="our-client"))
    made = {one.key: one for one in planned([new], state(record(old)), seen, **flags).changes}
    assert (made["new"].action, made["new"].steps) == (Action.BLOCKED, ())
    assert "this looks like a rename" in made["new"].reason
    assert (made["old"].action is Action.BLOCKED, made["old"].steps) == ("allow_delete" in flags, ())


@pytest.mark.parametrize("shown", [[], [item()]], ids=["gone", "there"])
def test_what_a_renamed_file_was_about_is_not_deleted(shown: list[Json]) -> None:
    """Also where nothing else of the plan is selected; what is gone has nothing to keep."""
    changes = planned([desired("new")], state(record(desired("old"))), observation(*shown), allow_delete=True).changes
    old = {one.key: one for one in changes}["old"]
    assert old.action is (Action.BLOCKED if shown else Action.DELETE)
    assert ("add `movedFrom: old` to the file of new to keep the base connection" in old.remedy) is bool(shown)


def test_what_has_another_name_is_deleted_beside_a_new_one() -> None:
    old, new = desired("old"), desired("new", name="Another")
    changes = {
        one.key: one for one in planned([new], state(record(old)), observation(item(old)), allow_delete=True).changes
    }
    assert (changes["new"].action, changes["old"].action) == (Action.CREATE, Action.DELETE)


def test_nor_is_the_name_of_an_open_create() -> None:
    standing = state(intents=[intent_of(record(desired("old")))])
    changes = {one.key: one for one in planned([desired("new")], standing, observation()).changes}
    assert changes["new"].action is Action.BLOCKED
    assert "`old`" in changes["new"].reason or "same name as old" in changes["new"].reason


NAMES = {
    "blank at an end": ("Orders ", "a name that can only be written in one way"),
    "two blanks": ("Our  orders", "a name that can only be written in one way"),
    "unseen character": ("Or\u200bders", "a name that can only be written in one way"),
    "not NFC": ("Cafe\u0301", "a name that can only be written in one way"),
    "too long": ("x" * 201, "a name that can only be written in one way"),
    "like another one": ("STOCK", "give one of them another name"),
}


@pytest.mark.parametrize(("name", "remedy"), NAMES.values(), ids=NAMES)
def test_a_create_whose_name_proves_nothing_is_blocked_and_what_is_recorded_is_not(name: str, remedy: str) -> None:
    new, stock = desired(name=name), desired("stock", name="Stock")
    for seen in (None, observation(item(stock, "id-2"))):
        made = {one.key: one for one in planned([new, stock], state(record(stock, "id-2")), seen).changes}
        assert (made["orders"].action, made["orders"].steps) == (Action.BLOCKED, ())
        assert remedy in made["orders"].remedy
        assert made["stock"].action is Action.NO_OP
    kept = planned([new, stock], state(record(new), record(stock, "id-2")), None)
    assert {one.action for one in kept.changes} == {Action.NO_OP}


@pytest.mark.parametrize("flags", [{}, {"allow_delete": True}])
def test_a_move_waits_for_an_open_call_and_its_old_record_stays(flags: dict[str, bool]) -> None:
    old, new = desired("old"), replace(desired("new"), moved_from="old")
    open_patch = replace(intent_of(record(old)), step="patch", id="id-1", etag='"e1"')
    standing = state(record(old), intents=[open_patch])
    changes = {one.key: one for one in planned([new], standing, observation(item(old)), **flags).changes}
    assert (changes["new"].action, changes["new"].steps) == (Action.BLOCKED, ())
    assert "its record is at old, and the outcome of an earlier call is unknown" in changes["new"].reason
    assert (changes["old"].action, changes["old"].steps) == (Action.UNMANAGED, ())


def test_new_credentials_are_proved_on_creates_and_changes_alike() -> None:
    changed = desired("b", name="B", auth__params__password=secret("second-secret"))
    kept = desired("c", name="C")
    recorded = state(record(desired("b", name="B"), "id-b"), record(kept, "id-c"))
    made = planned([desired("a", name="A"), changed, kept], recorded, None)
    assert [[type(step) for step in one.steps] for one in with_proofs(made).changes] == [
        [Probe, Create],
        [Probe, Patch],
        [],
    ]


def test_what_is_initializing_is_waited_for() -> None:
    """On AWS an object has no etag meanwhile, and can be neither changed nor deleted."""
    seen = observation(item(etag=None, state="initializing"))
    assert only(planned([desired(name="N")], state(record()), seen)).steps[0] == Await()
    assert only(planned([], state(record()), seen, allow_delete=True)).steps == (Await(), Delete("id-1", None))
    assert only(planned([desired()], state(record()), seen)).steps == ()
    new = observation(item(identity="x", etag=None, state="initializing"))
    assert only(planned([desired()], state(), new, import_existing=True)).steps[0] == Await()


def test_an_open_create_without_definition_is_shown() -> None:
    standing = state(intents=[intent_of(record(desired("gone")))])
    change = only(planned([], standing, observation(), undecided={"gone": Undecided("why", "what to do")}))
    assert (change.key, change.action, change.remedy) == ("gone", Action.BLOCKED, "what to do")


def test_what_the_service_adds_or_hides_is_no_drift() -> None:
    shown = item()
    shown["auth"]["params"] = {"server": "db1", "authorizedDate": "2026-01-01"}
    assert only(planned([desired()], state(record()), observation(shown))).action is Action.NO_OP


def test_a_moved_etag_without_visible_difference_is_a_note() -> None:
    change = only(planned([desired()], state(record()), observation(item(etag='"e2"'))))
    assert change.action is Action.NO_OP
    assert change.notes[0].startswith("touched outside provisioner by jane@example.com")


def test_an_object_without_an_etag_cannot_be_changed() -> None:
    seen = observation(item(etag=None, state="updating"))
    assert only(planned([desired(name="N")], state(record()), seen)).action is Action.BLOCKED
    assert only(planned([desired()], state(record()), seen)).action is Action.NO_OP


# what the service shows; of the plan without and with --allow-delete: the reason, and how many fields go
WITHOUT_A_DEFINITION: list[tuple[Observation | None, str, str, int]] = [
    (observation(item()), "the base connection is left alone", "id-1 will be deleted", len(desired().fields)),
    (None, "the base connection is left alone", "id-1 will be deleted", len(desired().fields)),
    (
        observation(),
        "id-1 was deleted outside provisioner, and its record is kept",
        "id-1 was deleted outside provisioner, and its record",
        0,
    ),
]


@pytest.mark.parametrize(("seen", "left", "deleted", "fields"), WITHOUT_A_DEFINITION, ids=["there", "offline", "gone"])
def test_without_a_definition_it_is_said_what_is_there(
    seen: Observation | None, left: str, deleted: str, fields: int
) -> None:
    change = only(planned([], state(record()), seen))
    assert (change.action, change.steps, change.notes) == (Action.UNMANAGED, (), ())
    assert change.reason.startswith(f"no definition for this target; {left}")
    change = only(planned([], state(record()), seen, allow_delete=True))
    assert (change.action, len(change.fields)) == (Action.DELETE, fields)
    assert change.reason.startswith(f"no definition for this target; {deleted}")


def test_of_what_is_gone_and_protected_both_are_said() -> None:
    protected = record(desired(lifecycle__preventDestroy="true"))
    change = only(planned([], state(protected), observation(), allow_delete=True))
    assert (change.action, change.notes) == (Action.BLOCKED, ("id-1 does not exist any more",))


def intent_of(one: Record) -> Intent:
    return Intent("i1", one.key, "create", "Orders", "spec", None, None, "2026-01-01T00:00:00+00:00", (), one)


def test_a_create_without_known_outcome_is_not_blocked_by_its_own_result() -> None:
    standing = state(intents=[intent_of(record(identity=""))])
    change = only(planned([desired()], standing, observation(item(identity="x"))))
    assert change.action is Action.CREATE
    assert "no known outcome" in change.reason


def test_what_recovery_left_to_the_user_is_blocked() -> None:
    standing = state(intents=[intent_of(record(identity=""))])
    change = only(planned([desired()], standing, observation(), undecided={"orders": Undecided("why", "what to do")}))
    assert (change.action, change.reason, change.remedy) == (Action.BLOCKED, "why", "what to do")


def test_a_patch_sends_all_parameters_and_lower_case_operations() -> None:
    one = desired(auth__params__server="db2")
    change = only(planned([one], state(record()), None))
    (step,) = change.steps
    assert isinstance(step, Patch)
    params = {"server": "db2", "port": "3306", "database": "orders", "username": "svc", "password": "first-secret"}
    assert patch_body(step.operations, one) == [{"op": "replace", "path": "/auth/params", "value": params}]


def test_a_plan_is_sorted_by_key_whatever_the_order_of_definitions() -> None:
    keys = ["b", "a", "c"]
    wanted = [desired(key, name=key) for key in keys]
    assert [change.key for change in planned(wanted, state(), None).changes] == sorted(keys)


def test_no_part_of_a_plan_shows_a_secret() -> None:
    plan = planned([desired(auth__params__password=secret("second-secret"))], state(record()), observation(item()))
    assert "first-secret" not in repr(plan)
    assert "second-secret" not in repr(plan)
    assert "first-secret" not in repr(FINGERPRINTER)
