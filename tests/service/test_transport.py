"""The one user of requests: what it sends, what it makes of what comes back, and above all of what does not.

Real sockets where a socket can do it; ``requests-mock`` and the libraries' own exceptions for the rest.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from provisioner.service.exchange import Answer, Call, CallLog, Failure, Outcome
from provisioner.service.origin import Origin, check_origin
from provisioner.service.transport import HttpTransport, classify, real_timing

from .fakes import ADOBE, FakeTime
from .sockets import answering, impolite, resetting, saying

URL = "https://platform.adobe.io/x"


@pytest.fixture
def log() -> list[CallLog]:
    return []


@pytest.fixture
def transport(log: list[CallLog]) -> Iterator[HttpTransport]:
    with HttpTransport(real_timing(), log.append, connect=2, read=0.3, whole=2, largest=100_000) as opened:
        yield opened


def here(port: int) -> Origin:
    return check_origin(f"http://127.0.0.1:{port}")


def post(port: int, **fields: Any) -> Call:
    return Call("POST", here(port), "/x", json={"name": "é"}, **fields)


# --- what is sent


def head(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


OF_HTTP = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"}


def test_headers_of_a_call_are_the_given_ones_and_what_http_adds(transport: HttpTransport) -> None:
    given = {"x-api-key": "key", "x-gw-ims-org-id": "org@AdobeOrg", "x-sandbox-name": "prod", "If-Match": '"a"'}
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(post(server.port, headers=given, bearer="tok"))
        transport.send(Call("GET", here(server.port), "/x?a=%22b%20c%22", headers=given, bearer="tok"))
        transport.send(Call("DELETE", here(server.port), "/x", headers=given, bearer="tok"))
    documented = {name.lower(): value for name, value in given.items()} | {"authorization": "Bearer tok"}
    sent = [{n: v for n, v in head(request).items() if n not in OF_HTTP} for request in server.requests]
    assert sent == [documented | {"content-type": "application/json"}, documented, documented]
    assert server.requests[0].startswith(b"POST /x HTTP/1.1\r\n")
    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == {"name": "é"}
    assert server.requests[1].startswith(b"GET /x?a=%22b%20c%22 HTTP/1.1\r\n")


def test_a_form_is_encoded_and_carries_no_token(transport: HttpTransport) -> None:
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(Call("POST", here(server.port), "/t", form={"a": "b c&d", "e": "ü"}))
    (request,) = server.requests
    assert head(request)["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in head(request)
    assert request.endswith(b"\r\n\r\na=b+c%26d&e=%C3%BC")


def test_netrc_is_never_asked(transport: HttpTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter22\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth("http://127.0.0.1/") == ("me", "hunter22")
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(post(server.port, bearer="tok"))
        transport.send(Call("POST", here(server.port), "/t", form={"a": "b"}))
    assert [head(request).get("authorization") for request in server.requests] == ["Bearer tok", None]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_no_proxy_gets_a_token_meant_for_loopback(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with impolite(saying(answering("418 proxy", b""))) as proxy, impolite(saying(answering("200 OK", b"{}"))) as server:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for host in ("127.0.0.1", "localhost"):
            outcome = transport.send(Call("GET", check_origin(f"http://{host}:{server.port}"), "/x", bearer="tok"))
            assert isinstance(outcome, Answer)
            assert outcome.status == 200
    assert proxy.requests == []


def test_elsewhere_the_proxy_is_used_and_sees_no_token(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with impolite(saying(b"HTTP/1.1 403 no\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hunter22@127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        outcome = transport.send(Call("POST", ADOBE, "/x", json={}, bearer="tok"))
    assert proxy.requests[0].startswith(b"CONNECT platform.adobe.io:443 ")
    assert b"tok" not in proxy.requests[0]
    assert outcome == Failure(False, "the proxy refused the connection", "Check HTTPS_PROXY and its credentials.")


def test_a_missing_bundle_of_certificates_is_named(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    outcome = transport.send(Call("POST", ADOBE, "/x", json={}))
    assert isinstance(outcome, Failure)
    assert not outcome.sent
    assert "REQUESTS_CA_BUNDLE" in outcome.remedy


@pytest.mark.parametrize("bundle", [None, __file__])
def test_certificates_are_verified(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, bundle: str | None
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    if bundle:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    with requests_mock.Mocker() as mock:
        mock.get(URL, json={})
        transport.send(Call("GET", ADOBE, "/x"))
        assert mock.last_request.verify == (bundle or True)


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
            outcome = transport.send(Call("GET", here(server.port), "/x"))
            assert isinstance(outcome, Answer)
            assert outcome.success
    assert accepted == [1]


def test_after_closing_it_can_be_used_again(transport: HttpTransport) -> None:
    with impolite(saying(answering("200 OK", b"{}"))) as server:
        transport.send(post(server.port))
        transport.close()
        assert isinstance(transport.send(post(server.port)), Answer)


# --- answers


def answer_to(transport: HttpTransport, raw: bytes) -> Answer:
    with impolite(saying(raw)) as server:
        outcome = transport.send(post(server.port))
    assert isinstance(outcome, Answer), outcome
    assert len(server.requests) == 1
    return outcome


def test_an_answer(transport: HttpTransport) -> None:
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
def test_a_date_that_is_none(transport: HttpTransport, date: str) -> None:
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
def test_what_is_no_json(transport: HttpTransport, body: bytes) -> None:
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


def test_a_body_that_does_not_end_in_time_is_given_up() -> None:
    ticks = iter([0.0, 0.0])  # the call begins, the body begins; then a long time has passed
    clock = replace(FakeTime().timing, monotonic=lambda: next(ticks, 1000.0))
    with impolite(saying(answering("200 OK", b" " * 100_000))) as server, HttpTransport(clock, whole=30) as transport:
        outcome = transport.send(post(server.port))
    assert isinstance(outcome, Answer)
    assert outcome.defect == "the body did not end in time"


@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S", "307 T", "308 P"])
def test_redirects_are_not_followed(transport: HttpTransport, status: str) -> None:
    with impolite(saying(answering("200 OK", b"{}"))) as other:
        answer = answer_to(transport, answering(status, b"", f"Location: http://127.0.0.1:{other.port}/"))
    assert answer.status == int(status[:3])
    assert other.requests == []


# --- no answer: did the request leave?


def test_refused_means_it_did_not_leave(transport: HttpTransport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert transport.send(post(port)) == Failure(
        False, "no connection to the service: refused", "Check the network, the endpoint and the proxy settings."
    )


def lost(transport: HttpTransport, behaviour: Any) -> Failure:
    with impolite(behaviour) as server:
        outcome = transport.send(post(server.port))
    assert isinstance(outcome, Failure), outcome
    assert len(server.requests) == 1
    return outcome


def test_closed_without_an_answer_it_may_have_had_its_effect(transport: HttpTransport) -> None:
    assert lost(transport, lambda *_: None).sent


def test_reset_without_an_answer_it_may_have_had_its_effect(transport: HttpTransport) -> None:
    assert lost(transport, resetting).sent


@pytest.mark.parametrize("raw", [b"garbage\r\n\r\n", b"HTTP/1.1 ", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100])
def test_garbage_instead_of_an_answer_it_may_have_had_its_effect(transport: HttpTransport, raw: bytes) -> None:
    assert lost(transport, saying(raw)).sent


def test_no_answer_in_time_it_may_have_had_its_effect(transport: HttpTransport) -> None:
    release = threading.Event()
    assert lost(transport, lambda *_: release.wait(0.6)) == Failure(True, "no answer came in time")
    release.set()


POOL: Any = None  # the pool that urllib3's exceptions name; they only print it
VERIFY = ssl.SSLCertVerificationError("certificate verify failed")
DROPPED = RemoteDisconnected("Remote end closed connection without response")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def gave_up(reason: Exception) -> MaxRetryError:
    return MaxRetryError(POOL, "/x", reason)


NEVER_LEFT: list[tuple[Exception, str]] = [
    (requests.ConnectionError(gave_up(NewConnectionError(POOL, "x"))), "no connection to the service"),
    (
        requests.ConnectionError(gave_up(caused(NewConnectionError(POOL, "x"), ConnectionRefusedError()))),
        "no connection to the service: refused",
    ),
    (
        requests.ConnectionError(gave_up(NameResolutionError("h", POOL, socket.gaierror(-2, "unknown")))),
        "the host name of the service cannot be resolved",
    ),
    (requests.ConnectTimeout(gave_up(ConnectTimeoutError(POOL, "x"))), "no connection to the service"),
    (requests.exceptions.SSLError(gave_up(SSLError(VERIFY))), "the server's certificate cannot be verified"),
    (
        requests.exceptions.ProxyError(gave_up(ProxyError("x", NewConnectionError(POOL, "x")))),
        "no connection to the proxy",
    ),
    (
        requests.exceptions.ProxyError(gave_up(ProxyError("x", NameResolutionError("h", POOL, socket.gaierror(-2))))),
        "the host name of the proxy cannot be resolved",
    ),
    (
        requests.exceptions.ProxyError(gave_up(ProxyError("x", OSError("Tunnel connection failed: 407 Auth")))),
        "the proxy refused the connection",
    ),
    (requests.exceptions.InvalidProxyURL("http://me:hunter22@proxy"), "the request cannot be sent"),
    (requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."), "the request cannot be sent"),
    (requests.exceptions.InvalidHeader("x"), "the request cannot be sent"),
]
MAY_HAVE_LEFT: list[tuple[Exception, str]] = [
    (requests.ConnectionError(ProtocolError("Connection aborted.", DROPPED)), "the connection broke"),
    (requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())), "the connection broke"),
    (requests.ConnectionError(ProtocolError("Connection aborted.", BrokenPipeError())), "the connection broke"),
    (requests.ReadTimeout(ReadTimeoutError(POOL, "/x", "x")), "no answer came in time"),
    (requests.ConnectionError(ReadTimeoutError(POOL, "/x", "x")), "the connection broke"),
    (requests.exceptions.SSLError(gave_up(SSLError(ssl.SSLEOFError()))), "the TLS connection failed"),
    (requests.exceptions.ChunkedEncodingError("x"), "the connection broke"),
    # urllib3 blames the proxy when an established tunnel breaks: http.client has closed, and so forgotten, it by then
    (
        requests.exceptions.ProxyError(gave_up(ProxyError("Unable to connect to proxy", DROPPED))),
        "the connection broke",
    ),
    (requests.RequestException("something new"), "the connection broke"),
]


@pytest.mark.parametrize(("error", "reason"), NEVER_LEFT)
def test_it_certainly_did_not_leave(transport: HttpTransport, error: Exception, reason: str) -> None:
    outcome = outcome_of(transport, error)
    assert isinstance(outcome, Failure)
    assert (outcome.sent, outcome.reason) == (False, reason)
    assert outcome.remedy
    assert "hunter22" not in repr(outcome)


@pytest.mark.parametrize(("error", "reason"), MAY_HAVE_LEFT)
def test_it_may_have_left(transport: HttpTransport, error: Exception, reason: str) -> None:
    outcome = outcome_of(transport, error)
    assert isinstance(outcome, Failure)
    assert outcome.sent
    assert outcome.reason.startswith(reason)


def outcome_of(transport: HttpTransport, error: Exception) -> Outcome:
    with requests_mock.Mocker() as mock:
        mock.post(URL, exc=error)
        return transport.send(Call("POST", ADOBE, "/x", json={}))


def test_an_error_that_wraps_itself_is_no_trap() -> None:
    error = requests.ConnectionError("x")
    error.__cause__ = error
    assert classify(error).sent


# --- the log


def test_a_call_is_one_line_without_headers_and_body(transport: HttpTransport, log: list[CallLog]) -> None:
    with impolite(saying(answering("400 Bad", b'{"password": "hunter22"}', "X-Request-Id: r1"))) as server:
        call = Call(
            "POST", here(server.port), "/x?a=b", {"x-api-key": "key"}, {"password": "hunter22"}, None, "hunter22"
        )
        transport.send(call)
    (line,) = log
    assert (line.method, line.host, line.path, line.status) == ("POST", "127.0.0.1", "/x?a=b", 400)
    assert (line.request_id, line.note) == ("r1", "")
    assert line.seconds >= 0
    assert "hunter22" not in f"{log} {call}"


def test_a_call_without_an_answer_says_why(transport: HttpTransport, log: list[CallLog]) -> None:
    lost(transport, lambda *_: None)
    assert (log[0].status, log[0].note) == (0, "the connection broke before the answer was complete")


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
