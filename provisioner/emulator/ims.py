"""``POST /ims/token/v3``: OAuth server-to-server tokens."""

from urllib.parse import parse_qsl

from provisioner.emulator.messages import Reply, Request
from provisioner.emulator.world import World


def token(world: World, request: Request) -> Reply:
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
