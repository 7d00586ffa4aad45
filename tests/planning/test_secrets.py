"""What a plan says about secrets: rotated keys, a shared secret, a secret that goes to another server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.definitions.desired import Desired
from provisioner.planning.plan import Action
from provisioner.planning.planner import Context, make_plan
from provisioner.planning.renewal import renewed
from provisioner.state.fingerprint import HMAC, SCRYPT, Comparison, Fingerprinter
from provisioner.state.records import Record
from tests.planning.examples import IDENTITY, KEY, LINEAGE, UNSET, desired, only, planned, record, secret, state

NEW = b"n" * 32
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
    plan = make_plan("prod", IDENTITY, [desired()], Context(state(prior), None, today))
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
    plan = make_plan("prod", IDENTITY, [changed], Context(state(made_with(MAKERS["the key"])), None, today))
    assert only(plan).action is Action.UPDATE
    assert renewed(plan, today) == ()


def test_what_is_not_at_hand_cannot_be_renewed() -> None:
    today = Fingerprinter(LINEAGE, NEW, KEY)
    unset = desired(auth__params__password=UNSET)
    plan = make_plan("prod", IDENTITY, [unset], Context(state(made_with(MAKERS["the key"])), None, today))
    assert renewed(plan, today) == ()


def test_a_key_that_is_gone_is_named() -> None:
    today = Fingerprinter(LINEAGE, NEW)
    plan = make_plan("prod", IDENTITY, [desired()], Context(state(made_with(MAKERS["the key"])), None, today))
    assert any("PROVISIONER_FINGERPRINT_KEY_OLD" in note for note in only(plan).notes)


def test_a_record_keeps_its_fingerprints_under_another_key() -> None:
    moved = replace(record(), key="sales/orders")
    change = only(planned([replace(desired(), key="sales/orders")], state(moved), None))
    assert change.action is Action.NO_OP


SERVERS: list[tuple[str, Desired, bool]] = [
    ("another server", desired(auth__params__server="evil.example"), True),
    ("another server from the environment", desired(auth__params__server=secret("evil.example")), True),
    ("and another secret", desired(auth__params__server="e", auth__params__password=secret("second")), True),
    ("the secret alone", desired(auth__params__password=secret("second")), False),
    ("another database", desired(auth__params__database="other"), False),
]


@pytest.mark.parametrize(("wanted", "said"), [row[1:] for row in SERVERS], ids=[row[0] for row in SERVERS])
def test_a_secret_that_goes_to_another_server_is_said(wanted: Desired, said: bool) -> None:
    notes = only(planned([wanted], state(record()), None)).notes
    start = "from now on env(MYSQL_PASSWORD) is used to sign in to another server"
    assert any(note.startswith(start) for note in notes) is said


def test_the_examples_are_what_they_seem() -> None:
    assert {one.fingerprint.alg for one in made_with(MAKERS["no key"]).secrets} == {SCRYPT}
    assert {one.fingerprint.alg for one in record().secrets} == {HMAC}
