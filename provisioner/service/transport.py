"""The only user of ``requests``. One call, once: no repetition, no redirect, nothing kept but connections.

Users of ``requests`` find what they expect: proxies and REQUESTS_CA_BUNDLE from the environment. Three things differ:
``.netrc`` is never read, cookies are never kept, and no proxy is used towards loopback.

Which variable names the proxy towards an address, and why what it says cannot be used. Pure.

``requests`` refuses such a value before it connects, in words that quote it; it may hold a password.

Error answers without what repeats a secret: a service may quote the request that it refuses.
"""

from __future__ import annotations

import json
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter

from provisioner.service.attempt import Attempt, watched
from provisioner.service.error_responses import WITHHELD
from provisioner.service.http import (
    NOT_JSON,
    CallLog,
    HeldBack,
    HttpOutcome,
    HttpRequest,
    HttpResponse,
    Log,
    NoResponse,
    Timing,
    Transport,
    clock_date,
)
from provisioner.service.origin import Origin

_CONNECT = 10.0
"""Seconds to wait for the other side at each step of connecting, within the deadline of the attempt."""

_CHECK_NETWORK = "Check the network, the endpoint and the proxy settings."
_CHUNK = 8 * 1024
_TEXT = 2000


def real_timing(interrupted: threading.Event | None = None) -> Timing:
    """The clocks of this machine. Once ``interrupted`` is set every wait ends, and no call is begun."""
    event = interrupted or threading.Event()

    def sleep(seconds: float) -> None:
        event.wait(seconds)

    return Timing(time.monotonic, lambda: datetime.now(UTC), sleep, random.SystemRandom().random, event.is_set)


class _Adapter(HTTPAdapter):
    """Its connections tell the attempt of their thread how far they have come."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        if not known:
            _watch(manager)
        return manager


def _watch(manager: Any) -> None:
    classes = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: watched(pool) for scheme, pool in classes.items()}


class HttpTransport:
    """``Transport`` over real sockets, for any number of threads.

    Reads share a session in each thread, which ends with the first answer that is not plain. A write has a connection
    of its own: no late bytes of another answer are taken for the answer to it, or those of its own for the next one,
    and it never meets a connection that is about to be closed. ``largest`` bounds an answer's body, in bytes;
    ``environ`` names the variables of proxies and certificates, which ``requests`` reads by itself.
    """

    def __init__(
        self,
        timing: Timing,
        log: Log = lambda _: None,
        environ: Mapping[str, str] = MappingProxyType({}),
        *,
        largest: int = 32 * 1024 * 1024,
    ) -> None:
        self._timing = timing
        self._log = log
        self._environ = environ
        self._largest = largest
        self._local = threading.local()
        self._sessions: set[requests.Session] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads. No call may be under way."""
        with self._lock:
            sessions, self._sessions = self._sessions, set()
            self._local = threading.local()
        for session in sessions:
            session.close()

    def send(self, call: HttpRequest) -> HttpOutcome:
        """One request, one outcome; logged."""
        started = self._timing.monotonic()
        outcome = self._send(call)
        self._log(_log_line(call, outcome, self._timing.monotonic() - started))
        return outcome

    def _send(self, call: HttpRequest) -> HttpOutcome:
        """Whatever is raised: before the request began to leave it had no effect, afterwards that is unknown."""
        attempt = Attempt(call.within)
        try:
            request = _prepared(call)
            with attempt:
                if call.method == "GET":
                    outcome = self._exchange(self._session(), call, request, attempt)
                else:
                    with _new_session() as session:
                        outcome = self._exchange(session, call, request, attempt)
        except Exception as error:
            self._end_session()
            return explained(error, attempt, call.origin, self._environ)
        if attempt.odd or not _is_plain(outcome):
            self._end_session()
        return outcome

    def _exchange(
        self, session: requests.Session, call: HttpRequest, request: requests.PreparedRequest, attempt: Attempt
    ) -> HttpResponse:
        """Through the adapter alone: a session would parse where a redirect leads, and read its body."""
        url = str(request.url)
        proxies = {"no_proxy": call.origin.host.strip("[]")} if call.origin.loopback else {}
        settings: Any = session.merge_environment_settings(url, proxies, True, None, None)
        timeouts = (min(_CONNECT, call.within), call.within)
        with session.get_adapter(url).send(request, timeout=timeouts, **settings) as response:
            return self._read(response, attempt)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _new_session()
            with self._lock:
                self._sessions.add(session)
        return session

    def _end_session(self) -> None:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is not None:
            self._local.session = None
            with self._lock:
                self._sessions.discard(session)
            session.close()

    def _read(self, response: requests.Response, attempt: Attempt) -> HttpResponse:
        headers = {name.lower(): value for name, value in response.headers.items()}
        date = clock_date(headers.get("date", ""))
        if not _has_body(response.status_code):
            return HttpResponse(response.status_code, headers, date=date)
        raw, defect = self._body(response)
        if attempt.late:
            defect = "the body did not end in time"
        body, unreadable = (None, "") if defect or not raw else parse_json(raw)
        defect = defect or unreadable
        text = raw[:_TEXT].decode("utf-8", "replace") if defect else ""
        return HttpResponse(response.status_code, headers, body, date, text, defect)

    def _body(self, response: requests.Response) -> tuple[bytes, str]:
        """The bytes and what is wrong with them. The status is known already, so a broken body is no failure."""
        parts = bytearray()
        try:
            for part in response.iter_content(_CHUNK):
                parts += part
                if len(parts) > self._largest:
                    return bytes(parts), f"the body is larger than {self._largest} bytes"
        except Exception:
            return bytes(parts), "the body was cut"
        return bytes(parts), ""


def _new_session() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


def _prepared(call: HttpRequest) -> requests.PreparedRequest:
    """Without a session, which would ask ``.netrc`` and add cookies."""
    headers = {**requests.utils.default_headers(), **call.headers}
    if call.bearer:
        headers["Authorization"] = f"Bearer {call.bearer}"
    url = f"{call.origin}{call.path}"
    return requests.Request(call.method, url, headers, data=call.form, json=call.json).prepare()


def _has_body(status: int) -> bool:
    """Neither an interim answer nor a redirect has one that says anything."""
    return 200 <= status <= 299 or status >= 400


def _is_plain(answer: HttpResponse) -> bool:
    """Nothing about it is unusual. After an interim answer the real one would be read as that to the next request."""
    return _has_body(answer.status) and answer.status <= 599 and not answer.defect


def parse_json(raw: bytes) -> tuple[Any, str]:
    """The value, or None and what is wrong. The content type is not asked: what parses is JSON."""
    try:
        return json.loads(raw), ""
    except (ValueError, RecursionError):
        return None, NOT_JSON


def explained(error: BaseException, attempt: Attempt, origin: Origin, environ: Mapping[str, str]) -> NoResponse:
    """What was raised, in words. Its type chooses the words and nothing else."""
    if attempt.left:
        return NoResponse(True, "no answer came in time" if attempt.late else _broken(error))
    if attempt.late:
        return NoResponse(False, "no connection came about in time", _CHECK_NETWORK)
    return _not_sent(error, origin, environ)


def _broken(error: BaseException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer came in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the TLS connection failed"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "the connection broke before the answer was complete"
    return "the answer cannot be read"


def _not_sent(error: BaseException, origin: Origin, environ: Mapping[str, str]) -> NoResponse:
    chain = tuple(_chain(error))
    names = {base.__name__ for link in chain for base in type(link).__mro__}
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
        remedy = "If a proxy inspects TLS, name its certificate authority in REQUESTS_CA_BUNDLE."
        return NoResponse(False, "the server's certificate cannot be verified", remedy)
    if "NewConnectionError" in names or "ConnectTimeoutError" in names:
        return _not_connected(names, origin, environ)
    if any(isinstance(link, OSError) and str(link).startswith("Tunnel connection failed") for link in chain):
        proxy = variable(origin, environ) or "the proxy settings"
        return NoResponse(False, "the proxy refused the connection", f"Check {proxy} and its credentials.")
    if isinstance(error, requests.exceptions.SSLError):
        return NoResponse(False, "the TLS connection failed", "Check the endpoint, the proxy and REQUESTS_CA_BUNDLE.")
    if isinstance(error, requests.ConnectionError):
        return NoResponse(False, "the connection broke before the request was sent", _CHECK_NETWORK)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return _no_certificates(error, environ)
    return _not_begun(error, origin, environ)


def _not_connected(names: set[str], origin: Origin, environ: Mapping[str, str]) -> NoResponse:
    proxy = variable(origin, environ) if "ProxyError" in names else ""
    peer = "the proxy" if "ProxyError" in names else "the service"
    remedy = f"Check {proxy} and the network." if proxy else _CHECK_NETWORK
    if "gaierror" in names or "NameResolutionError" in names:
        return NoResponse(False, f"the host name of {peer} cannot be resolved", remedy)
    if "ConnectionRefusedError" not in names:
        return NoResponse(False, f"no connection to {peer}", remedy)
    remedy = "Check the endpoint: is `provisioner emulator` running?" if origin.loopback else remedy
    return NoResponse(False, f"no connection to {peer}: refused", remedy)


def _no_certificates(error: OSError, environ: Mapping[str, str]) -> NoResponse:
    """A file that is not there is told by ``requests`` itself, without an error number, and stays away."""
    if error.errno is not None:
        return NoResponse(False, f"the request cannot be sent: {error.strerror}", _CHECK_NETWORK)
    reason = "the file of trusted certificates cannot be read"
    name = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if environ.get(name)), "")
    return HeldBack(False, f"{name}: {reason}" if name else reason, f"Check {name or 'REQUESTS_CA_BUNDLE'}.")


def _not_begun(error: BaseException, origin: Origin, environ: Mapping[str, str]) -> HeldBack:
    """Whatever is refused before a connection is looked for would be refused again."""
    name = variable(origin, environ)
    reason, remedy = objection(environ[name]) if name else ("", "")
    if reason:
        return HeldBack(False, f"{name}: {reason}", remedy)
    check = f"Check the endpoint and {name or 'the proxy settings'}."
    return HeldBack(False, f"the request cannot be sent ({type(error).__name__})", check)


def _chain(error: BaseException | None, depth: int = 8) -> Iterator[BaseException]:
    """The error and everything it wraps; both libraries do so in several ways."""
    if error is None or depth == 0:
        return
    yield error
    wrapped = (error.__cause__, getattr(error, "reason", None), getattr(error, "original_error", None), *error.args)
    for inner in wrapped:
        if isinstance(inner, BaseException):
            yield from _chain(inner, depth - 1)


def _log_line(call: HttpRequest, outcome: HttpOutcome, seconds: float) -> CallLog:
    where = (call.method, call.origin.host, call.path)
    if isinstance(outcome, HttpResponse):
        return CallLog(*where, outcome.status, seconds, outcome.request_id, outcome.defect)
    return CallLog(*where, 0, seconds, note=outcome.reason)


_AUTHORITY = re.compile(r"(?:(?P<scheme>[^:/@]*)://)?(?:(?P<login>.*)@)?(?P<server>[^/?#]*)", re.DOTALL)
"""``SCHEME://LOGIN@SERVER``. The last ``@`` ends the login, so that what it holds unencoded is seen as a part of it."""

_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>.*))?", re.DOTALL)
_BREAKS_A_LOGIN = "#/?[]"


def variable(origin: Origin, environ: Mapping[str, str]) -> str:
    """Return the name of the variable whose proxy is used towards ``origin``; "" where there is none."""
    exempt = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").replace(" ", "").split(",")
    domains = tuple(f".{each.lstrip('.')}" for each in exempt if each)
    if origin.loopback or ".*" in domains or f".{origin.host}".endswith(domains):
        return ""
    names = (f"{origin.scheme}_proxy", f"{origin.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name)), "")


def objection(proxy: str) -> tuple[str, str]:
    """Return what is wrong with the URL of a proxy, and what to do; two empty texts where nothing is known to be."""
    if any(char.isspace() or not char.isprintable() for char in proxy):
        return "it holds a blank or a character that is not seen", "Remove it."
    parts = _AUTHORITY.match(proxy)
    scheme, login, server = (parts["scheme"], parts["login"] or "", parts["server"]) if parts else (None, "", "")
    if scheme and scheme.lower().startswith("socks"):
        return "SOCKS is not supported without PySocks", "Install `PySocks`, or name an HTTP proxy there."
    if scheme is not None and scheme.lower() not in ("http", "https"):
        return "its scheme is neither http nor https", "Write it as http://HOST:PORT."
    for char in _BREAKS_A_LOGIN:
        if char in login:
            return f"its user name or password holds `{char}`", f"Write %{ord(char):02X} for it."
    if not login.isascii():
        return "its user name or password holds letters that no header can carry", "Write them as %XX, of UTF-8."
    return _of_server(server)


def _of_server(server: str) -> tuple[str, str]:
    parts = _SERVER.fullmatch(server)
    port = parts["port"] if parts else None
    if port and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        return "its port is not a number from 0 to 65535", "Write it as http://HOST:PORT."
    if parts is None or not parts["host"] or "" in parts["host"].rstrip(".").split("."):
        return "it has no host, or one that cannot be a host's name", "Write it as http://HOST:PORT."
    return "", ""


@dataclass(frozen=True, slots=True)
class RedactingTransport:
    """A transport whose error answers repeat nothing that ``repeats`` knows; codes and what else is harmless stay."""

    transport: Transport
    repeats: Callable[[str], bool]

    def send(self, call: HttpRequest) -> HttpOutcome:
        outcome = self.transport.send(call)
        if not isinstance(outcome, HttpResponse) or outcome.status < 400 or not isinstance(outcome.body, dict):
            return outcome
        return replace(outcome, body={name: self._fit(value) for name, value in outcome.body.items()})

    def _fit(self, value: object) -> object:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return WITHHELD if self.repeats(text) else value
