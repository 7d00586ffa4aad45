"""What an approval holds on to of what is as declared: only what the files ask for all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.definitions.desired import Desired
from provisioner.planning.pinning import pinned
from provisioner.sensitive import Sensitive
from provisioner.state.records import Record

from .examples import FINGERPRINTER, UNSET, desired, planned, record, state

OTHER_VARIABLE = Sensitive("first-secret", "env(MYSQL_OTHER)", ("MYSQL_OTHER",))
WITHOUT = desired(description=None)


def with_empty_description(one: Record) -> Record:
    return replace(one, texts={**one.texts, "description": ""})


@pytest.mark.parametrize(
    ("wanted", "prior", "pins"),
    [
        pytest.param(desired(), record(), [], id="as recorded"),
        pytest.param(desired(auth__params__password=UNSET), record(), [], id="not to be told, and asked for nothing"),
        pytest.param(desired(auth__params__password=OTHER_VARIABLE), record(), ["no-op"], id="another variable"),
        pytest.param(desired(auth__params__server="db2"), record(), ["update"], id="another text"),
        pytest.param(WITHOUT, with_empty_description(record(WITHOUT)), [], id="an empty text, as an edited state has"),
        pytest.param(desired(description=""), record(WITHOUT), [], id="an empty text that is declared"),
    ],
)
def test_pins(wanted: Desired, prior: Record, pins: list[str]) -> None:
    known = state(prior)
    assert [pin.action for pin in pinned(planned([wanted], known, None), known, FINGERPRINTER).pins] == pins
