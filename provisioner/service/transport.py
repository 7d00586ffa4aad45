"""The only user of ``requests``. One call, once: no repetition, no redirect, nothing kept but connections.

Users of ``requests`` find what they expect: proxies and REQUESTS_CA_BUNDLE from the environment. Three things differ:
``.netrc`` is never read, cookies are never kept, and no proxy is used towards loopback.
"""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self

import requests
from requests.auth import AuthBase

from provisioner.service.dates import clock_date
from provisioner.service.exchange import Answer, Call, CallLog, Failure, Log, Outcome, Timing

_PREPARING = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidJSONError,
)
"""Raised before a connection is looked for."""

_CONNECTING = frozenset({"NewConnectionError", "ConnectTimeoutError"})
"""Exceptions of urllib3, by name since it is not ours to import: no connection was made (refused, name not resolved,
no route, connect timeout)."""

_CHUNK = 8 * 1024
_TEXT = 2000


def real_timing(interrupted: threading.Event | None = None) -> Timing:
    """The clocks of this machine. Once ``interrupted`` is set every wait ends, and no call is begun."""
    event = interrupted or threading.Event()

    def sleep(seconds: float) -> None:
        event.wait(seconds)

    return Timing(time.monotonic, lambda: datetime.now(UTC), sleep, random.SystemRandom().random, event.is_set)


class _Bearer(AuthBase):
    """Sets the token, or nothing; being set at all it keeps ``requests`` from asking ``.netrc``."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class HttpTransport:
    """``Transport`` over real sockets, for any number of threads, each with a session of its own.

    Times in seconds: ``connect`` and ``read`` bound each wait for the network, ``whole`` an answer's body, looked at
    every 8 KiB; ``largest`` is in bytes. The read timeout lies above the gateway's own 60 s (documented for a
    sibling service).
    """

    def __init__(
        self,
        timing: Timing,
        log: Log = lambda _: None,
        *,
        connect: float = 10.0,
        read: float = 75.0,
        whole: float = 150.0,
        largest: int = 32 * 1024 * 1024,
    ) -> None:
        self._timing = timing
        self._log = log
        self._timeouts = (connect, read)
        self._whole = whole
        self._largest = largest
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads. No call may be under way."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
            self._local = threading.local()
        for session in sessions:
            session.close()

    def send(self, call: Call) -> Outcome:
        """One request, one outcome; logged."""
        started = self._timing.monotonic()
        outcome = self._send(call)
        self._log(_log_line(call, outcome, self._timing.monotonic() - started))
        return outcome

    def _send(self, call: Call) -> Outcome:
        try:
            response = self._request(call)
        except requests.RequestException as error:
            return classify(error)
        except OSError:
            return Failure(False, "the file of trusted certificates cannot be read", "Check REQUESTS_CA_BUNDLE.")
        with response:
            return self._read(response)

    def _request(self, call: Call) -> requests.Response:
        return self._session().request(
            call.method,
            f"{call.origin}{call.path}",
            headers=dict(call.headers),
            json=call.json,
            data=call.form,
            auth=_Bearer(call.bearer),
            timeout=self._timeouts,
            allow_redirects=False,
            stream=True,
            proxies={"no_proxy": call.origin.host.strip("[]")} if call.origin.loopback else None,
        )

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            self._local.session = session
            with self._lock:
                self._sessions.append(session)
        return session

    def _read(self, response: requests.Response) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        raw, defect = self._body(response)
        body, unreadable = (None, "") if defect or not raw else parse_json(raw)
        defect = defect or unreadable
        text = raw[:_TEXT].decode("utf-8", "replace") if defect else ""
        return Answer(response.status_code, headers, body, clock_date(headers.get("date", "")), text, defect)

    def _body(self, response: requests.Response) -> tuple[bytes, str]:
        """The bytes and what is wrong with them. The status is known already, so a broken body is no failure."""
        until = self._timing.monotonic() + self._whole
        parts = bytearray()
        try:
            for part in _chunks(response):
                parts += part
                if len(parts) > self._largest:
                    return bytes(parts), f"the body is larger than {self._largest} bytes"
                if self._timing.monotonic() > until:
                    return bytes(parts), "the body did not end in time"
        except (requests.RequestException, OSError):
            return bytes(parts), "the body was cut"
        return bytes(parts), ""


def _chunks(response: requests.Response) -> Iterator[bytes]:
    return response.iter_content(_CHUNK)


def parse_json(raw: bytes) -> tuple[Any, str]:
    """The value, or None and what is wrong. The content type is not asked: what parses is JSON."""
    try:
        return json.loads(raw), ""
    except (ValueError, RecursionError):
        return None, "the body is not JSON"


def classify(error: BaseException) -> Failure:
    """Whether the request certainly never left; the benefit of the doubt goes to "it may have had an effect".

    A ``ProxyError`` alone proves nothing: urllib3 also raises it when an established tunnel breaks after sending.
    """
    chain = tuple(_chain(error))
    if isinstance(error, _PREPARING):
        return Failure(False, "the request cannot be sent", "Check the endpoint and the proxy settings.")
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
        return Failure(
            False,
            "the server's certificate cannot be verified",
            "If a proxy inspects TLS, name its certificate authority in REQUESTS_CA_BUNDLE.",
        )
    proxy = any(type(link).__name__ == "ProxyError" for link in chain)
    if any(base.__name__ in _CONNECTING for link in chain for base in type(link).__mro__):
        return Failure(False, _not_connected(chain, proxy), "Check the network, the endpoint and the proxy settings.")
    if any(isinstance(link, OSError) and str(link).startswith("Tunnel connection failed") for link in chain):
        return Failure(False, "the proxy refused the connection", "Check HTTPS_PROXY and its credentials.")
    if isinstance(error, requests.Timeout):
        return Failure(True, "no answer came in time")
    if isinstance(error, requests.exceptions.SSLError):
        return Failure(True, "the TLS connection failed", "Check the endpoint, the proxy and REQUESTS_CA_BUNDLE.")
    return Failure(True, "the connection broke before the answer was complete")


def _not_connected(chain: tuple[BaseException, ...], proxy: bool) -> str:
    peer = "the proxy" if proxy else "the service"
    names = {base.__name__ for link in chain for base in type(link).__mro__}
    if "gaierror" in names or "NameResolutionError" in names:
        return f"the host name of {peer} cannot be resolved"
    return f"no connection to {peer}" + (": refused" if "ConnectionRefusedError" in names else "")


def _chain(error: BaseException | None, depth: int = 8) -> Iterator[BaseException]:
    """The error and everything it wraps; both libraries do so in several ways."""
    if error is None or depth == 0:
        return
    yield error
    wrapped = (error.__cause__, getattr(error, "reason", None), getattr(error, "original_error", None), *error.args)
    for inner in wrapped:
        if isinstance(inner, BaseException):
            yield from _chain(inner, depth - 1)


def _log_line(call: Call, outcome: Outcome, seconds: float) -> CallLog:
    where = (call.method, call.origin.host, call.path)
    if isinstance(outcome, Answer):
        return CallLog(*where, outcome.status, seconds, outcome.request_id, outcome.defect)
    return CallLog(*where, 0, seconds, note=outcome.reason)
