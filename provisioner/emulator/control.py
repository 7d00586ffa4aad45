"""``/_emulator``: what no real service has."""

from collections.abc import Mapping

from provisioner.emulator.json_text import parse
from provisioner.emulator.messages import Json, JsonObject, Reply, Request
from provisioner.emulator.world import World


def health(world: World, request: Request) -> Reply:  # noqa: ARG001
    """Whether it is up, and which cloud it plays."""
    return Reply(200, {"status": "ok", "cloud": world.behaviour.cloud})


def requests(world: World, request: Request) -> Reply:  # noqa: ARG001
    """What arrived on the Flow Service and token paths, refused requests included, oldest first."""
    return Reply(200, [_logged(each) for each in list(world.log)])


def reset(world: World, request: Request) -> Reply:  # noqa: ARG001
    """Forget base connections, what depends on them, tokens and the log."""
    world.store.clear()
    world.related.clear()
    world.credentials.clear()
    world.tokens.clear()
    world.log.clear()
    return Reply(200, {"status": "ok"})


def _logged(request: Request) -> JsonObject:
    """``query``: name -> its value, or an array of them where it is repeated. ``body``: null, JSON, or the text."""
    return {
        "method": request.method,
        "path": request.path,
        "query": _query(request),
        "headers": dict(request.headers),
        "body": _body(request.body),
    }


def _query(request: Request) -> JsonObject:
    names: Mapping[str, tuple[str, ...]] = {name: request.values(name) for name, _ in request.query}
    return {name: values[0] if len(values) == 1 else list(values) for name, values in names.items()}


def _body(raw: bytes) -> Json:
    if not raw:
        return None
    try:
        return parse(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
