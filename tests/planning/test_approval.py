"""Digests and saved plans as they are given for approval, and texts that are neither."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.errors import PlanFileError, UsageError
from provisioner.planning.approval import ExpectedDigest, pinned
from provisioner.planning.plan import Provenance
from provisioner.planning.saved_plan import FORMAT_VERSION, dump, load

from .examples import FINGERPRINTER, desired, item, observation, planned, record, state

DIGITS = "0123456789abcdef" * 4
OLDER_FILES = sorted(Path(__file__).parent.glob("format-*.plan"))
OLDER = "this digest is from an older version of provisioner"
NONE = "--expect-digest takes a digest as printed by `plan`"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"public-{DIGITS}", OLDER),
        (f"full-{DIGITS}", OLDER),
        (" ", NONE),
        ("none", NONE),
        ("public-", NONE),
        (DIGITS, NONE),
        ("sha256:", NONE),
        (f"sha256:{DIGITS[1:]}", NONE),
        (f"sha256:{DIGITS}0", NONE),
        (f"sha256:{DIGITS.upper()}", NONE),
        (f"sha256:{DIGITS}\n", NONE),
        (f" sha256:{DIGITS}", NONE),
    ],
)
def test_what_is_no_digest(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ExpectedDigest(text)


def test_a_digest_is_one() -> None:
    assert ExpectedDigest(f"sha256:{DIGITS}").digest == f"sha256:{DIGITS}"


KNOWN = state(record())
PLAN = replace(
    pinned(
        planned([desired(auth__params__server="db2")], KNOWN, observation(item(description="By hand"))),
        KNOWN,
        FINGERPRINTER,
    ),
    provenance=Provenance(datetime(2026, 11, 24, tzinfo=UTC)),
)
SAVED = dump(PLAN)


def test_nothing_that_is_approved_depends_on_times() -> None:
    timed = state(replace(record(), applied_at="then", tested_at="later"))
    seen = observation(item(description="By hand"))
    plan = pinned(planned([desired(auth__params__server="db2")], timed, seen), timed, FINGERPRINTER)
    assert (plan.pins, plan.digest) == (PLAN.pins, PLAN.digest)


def test_a_saved_plan_holds_all_that_it_rests_on() -> None:
    plan = load(SAVED).plan
    assert (plan.target, plan.identity, plan.lineage, plan.pins) == ("prod", PLAN.identity, PLAN.lineage, PLAN.pins)
    (pin,) = plan.pins
    assert pin.secrets["auth.params.password"]["mac"]
    assert pin.remote == {"etag": '"e1"', "drift": {"description": "By hand"}}


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ('"db2"', '"evil"'),
        ('"By hand"', '""'),
        ('"allow_delete":false', '"allow_delete":true'),
        ('"sandbox":"prod"', '"sandbox":"dev"'),
        ('"action":"update"', '"action":"delete"'),
        ('"reason":"', '"reason":"not '),
        ('"created_at":"2026', '"created_at":"2027'),
        (r"\"e1\"", r"\"e2\""),
        ('"mac":"', '"mac":"0'),
        ('"lineage":"', '"lineage":"0'),
        ('"provisioner_version":"', '"provisioner_version":"9'),
        ('"checksum":"sha256:', '"checksum":"'),
        ('"checksum":', '"other":'),
    ],
)
def test_a_saved_plan_that_was_edited_is_refused(text: str, other: str) -> None:
    assert text in SAVED
    with pytest.raises(PlanFileError, match="damaged or was edited"):
        load(SAVED.replace(text, other))


def test_its_layout_is_nobodys_business() -> None:
    assert load(json.dumps(dict(reversed(json.loads(SAVED).items())), indent=1)).plan.pins == PLAN.pins


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "this is not a saved plan"),
        ("[]", "this is not a saved plan"),
        ("{}", "this is not a saved plan"),
        ("[" * 100_000, "this is not a saved plan"),
        ('{"kind": "provisioner-plan"}', "this is not a saved plan"),
        ('{"kind": "provisioner-plan", "format_version": "3"}', "this is not a saved plan"),
        ('{"kind": "provisioner-plan", "format_version": 9}', "by a newer version of provisioner .format 9, not 3"),
        (f'{{"kind": "provisioner-plan", "format_version": {FORMAT_VERSION}}}', "damaged or was edited"),
        *((file.read_text("utf-8"), "was saved by an older version of provisioner") for file in OLDER_FILES),
    ],
    ids=range(10),
)
def test_what_is_no_saved_plan_is_refused(text: str, words: str) -> None:
    with pytest.raises(PlanFileError, match=words):
        load(text)
