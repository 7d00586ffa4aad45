"""The pins of a plan, and what its digest does not cover."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.definitions.desired import Desired
from provisioner.planning.approval import pinned
from provisioner.planning.changes import PlanInputs
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Plan, PlanOptions
from provisioner.planning.refresh import refresh_plan
from provisioner.secrets import Sensitive
from provisioner.state.records import Record

from .examples import FINGERPRINTER, IDENTITY, UNSET, desired, item, observation, planned, record, secret, state

OTHER_VARIABLE = Sensitive("first-secret", "env(MYSQL_OTHER)", ("MYSQL_OTHER",))
WITHOUT = desired(description=None)


def with_empty_description(one: Record) -> Record:
    return replace(one, texts={**one.texts, "description": ""})


@pytest.mark.parametrize(
    ("wanted", "prior", "pins"),
    [
        pytest.param(desired(), record(), [], id="as recorded"),
        pytest.param(desired(auth__params__password=UNSET), record(), [], id="not to be told, and asked for nothing"),
        pytest.param(desired(auth__params__password=OTHER_VARIABLE), record(), ["update"], id="another variable"),
        pytest.param(desired(auth__params__server="db2"), record(), ["update"], id="another text"),
        pytest.param(WITHOUT, with_empty_description(record(WITHOUT)), [], id="an empty text, as an edited state has"),
        pytest.param(desired(description=""), record(WITHOUT), [], id="an empty text that is declared"),
    ],
)
def test_pins(wanted: Desired, prior: Record, pins: list[str]) -> None:
    known = state(prior)
    assert [pin.action for pin in pinned(planned([wanted], known, None), known, FINGERPRINTER).pins] == pins


def plan_of(wanted: Desired, prior: Record | None, seen: Observation | None, **options: bool) -> Plan:
    known = state(*[prior] if prior else [])
    return pinned(planned([wanted], known, seen, **options), known, FINGERPRINTER)


AS_IT_WAS = observation(item())
DRIFTED = observation(item(description="By hand"))
OTHER_SERVER = desired(auth__params__server="db2")
ROTATED = desired(auth__params__password=secret("second-secret"))


@pytest.mark.parametrize(
    ("wanted", "prior", "seen", "concerned", "outside"),
    [
        pytest.param(desired(), record(), AS_IT_WAS, False, "", id="as declared"),
        pytest.param(desired(), None, observation(), False, "", id="new"),
        pytest.param(OTHER_SERVER, record(), AS_IT_WAS, False, "", id="changed"),
        pytest.param(OTHER_SERVER, record(), None, False, "", id="changed, offline"),
        pytest.param(ROTATED, record(), AS_IT_WAS, True, "", id="rotated"),
        pytest.param(ROTATED, record(), None, True, "", id="rotated, offline"),
        pytest.param(
            desired(auth__params__server="db2", auth__params__password=secret("second-secret")),
            record(),
            AS_IT_WAS,
            True,
            "",
            id="changed and rotated",
        ),
        pytest.param(desired(auth__params__password=UNSET), record(), AS_IT_WAS, False, "", id="not set"),
        pytest.param(desired(), record(), DRIFTED, True, "changed outside provisioner: description", id="drift"),
        pytest.param(
            OTHER_SERVER, record(), DRIFTED, True, "changed outside provisioner: description", id="changed, and drift"
        ),
        pytest.param(
            desired(),
            record(),
            observation(),
            True,
            "deleted outside provisioner; it would be created again",
            id="gone",
        ),
        pytest.param(
            OTHER_SERVER,
            record(),
            observation(),
            True,
            "deleted outside provisioner; it would be created again",
            id="changed, and gone",
        ),
        pytest.param(desired(), None, AS_IT_WAS, True, "already exists; it would be imported", id="taken over"),
    ],
)
def test_what_a_digest_does_not_cover(
    wanted: Desired, prior: Record | None, seen: Observation | None, concerned: bool, outside: str
) -> None:
    plan = plan_of(wanted, prior, seen, import_existing=True)
    assert plan.not_in_digest == (("orders",) if concerned else ())
    assert [pin.outside for pin in plan.outside] == ([outside] if outside else [])
    assert plan.digest == plan_of(wanted, prior, None).digest, "nor does anything of it change the digest"


@pytest.mark.parametrize(
    ("seen", "outside"),
    [
        (DRIFTED, "changed outside provisioner: description"),
        (observation(item(etag='"e2"')), "updated outside provisioner; no visible field differs"),
        (observation(), "deleted outside provisioner; its record would be removed"),
    ],
    ids=["drift", "touched", "gone"],
)
def test_a_digest_covers_nothing_of_a_refresh(seen: Observation, outside: str) -> None:
    known = state(record())
    plan = pinned(
        refresh_plan("prod", IDENTITY, [desired()], PlanInputs(known, seen, FINGERPRINTER)), known, FINGERPRINTER
    )
    assert plan.not_in_digest == ("orders",)
    assert [pin.outside for pin in plan.outside] == [outside]


def test_drift_that_is_overwritten_by_its_name_is_not_held_against_a_digest() -> None:
    plan = replace(plan_of(desired(), record(), DRIFTED), options=PlanOptions(overwrite_drift=True))
    assert (plan.outside, plan.not_in_digest) == ((), ("orders",))
    gone = replace(plan_of(desired(), record(), observation()), options=PlanOptions(overwrite_drift=True))
    assert gone.outside
