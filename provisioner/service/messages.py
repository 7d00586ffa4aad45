"""Requests, responses and deadlines as values, and the ports that the logic around a call is written against. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from provisioner.service.origin import Origin


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a call may take and how long its effect may stay unseen, in seconds.

    ``attempt``: for one attempt of a call, from connecting to the last byte of its response; longer than the gateway's
    own 60 s (documented for a sibling service). No request takes effect later than that after it was sent (assumed:
    late-effect). ``lag``: how long a list may lag behind a create (assumed: list-lag).

    "No effect" rests on both. Tests set shorter ones; there is no option.
    """

    attempt: float
    lag: float

    @property
    def settled(self) -> float:
        """Seconds after which a call whose result nobody sees had no effect."""
        return self.attempt + self.lag


REMOTE = Deadlines(90.0, 75.0)
LOOPBACK = Deadlines(3.0, 3.0)

DATABASE_TIMEOUT = 90.0
"""Seconds for one attempt of a call that only reads but waits for a database: ``/test`` and ``/explore``."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to send.

    ``path`` starts with ``/`` and includes the encoded query. ``json`` and ``form`` exclude each other. ``within`` is
    the seconds that one attempt may take, from connecting to the last byte of the response. Fields that could hold a
    secret are left out of the representation.
    """

    method: str
    origin: Origin
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    bearer: str = field(default="", repr=False)
    within: float = REMOTE.attempt


REQUEST_ID = "x-request-id"
"""The header with the request id (assumed: request-id-header)."""

NOT_JSON = "the body is not JSON"
"""``HttpResponse.defect`` of a body that arrived whole and is not JSON."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of the other side of a TLS connection: who issued it, and the version of TLS."""

    issuer: str
    protocol: str


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response whose status line arrived.

    ``headers`` have lower-case names. ``body`` is the parsed JSON, or None. ``defect`` says why there is none although
    bytes were announced or received ("" otherwise): the body was cut, too large, or not JSON; ``text`` then holds its
    beginning. ``date`` is the server's ``Date``; ``certificate`` is None for plain HTTP.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: Any = field(default=None, repr=False)
    date: datetime | None = None
    text: str = field(default="", repr=False)
    defect: str = ""
    certificate: Certificate | None = None

    @property
    def success(self) -> bool:
        """True for a 2xx whose body, which may be empty, was read completely."""
        return 200 <= self.status <= 299 and not self.defect

    @property
    def request_id(self) -> str:
        """The id to quote to Adobe's support: from a header, or the ``report`` of an error (documented)."""
        report = self.body.get("report") if isinstance(self.body, Mapping) else None
        reported = report.get("request-id") if isinstance(report, Mapping) else None
        raw = self.headers.get(REQUEST_ID) or reported
        usable = isinstance(raw, str) and raw.isascii() and raw.isprintable() and len(raw) <= 128
        return raw if isinstance(raw, str) and usable else ""


@dataclass(frozen=True, slots=True)
class NoResponse:
    """A call without a response. ``sent`` is False only if certainly no byte of the request reached the service."""

    sent: bool
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class HeldBack(NoResponse):
    """A call that was deliberately not sent. It is not retried, and the result of an earlier attempt stands."""


INTERRUPTED = HeldBack(False, "interrupted before it was sent", "run again")

HttpOutcome: TypeAlias = HttpResponse | NoResponse


class Transport(Protocol):
    """Sends a request once: no retry, no redirect. Never raises for what a network or a server can do."""

    def send(self, request: HttpRequest) -> HttpOutcome: ...


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks, and the source of randomness.

    ``monotonic`` is in seconds, ``now`` timezone-aware, ``random`` in [0, 1). Once ``stopped`` returns True, because
    the user asked for it, nothing is sent any more and ``sleep`` returns early. ``waiting`` encloses each wait for the
    service or the network; its arguments are the seconds, the reason, the seconds that the call has taken so far, and
    the id of the request that was answered, "" if there is none.
    """

    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    stopped: Callable[[], bool] = lambda: False
    waiting: Callable[[float, str, float, str], AbstractContextManager[None]] = lambda *_: nullcontext()


@dataclass(frozen=True, slots=True)
class CallLog:
    """One attempt of a call: no headers, no bodies. Without a response ``status`` is 0 and ``note`` says why.

    ``started`` is by this machine's clock, in UTC.
    """

    started: datetime
    method: str
    host: str
    path: str
    status: int
    seconds: float
    request_id: str = ""
    note: str = ""


Log: TypeAlias = Callable[[CallLog], None]

_PLAUSIBLE_YEARS = range(1970, 9000)
"""Years of a clock: close to the limits of ``datetime``, adding or subtracting time would overflow."""


def http_date(text: str) -> datetime | None:
    """Return an HTTP date in UTC; None for anything else, and for a date outside of ``datetime``'s range."""
    with suppress(TypeError, ValueError, OverflowError):
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    return None


def clock_date(text: str) -> datetime | None:
    """Return an HTTP date that a clock may show now; None for anything else."""
    date = http_date(text)
    return date if date and date.year in _PLAUSIBLE_YEARS else None
