"""HTTP/1.1: bytes to requests, replies to bytes. The sockets belong to the server.

``http.server`` is not used: it handles a request whose head was cut short as if it were complete, and it cannot read
chunked bodies.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from http.client import responses
from typing import BinaryIO
from urllib.parse import parse_qsl, unquote

from provisioner.emulator.errors import ErrorReply
from provisioner.emulator.messages import Garbling, Json, Reply, Request, dump

# Far above any base connection; a guard against a client that sends without end.
MAX_BODY = 1024 * 1024
_MAX_HEAD = 64 * 1024

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(%b) ([!-~]+) HTTP/1\.([0-9])\r?\n" % _TOKEN)
_HEADER = re.compile(rb"(%b):[ \t]*([^\0\r\n]*?)[ \t]*\r?\n" % _TOKEN)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n")
_LENGTH = re.compile(r"[0-9]{1,16}")

_WITHOUT_BODY = (204, 205, 304)
_OF_BODIES = ("truncate", "invalid-json", "wrong-content-type", "two-lengths")
_HTML = b"<!DOCTYPE html><html><head><title>One moment, please</title></head><body>Loading</body></html>"


def read(stream: BinaryIO, send: Callable[[bytes], None]) -> tuple[Request, bool]:
    """Return the next request, and whether the client ends the connection after it.

    ``send`` gets the interim answer for which a client may wait before it sends its body. Raises ``EOFError`` where the
    connection ends first, ``ErrorReply`` where no further request can be read from it.
    """
    line, *lines = _head(stream) or [b""]
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise _refused(400)
    method, target, minor = found[1].decode(), found[2].decode(), found[3]
    headers = _headers(lines)
    if minor != b"0" and ("host" not in headers or "," in headers["host"]):
        raise _refused(400)
    if minor != b"0" and headers.get("expect", "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    path, _, query = target.partition("?")
    parameters = tuple(parse_qsl(query, keep_blank_values=True, errors="replace"))
    request = Request(method, unquote(path), parameters, headers, _body(stream, headers))
    return request, minor == b"0" or "close" in headers.get("connection", "").lower()


def written(
    reply: Reply,
    request_id: str,
    now: float,
    *,
    garblings: tuple[Garbling, ...] = (),
    with_body: bool = True,
    close: bool = False,
) -> bytes:
    """Return the answer on the wire, in one piece. Headers of the reply replace those that it would have anyway;
    ``now``, in epoch seconds, is what its ``Date`` says.

    Assumed: that answers carry an ``x-request-id``.
    """
    body = _content(reply.body)
    status, length, kind = reply.status, len(body), "application/json" if body else ""
    for each in garblings:
        if each.kind in _OF_BODIES:
            status = 200 if status in _WITHOUT_BODY else status
            body, length, kind = _garbled(body, each.kind)
    headers = {"date": formatdate(now, usegmt=True), "x-request-id": request_id}
    if kind:
        headers["content-type"] = kind
    if status not in (204, 304):
        headers["content-length"] = str(length)
    if close:
        headers["connection"] = "close"
    lines = [f"{name}: {value}" for name, value in (headers | dict(reply.headers)).items()]
    lines += [f"content-length: {length + 1}" for each in garblings if each.kind == "two-lengths"]
    head = "\r\n".join((f"HTTP/1.1 {status} {responses.get(status, '')}", *lines, "", "")).encode("latin-1", "replace")
    return head + body if with_body else head


def pieces(answer: bytes, garblings: tuple[Garbling, ...]) -> Iterator[tuple[bytes, float]]:
    """Yield what to send, and for how many seconds to send nothing after it."""
    for each in garblings:
        if each.kind == "interim":
            yield f"HTTP/1.1 {each.status} {responses.get(each.status, '')}\r\n\r\n".encode(), each.seconds
    pauses = [each.seconds for each in garblings if each.kind == "drip"]
    if pauses:
        yield from ((bytes([byte]), pauses[-1]) for byte in answer)
    else:
        yield answer, 0


def ends(garblings: tuple[Garbling, ...]) -> bool:
    """Return whether no further answer can follow a garbled one: nobody knows where it ends."""
    return any(each.kind in ("truncate", "two-lengths") for each in garblings)


def _content(body: Json | bytes) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else dump(body)


def _garbled(body: bytes, garbling: str) -> tuple[bytes, int, str]:
    """Return a wrong body, the length that is announced for it, and its type."""
    if garbling == "wrong-content-type":
        return _HTML, len(_HTML), "text/html; charset=utf-8"
    if garbling == "truncate":
        whole = body or b"{}"
        return whole[: len(whole) // 2], len(whole), "application/json"
    if garbling == "two-lengths":
        whole = body or b"{}"
        return whole, len(whole), "application/json"
    # Half of a JSON text is never JSON, but for a bare number; an empty one has nothing to halve.
    half = body[: len(body) // 2] or b"{"
    return half, len(half), "application/json"


def _head(stream: BinaryIO) -> list[bytes]:
    """Return the lines before the next empty one."""
    lines: list[bytes] = []
    left = _MAX_HEAD
    while (line := _line(stream, left)) not in (b"\r\n", b"\n"):
        left -= len(line)
        lines.append(line)
    return lines


def _line(stream: BinaryIO, longest: int) -> bytes:
    line = stream.readline(longest)
    if not line.endswith(b"\n"):
        raise _refused(400) if len(line) == longest else EOFError
    return line


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise _refused(400)
        name, value = found[1].decode().lower(), found[2].decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length", "0")
    if coding is not None:
        if coding.lower() != "chunked":
            raise _refused(400)
        return _chunks(stream)
    if not _LENGTH.fullmatch(length):
        raise _refused(400)
    return _exactly(stream, int(length), MAX_BODY)


def _chunks(stream: BinaryIO) -> bytes:
    body = bytearray()
    while True:
        found = _CHUNK.fullmatch(_line(stream, _MAX_HEAD))
        if found is None:
            raise _refused(400)
        size = int(found[1], 16)
        if size == 0:
            _head(stream)  # trailers, which nobody needs
            return bytes(body)
        body += _exactly(stream, size, MAX_BODY - len(body))
        if _line(stream, 2) != b"\r\n":
            raise _refused(400)


def _exactly(stream: BinaryIO, size: int, most: int) -> bytes:
    if size > most:
        raise _refused(413)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _refused(status: int) -> ErrorReply:
    title = {400: "Bad Request", 413: "Content Too Large"}[status]
    return ErrorReply(Reply(status, {"type": "about:blank", "title": title, "status": status}))
