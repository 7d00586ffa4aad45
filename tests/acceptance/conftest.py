"""One emulator for a module, emptied before each test; a project that points to it; no secret left behind by any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.emulator.server import Emulator

from .support import CREDENTIALS, PASSWORDS, Project, Service


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
