"""Sending one HTTP request over real sockets: no retry, no redirect. The only module that imports ``requests``.

Proxies and REQUESTS_CA_BUNDLE are read from the environment, as users of ``requests`` expect. Three things differ:
``.netrc`` is never read, cookies are never kept, and no proxy is used towards loopback.

It also explains failures of connections, proxies and certificates. ``requests`` refuses the URL of a proxy in messages
that quote it, password included, so the reasons are found here instead.
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

from provisioner import __version__
from provisioner.service.attempt import Attempt, watched
from provisioner.service.error_responses import WITHHELD
from provisioner.service.messages import (
    NOT_JSON,
    REQUEST_ID,
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

USER_AGENT = f"provisioner/{__version__} {requests.utils.default_user_agent()}"
"""Names us and our version in Adobe's logs, on every call of the Flow Service and of IMS.

Five headers are documented for calls: ``Authorization``, ``x-api-key``, ``x-gw-ims-org-id``, ``x-sandbox-name`` and
``Content-Type``. The service takes no notice of further ones, which every HTTP client sends (assumed: extra-headers).
An ``x-request-id`` of our own is not sent: it is documented for other APIs of Experience Platform only.
"""

_CONNECT_TIMEOUT = 10.0
"""Seconds to wait for the other side at each step of connecting, within the deadline of the attempt."""

_CHUNK = 8 * 1024
_MAX_TEXT = 2000
_CHECK_NETWORK = "check the network, the endpoint and the proxy settings"
_PROXY_FORM = "write it as http://HOST:PORT"


NOT_VERIFIED = "the server's certificate cannot be verified"
TLS_FAILED = "the TLS connection failed"
NO_CERTIFICATES = "the file of trusted certificates cannot be read"


def trust_variable(environ: Mapping[str, str]) -> str:
    """Return the variable that names the trusted certificates, as ``requests`` reads it; "" if it is none of them."""
    return next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if environ.get(name)), "")


def real_timing(interrupted: threading.Event | None = None) -> Timing:
    """Return the clocks of this machine. Once ``interrupted`` is set every wait ends, and no call is started."""
    event = interrupted or threading.Event()

    def sleep(seconds: float) -> None:
        event.wait(seconds)

    return Timing(time.monotonic, lambda: datetime.now(UTC), sleep, random.SystemRandom().random, event.is_set)


class HttpTransport:
    """``Transport`` over real sockets, for any number of threads.

    Reads share one session per thread, which is closed after the first unusual response. Each write has a connection of
    its own: late bytes of one response are never taken for another, and no write meets a connection that is about to be
    closed. ``largest`` bounds the body of a response, in bytes; ``environ`` holds the variables of proxies and
    certificates, which ``requests`` reads by itself.
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

    def send(self, request: HttpRequest) -> HttpOutcome:
        """Send one request, log it, and return its outcome."""
        now, started = self._timing.now(), self._timing.monotonic()
        outcome = self._send(request)
        seconds = self._timing.monotonic() - started
        target = (now, request.method, request.origin.host, request.path)
        if isinstance(outcome, HttpResponse):
            self._log(CallLog(*target, outcome.status, seconds, outcome.request_id, outcome.defect))
        else:
            self._log(CallLog(*target, 0, seconds, note=outcome.reason))
        return outcome

    def _send(self, request: HttpRequest) -> HttpOutcome:
        attempt = Attempt(request.within)
        try:
            prepared = _prepare(request)
            with attempt:
                if request.method == "GET":
                    outcome = self._exchange(self._session(), request, prepared, attempt)
                else:
                    with _new_session() as session:
                        outcome = self._exchange(session, request, prepared, attempt)
        except Exception as error:
            self._end_session()
            return explain_failure(error, attempt, request.origin, self._environ)
        # After an interim response the real one would be read as the response to the next request.
        usual = _has_body(outcome.status) and outcome.status <= 599 and not outcome.defect
        if attempt.odd or not usual:
            self._end_session()
        return outcome

    def _exchange(
        self, session: requests.Session, request: HttpRequest, prepared: requests.PreparedRequest, attempt: Attempt
    ) -> HttpResponse:
        """Send through the adapter alone: a session would parse the target of a redirect, and read its body."""
        url = str(prepared.url)
        proxies = {"no_proxy": request.origin.host.strip("[]")} if request.origin.loopback else {}
        settings: Any = session.merge_environment_settings(url, proxies, True, None, None)
        timeouts = (min(_CONNECT_TIMEOUT, request.within), request.within)
        with session.get_adapter(url).send(prepared, timeout=timeouts, **settings) as response:
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
        certificate = attempt.certificate
        if not _has_body(response.status_code):
            return HttpResponse(response.status_code, headers, date=date, certificate=certificate)
        raw, defect = self._read_body(response)
        if attempt.late:
            defect = "the body did not end in time"
        body, parse_defect = (None, "") if defect or not raw else parse_json(raw)
        defect = defect or parse_defect
        text = raw[:_MAX_TEXT].decode("utf-8", "replace") if defect else ""
        return HttpResponse(response.status_code, headers, body, date, text, defect, certificate)

    def _read_body(self, response: requests.Response) -> tuple[bytes, str]:
        """Return the bytes and their defect. The status is known already, so a broken body is no failure."""
        chunks = bytearray()
        try:
            for chunk in response.iter_content(_CHUNK):
                chunks += chunk
                if len(chunks) > self._largest:
                    return bytes(chunks), f"the body is larger than {self._largest} bytes"
        except Exception:
            return bytes(chunks), "the body was cut"
        return bytes(chunks), ""


@dataclass(frozen=True, slots=True)
class RedactingTransport:
    """A transport that withholds texts of error responses for which ``repeats`` is true: a service may quote the
    request that it refuses. Codes and harmless texts stay. A request id that repeats a value is withheld everywhere:
    errors quote it."""

    transport: Transport
    repeats: Callable[[str], bool]

    def send(self, request: HttpRequest) -> HttpOutcome:
        outcome = self.transport.send(request)
        if not isinstance(outcome, HttpResponse):
            return outcome
        if self.repeats(outcome.headers.get(REQUEST_ID, "")):
            headers = {name: value for name, value in outcome.headers.items() if name != REQUEST_ID}
            outcome = replace(outcome, headers=headers)
        if outcome.status < 400 or not isinstance(outcome.body, dict):
            return outcome
        body = {}
        for name, value in outcome.body.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            body[name] = WITHHELD if self.repeats(text) else value
        return replace(outcome, body=body)


class _WatchedAdapter(HTTPAdapter):
    """An adapter whose connections report to the attempt of their thread."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        if not known:
            self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        classes = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: watched(pool) for scheme, pool in classes.items()}


def _new_session() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _WatchedAdapter())
    return session


def _prepare(request: HttpRequest) -> requests.PreparedRequest:
    """Prepare a request without a session, which would read ``.netrc`` and add cookies."""
    headers = {**requests.utils.default_headers(), "User-Agent": USER_AGENT, **request.headers}
    if request.bearer:
        headers["Authorization"] = f"Bearer {request.bearer}"
    url = f"{request.origin}{request.path}"
    return requests.Request(request.method, url, headers, data=request.form, json=request.json).prepare()


def _has_body(status: int) -> bool:
    """Return False for interim responses and redirects, whose bodies are not read."""
    return 200 <= status <= 299 or status >= 400


def parse_json(raw: bytes) -> tuple[Any, str]:
    """Return the value and "", or None and the defect. The content type is ignored: what parses is JSON."""
    try:
        return json.loads(raw), ""
    except (ValueError, RecursionError):
        return None, NOT_JSON


def explain_failure(error: BaseException, attempt: Attempt, origin: Origin, environ: Mapping[str, str]) -> NoResponse:
    """Return the outcome of an attempt that raised ``error``.

    Before the request began to leave it had no effect; afterwards that is unknown. The type of the error decides the
    message only.
    """
    if attempt.left:
        return NoResponse(True, "no response came in time" if attempt.late else _reason_while_reading(error))
    if attempt.late:
        return NoResponse(False, "no connection was made in time", _CHECK_NETWORK)
    return _explain_not_sent(error, origin, environ)


def _reason_while_reading(error: BaseException) -> str:
    if isinstance(error, requests.Timeout):
        return "no response came in time"
    if isinstance(error, requests.exceptions.SSLError):
        return TLS_FAILED
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "the connection broke before the response was complete"
    return "the response cannot be read"


def _explain_not_sent(error: BaseException, origin: Origin, environ: Mapping[str, str]) -> NoResponse:
    chain = tuple(_causes(error))
    type_names = {base.__name__ for cause in chain for base in type(cause).__mro__}
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        remedy = "if a proxy inspects TLS, name its certificate authority in REQUESTS_CA_BUNDLE"
        return NoResponse(False, NOT_VERIFIED, remedy)
    if "NewConnectionError" in type_names or "ConnectTimeoutError" in type_names:
        return _explain_not_connected(type_names, origin, environ)
    if any(isinstance(cause, OSError) and str(cause).startswith("Tunnel connection failed") for cause in chain):
        proxy = proxy_variable(origin, environ) or "the proxy settings"
        return NoResponse(False, "the proxy refused the connection", f"check {proxy} and its credentials")
    if isinstance(error, requests.exceptions.SSLError):
        return NoResponse(False, TLS_FAILED, "check the endpoint, the proxy and REQUESTS_CA_BUNDLE")
    if isinstance(error, requests.ConnectionError):
        return NoResponse(False, "the connection broke before the request was sent", _CHECK_NETWORK)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        if error.errno is not None:
            return NoResponse(False, f"the request cannot be sent: {error.strerror}", _CHECK_NETWORK)
        # ``requests`` itself reports a missing file of certificates, without an error number. It stays missing.
        name = trust_variable(environ)
        reason = f"{name}: {NO_CERTIFICATES}" if name else NO_CERTIFICATES
        return HeldBack(False, reason, f"check {name or 'REQUESTS_CA_BUNDLE'}")
    # Anything that is refused before a connection is looked for would be refused again.
    name = proxy_variable(origin, environ)
    reason, remedy = proxy_problem(environ[name]) if name else ("", "")
    if reason:
        return HeldBack(False, f"{name}: {reason}", remedy)
    remedy = f"check the endpoint and {name or 'the proxy settings'}"
    return HeldBack(False, f"the request cannot be sent ({type(error).__name__})", remedy)


def _explain_not_connected(type_names: set[str], origin: Origin, environ: Mapping[str, str]) -> NoResponse:
    proxy = proxy_variable(origin, environ) if "ProxyError" in type_names else ""
    peer = "the proxy" if "ProxyError" in type_names else "the service"
    remedy = f"check {proxy} and the network" if proxy else _CHECK_NETWORK
    if "gaierror" in type_names or "NameResolutionError" in type_names:
        return NoResponse(False, f"the host name of {peer} cannot be resolved", remedy)
    if "ConnectionRefusedError" not in type_names:
        return NoResponse(False, f"no connection to {peer}", remedy)
    remedy = "check the endpoint: is `provisioner emulator` running?" if origin.loopback else remedy
    by_proxy = " by the proxy" if "ProxyError" in type_names else ""
    return NoResponse(False, f"connection refused{by_proxy}", remedy)


def _causes(error: BaseException | None, depth: int = 8) -> Iterator[BaseException]:
    """Yield the error and everything it wraps; ``requests`` and ``urllib3`` wrap errors in several ways."""
    if error is None or depth == 0:
        return
    yield error
    wrapped = (error.__cause__, getattr(error, "reason", None), getattr(error, "original_error", None), *error.args)
    for inner in wrapped:
        if isinstance(inner, BaseException):
            yield from _causes(inner, depth - 1)


_PROXY_URL = re.compile(r"(?:(?P<scheme>[^:/@]*)://)?(?:(?P<login>.*)@)?(?P<server>[^/?#]*)", re.DOTALL)
"""``SCHEME://LOGIN@SERVER``. The last ``@`` ends the login, so that its unencoded characters are seen as part of it."""

_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>.*))?", re.DOTALL)
_NOT_ALLOWED_IN_LOGIN = "#/?[]"


def proxy_variable(origin: Origin, environ: Mapping[str, str]) -> str:
    """Return the name of the variable whose proxy is used towards ``origin``; "" if there is none."""
    exempt = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").replace(" ", "").split(",")
    domains = tuple(f".{domain.lstrip('.')}" for domain in exempt if domain)
    if origin.loopback or ".*" in domains or f".{origin.host}".endswith(domains):
        return ""
    names = (f"{origin.scheme}_proxy", f"{origin.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name)), "")


def proxy_problem(proxy: str) -> tuple[str, str]:
    """Return the problem of a proxy's URL, without quoting it, and the remedy; two empty texts if none is known."""
    if any(char.isspace() or not char.isprintable() for char in proxy):
        return "it holds a blank or an invisible character", "remove it"
    match = _PROXY_URL.match(proxy)
    scheme, login, server = (match["scheme"], match["login"] or "", match["server"]) if match else (None, "", "")
    if scheme and scheme.lower().startswith("socks"):
        return "SOCKS is not supported without PySocks", "install `PySocks`, or set it to an HTTP proxy"
    if scheme is not None and scheme.lower() not in ("http", "https"):
        return "its scheme is neither http nor https", _PROXY_FORM
    for char in _NOT_ALLOWED_IN_LOGIN:
        if char in login:
            return f"its user name or password holds `{char}`", f"write it as %{ord(char):02X}"
    if not login.isascii():
        return "its user name or password holds letters that no header can carry", "write them as %XX, of UTF-8"
    match = _SERVER.fullmatch(server)
    port = match["port"] if match else None
    if port and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        return "its port is not a number from 0 to 65535", _PROXY_FORM
    if match is None or not match["host"] or "" in match["host"].rstrip(".").split("."):
        return "it has no valid host", _PROXY_FORM
    return "", ""
