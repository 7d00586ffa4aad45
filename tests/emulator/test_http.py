"""HTTP as foreign clients speak it, well and badly: bytes of one connection -> the answers on it.

Every client here ends its half of the connection after the last byte, so that all answers are there once it is closed.
"""

import json
import socket

import pytest

from provisioner.emulator.connections import BASE
from provisioner.emulator.http import MAX_BODY

from .support import CALLER, body

PATH = (BASE + "/connections").encode()
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
JSON = json.dumps(body()).encode()


def request(
    method: bytes = b"GET",
    target: bytes = PATH,
    more: bytes = b"",
    content: bytes | None = None,
    version: bytes = b"1.1",
    host: bytes = b"Host: 127.0.0.1\r\n",
) -> bytes:
    """A request on the wire; ``content`` has its length announced unless ``more`` says how it ends."""
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in CALLER.items()) + host + more
    if content is not None:
        lines += b"Content-Type: application/json\r\n"
        lines += b"" if more else b"Content-Length: %d\r\n" % len(content)
    return b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, target, version, lines, content or b"")


def post(content: bytes = JSON, more: bytes = b"", **other: bytes) -> bytes:
    return request(b"POST", more=more, content=content, **other)


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def received(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def answers(emulator, sent: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of all that comes back."""
    with socket.create_connection(("127.0.0.1", int(emulator.url.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        rest, found = received(connection), []
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if sent.startswith(b"HEAD") else int(headers.get("content-length", 0))
        found.append((int(first.split(" ")[1]), headers, rest[:length]))
        rest = rest[length:]
    return found


GOOD = {
    "GET": (request(), [200]),
    "three on one connection": (post() + request() + request(), [201, 200, 200]),
    "HTTP/1.0, which ends the connection": (request(version=b"1.0") + request(), [200]),
    "HTTP/1.0 without a host": (request(version=b"1.0", host=b""), [200]),
    "the last one, as the client says": (request(more=CLOSE) + request(), [200]),
    "the last one, in capitals": (request(more=CLOSE.upper()) + request(), [200]),
    "headers in capitals": (post().replace(b"Content-", b"CONTENT-").replace(b"x-api-key", b"X-API-KEY"), [201]),
    "headers in small letters": (post().replace(b"Content-", b"content-"), [201]),
    "a header without a value": (request(more=b"Empty:\r\n"), [200]),
    "any bytes in a header": (request(more=b"Odd: \xff\x85\x0c\r\n"), [200]),
    "lines that end as on Unix": (request().replace(b"\r\n", b"\n"), [200]),
    "three hundred headers": (request(more=b"".join(b"h%d: x\r\n" % number for number in range(300))), [200]),
    "no length": (request(b"POST", more=b"Content-Type: application/json\r\n"), [400]),
    "chunks": (post(chunks(JSON[:9], JSON[9:]), CHUNKED) + request(), [201, 200]),
    "chunks, in capitals": (post(chunks(JSON), CHUNKED.upper()), [201]),
    "chunks with an extension and a trailer": (
        post(b"%X ;a=b\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (len(JSON), JSON), CHUNKED) + request(),
        [201, 200],
    ),
    "a body of the size that is admitted": (post(JSON.ljust(MAX_BODY)) + request(), [201, 200]),
    "a method that is none": (request(b"FROB"), [405]),
    "a percent-encoded path": (request(target=PATH.replace(b"c", b"%63")), [200]),
    "a path that is not UTF-8": (request(target=PATH + b"/%ff"), [404]),
    "a query that is not UTF-8": (request(target=PATH + b"?limit=%ff"), [400]),
    "an absolute target": (request(target=b"http://emulator" + PATH), [404]),
    "an asterisk": (request(b"OPTIONS", b"*"), [404]),
}

# What no request can follow.
BAD = {
    "no HTTP": (b"this is not HTTP\r\n\r\n", 400),
    "binary": (b"\x16\x03\x01\x02\x00\x01\n\n", 400),
    "HTTP/0.9": (b"GET /_emulator/health\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "an empty line first": (b"\r\n" + request(), 400),
    "a target with a blank": (request(target=PATH + b" x"), 400),
    "a target that is not ASCII": (request(target=PATH + b"\xff"), 400),
    "no host": (request(host=b""), 400),
    "two hosts": (request(host=b"Host: a\r\nHost: b\r\n"), 400),
    "a header without a colon": (request(more=b"nothing\r\n"), 400),
    "a header without a name": (request(more=b": x\r\n"), 400),
    "a blank before the colon": (request(more=b"Content-Length : 1\r\n"), 400),
    "a header over two lines": (request(more=b"a: b\r\n c\r\n"), 400),
    "a NUL in a header": (request(more=b"a: \0\r\n"), 400),
    "a header that is too long": (request(more=b"a: %b\r\n" % (b"x" * 70_000)), 400),
    "a line that is too long": (request(target=b"/" + b"x" * 70_000), 400),
    "headers without end": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100_000, 400),
    "a length that is no number": (request(b"POST", more=b"Content-Length: 0x1\r\n"), 400),
    "a negative length": (request(b"POST", more=b"Content-Length: -1\r\n"), 400),
    "a length of 5,000 digits": (request(b"POST", more=b"Content-Length: %b\r\n" % (b"9" * 5000)), 400),
    "two lengths": (request(b"POST", more=b"Content-Length: 1\r\nContent-Length: 2\r\n"), 400),
    "another coding": (post(chunks(JSON), b"Transfer-Encoding: gzip, chunked\r\n"), 400),
    "a chunk whose size is no number": (post(b"zz\r\nabc\r\n0\r\n\r\n", CHUNKED), 400),
    "a chunk that is longer than it says": (post(b"3\r\nabcdef\r\n0\r\n\r\n", CHUNKED), 400),
    "a chunk that ends as on Unix": (post(b"3\r\nabc\n0\r\n\r\n", CHUNKED), 400),
    "a body that is too large": (post(b" " * (MAX_BODY + 1)), 413),
    "chunks that are too large": (post(chunks(b" " * (MAX_BODY - 1), b"  "), CHUNKED), 413),
    "one chunk that is too large": (post(b"ffffffffffffffff\r\n", CHUNKED), 413),
}

# The client goes away, and what it asked for has no effect.
CUT = {
    "nothing": b"",
    "half a request line": request(b"DELETE")[:20],
    "half the headers": request(b"DELETE", PATH + b"/{id}")[:-4],
    "all but the empty line": request(b"DELETE", PATH + b"/{id}")[:-2],
    "half a body": post()[:-10],
    "half a chunk": post(chunks(JSON)[:-30], CHUNKED),
    "no last chunk": post(chunks(JSON)[:-5], CHUNKED),
    "no end after the last chunk": post(chunks(JSON)[:-2], CHUNKED),
}


@pytest.mark.parametrize(("sent", "statuses"), GOOD.values(), ids=GOOD)
def test_what_is_http_is_answered(api, sent, statuses):
    found = answers(api.emulator, sent)
    assert [status for status, _, _ in found] == statuses
    for _, headers, content in found:
        assert headers["content-type"] == "application/json"
        assert len(content) == int(headers["content-length"])
        assert json.loads(content)
        assert {"date", "x-request-id"} <= set(headers)
        assert "server" not in headers


@pytest.mark.parametrize(("sent", "status"), BAD.values(), ids=BAD)
def test_what_is_not_http_is_refused_and_ends_the_connection(api, sent, status):
    ((refused, headers, content),) = answers(api.emulator, sent + request())
    assert (refused, headers["connection"], json.loads(content)["status"]) == (status, "close", status)
    assert api.names() == []


@pytest.mark.parametrize("sent", CUT.values(), ids=CUT)
def test_what_is_cut_short_has_no_answer_and_no_effect(api, sent):
    id_, _ = api.made("Inventory")
    assert answers(api.emulator, sent.replace(b"{id}", id_.encode())) == []
    assert api.names() == ["Inventory"]


@pytest.mark.parametrize(("last", "said"), [(request(version=b"1.0"), "close"), (request(more=CLOSE), "close")])
def test_the_last_answer_says_so(api, last, said):
    (_, first, _), (_, second, _) = answers(api.emulator, request() + last)
    assert (first.get("connection"), second.get("connection")) == (None, said)


def test_head_has_the_headers_alone(api):
    ((status, headers, content),) = answers(api.emulator, request(b"HEAD"))
    ((_, other, whole),) = answers(api.emulator, request(b"OPTIONS"))
    assert (status, content, headers["content-length"]) == (405, b"", other["content-length"])
    assert whole


def test_no_content_has_no_length(api):
    id_, _ = api.made()
    ((status, headers, _),) = answers(api.emulator, request(b"DELETE", PATH + f"/{id_}".encode()))
    assert (status, "content-length" in headers, "content-type" in headers) == (204, False, False)


@pytest.mark.parametrize("expected", [b"Expect: 100-continue\r\n", b"EXPECT: 100-Continue\r\n"])
def test_a_client_that_waits_is_told_to_go_on(api, expected):
    head = request(b"POST", more=expected + b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(JSON))
    with socket.create_connection(("127.0.0.1", int(api.emulator.url.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(JSON)
        connection.shutdown(socket.SHUT_WR)
        assert received(connection).startswith(b"HTTP/1.1 201 Created\r\n")


def test_an_old_client_is_not_told_to_go_on(api):
    content = b"Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(JSON)
    ((status, _, _),) = answers(api.emulator, request(b"POST", more=content, version=b"1.0") + JSON)
    assert status == 201
