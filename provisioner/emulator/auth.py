"""Checks before a request reaches a handler, and the token endpoint.

``check_origin`` refuses requests from browser pages, ``identify`` and ``admit`` are the gateway's checks of token, API
key, organization and sandbox, and ``issue_token`` is ``POST /ims/token/v3`` (OAuth server-to-server).
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from provisioner.emulator.app import App, Client
from provisioner.emulator.errors import ErrorReply, coded, gateway, uncoded
from provisioner.emulator.messages import JsonObject, Reply, Request

CONTROL = "/_emulator"

# Documented: help/sandboxes/ui/user-guide.md.
_SANDBOX = re.compile(r"[a-z][a-z0-9-]{0,255}")
_LOOPBACK = re.compile(
    r"(localhost|127(\.\d{1,3}){3}|\[::1\]|\[::ffff:127(\.\d{1,3}){3}\])\.?(:\d{0,5})?", re.IGNORECASE
)


def check_origin(request: Request) -> None:
    """Raise ``ErrorReply`` for a request that may come from a web page rather than from a program on this machine.

    With DNS rebinding, a page's host name resolves to 127.0.0.1 and ``Host`` still has that name. A page that posts
    across sites is recognised by ``Origin`` and ``Sec-Fetch-Site`` (Fetch Metadata); only a request that a person
    made by hand has ``none`` there.
    """
    if "host" in request.headers and not _LOOPBACK.fullmatch(request.header("host")):
        raise uncoded(403, "Forbidden", "The emulator answers to localhost and 127.0.0.1 only.")
    from_page = "origin" in request.headers or request.headers.get("sec-fetch-site", "none").strip() != "none"
    if from_page and request.path.startswith(CONTROL):
        raise uncoded(403, "Forbidden", "The paths below /_emulator are not for pages of a browser.")


def admit(app: App, request: Request) -> Client:
    """Check the headers that every call of the Flow Service needs; the order of checks is assumed."""
    client, org = identify(app, request)
    _check_content_type(request)
    return Client(client, org, _sandbox(app, request))


def identify(app: App, request: Request) -> tuple[str, str]:
    """Return client and organization, the checks that all of Adobe's gateways share.

    Codes and shapes documented (TRB, ERR).
    """
    scheme, _, token = request.header("authorization").partition(" ")
    client, org = request.header("x-api-key"), request.header("x-gw-ims-org-id")
    if not token.strip():
        raise gateway("403010")
    if not client:
        raise gateway("403000")
    if not org:
        raise gateway("400003")
    if scheme.lower() != "bearer" or not app.tokens.is_valid(token.strip(), app.clock(), app.behaviour):
        raise gateway("401013")
    if app.behaviour.clients is not None and client not in app.behaviour.clients:
        raise gateway("403003")
    return client, org


def _check_content_type(request: Request) -> None:
    """Raise ``ErrorReply`` for a write that is not JSON. Documented (TRB): the whole body, verbatim."""
    content_type = request.header("content-type").partition(";")[0].strip().lower()
    if request.method in ("POST", "PUT", "PATCH") and content_type != "application/json":
        text = "A valid content-type must be specified"
        body: JsonObject = {"type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError", "detail": text}
        raise ErrorReply(Reply(400, body))


def _sandbox(app: App, request: Request) -> str:
    name, known = request.header("x-sandbox-name"), app.behaviour.sandboxes
    if request.header("x-sandbox-id"):
        raise coded("2110-400")
    if not name and app.behaviour.missing_sandbox == "reject":
        raise coded("2105-400")
    name = name or "prod"
    if name == "*":
        raise coded("2111-403")
    if not _SANDBOX.fullmatch(name) or (known is not None and name not in known):
        raise coded("2100-404", name=name)
    return name


def issue_token(app: App, request: Request) -> Reply:
    """Issue a token for client credentials from a form body or the query; the body wins (DEVCON).

    Documented (DEVCON): the answer, with ``expires_in`` in seconds. Inferred from the older JWT guide: ``error`` and
    status of an unknown client (400) and a wrong secret (401). Assumed: the other refusals and all texts; that the
    scope may be missing.
    """
    form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    parameters = dict(request.query) | dict(form)
    client, secret, grant = (parameters.get(name) for name in ("client_id", "client_secret", "grant_type"))
    secrets = app.behaviour.clients
    if not client or not secret or not grant:
        return _oauth_error(400, "bad_request", "client_id, client_secret and grant_type are required")
    if grant != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type", "only client_credentials is supported")
    if secrets is not None and client not in secrets:
        return _oauth_error(400, "invalid_client", "unknown client_id")
    if secrets is not None and secrets[client] != secret:
        return _oauth_error(401, "invalid_client", "client_id and client_secret do not match")
    seconds = app.behaviour.token_seconds
    token = app.tokens.issue(app.new_id(), app.clock(), seconds)
    return Reply(200, {"access_token": token, "token_type": "bearer", "expires_in": seconds})


def _oauth_error(status: int, code: str, description: str) -> Reply:
    return Reply(status, {"error": code, "error_description": description})
