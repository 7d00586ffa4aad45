"""The route table, and the one function from a request to its reply."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from provisioner.emulator import connections, control, dependants, errors, ims, rehearsing
from provisioner.emulator.errors import Refused, uncoded
from provisioner.emulator.gate import admit
from provisioner.emulator.messages import JsonObject, Reply, Request
from provisioner.emulator.world import Call, World

_T = TypeVar("_T")
Handler = Callable[[World, Call], Reply]
Plain = Callable[[World, Request], Reply]

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
    ("connections", _ID, "test"): {"GET": connections.tested},
    ("connections", _ID, "explore"): {"GET": connections.explored},
    ("sourceConnections",): {"GET": dependants.sources_listed, "POST": dependants.source_created},
    ("sourceConnections", _ID): {"DELETE": dependants.source_deleted},
    ("flows",): {"GET": dependants.flows_listed, "POST": dependants.flow_created},
    ("flows", _ID): {"DELETE": dependants.flow_deleted},
    ("connectionSpecs",): {"GET": connections.specs_listed},
    ("connectionSpecs", _ID): {"GET": connections.spec_shown},
}
_CONTROL: Mapping[str, Mapping[str, Plain]] = {
    "/_emulator/health": {"GET": control.health},
    "/_emulator/requests": {"GET": control.requests},
    "/_emulator/reset": {"POST": control.reset},
    "/_emulator/faults": {
        "GET": rehearsing.shown,
        "PUT": rehearsing.replaced,
        "POST": rehearsing.replaced,
        "DELETE": rehearsing.cleared,
    },
}
_IMS: Mapping[str, Mapping[str, Plain]] = {TOKEN_PATH: {"POST": ims.token}}


def respond(world: World, request: Request) -> Reply:
    """The reply to any request whatever; what arrives on an emulated path is logged first."""
    try:
        return _respond(world, request)
    except Refused as refused:
        return errors.reply(refused, world.behaviour)


def emulated(path: str) -> bool:
    """Whether the real services have, or might have, this path."""
    return path in _IMS or path == connections.BASE or path.startswith(connections.BASE + "/")


def _respond(world: World, request: Request) -> Reply:
    if request.path in _CONTROL:
        return _chosen(_CONTROL[request.path], request)(world, request)
    if not emulated(request.path):
        raise uncoded(404, "Not Found", "Nothing is emulated at this path.")
    world.log.append(request)
    if request.path in _IMS:
        return _chosen(_IMS[request.path], request)(world, request)
    return _flow_service(world, request)


def _flow_service(world: World, request: Request) -> Reply:
    caller = admit(world, request)
    segments = tuple(request.path[len(connections.BASE) + 1 :].removesuffix("/").split("/"))
    # The second segment is the only variable one, and never empty.
    pattern = (segments[0], _ID, *segments[2:]) if len(segments) > 1 and segments[1] else segments
    if pattern not in ROUTES:
        raise uncoded(404, "Not Found", "The Flow Service has no such path, or it is not emulated.")
    handler = _chosen(ROUTES[pattern], request)
    return handler(world, Call(request, caller, segments[1] if len(segments) > 1 else ""))


def _chosen(methods: Mapping[str, _T], request: Request) -> _T:
    if request.method in methods:
        return methods[request.method]
    title, detail = "Method Not Allowed", "Not for this path."
    body: JsonObject = {"type": "about:blank", "title": title, "status": 405, "detail": detail}
    raise Refused(Reply(405, body, (("allow", ", ".join(methods)),)))
