"""How fast all workers of the process send together. Nothing is held back before the first 429.

A 429 holds everybody for as long as the service asks for; after that, sends are spaced. The rate falls by half with a
429 and grows by a fixed step with a success, as TCP does it, until it needs no bound any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from threading import Lock

from provisioner.service.exchange import INTERRUPTED, Answer, HeldBack, Outcome, Timing
from provisioner.service.retry import is_throttled

_FASTEST = 20.0
"""Sends per second. Who got this far is let go altogether."""

_SLOWEST = 0.5
"""Keeps the queue of 32 workers within about a minute. A service that wants less says so with ``Retry-After``."""

_STEP = 0.25

TOO_LATE = HeldBack(
    False,
    "not sent, since the service asks for longer pauses than a call may wait",
    "Run again later, or with a smaller --parallelism.",
)


@dataclass(frozen=True, slots=True)
class Speed:
    """Sends per second; infinite is the full speed."""

    rate: float = inf

    @property
    def interval(self) -> float:
        """Seconds between two sends."""
        return 1 / self.rate

    def slowed(self) -> Speed:
        return Speed(max(_SLOWEST, min(self.rate, _FASTEST) / 2))

    def sped_up(self) -> Speed:
        rate = self.rate + _STEP
        return Speed(rate if rate < _FASTEST else inf)


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to send at a monotonic time. ``era`` counts the slowdowns before it was given."""

    at: float
    era: int


class Pace:
    """The common speed, for any number of threads."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._lock = Lock()
        self._speed = Speed()
        self._era = 0
        self._held = -inf
        self._next = -inf

    def enter(self, until: float) -> Turn | HeldBack:
        """Wait for one's turn to send, in the order of asking. ``TOO_LATE``, at once, where it would come after
        ``until`` (monotonic); ``INTERRUPTED`` once the user wants an end."""
        turn: Turn | None = None
        while not self._timing.stopped():
            turn = self._turn(turn, until)
            if turn is None:
                return TOO_LATE
            wait = turn.at - self._timing.monotonic()
            if wait <= 0:
                return turn
            self._timing.sleep(wait)
        return INTERRUPTED

    def learn(self, turn: Turn, outcome: Outcome) -> None:
        """Adapt the speed to what became of a call. One that was let through before the last slowdown says nothing
        about the speed since: so a burst of 429s is one slowdown, and its late successes speed nothing up."""
        with self._lock:
            if turn.era != self._era:
                return
            if is_throttled(outcome):
                self._speed = self._speed.slowed()
                self._era += 1
                self._next = max(self._held, self._timing.monotonic() + self._speed.interval)
            elif isinstance(outcome, Answer) and outcome.success:
                self._speed = self._speed.sped_up()

    def hold(self, seconds: float) -> None:
        """Nobody sends for so long. Of several holds the one that ends last counts: they do not add up."""
        with self._lock:
            self._held = max(self._held, self._timing.monotonic() + seconds)
            self._next = max(self._next, self._held)

    def _turn(self, turn: Turn | None, until: float) -> Turn | None:
        """The same turn as long as it stands, another one where a 429 came after it was given."""
        with self._lock:
            if turn is not None and turn.era == self._era and turn.at >= self._held:
                return turn
            at = max(self._next, self._timing.monotonic())
            if at > until:
                return None  # and no place is taken, so that who gives up delays nobody
            self._next = at + self._speed.interval
            return Turn(at, self._era)
