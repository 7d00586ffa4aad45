"""What stands before the service: the gateway's checks of token, key and organisation, then the sandbox.

``POST /ims/token/v3``: OAuth server-to-server tokens.

Who may ask: programs on this machine, and no page of a browser. Pure.

A page elsewhere whose host name is made to resolve to 127.0.0.1 says that name in ``Host``. A page that posts across
sites says so in ``Origin`` and ``Sec-Fetch-Site`` (Fetch Metadata); only what a person opens by hand has ``none``.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from provisioner.emulator.app import App, Client
from provisioner.emulator.errors import ErrorReply, coded, gateway, uncoded
from provisioner.emulator.messages import JsonObject, Reply, Request

# Documented: help/sandboxes/ui/user-guide.md.
_SANDBOX = re.compile(r"[a-z][a-z0-9-]{0,255}")


def admit(world: App, request: Request) -> Client:
    """Check the headers that every call of the Flow Service needs; the order of checks is assumed."""
    client, org = identify(world, request)
    _check_content_type(request)
    return Client(client, org, _sandbox(world, request))


def identify(world: App, request: Request) -> tuple[str, str]:
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
        raise ErrorReply(Reply(400, body))


def _sandbox(world: App, request: Request) -> str:
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


def token(world: App, request: Request) -> Reply:
    """A token for client credentials, from a form body or the query, the body winning (DEVCON).

    Documented (DEVCON): the answer, with ``expires_in`` in seconds. Inferred from the older JWT guide: ``error`` and
    status of an unknown client (400) and a wrong secret (401). Assumed: the other refusals and all texts; that the
    scope may be missing.
    """
    given = dict(request.query) | _form(request)
    client, secret, known = given.get("client_id"), given.get("client_secret"), world.behaviour.clients
    if not client or not secret or not given.get("grant_type"):
        return _error(400, "bad_request", "client_id, client_secret and grant_type are required")
    if given["grant_type"] != "client_credentials":
        return _error(400, "unsupported_grant_type", "only client_credentials is supported")
    if known is not None and client not in known:
        return _error(400, "invalid_client", "unknown client_id")
    if known is not None and known[client] != secret:
        return _error(401, "invalid_client", "client_id and client_secret do not match")
    seconds = world.behaviour.token_seconds
    issued = world.tokens.issue(world.unique(), world.clock(), seconds)
    return Reply(200, {"access_token": issued, "token_type": "bearer", "expires_in": seconds})


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _error(status: int, code: str, description: str) -> Reply:
    return Reply(status, {"error": code, "error_description": description})


CONTROL = "/_emulator"
_LOOPBACK = re.compile(
    r"(localhost|127(\.\d{1,3}){3}|\[::1\]|\[::ffff:127(\.\d{1,3}){3}\])\.?(:\d{0,5})?", re.IGNORECASE
)


def check(request: Request) -> None:
    """Raise ``ErrorReply`` for a request that was not meant for the emulator of this machine."""
    if "host" in request.headers and not _LOOPBACK.fullmatch(request.header("host")):
        raise _refused("The emulator answers to localhost and 127.0.0.1 only.")
    from_a_page = "origin" in request.headers or request.headers.get("sec-fetch-site", "none").strip() != "none"
    if from_a_page and request.path.startswith(CONTROL):
        raise _refused("The paths below /_emulator are not for pages of a browser.")


def _refused(detail: str) -> ErrorReply:
    return uncoded(403, "Forbidden", detail)
