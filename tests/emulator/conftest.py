"""Fixtures: one emulator for each module, reset before each test, and a factory for others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator

from .support import Api

Start = Callable[..., Api]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Callable[..., Api]]:
    """Makes callers of the module's emulator; keyword arguments are headers."""
    with ExitStack() as stack:

        def make(**headers: str | None) -> Api:
            return stack.enter_context(Api(emulator, **headers))

        make().call("POST", emulator.url + "/_emulator/reset")
        yield make


@pytest.fixture
def api(client: Callable[..., Api]) -> Api:
    """An ordinary caller of the module's emulator, which is empty."""
    return client()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an emulator that behaves as told, with a caller."""
    with ExitStack() as stack:

        def begin(data: Path | None = None, **behaviour: Any) -> Api:
            running = stack.enter_context(Emulator(data, behaviour=Behaviour(**behaviour)))
            return stack.enter_context(Api(running))

        yield begin
