"""How long a call may take, and how long its effect may stay unseen. The only place of these values.

Two assumptions stand behind "no effect": no request takes effect later than ``attempt`` after it was sent, and a list
shows a create at most ``lag`` later. Tests set shorter ones; there is no option.
"""

from __future__ import annotations

from dataclasses import dataclass

LOOKING = 90.0
"""Seconds for one attempt of what changes nothing and waits for a database: ``/test`` and ``/explore``."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. ``attempt``: for one attempt of any other call, from connecting to the last byte of its answer; it lies
    above the gateway's own 60 s (documented for a sibling service). ``lag``: how long a list may lag behind a create
    (assumed)."""

    attempt: float
    lag: float

    @property
    def settled(self) -> float:
        """Seconds after which a call that nobody sees a result of had no effect."""
        return self.attempt + self.lag


REAL = Deadlines(90.0, 75.0)
LOOPBACK = Deadlines(3.0, 3.0)
