"""HTTP/1.1 without sockets: parsing of requests, encoding of replies, and damage to replies by response faults.

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
from provisioner.emulator.messages import Reply, Request, ResponseFault, dump

# Far above any base connection; a guard against a client that sends without end.
MAX_BODY = 1024 * 1024
_MAX_HEAD = 64 * 1024

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(%b) ([!-~]+) HTTP/1\.([0-9])\r?\n" % _TOKEN)
_HEADER = re.compile(rb"(%b):[ \t]*([^\0\r\n]*?)[ \t]*\r?\n" % _TOKEN)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n")
_LENGTH = re.compile(r"[0-9]{1,16}")

_NO_BODY = (204, 205, 304)
_BODY_FAULTS = ("truncate", "invalid-json", "wrong-content-type", "two-lengths")
_HTML = b"<!DOCTYPE html><html><head><title>One moment, please</title></head><body>Loading</body></html>"


def read_request(stream: BinaryIO, send: Callable[[bytes], None]) -> tuple[Request, bool]:
    """Return the next request, and whether the client closes the connection after it.

    ``send`` gets the interim answer that a client may wait for before it sends its body. Raises ``EOFError`` if the
    connection ends first, ``ErrorReply`` if no further request can be read from it.
    """
    line, *lines = _read_head(stream) or [b""]
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise _refused(400)
    method, target, minor = match[1].decode(), match[2].decode(), match[3]
    headers = _headers(lines)
    if minor != b"0" and ("host" not in headers or "," in headers["host"]):
        raise _refused(400)
    if minor != b"0" and headers.get("expect", "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    path, _, query = target.partition("?")
    parameters = tuple(parse_qsl(query, keep_blank_values=True, errors="replace"))
    request = Request(method, unquote(path), parameters, headers, _read_body(stream, headers))
    return request, minor == b"0" or "close" in headers.get("connection", "").lower()


def _read_head(stream: BinaryIO) -> list[bytes]:
    """Return the lines before the next empty one."""
    lines: list[bytes] = []
    remaining = _MAX_HEAD
    while (line := _read_line(stream, remaining)) not in (b"\r\n", b"\n"):
        remaining -= len(line)
        lines.append(line)
    return lines


def _read_line(stream: BinaryIO, max_length: int) -> bytes:
    line = stream.readline(max_length)
    if not line.endswith(b"\n"):
        raise _refused(400) if len(line) == max_length else EOFError
    return line


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise _refused(400)
        name, value = match[1].decode().lower(), match[2].decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _read_body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length", "0")
    if coding is not None:
        if coding.lower() != "chunked":
            raise _refused(400)
        return _read_chunks(stream)
    if not _LENGTH.fullmatch(length):
        raise _refused(400)
    return _read_exactly(stream, int(length), MAX_BODY)


def _read_chunks(stream: BinaryIO) -> bytes:
    body = bytearray()
    while True:
        match = _CHUNK.fullmatch(_read_line(stream, _MAX_HEAD))
        if match is None:
            raise _refused(400)
        size = int(match[1], 16)
        if size == 0:
            _read_head(stream)  # skip the trailers
            return bytes(body)
        body += _read_exactly(stream, size, MAX_BODY - len(body))
        if _read_line(stream, 2) != b"\r\n":
            raise _refused(400)


def _read_exactly(stream: BinaryIO, size: int, max_size: int) -> bytes:
    if size > max_size:
        raise _refused(413)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _refused(status: int) -> ErrorReply:
    title = {400: "Bad Request", 413: "Content Too Large"}[status]
    return ErrorReply(Reply(status, {"type": "about:blank", "title": title, "status": status}))


def encode_reply(
    reply: Reply,
    request_id: str,
    now: float,
    *,
    faults: tuple[ResponseFault, ...] = (),
    with_body: bool = True,
    close: bool = False,
) -> bytes:
    """Return the bytes of a reply. Its headers replace the default ones; ``now``, in epoch seconds, is its ``Date``.

    Assumed: that answers carry an ``x-request-id``.
    """
    body = b"" if reply.body is None else reply.body if isinstance(reply.body, bytes) else dump(reply.body)
    status, length, content_type = reply.status, len(body), "application/json" if body else ""
    for fault in faults:
        if fault.kind in _BODY_FAULTS:
            status = 200 if status in _NO_BODY else status
            body, length, content_type = _damaged(body, fault.kind)
    headers = {"date": formatdate(now, usegmt=True), "x-request-id": request_id}
    if content_type:
        headers["content-type"] = content_type
    if status not in (204, 304):
        headers["content-length"] = str(length)
    if close:
        headers["connection"] = "close"
    lines = [f"{name}: {value}" for name, value in (headers | dict(reply.headers)).items()]
    lines += [f"content-length: {length + 1}" for fault in faults if fault.kind == "two-lengths"]
    head = "\r\n".join((f"HTTP/1.1 {status} {responses.get(status, '')}", *lines, "", "")).encode("latin-1", "replace")
    return head + body if with_body else head


def _damaged(body: bytes, kind: str) -> tuple[bytes, int, str]:
    """Return a wrong body, the length that is announced for it, and its content type."""
    if kind == "wrong-content-type":
        return _HTML, len(_HTML), "text/html; charset=utf-8"
    if kind == "truncate":
        whole = body or b"{}"
        return whole[: len(whole) // 2], len(whole), "application/json"
    if kind == "two-lengths":
        whole = body or b"{}"
        return whole, len(whole), "application/json"
    # Half of a JSON text is never JSON, except for a bare number; an empty one has no half.
    half = body[: len(body) // 2] or b"{"
    return half, len(half), "application/json"


def split_for_sending(response: bytes, faults: tuple[ResponseFault, ...]) -> Iterator[tuple[bytes, float]]:
    """Yield the pieces to send, each with the seconds to wait after it."""
    for fault in faults:
        if fault.kind == "interim":
            yield f"HTTP/1.1 {fault.status} {responses.get(fault.status, '')}\r\n\r\n".encode(), fault.seconds
    pauses = [fault.seconds for fault in faults if fault.kind == "drip"]
    if pauses:
        yield from ((bytes([byte]), pauses[-1]) for byte in response)
    else:
        yield response, 0


def forces_close(faults: tuple[ResponseFault, ...]) -> bool:
    """Return whether no further reply can follow, because the client cannot tell where this one ends."""
    return any(fault.kind in ("truncate", "two-lengths") for fault in faults)
