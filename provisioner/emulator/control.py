"""``/_emulator``: what no real service has.

``/_emulator/faults``: what is to go wrong, and how often it has.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.emulator.app import App
from provisioner.emulator.concurrent_edits import seed
from provisioner.emulator.errors import uncoded
from provisioner.emulator.faults import FaultConfig, FaultError, fault_config
from provisioner.emulator.messages import Json, JsonObject, Reply, Request, parse


def health(world: App, request: Request) -> Reply:  # noqa: ARG001
    """Whether it is up, and which cloud it plays."""
    return Reply(200, {"status": "ok", "cloud": world.behaviour.cloud})


def requests(world: App, request: Request) -> Reply:  # noqa: ARG001
    """What arrived on the Flow Service and token paths, refused requests included, oldest first."""
    return Reply(200, [_logged(each) for each in list(world.log)])


def reset(world: App, request: Request) -> Reply:  # noqa: ARG001
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


def shown(world: App, request: Request) -> Reply:  # noqa: ARG001
    """The rehearsal under way, with its counts."""
    return Reply(200, world.faults.report())


def replaced(world: App, request: Request) -> Reply:
    """Begin the rehearsal in the body instead; 400, and nothing changed, when it cannot be used."""
    try:
        wanted = fault_config(parse(request.body))
        seed(world, wanted.existing)
    except FaultError as error:
        raise uncoded(400, "Invalid faults", str(error)) from None
    except ValueError:
        raise uncoded(400, "Invalid faults", "the body is not valid JSON") from None
    world.faults.load(wanted)
    return Reply(200, world.faults.report())


def cleared(world: App, request: Request) -> Reply:  # noqa: ARG001
    """Nothing goes wrong any more; base connections stay as they are."""
    world.faults.load(FaultConfig())
    return Reply(200, world.faults.report())
