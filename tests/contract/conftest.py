"""One subject per variant: emulators that differ wherever the real service is unknown, and the real service."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from provisioner.model import Cloud
from provisioner.service.transport import HttpTransport, real_timing

from .subject import Subject, emulated, real, why_not_real

ENVIRON = dict(os.environ)
"""As it was before any guard took the credentials away."""

VARIANTS = {
    "azure": Behaviour(),
    "azure, all errors coded, etag stays": Behaviour(
        error_shape="problem", missing_object="1439-400", noop_patch="same-etag"
    ),
    "azure, errors as older pages show them": Behaviour(error_shape="documented", missing_object="1101-404"),
    "aws, legacy errors, initializing": Behaviour(
        cloud="aws", error_shape="legacy", delete_status=202, secrets_in_get="masked", initializing_seconds=0.05
    ),
}
REAL = "a real sandbox"


@pytest.fixture(scope="session", params=[*VARIANTS, *([] if why_not_real(ENVIRON) else [REAL])])
def place(request: pytest.FixtureRequest) -> Iterator[Subject]:
    name: str = request.param
    with HttpTransport(real_timing()) as transport:
        if name == REAL:
            yield real(ENVIRON, transport)
            return
        behaviour = VARIANTS[name]
        with Emulator(behaviour=behaviour) as emulator:
            yield emulated(emulator.url, Cloud(behaviour.cloud), transport)


@pytest.fixture
def subject(place: Subject) -> Iterator[Subject]:
    fresh = place.fresh()
    yield fresh
    if not fresh.origin.loopback:
        fresh.clean()
