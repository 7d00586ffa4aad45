"""One call and what came back, as values; and the ports that the logic around a call is written against.

The dates of HTTP. Pure.

How long a call may take, and how long its effect may stay unseen. The only place of these values.

Two assumptions stand behind "no effect": no request takes effect later than ``attempt`` after it was sent, and a list
shows a create at most ``lag`` later. Tests set shorter ones; there is no option.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from provisioner.service.origin import Origin

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


_YEARS = range(1970, 9000)
"""Of a clock: beyond the first and the last years that there are nothing could be added or taken away."""


def http_date(text: str) -> datetime | None:
    """A time in UTC; None for what is no date, or none that there can be."""
    with suppress(TypeError, ValueError, OverflowError):
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    return None


def clock_date(text: str) -> datetime | None:
    """The same of what a clock says now; None for what none can say."""
    date = http_date(text)
    return date if date and date.year in _YEARS else None


@dataclass(frozen=True, slots=True)
class HttpRequest:
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
class HttpResponse:
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
class NoResponse:
    """No answer. ``sent`` is False only where it is certain that no byte of the request reached the service."""

    sent: bool
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class HeldBack(NoResponse):
    """We did not send the call. It is not tried again, and an earlier attempt of it stands as it is."""


INTERRUPTED = HeldBack(False, "interrupted before it was sent", "Run again.")

HttpOutcome: TypeAlias = HttpResponse | NoResponse


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

    def send(self, call: HttpRequest) -> HttpOutcome: ...


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
