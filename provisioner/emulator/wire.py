"""Answers that no well-behaved server gives: cut short, garbled, or none at all."""

import asyncio
import socket
import struct

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# Where the server leaves the connection's transport in an ASGI scope's ``state``.
TRANSPORT = "transport"
_ABORT = struct.pack("ii", 1, 0)
_HTML = "<!DOCTYPE html><html><head><title>One moment, please</title></head><body>Loading</body></html>"


async def reset(scope: Scope, receive: Receive) -> None:
    """Answer nothing: a TCP reset, which no client can take for an end."""
    transport: asyncio.Transport = scope["state"][TRANSPORT]
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    transport.abort()
    await _gone(receive)


async def send_garbled(garbling: str, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer in one of ``injection.GARBLINGS``."""
    if garbling == "truncate":
        await _truncated(response, scope, receive, send)
        return
    html = garbling == "wrong-content-type"
    # Half of a JSON text is never JSON, but for a bare number; an empty one has nothing to halve.
    body = _HTML if html else bytes(response.body)[: len(response.body) // 2] or b"{"
    kind = "text/html" if html else "application/json"
    kept = {name: value for name, value in response.headers.items() if name not in ("content-type", "content-length")}
    await Response(body, _with_body(response.status_code), kept, kind)(scope, receive, send)


async def _truncated(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Half of the body, and the connection closed in an orderly way, so that the length alone gives it away."""
    body = bytes(response.body) or b"{}"
    response.headers["content-length"] = str(len(body))
    head = {"status": _with_body(response.status_code), "headers": response.raw_headers}
    await send({"type": "http.response.start", **head})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    transport: asyncio.Transport = scope["state"][TRANSPORT]
    transport.close()
    await _gone(receive)


def _with_body(status: int) -> int:
    """204, 205 and 304 cannot carry the body that is to be wrong."""
    return 200 if status in (204, 205, 304) else status


async def _gone(receive: Receive) -> None:
    """Until the server knows; an application that returns earlier is reported as faulty."""
    while (await receive())["type"] != "http.disconnect":
        pass
