"""One emulator for a module, emptied before each test; a project that points to it; no secret left behind by any."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from provisioner.apply import verification
from provisioner.cli import apply
from provisioner.cli.interruption import Interruption
from provisioner.emulator.server import Emulator
from provisioner.service import messages, transport
from provisioner.service.messages import Timing

from .support import CREDENTIALS, PASSWORDS, Project, Service


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits before a repetition take a moment, and all of their time has passed afterwards."""
    real, slept = transport.real_timing, [0.0]

    def timing(interrupted: Event | None = None) -> Timing:
        made = real(interrupted)

        def sleep(seconds: float) -> None:
            made.sleep(min(seconds, 0.01))
            slept[0] += seconds

        return replace(made, sleep=sleep, monotonic=lambda: time.monotonic() + slept[0])

    monkeypatch.setattr(transport, "real_timing", timing)
    monkeypatch.setattr(verification, "_POLL_PAUSES", [0.05] * 200)
    # Calls have all the time of a busy machine. Of a wait for what became of one, a list that lags by a second or less
    # needs no more than this; the rest has passed on the clock that apply looks at.
    monkeypatch.setattr(messages, "LOOPBACK", messages.Deadlines(attempt=60.0, lag=60.0))
    waited = [0.0]

    def sleep(interruption: Interruption, seconds: float) -> None:
        interruption.requested.wait(min(seconds, 1.5))
        waited[0] += seconds

    monkeypatch.setattr(apply, "_sleep", sleep)
    monkeypatch.setattr(apply, "monotonic", lambda: time.monotonic() + waited[0])


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def service(running: Emulator) -> Service:
    service = Service(running.url)
    service.reset()
    return service


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Project]:
    """A folder without a project file; afterwards no secret is in it, nor on any screen."""
    project = Project(tmp_path / "project")
    project.folder.mkdir()
    yield project
    assert project.leaks() == []


@pytest.fixture
def project(bare: Project, service: Service) -> Project:
    """A project whose target ``here`` is the emulator, with all that the environment must hold."""
    bare.environ |= CREDENTIALS | PASSWORDS
    bare.target(service.url)
    return bare
