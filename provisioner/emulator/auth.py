"""What stands before the service: the gateway's checks of token, key and organisation, then the sandbox."""

import re

from provisioner.emulator.errors import Refused, coded, gateway
from provisioner.emulator.messages import JsonObject, Reply, Request
from provisioner.emulator.world import Caller, World

# Documented: help/sandboxes/ui/user-guide.md.
_SANDBOX = re.compile(r"[a-z][a-z0-9-]{0,255}")


def admit(world: World, request: Request) -> Caller:
    """Check the headers that every call of the Flow Service needs; the order of checks is assumed."""
    client, org = identify(world, request)
    _check_content_type(request)
    return Caller(client, org, _sandbox(world, request))


def identify(world: World, request: Request) -> tuple[str, str]:
    """Client and organisation, as far as any of Adobe's gateways asks. Codes and shapes documented (TRB, ERR)."""
    scheme, _, token = request.header("authorization").partition(" ")
    client, org = request.header("x-api-key"), request.header("x-gw-ims-org-id")
    if not token.strip():
        raise gateway("403010")
    if not client:
        raise gateway("403000")
    if not org:
        raise gateway("400003")
    if scheme.lower() != "bearer" or not world.tokens.good(token.strip(), world.clock(), world.behaviour):
        raise gateway("401013")
    if world.behaviour.clients is not None and client not in world.behaviour.clients:
        raise gateway("403003")
    return client, org


def _check_content_type(request: Request) -> None:
    """Documented (TRB): the whole body, verbatim."""
    kind = request.header("content-type").partition(";")[0].strip().lower()
    if request.method in ("POST", "PUT", "PATCH") and kind != "application/json":
        text = "A valid content-type must be specified"
        body: JsonObject = {"type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError", "detail": text}
        raise Refused(Reply(400, body))


def _sandbox(world: World, request: Request) -> str:
    name, known = request.header("x-sandbox-name"), world.behaviour.sandboxes
    if request.header("x-sandbox-id"):
        raise coded("2110-400")
    if not name and world.behaviour.missing_sandbox == "reject":
        raise coded("2105-400")
    name = name or "prod"
    if name == "*":
        raise coded("2111-403")
    if not _SANDBOX.fullmatch(name) or (known is not None and name not in known):
        raise coded("2100-404", name=name)
    return name
