"""One call and what came back, as values; and the ports that the logic around a call is written against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from provisioner.service.deadlines import REAL
from provisioner.service.origin import Origin


@dataclass(frozen=True, slots=True)
class Call:
    """A request to send. ``path`` starts with ``/`` and carries the query, encoded. ``json`` and ``form`` exclude
    each other. ``within`` is the seconds that one attempt may take, from connecting to the last byte of the answer.
    What could hold a secret is left out of the representation."""

    method: str
    origin: Origin
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    bearer: str = field(default="", repr=False)
    within: float = REAL.attempt


NOT_JSON = "the body is not JSON"
"""The defect of an answer that came whole and is something else."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose status line arrived.

    ``body`` is the JSON that was read, or None. ``defect`` says why there is none although bytes were announced or
    came ("" otherwise): the body was cut, too large, or not JSON; ``text`` then holds its beginning.
    ``headers`` have lower-case names. ``date`` is the server's ``Date``.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: Any = field(default=None, repr=False)
    date: datetime | None = None
    text: str = field(default="", repr=False)
    defect: str = ""

    @property
    def success(self) -> bool:
        """A 2xx that can be read to its end. An empty body can be."""
        return 200 <= self.status <= 299 and not self.defect

    @property
    def request_id(self) -> str:
        """What to quote to Adobe's support. In a header (assumed), or in the ``report`` of an error (documented)."""
        report = self.body.get("report") if isinstance(self.body, Mapping) else None
        reported = report.get("request-id") if isinstance(report, Mapping) else None
        raw = self.headers.get("x-request-id") or reported
        usable = isinstance(raw, str) and raw.isascii() and raw.isprintable() and len(raw) <= 128
        return raw if isinstance(raw, str) and usable else ""


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. ``sent`` is False only where it is certain that no byte of the request reached the service."""

    sent: bool
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class HeldBack(Failure):
    """We did not send the call. It is not tried again, and an earlier attempt of it stands as it is."""


INTERRUPTED = HeldBack(False, "interrupted before it was sent", "Run again.")

Outcome: TypeAlias = Answer | Failure


@dataclass(frozen=True, slots=True)
class CallLog:
    """One line of ``--verbose``: no header, no body. ``status`` is 0, and ``note`` says why, without an answer."""

    method: str
    host: str
    path: str
    status: int
    seconds: float
    request_id: str = ""
    note: str = ""


Log: TypeAlias = Callable[[CallLog], None]


class Transport(Protocol):
    """Sends one call once: no repetition, no redirect. Never raises for what a network or a server can do."""

    def send(self, call: Call) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks and the dice. ``monotonic`` in seconds, ``now`` aware, ``random`` in [0, 1).

    ``stopped``: the user wants an end. Nothing is sent from then on, and ``sleep`` returns early. ``waiting`` encloses
    each wait for the service or the network: seconds, why, and the seconds that the call has taken already.
    """

    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    stopped: Callable[[], bool] = lambda: False
    waiting: Callable[[float, str, float], AbstractContextManager[None]] = lambda *_: nullcontext()
