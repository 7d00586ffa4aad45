"""The handler of sandbox management: the list in which a client finds the state of its sandbox."""

from functools import partial

from provisioner.emulator.app import App
from provisioner.emulator.errors import uncoded
from provisioner.emulator.messages import Json, JsonObject, Reply, Request

BASE = "/data/foundation/sandbox-management"
_LIMIT = 50
_PAGE: JsonObject = {"href": f"{BASE}/?limit={{limit}}&offset={{offset}}", "templated": True}


def list_sandboxes(app: App, request: Request) -> Reply:
    """``GET /data/foundation/sandbox-management/`` -> the caller's sandboxes, by name.

    Documented (SBX): the shape with its templated ``page``, the states, the ``region`` (that VA6 is on AWS: inferred),
    that no sandbox header is needed, a ``limit`` of 50, and that ``limit`` and ``offset`` come together (the refusal is
    assumed). Assumed: that a caller may use any sandbox it names.
    """
    states = app.behaviour.sandbox_states or {}
    known = app.behaviour.sandboxes
    if known is None:
        known = frozenset({"prod", request.header("x-sandbox-name")}) - {""}
    names = sorted({*known, *states})
    if bool(request.values("limit")) != bool(request.values("offset")):
        raise _bad_request("limit and offset are given together, or not at all.")
    limit, offset = _integer(request, "limit", _LIMIT, minimum=1), _integer(request, "offset", 0)
    page: list[Json] = [
        {
            "name": name,
            "title": name,
            "state": states.get(name, "active"),
            "type": "production" if name == "prod" else "development",
            "region": "VA6" if app.behaviour.cloud == "aws" else "VA7",
            "isDefault": name == "prod",
        }
        for name in names[offset : offset + limit]
    ]
    body: JsonObject = {"sandboxes": page, "_page": {"limit": limit, "count": len(page)}, "_links": {"page": _PAGE}}
    return Reply(200, body)


def _integer(request: Request, name: str, default: int, minimum: int = 0) -> int:
    value = (request.values(name) or (str(default),))[-1]
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) >= minimum):
        raise _bad_request(f"{name} must be a whole number from {minimum}.")
    return int(value)


_bad_request = partial(uncoded, 400, "Bad Request")
