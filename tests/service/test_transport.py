"""The transport: requests as sent, responses as read, and above all failures.

Real sockets where a socket can do it; for the rest, the exceptions of the libraries, raised at each place.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError, ProtocolError

from provisioner import __version__
from provisioner.service import transport as module
from provisioner.service.attempt import Attempt
from provisioner.service.messages import CallLog, HeldBack, HttpOutcome, HttpRequest, HttpResponse, NoResponse
from provisioner.service.origin import Origin, check_origin
from provisioner.service.transport import HttpTransport, explain_failure, real_timing

from .fakes import ADOBE
from .sockets import answering, dripping, impolite, resetting, saying, waiting


@pytest.fixture
def log() -> list[CallLog]:
    return []


@pytest.fixture
def transport(log: list[CallLog]) -> Iterator[HttpTransport]:
    with HttpTransport(real_timing(), log.append, os.environ, largest=100_000) as opened:
        yield opened


def here(port: int) -> Origin:
    return check_origin(f"http://127.0.0.1:{port}")


def post(port: int, **fields: Any) -> HttpRequest:
    return HttpRequest("POST", here(port), "/x", json={"name": "é"}, **fields)


# --- what is sent


def head(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


OF_HTTP = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"}


def test_headers_of_a_call_are_the_given_ones_and_what_http_adds(transport: HttpTransport) -> None:
    given = {"x-api-key": "key", "x-gw-ims-org-id": "org@AdobeOrg", "x-sandbox-name": "prod", "If-Match": '"a"'}
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(post(server.port, headers=given, bearer="tok"))
        transport.send(HttpRequest("GET", here(server.port), "/x?a=%22b%20c%22", headers=given, bearer="tok"))
        transport.send(HttpRequest("DELETE", here(server.port), "/x", headers=given, bearer="tok"))
    documented = {name.lower(): value for name, value in given.items()} | {"authorization": "Bearer tok"}
    sent = [{n: v for n, v in head(request).items() if n not in OF_HTTP} for request in server.requests]
    assert sent == [documented | {"content-type": "application/json"}, documented, documented]
    agents = {head(request)["user-agent"] for request in server.requests}
    assert agents == {f"provisioner/{__version__} python-requests/{requests.__version__}"}
    assert server.requests[0].startswith(b"POST /x HTTP/1.1\r\n")
    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == {"name": "é"}
    assert server.requests[1].startswith(b"GET /x?a=%22b%20c%22 HTTP/1.1\r\n")


def test_a_form_is_encoded_and_carries_no_token(transport: HttpTransport) -> None:
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(HttpRequest("POST", here(server.port), "/t", form={"a": "b c&d", "e": "ü"}))
    (request,) = server.requests
    assert head(request)["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in head(request)
    assert request.endswith(b"\r\n\r\na=b+c%26d&e=%C3%BC")


def test_netrc_is_never_read(transport: HttpTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter22\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth("http://127.0.0.1/") == ("me", "hunter22")
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(post(server.port, bearer="tok"))
        transport.send(HttpRequest("POST", here(server.port), "/t", form={"a": "b"}))
    assert [head(request).get("authorization") for request in server.requests] == ["Bearer tok", None]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_no_proxy_gets_a_token_meant_for_loopback(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with impolite(saying(answering("418 proxy", b""))) as proxy, impolite(saying(answering("200 OK", b"{}"))) as server:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for host in ("127.0.0.1", "localhost"):
            outcome = transport.send(
                HttpRequest("GET", check_origin(f"http://{host}:{server.port}"), "/x", bearer="tok")
            )
            assert isinstance(outcome, HttpResponse)
            assert outcome.status == 200
    assert proxy.requests == []


def test_the_proxy_of_other_origins_sees_no_token(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    with impolite(saying(b"HTTP/1.1 403 no\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hunter22@127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        outcome = transport.send(HttpRequest("POST", ADOBE, "/x", json={}, bearer="tok"))
    assert proxy.requests[0].startswith(b"CONNECT platform.adobe.io:443 ")
    assert b"tok" not in proxy.requests[0]
    assert outcome == NoResponse(False, "the proxy refused the connection", "check HTTPS_PROXY and its credentials")


def test_a_missing_bundle_of_certificates_is_named(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    outcome = transport.send(HttpRequest("POST", ADOBE, "/x", json={}))
    assert isinstance(outcome, NoResponse)
    assert not outcome.sent
    assert "REQUESTS_CA_BUNDLE" in outcome.remedy


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_missing_bundle_is_not_retried(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/nonexistent/ca.pem")
    words = f"{name}: the file of trusted certificates cannot be read"
    assert transport.send(HttpRequest("GET", ADOBE, "/x")) == HeldBack(False, words, f"check {name}")


@pytest.mark.parametrize("bundle", [None, __file__])
def test_certificates_are_verified(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, bundle: str | None
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    if bundle:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    verified = []

    def send(*_: Any, verify: Any, **__: Any) -> None:
        verified.append(verify)
        raise ValueError

    monkeypatch.setattr(HTTPAdapter, "send", send)
    transport.send(HttpRequest("GET", ADOBE, "/x"))
    assert verified == [bundle or True]


def test_cookies_are_not_kept(transport: HttpTransport) -> None:
    with impolite(saying(answering("200 OK", b"{}", "Set-Cookie: a=b; Path=/"))) as server:
        transport.send(post(server.port))
        transport.send(post(server.port))
    assert all("cookie" not in head(request) for request in server.requests)


def test_a_thread_keeps_its_session_and_threads_do_not_share() -> None:
    with HttpTransport(real_timing()) as transport, ThreadPoolExecutor(1) as pool:
        mine, mine_again, other = transport._session(), transport._session(), pool.submit(transport._session).result()
    assert mine is mine_again
    assert other is not mine


def test_a_connection_is_used_again(transport: HttpTransport) -> None:
    body = b"{}"
    keeping = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body
    accepted = []

    def twice(connection: socket.socket, _: bytes) -> None:
        accepted.append(1)
        connection.sendall(keeping)
        assert connection.recv(65536)
        connection.sendall(keeping)

    with impolite(twice) as server:
        for _ in range(2):
            outcome = transport.send(HttpRequest("GET", here(server.port), "/x"))
            assert isinstance(outcome, HttpResponse)
            assert outcome.success
    assert accepted == [1]


def test_after_closing_it_can_be_used_again(transport: HttpTransport) -> None:
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(post(server.port))
        transport.close()
        assert isinstance(transport.send(post(server.port)), HttpResponse)


# --- answers


def answer_to(transport: HttpTransport, raw: bytes) -> HttpResponse:
    with impolite(saying(raw)) as server:
        outcome = transport.send(post(server.port))
    assert isinstance(outcome, HttpResponse), outcome
    assert len(server.requests) == 1
    return outcome


def test_a_response(transport: HttpTransport) -> None:
    date = "Date: Fri, 02 Jan 2026 03:04:05 GMT"
    raw = answering("201 Created", b'{"id": "x"}', "Content-Type: application/json", date, "X-Request-Id: r1")
    answer = answer_to(transport, raw)
    assert (answer.status, answer.body, answer.defect, answer.success) == (201, {"id": "x"}, "", True)
    assert answer.date == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert answer.request_id == "r1"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "date",
    [
        "",
        "Date:",
        "Date: yesterday",
        "Date: Fri, 99 Jan 2026 03:04:05 GMT",
        "Date: Fri, 02 Jan 99999999999999999999 03:04:05 GMT",
        "Date: Fri, 31 Dec 9999 23:59:59 GMT",
        "Date: Fri, 31 Dec 9999 23:59:59 -2359",
        "Date: Sat, 01 Jan 0100 00:00:00 GMT",
    ],
)
def test_invalid_dates(transport: HttpTransport, date: str) -> None:
    assert answer_to(transport, answering("200 OK", b"{}", *([date] if date else []))).date is None


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/problem+json", "nonsense"])
def test_json_is_what_parses(transport: HttpTransport, kind: str) -> None:
    assert answer_to(transport, answering("200 OK", b'\xef\xbb\xbf{"a": 1}', f"Content-Type: {kind}")).body == {"a": 1}


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 204 No Content\r\n\r\n"])
def test_no_body_is_no_defect(transport: HttpTransport, raw: bytes) -> None:
    answer = answer_to(transport, raw or answering("200 OK", b""))
    assert (answer.body, answer.defect, answer.success) == (None, "", True)


NOT_JSON = [b"<html>", b"{", b'{"a": 1} x', b"\xff\xfe\x00", b"\x00", b"[" * 50_000, b"1" * 5000, b" "]


@pytest.mark.parametrize("body", NOT_JSON, ids=[repr(body[:12]) for body in NOT_JSON])
def test_bodies_that_are_not_json(transport: HttpTransport, body: bytes) -> None:
    answer = answer_to(transport, answering("200 OK", body, "Content-Type: application/json"))
    assert (answer.body, answer.defect, answer.success) == (None, "the body is not JSON", False)
    assert len(answer.text) <= 2000


CUT = {
    "short of its length": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b'{"id": "x"}',
    "chunk cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n" + b'{"id": "x"}',
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + b'{"id": "x"}\r\n',
    "chunk size no number": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + b'{"id": "x"}\r\n',
    "not gzip": answering("200 OK", b'{"id": "x"}', "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("raw", CUT.values(), ids=CUT)
def test_a_cut_body_is_not_used_though_it_would_parse(transport: HttpTransport, raw: bytes) -> None:
    answer = answer_to(transport, raw)
    assert (answer.status, answer.body, answer.defect) == (200, None, "the body was cut")


def test_a_refusal_with_a_cut_body_is_still_a_refusal(transport: HttpTransport) -> None:
    answer = answer_to(transport, b"HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\n{")
    assert (answer.status, answer.success) == (400, False)


def test_a_huge_body_is_not_read_to_its_end(transport: HttpTransport) -> None:
    answer = answer_to(transport, answering("200 OK", b" " * 1_000_000))
    assert answer.defect == "the body is larger than 100000 bytes"


REDIRECTS = {
    "elsewhere": b"Location: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "bracket": b"Location: http://[::1\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"Location: //[\r\nContent-Length: 0\r\n\r\n",
    "port": b"Location: http://127.0.0.1:99999999/\r\nContent-Length: 0\r\n\r\n",
    "no text": b"Location: http://\xff\xfe\xe2\x84\x80/\r\nContent-Length: 0\r\n\r\n",
    "bad body": b"Location: /x\r\nContent-Length: 99\r\n\r\n{",
}


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("rest", REDIRECTS.values(), ids=REDIRECTS)
def test_redirects_are_neither_followed_nor_understood(transport: HttpTransport, status: int, rest: bytes) -> None:
    answer = answer_to(transport, b"HTTP/1.1 %d X\r\n" % status + rest)
    assert (answer.status, answer.body, answer.success) == (status, None, False)


def test_the_endless_body_of_a_redirect_is_not_read(transport: HttpTransport) -> None:
    sent = []

    def endless(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /y\r\n\r\n")
        while True:  # ends with an error once the other side closes
            connection.sendall(b" " * 65536)
            sent.append(1)

    with impolite(endless) as server:
        assert isinstance(transport.send(post(server.port)), HttpResponse)
    assert len(sent) < 1000


# --- the deadline of an attempt

LATE = 0.5
"""Seconds; long beside what it takes to connect here and to send a request."""


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
        b"HTTP/1.1 400 Bad\r\n\r\n",
    ],
)
@pytest.mark.parametrize("drip", [b"", b" "])
def test_a_body_that_does_not_end_in_time(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, start: bytes, drip: bytes
) -> None:
    """The deadline passes when the status is known, however fast this machine is."""
    read = HttpTransport._read

    def late(self: HttpTransport, response: requests.Response, attempt: Attempt) -> HttpResponse:
        attempt._expire()
        return read(self, response, attempt)

    monkeypatch.setattr(HttpTransport, "_read", late)
    with impolite(dripping(start, drip)) as server:
        outcome = transport.send(post(server.port))
    assert isinstance(outcome, HttpResponse)
    assert (outcome.status, outcome.body) == (int(start[9:12]), None)
    assert (outcome.defect, outcome.success) == ("the body did not end in time", False)


@pytest.mark.parametrize(
    ("start", "drip"),
    [(b"", b""), (b"HTTP/1.1 20", b"0"), (b"HTTP/1.1 200 OK\r\nX: ", b""), (b"HTTP/1.1 200 OK\r\nX: ", b"0")],
)
def test_headers_that_do_not_end_in_time(transport: HttpTransport, start: bytes, drip: bytes) -> None:
    with impolite(dripping(start, drip)) as server:
        outcome = transport.send(post(server.port, within=LATE))
    assert outcome == NoResponse(True, "no response came in time")


@pytest.mark.parametrize("drip", [b"", b"0"])
def test_a_tls_handshake_that_does_not_end_in_time(transport: HttpTransport, drip: bytes) -> None:
    with impolite(waiting(drip)) as server:
        call = HttpRequest("POST", check_origin(f"https://127.0.0.1:{server.port}"), "/x", json={}, within=LATE)
        outcome = transport.send(call)
    assert isinstance(outcome, NoResponse)
    assert not outcome.sent
    assert outcome.remedy


def test_a_deadline_that_passed_while_connecting_keeps_the_request_from_leaving(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def passed(attempt: Attempt, _: object) -> None:
        attempt._expire()

    monkeypatch.setattr(Attempt, "watch", passed)
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        outcome = transport.send(post(server.port))
    assert outcome == NoResponse(False, "no connection was made in time", module._CHECK_NETWORK)
    assert server.requests in ([], [b"\r\n\r\n"])


def test_no_thread_is_left_over(transport: HttpTransport) -> None:
    before = threading.active_count()
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(post(server.port))
        assert threading.active_count() == before + 1  # the server's
    assert threading.active_count() == before


def test_no_descriptor_is_left_over(transport: HttpTransport) -> None:
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(post(server.port))
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            transport.send(post(server.port))
        assert len(os.listdir("/proc/self/fd")) <= before + 1  # the server may still be closing


# --- what is odd about an answer ends its connection

ODD = {
    "103": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 103),
    "102": (b"HTTP/1.1 102 Processing\r\n\r\n", 102),
    "103 and 201": (b"HTTP/1.1 103 E\r\n\r\n" + answering("201 Created", b'{"id": "first"}'), 103),
    "101": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", 101),
    "302": (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", 302),
    "999": (b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", 999),
    "no json": (b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n{", 201),
    "both lengths": (
        b"HTTP/1.1 201 C\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        201,
    ),
    "one length twice": (b"HTTP/1.1 201 C\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 201),
}


@pytest.mark.parametrize(("raw", "status"), ODD.values(), ids=ODD)
def test_the_next_request_does_not_read_the_rest_of_an_odd_response(
    transport: HttpTransport, raw: bytes, status: int
) -> None:
    """What follows is sent only once the next request is there, on whatever connection it comes."""
    accepted = []

    def late(connection: socket.socket, _: bytes) -> None:
        accepted.append(1)
        if len(accepted) > 1:
            connection.sendall(answering("200 OK", b'{"id": "second"}'))
            return
        connection.sendall(raw)
        if connection.recv(65536):  # a second request on this connection
            connection.sendall(answering("201 Created", b'{"id": "first"}'))

    with impolite(late) as server:
        call = HttpRequest("GET", here(server.port), "/x")
        first, second = transport.send(call), transport.send(call)
    assert isinstance(first, HttpResponse)
    assert isinstance(second, HttpResponse)
    assert (first.status, second.status, second.body) == (status, 200, {"id": "second"})
    assert len(accepted) == 2


@pytest.mark.parametrize("methods", [("GET", "POST"), ("POST", "POST"), ("DELETE", "GET"), ("PATCH", "DELETE")])
def test_writes_never_share_a_connection_with_late_bytes(transport: HttpTransport, methods: tuple[str, str]) -> None:
    """A plain answer may be followed by another one, as late as the next request."""
    accepted = []

    def late(connection: socket.socket, _: bytes) -> None:
        accepted.append(1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        if connection.recv(65536):
            connection.sendall(answering("401 Unauthorized", b"{}"))

    with impolite(late) as server:
        outcomes = [transport.send(HttpRequest(method, here(server.port), "/x")) for method in methods]
    assert [one.status for one in outcomes if isinstance(one, HttpResponse)] == [200, 200]
    assert len(accepted) == 2


# --- no answer: did the request leave?


def test_a_refused_connection_means_not_sent(transport: HttpTransport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert transport.send(post(port)) == NoResponse(
        False, "connection refused", "check the endpoint: is `provisioner emulator` running?"
    )


def lost(transport: HttpTransport, behaviour: Any) -> NoResponse:
    with impolite(behaviour) as server:
        outcome = transport.send(post(server.port))
        server.wait_for_request()
    assert isinstance(outcome, NoResponse), outcome
    assert len(server.requests) == 1
    return outcome


def test_a_connection_closed_without_a_response_means_sent(transport: HttpTransport) -> None:
    assert lost(transport, lambda *_: None).sent


def test_a_connection_reset_without_a_response_means_sent(transport: HttpTransport) -> None:
    assert lost(transport, resetting).sent


@pytest.mark.parametrize("raw", [b"garbage\r\n\r\n", b"HTTP/1.1 ", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100])
def test_garbage_instead_of_a_response_means_sent(transport: HttpTransport, raw: bytes) -> None:
    assert lost(transport, saying(raw)).sent


HEADERS = {
    "two lengths": b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "lengths in one": b"HTTP/1.1 201 Created\r\nContent-Length: 2, 3\r\n\r\n{}",
    "status cut": b"HTTP/1.1 201",
    "headers cut": b"HTTP/1.1 201 Created\r\nContent-Le",
    "headers cut at a line": b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n",
    "too long": b"HTTP/1.1 201 Created\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "too many": b"HTTP/1.1 201 Created\r\n" + b"X: y\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("raw", HEADERS.values(), ids=HEADERS)
def test_headers_that_cannot_be_read_leave_the_outcome_unknown(transport: HttpTransport, raw: bytes) -> None:
    assert lost(transport, saying(raw)).sent


def test_binary_headers_are_no_failure(transport: HttpTransport) -> None:
    raw = b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\nSet-Cookie: \xe9=\xff; \x01\r\nContent-Length: 2\r\n\r\n{}"
    assert answer_to(transport, raw).body == {}


def boom(error: BaseException) -> Any:
    def raising(*_: Any, **__: Any) -> None:
        raise error

    return raising


POOL: Any = None  # the pool that urllib3's exceptions name; they only print it
WHATEVER: list[Exception] = [
    requests.exceptions.InvalidHeader("x"),
    requests.exceptions.InvalidURL("x"),
    requests.exceptions.InvalidSchema("x"),
    requests.exceptions.InvalidProxyURL("http://me:hunter22@proxy"),
    requests.exceptions.ProxyError("x"),
    requests.ConnectTimeout("x"),
    requests.ReadTimeout("x"),
    requests.RequestException("something new"),
    NewConnectionError(POOL, "x"),
    ProtocolError("x"),
    HTTPException("x"),
    ssl.SSLCertVerificationError("x"),
    ssl.SSLEOFError("x"),
    socket.gaierror(-2, "x"),
    ConnectionRefusedError("x"),
    OSError("Tunnel connection failed: 407 Auth"),
    FileNotFoundError("x"),
    TimeoutError("x"),
    ValueError("x"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "x"),
    RecursionError("x"),
    MemoryError("x"),
]
NAMES = [type(error).__name__ for error in WHATEVER]


@pytest.mark.parametrize("where", ["http.client.HTTPResponse.begin", "requests.adapters.HTTPAdapter.build_response"])
@pytest.mark.parametrize("error", WHATEVER, ids=NAMES)
def test_an_exception_after_bytes_may_have_left_means_sent(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, error: Exception, where: str
) -> None:
    monkeypatch.setattr(where, boom(error))
    failure = lost(transport, saying(answering("201 Created", b"{}")))
    assert failure.sent
    assert "hunter22" not in repr(failure)


PLACES = [
    "requests.PreparedRequest.prepare",
    "requests.Session.merge_environment_settings",
    "requests.adapters.HTTPAdapter.get_connection_with_tls_context",
    "requests.adapters.HTTPAdapter.cert_verify",
    "urllib3.util.connection.create_connection",
]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("error", WHATEVER, ids=NAMES)
def test_an_exception_before_bytes_may_have_left_means_not_sent(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, error: Exception, where: str
) -> None:
    monkeypatch.setattr(where, boom(error))
    with impolite(saying(answering("201 Created", b"{}"))) as server:
        outcome = transport.send(post(server.port))
    assert isinstance(outcome, NoResponse)
    assert not outcome.sent
    assert outcome.remedy
    assert "hunter22" not in repr(outcome)
    assert server.requests == []


@pytest.mark.parametrize("error", WHATEVER, ids=NAMES)
def test_an_exception_while_reading_the_body_keeps_the_status(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("requests.Response.iter_content", boom(error))
    answer = answer_to(transport, answering("201 Created", b"{}"))
    assert (answer.status, answer.body, answer.defect) == (201, None, "the body was cut")


def tunnel(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, behaviour: Any, name: str = "HTTPS"
) -> HttpOutcome:
    with impolite(behaviour) as proxy:
        monkeypatch.setenv(f"{name}_PROXY", f"http://127.0.0.1:{proxy.port}")
        for unset in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(unset, raising=False)
        return transport.send(HttpRequest("POST", ADOBE, "/x", json={}, within=5))


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (saying(b"HTTP/1.1 407 Auth\r\n\r\n"), "the proxy refused the connection"),
        (saying(b"HTTP/1.1 200 OK\r\n\r\n"), ""),
        (saying(b"HTTP/1.1 200 OK\r\n\r\ngarbage instead of TLS"), "the TLS connection failed"),
        (saying(b"garbage\r\n\r\n"), ""),
        (resetting, ""),
        (lambda *_: None, ""),
    ],
)
def test_a_failed_tunnel_means_not_sent(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, behaviour: Any, reason: str
) -> None:
    outcome = tunnel(transport, monkeypatch, behaviour)
    assert isinstance(outcome, NoResponse)
    assert not outcome.sent
    assert outcome.reason.startswith(reason)


def test_untrusted_certificates() -> None:
    error = requests.exceptions.SSLError(ssl.SSLCertVerificationError("certificate verify failed"))
    assert explain_failure(error, Attempt(1), ADOBE, {}).reason == "the server's certificate cannot be verified"


NETWORK = "check the network, the endpoint and the proxy settings"


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://127.0.0.1:1", "check the endpoint: is `provisioner emulator` running?"),
        ("http://localhost:1", "check the endpoint: is `provisioner emulator` running?"),
        ("https://[::1]:1", "check the endpoint: is `provisioner emulator` running?"),
        ("https://platform.adobe.io", NETWORK),
        ("https://ims-na1.adobelogin.com", NETWORK),
    ],
)
def test_a_refused_connection_on_loopback_suggests_the_emulator(url: str, remedy: str) -> None:
    refused = NewConnectionError(POOL, "x")
    refused.__cause__ = ConnectionRefusedError(111, "x")
    failure = explain_failure(requests.ConnectionError(refused), Attempt(1), check_origin(url), {})
    assert failure == NoResponse(False, "connection refused", remedy)


def test_an_unknown_host_name(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", boom(socket.gaierror(-2, "unknown")))
    outcome = transport.send(HttpRequest("POST", ADOBE, "/x", json={}))
    assert isinstance(outcome, NoResponse)
    assert (outcome.sent, outcome.reason) == (False, "the host name of the service cannot be resolved")


def test_an_error_that_wraps_itself_is_no_trap() -> None:
    error = requests.ConnectionError("x")
    error.__cause__ = error
    assert not explain_failure(error, Attempt(1), ADOBE, {}).sent


# --- the log


def test_a_call_is_logged_without_headers_and_body(transport: HttpTransport, log: list[CallLog]) -> None:
    with impolite(saying(answering("400 Bad", b'{"password": "hunter22"}', "X-Request-Id: r1"))) as server:
        call = HttpRequest(
            "POST", here(server.port), "/x?a=b", {"x-api-key": "key"}, {"password": "hunter22"}, None, "hunter22"
        )
        transport.send(call)
    (line,) = log
    assert (line.method, line.host, line.path, line.status) == ("POST", "127.0.0.1", "/x?a=b", 400)
    assert (line.request_id, line.note) == ("r1", "")
    assert line.seconds >= 0
    assert "hunter22" not in f"{log} {call}"


def test_a_call_without_a_response_is_logged_with_its_reason(transport: HttpTransport, log: list[CallLog]) -> None:
    lost(transport, lambda *_: None)
    assert (log[0].status, log[0].note) == (0, "the connection broke before the response was complete")


def test_the_clocks_are_those_of_this_machine() -> None:
    timing = real_timing()
    assert timing.now().tzinfo is UTC
    assert abs((timing.now() - datetime.now(UTC)).total_seconds()) < 5
    assert timing.monotonic() <= timing.monotonic()
    assert 0 <= timing.random() < 1
    timing.sleep(0)
    assert not timing.stopped()


def test_an_interruption_ends_the_wait_of_every_thread() -> None:
    interrupted = threading.Event()
    timing = real_timing(interrupted)
    waiting = [threading.Thread(target=timing.sleep, args=(3600,), daemon=True) for _ in range(4)]
    for thread in waiting:
        thread.start()
    assert not timing.stopped()
    interrupted.set()
    for thread in waiting:
        thread.join(60)
    assert not any(thread.is_alive() for thread in waiting)
    assert timing.stopped()
