"""Progress lines on a terminal: how many items are done, and what a run is waiting for.

Lines are written at intervals while the work lasts, and never for work that ends within the first interval.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Progress:
    """A receiver of progress lines.

    ``clock`` returns seconds; ``write`` gets a line at most every ``interval`` seconds; ``end`` is called when work
    ends for which lines were written.
    """

    clock: Callable[[], float]
    interval: float
    write: Callable[[str], None]
    end: Callable[[], None] = lambda: None

    def of(self, what: str, total: int | None = None) -> Count:
        """Return a counter. ``what`` is ``changes done`` with a total, and ``listing flows`` without one."""
        return Count(self, what, total)


SILENT = Progress(lambda: 0.0, inf, lambda _: None)
"""Writes nothing."""


class Count:
    """A counter of items done, called with the number of further items. For any number of threads.

    Time counts from the first call: before it, a user may have read a plan for minutes.
    """

    def __init__(self, progress: Progress, what: str, total: int | None) -> None:
        self._progress, self._what, self._total = progress, what, total
        self._lock = threading.Lock()
        self._done = self._done_at_start = 0
        self._started: float | None = None
        self._last_line = 0.0

    def __call__(self, number: int) -> None:
        with self._lock:
            now = self._progress.clock()
            self._done += number
            if self._started is None:
                self._started = self._last_line = now
                self._done_at_start = self._done
            elif self._done == self._total:
                self.end()
            elif now - self._last_line >= self._progress.interval:
                self._last_line = now
                rate = (self._done - self._done_at_start) / (now - self._started)
                self._progress.write(line(self._what, self._done, self._total, rate))

    def end(self) -> None:
        """Report that all items are done; called automatically when the total is reached."""
        if self._started is not None and self._last_line > self._started:
            self._progress.end()


class Waits:
    """Lines about waits for the service or the network. For any number of threads.

    Workers often wait for the same thing, so at most one line is written per interval, unless the interval is 0.
    """

    def __init__(self, progress: Progress = SILENT) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._waiting = 0
        self._last_line = -inf

    @contextmanager
    def __call__(self, seconds: float, reason: str, elapsed: float = 0.0, request_id: str = "") -> Iterator[None]:
        """Enclose a wait of ``seconds``, in a call that has already taken ``elapsed`` seconds.

        ``request_id`` is that of the answer that is the reason.
        """
        if elapsed + seconds < self._progress.interval:
            yield
            return
        with self._lock:
            self._waiting += 1
            now = self._progress.clock()
            if now - self._last_line >= self._progress.interval:
                self._last_line = now
                pause = f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
                request = f" (request {request_id})" if request_id else ""  # last: a terminal may cut it
                self._progress.write(f"{reason}; trying again in {pause}{request}")
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._progress.end()


def line(what: str, done: int, total: int | None, rate: float) -> str:
    """Return ``312 of 1,000 changes done, 45 a second, about 15 s left`` or ``listing flows: 300 so far, 45 a second``.

    ``rate`` is per second, and more than 0 if there is a total.
    """
    speed = f"{rate:,.0f} a second" if rate >= 1 or not rate else f"one every {1 / rate:.0f} s"
    if total is None:
        return f"{what}: {done:,} so far, {speed}"
    minutes, seconds = divmod(max(1, round((total - done) / rate)), 60)
    left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{done:,} of {total:,} {what}, {speed}, about {left} left"
