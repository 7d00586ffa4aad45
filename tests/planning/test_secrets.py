"""Plans about secrets: rotated keys, a shared secret, a secret that is sent to another server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provisioner.definitions.desired import Desired, Field
from provisioner.model import Location
from provisioner.planning.changes import PlanInputs, plan_all
from provisioner.planning.plan import Action
from provisioner.planning.secret_records import renewed
from provisioner.report.plan_html import as_html
from provisioner.report.plan_markdown import as_markdown
from provisioner.report.plan_text import as_text
from provisioner.secrets import Sensitive
from provisioner.state.fingerprint import HMAC, SCRYPT, Comparison, Fingerprinter
from provisioner.state.records import Record
from tests.planning.examples import (
    IDENTITY,
    KEY,
    LINEAGE,
    UNSET,
    desired,
    desired_of,
    only,
    planned,
    record,
    secret,
    state,
)

NEW = b"n" * 32
HERE = Location("connections/b.yaml")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
PATH = "auth.params.password"
MAKERS = {
    "no key": Fingerprinter(LINEAGE, None),
    "the key": Fingerprinter(LINEAGE, KEY),
    "the new key": Fingerprinter(LINEAGE, NEW),
}


def made_with(maker: Fingerprinter) -> Record:
    plain = record()
    secrets = (replace(one, fingerprint=maker.make(one.path, "first-secret", plain.salt)) for one in plain.secrets)
    return replace(plain, secrets=tuple(secrets))


ROTATIONS: list[tuple[str, str, Fingerprinter, Action, bool]] = [
    ("nothing rotated", "the key", Fingerprinter(LINEAGE, KEY), Action.NO_OP, False),
    ("still no key", "no key", Fingerprinter(LINEAGE, None), Action.NO_OP, False),
    ("the first key", "no key", Fingerprinter(LINEAGE, KEY), Action.NO_OP, True),
    ("rotated, the old one at hand", "the key", Fingerprinter(LINEAGE, NEW, KEY), Action.NO_OP, True),
    ("rotated already", "the new key", Fingerprinter(LINEAGE, NEW, KEY), Action.NO_OP, False),
    ("given up, the old one at hand", "the key", Fingerprinter(LINEAGE, None, KEY), Action.NO_OP, True),
    ("rotated, the old one gone", "the key", Fingerprinter(LINEAGE, NEW), Action.UPDATE, False),
]


@pytest.mark.parametrize(
    ("maker", "today", "action", "anew"), [row[1:] for row in ROTATIONS], ids=[row[0] for row in ROTATIONS]
)
def test_a_rotated_key_is_no_change(maker: str, today: Fingerprinter, action: Action, anew: bool) -> None:
    prior = made_with(MAKERS[maker])
    plan = plan_all("prod", IDENTITY, [desired()], PlanInputs(state(prior), None, today))
    assert only(plan).action is action
    records = renewed(plan, today)
    assert bool(records) is anew
    for one in records:
        (fingerprint,) = (item.fingerprint for item in one.secrets)
        assert today.is_current(fingerprint)
        assert today.compare(PATH, "first-secret", fingerprint) is Comparison.UNCHANGED
        assert replace(one, secrets=()) == replace(prior, secrets=())


def test_a_changed_secret_is_not_renewed_but_sent() -> None:
    today = Fingerprinter(LINEAGE, NEW, KEY)
    changed = desired(auth__params__password=secret("second-secret"))
    plan = plan_all("prod", IDENTITY, [changed], PlanInputs(state(made_with(MAKERS["the key"])), None, today))
    assert only(plan).action is Action.UPDATE
    assert renewed(plan, today) == ()


def test_what_is_not_at_hand_cannot_be_renewed() -> None:
    today = Fingerprinter(LINEAGE, NEW, KEY)
    unset = desired(auth__params__password=UNSET)
    plan = plan_all("prod", IDENTITY, [unset], PlanInputs(state(made_with(MAKERS["the key"])), None, today))
    assert renewed(plan, today) == ()


def test_a_key_that_is_gone_is_named() -> None:
    today = Fingerprinter(LINEAGE, NEW)
    plan = plan_all("prod", IDENTITY, [desired()], PlanInputs(state(made_with(MAKERS["the key"])), None, today))
    assert any("PROVISIONER_FINGERPRINT_KEY_OLD" in note for note in only(plan).notes)


def test_a_record_keeps_its_fingerprints_under_another_key() -> None:
    moved = replace(record(), key="sales/orders")
    change = only(planned([replace(desired(), key="sales/orders")], state(moved), None))
    assert change.action is Action.NO_OP


OTHER = Sensitive("second", "env(MYSQL_OTHER)", ("MYSQL_OTHER",))
HOST = Sensitive("db1", "env(MYSQL_HOST)", ("MYSQL_HOST",))
AT_DB2 = desired("b", name="B", auth__params__server="db2")
OTHERS_AT_DB2 = desired("b", name="B", auth__params__server="db2", auth__params__password=OTHER)
IN_A_STRING = desired_of(
    "b",
    HERE,
    [Field("name", "B", HERE)]
    + [
        Field(f"auth.params.connectionString.{part}", value, HERE)
        for part, value in (("server", "DB2."), ("password", secret("first-secret")))
    ],
)
IMPORTED = Record("orders", "id-1", '"e1"', desired().texts, (), "ab" * 16)

# what is declared; what is recorded, of any key; the servers that are new
SERVERS: dict[str, tuple[Desired, list[Record], tuple[str, ...]]] = {
    "another server": (desired(auth__params__server="evil.example"), [record()], ("evil.example",)),
    "another server from the environment": (
        desired(auth__params__server=secret("evil.example")),
        [record()],
        ("env(MYSQL_PASSWORD)",),
    ),
    "and another secret": (
        desired(auth__params__server="e", auth__params__password=secret("second")),
        [record()],
        ("e",),
    ),
    "the secret alone": (desired(auth__params__password=secret("second")), [record()], ()),
    "another database": (desired(auth__params__database="other"), [record()], ()),
    "a description": (desired(description="other"), [record()], ()),
    "nothing": (desired(), [record()], ()),
    "a create, of the first": (desired(), [], ("db1",)),
    "a create where another one is, with its variable": (desired(), [record(desired("b", name="B"))], ()),
    "a create where another one is, with another variable": (
        desired(auth__params__password=OTHER),
        [record(desired("b", name="B"))],
        ("db1",),
    ),
    "a move to where another one is": (desired(auth__params__server="db2"), [record(), record(AT_DB2)], ()),
    "a move to where another variable is used": (
        desired(auth__params__server="db2"),
        [record(), record(OTHERS_AT_DB2)],
        ("db2",),
    ),
    "the same server in other letters": (desired(auth__params__server="DB1."), [record()], ()),
    "where a connection string is": (desired(auth__params__server="db2"), [record(), record(IN_A_STRING)], ()),
    "another variable, which is used there by another one": (
        desired(auth__params__password=OTHER, auth__params__server="db2"),
        [record(), record(OTHERS_AT_DB2)],
        (),
    ),
    "another variable, which is not": (desired(auth__params__password=OTHER), [record()], ("db1",)),
    "the server's variable has another value": (
        desired(auth__params__server=Sensitive("evil", "env(MYSQL_HOST)", ("MYSQL_HOST",))),
        [record(desired(auth__params__server=HOST))],
        ("env(MYSQL_HOST)",),
    ),
    "the server's variable is the same": (
        desired(auth__params__server=HOST, auth__params__database="other"),
        [record(desired(auth__params__server=HOST))],
        (),
    ),
    "what was imported has its server already": (desired(), [IMPORTED], ()),
    "what was imported moves": (desired(auth__params__server="db9"), [IMPORTED], ("db9",)),
}


@pytest.mark.parametrize(("wanted", "records", "servers"), SERVERS.values(), ids=SERVERS)
def test_a_secret_that_goes_to_another_server_is_said(
    wanted: Desired, records: list[Record], servers: tuple[str, ...]
) -> None:
    plan = planned([wanted], state(*records), None)
    (change,) = (one for one in plan.changes if one.key == "orders")
    assert change.new_servers == servers
    noted = [note for note in change.notes if "will be sent to a server for the first time" in note]
    assert bool(noted) == bool(servers and change.record)
    headline = "Passwords will be sent to servers that have not received them before"
    for text in (as_text(plan), as_markdown(plan), as_html(plan)):
        assert (headline in text) == bool(servers)


def test_the_order_of_records_and_what_is_selected_do_not_matter() -> None:
    wanted = [desired(auth__params__server="db2"), AT_DB2]
    whole = planned(wanted, state(record(), record(AT_DB2, "id-2")), None)
    assert [change.new_servers for change in whole.only({"orders"}).changes] == [()]


def test_the_examples_are_what_they_seem() -> None:
    assert {one.fingerprint.alg for one in made_with(MAKERS["no key"]).secrets} == {SCRYPT}
    assert {one.fingerprint.alg for one in record().secrets} == {HMAC}
