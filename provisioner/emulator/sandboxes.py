"""Sandbox management, as far as a client looks whether its sandbox is active."""

from provisioner.emulator.errors import coded
from provisioner.emulator.messages import Json, JsonObject, Reply, Request
from provisioner.emulator.world import World

BASE = "/data/foundation/sandbox-management"
_LIMIT = 50


def listed(world: World, request: Request) -> Reply:
    """``GET /data/foundation/sandbox-management/`` -> the caller's sandboxes, by name.

    Documented (SBX): the shape, the states, and that it asks for no sandbox. Assumed: ``limit`` (50) and ``offset``,
    the form of ``next``, and that whoever names a sandbox may use it.
    """
    states = world.behaviour.sandbox_states or {}
    names = sorted({*_known(world, request), *states})
    limit, offset = _number(request, "limit", _LIMIT, least=1), _number(request, "offset", 0)
    page: list[Json] = [_shown(name, states.get(name, "active")) for name in names[offset : offset + limit]]
    links: JsonObject = {}
    if offset + limit < len(names):
        links["next"] = {"href": f"{BASE}/?limit={limit}&offset={offset + limit}"}
    return Reply(200, {"sandboxes": page, "_page": {"limit": limit, "count": len(page)}, "_links": links})


def _known(world: World, request: Request) -> frozenset[str]:
    if world.behaviour.sandboxes is not None:
        return world.behaviour.sandboxes
    return frozenset({"prod", request.header("x-sandbox-name")}) - {""}


def _shown(name: str, state: str) -> JsonObject:
    kind = "production" if name == "prod" else "development"
    return {"name": name, "title": name, "state": state, "type": kind, "isDefault": name == "prod"}


def _number(request: Request, name: str, otherwise: int, least: int = 0) -> int:
    value = (request.values(name) or (str(otherwise),))[-1]
    if not (value.isascii() and value.isdigit() and int(value) >= least):
        raise coded(1451, param=name)
    return int(value)
