"""Handlers of ``/_emulator``, which no real service has: health, request log, reset and fault injection."""

from __future__ import annotations

from provisioner.emulator.app import App
from provisioner.emulator.concurrent_edits import create_existing
from provisioner.emulator.errors import uncoded
from provisioner.emulator.fault_config import FaultConfig, FaultError, fault_config
from provisioner.emulator.messages import Json, JsonObject, Reply, Request, parse


def health(app: App, request: Request) -> Reply:  # noqa: ARG001
    """Report that the emulator is up, and which cloud it emulates."""
    return Reply(200, {"status": "ok", "cloud": app.behaviour.cloud})


def list_requests(app: App, request: Request) -> Reply:  # noqa: ARG001
    """List the requests to the Flow Service and token paths, refused ones included, oldest first."""
    return Reply(200, [_log_entry(logged) for logged in list(app.log)])


def _log_entry(request: Request) -> JsonObject:
    """Return a request as JSON.

    ``query``: name -> its value, or an array of them where it is repeated. ``body``: null, JSON, or the text.
    """
    query: JsonObject = {}
    for name, _ in request.query:
        values = request.values(name)
        query[name] = values[0] if len(values) == 1 else list(values)
    return {
        "method": request.method,
        "path": request.path,
        "query": query,
        "headers": dict(request.headers),
        "body": _logged_body(request.body),
    }


def _logged_body(raw: bytes) -> Json:
    if not raw:
        return None
    try:
        return parse(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def reset(app: App, request: Request) -> Reply:  # noqa: ARG001
    """Delete base connections, their dependents, tokens and the log."""
    app.store.clear()
    app.dependents.clear()
    app.credentials.clear()
    app.tokens.clear()
    app.log.clear()
    return Reply(200, {"status": "ok"})


def get_faults(app: App, request: Request) -> Reply:  # noqa: ARG001
    """Return the fault configuration with its counts."""
    return Reply(200, app.faults.report())


def replace_faults(app: App, request: Request) -> Reply:
    """Load the fault configuration in the body; refuse an invalid one with 400 and change nothing."""
    try:
        config = fault_config(parse(request.body))
        create_existing(app, config.existing)
    except FaultError as error:
        raise uncoded(400, "Invalid faults", str(error)) from None
    except ValueError:
        raise uncoded(400, "Invalid faults", "the body is not valid JSON") from None
    app.faults.load(config)
    return Reply(200, app.faults.report())


def clear_faults(app: App, request: Request) -> Reply:  # noqa: ARG001
    """Remove all faults; base connections stay as they are."""
    app.faults.load(FaultConfig())
    return Reply(200, app.faults.report())
