"""Sandbox management, as far as a client looks whether its sandbox is active."""

from functools import partial

from provisioner.emulator.app import App
from provisioner.emulator.errors import uncoded
from provisioner.emulator.messages import Json, JsonObject, Reply, Request

BASE = "/data/foundation/sandbox-management"
_LIMIT = 50
_PAGE: JsonObject = {"href": f"{BASE}/?limit={{limit}}&offset={{offset}}", "templated": True}


def listed(world: App, request: Request) -> Reply:
    """``GET /data/foundation/sandbox-management/`` -> the caller's sandboxes, by name.

    Documented (SBX): the shape with its templated ``page``, the states, that it asks for no sandbox, a ``limit`` of 50,
    and that ``limit`` and ``offset`` come together (the refusal is assumed). Assumed: that whoever names a sandbox may
    use it.
    """
    states = world.behaviour.sandbox_states or {}
    names = sorted({*_known(world, request), *states})
    if bool(request.values("limit")) != bool(request.values("offset")):
        raise _bad("limit and offset are given together, or not at all.")
    limit, offset = _number(request, "limit", _LIMIT, least=1), _number(request, "offset", 0)
    page: list[Json] = [_shown(name, states.get(name, "active")) for name in names[offset : offset + limit]]
    whole: JsonObject = {"sandboxes": page, "_page": {"limit": limit, "count": len(page)}, "_links": {"page": _PAGE}}
    return Reply(200, whole)


def _known(world: App, request: Request) -> frozenset[str]:
    if world.behaviour.sandboxes is not None:
        return world.behaviour.sandboxes
    return frozenset({"prod", request.header("x-sandbox-name")}) - {""}


def _shown(name: str, state: str) -> JsonObject:
    kind = "production" if name == "prod" else "development"
    return {"name": name, "title": name, "state": state, "type": kind, "isDefault": name == "prod"}


def _number(request: Request, name: str, otherwise: int, least: int = 0) -> int:
    value = (request.values(name) or (str(otherwise),))[-1]
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) >= least):
        raise _bad(f"{name} must be a whole number from {least}.")
    return int(value)


_bad = partial(uncoded, 400, "Bad Request")
