"""The one adapter between HTTP and the core: bytes in, request value, reply value, bytes out."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from provisioner.emulator import foreign, wire
from provisioner.emulator.dispatch import answer, emulated
from provisioner.emulator.injection import carry_out
from provisioner.emulator.json_text import dump
from provisioner.emulator.messages import Reply, Request
from provisioner.emulator.world import World

# Far above any base connection; a guard against a client that sends without end.
MAX_BODY = 1024 * 1024
_TOO_LARGE = Reply(413, {"type": "about:blank", "title": "Content Too Large", "status": 413})

App = Callable[[Scope, Receive, Send], Awaitable[None]]


def app(world: World) -> App:
    """The ASGI application. Handlers run on the event loop; what waits is a delay on demand, or asks a database."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = await _read(HttpRequest(scope, receive))
        except ClientDisconnect:
            return
        if request is not None and world.faults and emulated(request.path):
            await _perhaps_hit(world, request, scope, receive, send)
            return
        reply = _TOO_LARGE if request is None else await answer(world, request)
        await _response(reply, world.unique())(scope, receive, send)

    return serve


async def _perhaps_hit(world: World, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request in a world where something may go wrong."""
    hits = world.faults.choose(request, lambda: foreign.name_in(world, request))
    outcome = await carry_out(world, request, hits)
    if outcome.reply is None:
        await wire.reset(scope, receive)
        return
    response = _response(outcome.reply, world.unique())
    if outcome.garbling:
        await wire.send_garbled(outcome.garbling, response, scope, receive, send)
    else:
        await response(scope, receive, send)


async def _read(http: HttpRequest) -> Request | None:
    """None when the body is too large."""
    body = bytearray()
    async for chunk in http.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    scope = http.scope
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="replace")
    return Request(scope["method"], scope["path"], tuple(query), _headers(scope), bytes(body))


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _response(reply: Reply, request_id: str) -> Response:
    """JSON, or nothing. Assumed: that answers carry an ``x-request-id``."""
    body = b"" if reply.body is None else dump(reply.body)
    response = Response(body, reply.status, media_type=None if reply.body is None else "application/json")
    for name, value in (*reply.headers, ("x-request-id", request_id)):
        response.headers[name] = value
    return response
