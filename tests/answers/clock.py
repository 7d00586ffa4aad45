"""One clock for the product and the fake: it goes on when somebody waits, so that no test has to."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from provisioner.cli import apply
from provisioner.service import messages, transport
from provisioner.service.messages import Timing


class Clock:
    """Seconds of this machine and all that was waited for. Waiting takes none of the former."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def now(self) -> float:
        return time.monotonic() + self._skipped

    def skip(self, seconds: float) -> None:
        self._skipped += max(0.0, seconds)

    def wall(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._skipped)


def put_in_place(patch: pytest.MonkeyPatch, clock: Clock, times: messages.Deadlines) -> None:
    """Let the product wait on this clock, and give loopback these deadlines."""
    real = transport.real_timing

    def timing(interrupted: Event | None = None) -> Timing:
        return replace(real(interrupted), monotonic=clock.now, now=clock.wall, sleep=clock.skip)

    def sleep(_interruption: Any, seconds: float) -> None:
        clock.skip(seconds)

    patch.setattr(transport, "real_timing", timing)
    patch.setattr(apply, "_sleep", sleep)
    patch.setattr(apply, "monotonic", clock.now, raising=False)
    patch.setattr(messages, "LOOPBACK", times)
