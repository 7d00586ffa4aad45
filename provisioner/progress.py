"""How far a run has come, and what it waits for: said now and then while it lasts, and never of what is over within the
first interval."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told, and how often. ``clock`` gives seconds; ``say`` is given a line at most every ``interval`` of them;
    ``end`` is called when all is done of something that was told about."""

    clock: Callable[[], float]
    interval: float
    say: Callable[[str], None]
    end: Callable[[], None] = lambda: None

    def of(self, what: str, total: int | None = None) -> Count:
        """To be called, from any thread, whenever so many more of the total are done. ``what`` is the noun of many and
        what is done: ``changes done``; where nobody knows how many there are, what is going on: ``listing flows``."""
        return Count(self, what, total)


SILENT = Progress(lambda: 0.0, float("inf"), lambda _: None)
"""Nobody is told."""


class Count:
    """How many are done. Time counts from the first call: before it somebody may have read a plan for minutes."""

    def __init__(self, told: Progress, what: str, total: int | None) -> None:
        self._told, self._what, self._total = told, what, total
        self._lock = threading.Lock()
        self._done = self._untimed = 0
        self._begun: float | None = None
        self._last = 0.0

    def __call__(self, number: int) -> None:
        with self._lock:
            now = self._told.clock()
            self._done += number
            if self._begun is None:
                self._begun = self._last = now
                self._untimed = self._done
            elif self._done == self._total:
                self.end()
            elif now - self._last >= self._told.interval:
                self._last = now
                rate = (self._done - self._untimed) / (now - self._begun)
                self._told.say(line(self._what, self._done, self._total, rate))

    def end(self) -> None:
        """All is done. Called by itself where the total is known."""
        if self._begun is not None and self._last > self._begun:
            self._told.end()


class Waits:
    """What calls wait for. Of workers that wait for the same one line is enough: none is said within the interval after
    another, unless that is 0."""

    def __init__(self, told: Progress = SILENT) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._waiting = 0
        self._last = -inf

    @contextmanager
    def __call__(self, seconds: float, why: str, waited: float = 0.0) -> Iterator[None]:
        """Enclose a wait of ``seconds``, by a call that has taken ``waited`` of them already."""
        if waited + seconds < self._told.interval:
            yield
            return
        with self._lock:
            self._waiting += 1
            now = self._told.clock()
            if now - self._last >= self._told.interval:
                self._last = now
                self._told.say(f"{why}; trying again in {_pause(seconds)}")
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._told.end()


def _pause(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def line(what: str, done: int, total: int | None, rate: float) -> str:
    """``312 of 1,000 changes done, 45 a second, about 15 s left``; ``listing flows: 300 so far, 45 a second``.
    ``rate`` is a second, and more than 0 where there is a total."""
    shown = f"{rate:,.0f} a second" if rate >= 1 or not rate else f"one every {1 / rate:.0f} s"
    if total is None:
        return f"{what}: {done:,} so far, {shown}"
    return f"{done:,} of {total:,} {what}, {shown}, about {_duration((total - done) / rate)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
