"""The route table, and the one function from a request to its reply."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from provisioner.emulator import auth, connections, control, errors, explore, flows, sandboxes
from provisioner.emulator.app import AdmittedRequest, App
from provisioner.emulator.auth import admit, identify
from provisioner.emulator.errors import ErrorReply, uncoded
from provisioner.emulator.messages import JsonObject, PendingReply, Reply, Request

_T = TypeVar("_T")
Handler = Callable[[App, AdmittedRequest], Reply | PendingReply]
Plain = Callable[[App, Request], Reply]

TOKEN_PATH = "/ims/token/v3"  # noqa: S105
_ID = "{id}"

# Below connections.BASE; one trailing slash makes no difference (OAS writes PATCH and DELETE with one).
ROUTES: Mapping[tuple[str, ...], Mapping[str, Handler]] = {
    ("connections",): {"GET": connections.listed, "POST": connections.create},
    ("connections", _ID): {
        "GET": connections.shown,
        "PATCH": connections.updated,
        "DELETE": connections.deleted,
    },
    ("connections", _ID, "test"): {"GET": explore.tested},
    ("connections", _ID, "explore"): {"GET": explore.explored},
    ("sourceConnections",): {"GET": flows.sources_listed, "POST": flows.source_created},
    ("sourceConnections", _ID): {"DELETE": flows.source_deleted},
    ("flows",): {"GET": flows.flows_listed, "POST": flows.flow_created},
    ("flows", _ID): {"DELETE": flows.flow_deleted},
    ("connectionSpecs",): {"GET": connections.specs_listed},
    ("connectionSpecs", _ID): {"GET": connections.spec_shown},
}
_CONTROL: Mapping[str, Mapping[str, Plain]] = {
    "/_emulator/health": {"GET": control.health},
    "/_emulator/requests": {"GET": control.requests},
    "/_emulator/reset": {"POST": control.reset},
    "/_emulator/faults": {
        "GET": control.shown,
        "PUT": control.replaced,
        "POST": control.replaced,
        "DELETE": control.cleared,
    },
}
_IMS: Mapping[str, Mapping[str, Plain]] = {TOKEN_PATH: {"POST": auth.token}}
_SANDBOXES: Mapping[str, Plain] = {"GET": sandboxes.listed}
_ROOTS = (connections.BASE, sandboxes.BASE)


def answer(world: App, request: Request) -> Reply:
    """Return the reply to any request whatever; what arrives on an emulated path is logged first.

    The lock of the world must be held. While a database is waited for, other requests are answered.
    """
    try:
        reply = _respond(world, request)
        return reply.reply(_asked(world, reply)) if isinstance(reply, PendingReply) else reply
    except ErrorReply as refused:
        return errors.reply(refused, world.behaviour, world.unique())


def _asked(world: App, asking: PendingReply) -> Any:
    answered: Future[Any] = Future()

    def ask() -> None:
        try:
            answered.set_result(asking.question())
        except Exception as error:
            answered.set_exception(error)

    threading.Thread(target=ask, name="emulator-asks-a-database", daemon=True).start()
    if world.wait(asking.seconds, answered):
        return answered.result()
    if world.ending.done():
        raise ErrorReply(Reply(503))
    raise errors.too_late()


def emulated(path: str) -> bool:
    """Whether the real services have, or might have, this path."""
    return path in _IMS or any(path == root or path.startswith(root + "/") for root in _ROOTS)


def _respond(world: App, request: Request) -> Reply | PendingReply:
    if request.path in _CONTROL:
        return _chosen(_CONTROL[request.path], request)(world, request)
    if not emulated(request.path):
        raise uncoded(404, "Not Found", "Nothing is emulated at this path.")
    world.log.append(request)
    if request.path in _IMS:
        return _chosen(_IMS[request.path], request)(world, request)
    if request.path.startswith(sandboxes.BASE):
        return _sandbox_management(world, request)
    return _flow_service(world, request)


def _sandbox_management(world: App, request: Request) -> Reply:
    identify(world, request)
    if request.path.removesuffix("/") != sandboxes.BASE:
        raise uncoded(404, "Not Found", "Sandbox management has no such path, or it is not emulated.")
    return _chosen(_SANDBOXES, request)(world, request)


def _flow_service(world: App, request: Request) -> Reply | PendingReply:
    caller = admit(world, request)
    segments = tuple(request.path[len(connections.BASE) + 1 :].removesuffix("/").split("/"))
    # The second segment is the only variable one, and never empty.
    pattern = (segments[0], _ID, *segments[2:]) if len(segments) > 1 and segments[1] else segments
    if pattern not in ROUTES:
        raise uncoded(404, "Not Found", "The Flow Service has no such path, or it is not emulated.")
    handler = _chosen(ROUTES[pattern], request)
    return handler(world, AdmittedRequest(request, caller, segments[1] if len(segments) > 1 else ""))


def _chosen(methods: Mapping[str, _T], request: Request) -> _T:
    if request.method in methods:
        return methods[request.method]
    title, detail = "Method Not Allowed", "Not for this path."
    body: JsonObject = {"type": "about:blank", "title": title, "status": 405, "detail": detail}
    raise ErrorReply(Reply(405, body, (("allow", ", ".join(methods)),)))
