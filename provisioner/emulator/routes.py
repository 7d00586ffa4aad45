"""The route table, and the dispatch of a request to its handler.

Every path that the emulator answers is listed here, with one handler a method.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from provisioner.emulator import auth, connections, control, errors, explore, flows, sandboxes
from provisioner.emulator.app import AdmittedRequest, App
from provisioner.emulator.errors import ErrorReply, uncoded
from provisioner.emulator.messages import JsonObject, PendingReply, Reply, Request

_T = TypeVar("_T")
Handler = Callable[[App, AdmittedRequest], Reply | PendingReply]
PlainHandler = Callable[[App, Request], Reply]

TOKEN_PATH = "/ims/token/v3"  # noqa: S105
_ID = "{id}"

# Below connections.BASE; one trailing slash makes no difference (OAS writes PATCH and DELETE with one).
ROUTES: Mapping[tuple[str, ...], Mapping[str, Handler]] = {
    ("connections",): {"GET": connections.list_connections, "POST": connections.create_connection},
    ("connections", _ID): {
        "GET": connections.get_connection,
        "PATCH": connections.patch_connection,
        "DELETE": connections.delete_connection,
    },
    ("connections", _ID, "test"): {"GET": explore.test_connection},
    ("connections", _ID, "explore"): {"GET": explore.explore_connection},
    ("sourceConnections",): {"GET": flows.list_source_connections, "POST": flows.create_source_connection},
    ("sourceConnections", _ID): {"DELETE": flows.delete_source_connection},
    ("flows",): {"GET": flows.list_flows, "POST": flows.create_flow},
    ("flows", _ID): {"DELETE": flows.delete_flow},
    ("connectionSpecs",): {"GET": connections.list_specs},
    ("connectionSpecs", _ID): {"GET": connections.get_spec},
}
_CONTROL: Mapping[str, Mapping[str, PlainHandler]] = {
    "/_emulator/health": {"GET": control.health},
    "/_emulator/requests": {"GET": control.list_requests},
    "/_emulator/reset": {"POST": control.reset},
    "/_emulator/faults": {
        "GET": control.get_faults,
        "PUT": control.replace_faults,
        "POST": control.replace_faults,
        "DELETE": control.clear_faults,
    },
}
_TOKENS: Mapping[str, PlainHandler] = {"POST": auth.issue_token}
_SANDBOXES: Mapping[str, PlainHandler] = {"GET": sandboxes.list_sandboxes}


def answer(app: App, request: Request) -> Reply:
    """Return the reply to a request; a request to an emulated path is logged first.

    The caller holds the lock of the app. It is released while a handler waits for a database.
    """
    try:
        reply = _dispatch(app, request)
        return reply.to_reply(_wait_for_query(app, reply)) if isinstance(reply, PendingReply) else reply
    except ErrorReply as error:
        return errors.error_reply(error, app.behaviour, app.new_id())


def is_emulated(path: str) -> bool:
    """Return whether the path belongs to one of the emulated services, including paths that are not implemented."""
    roots = (connections.BASE, sandboxes.BASE)
    return path == TOKEN_PATH or any(path == root or path.startswith(root + "/") for root in roots)


def _dispatch(app: App, request: Request) -> Reply | PendingReply:
    if request.path in _CONTROL:
        return _for_method(_CONTROL[request.path], request)(app, request)
    if not is_emulated(request.path):
        raise uncoded(404, "Not Found", "Nothing is emulated at this path.")
    app.log.append(request)
    if request.path == TOKEN_PATH:
        return _for_method(_TOKENS, request)(app, request)
    if request.path.startswith(sandboxes.BASE):
        auth.identify(app, request)
        if request.path.removesuffix("/") != sandboxes.BASE:
            raise uncoded(404, "Not Found", "Sandbox management has no such path, or it is not emulated.")
        return _for_method(_SANDBOXES, request)(app, request)
    return _dispatch_flow_service(app, request)


def _dispatch_flow_service(app: App, request: Request) -> Reply | PendingReply:
    caller = auth.admit(app, request)
    segments = tuple(request.path[len(connections.BASE) + 1 :].removesuffix("/").split("/"))
    # The second segment is the only variable one, and never empty.
    pattern = (segments[0], _ID, *segments[2:]) if len(segments) > 1 and segments[1] else segments
    if pattern not in ROUTES:
        raise uncoded(404, "Not Found", "The Flow Service has no such path, or it is not emulated.")
    handler = _for_method(ROUTES[pattern], request)
    return handler(app, AdmittedRequest(request, caller, segments[1] if len(segments) > 1 else ""))


def _for_method(handlers: Mapping[str, _T], request: Request) -> _T:
    if request.method in handlers:
        return handlers[request.method]
    title, detail = "Method Not Allowed", "Not for this path."
    body: JsonObject = {"type": "about:blank", "title": title, "status": 405, "detail": detail}
    raise ErrorReply(Reply(405, body, (("allow", ", ".join(handlers)),)))


def _wait_for_query(app: App, pending: PendingReply) -> Any:
    """Run the query in a thread and return its result. Raise ``ErrorReply`` after a timeout or at shutdown."""
    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(pending.query())
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=run, name="emulator-database-query", daemon=True).start()
    if app.wait(pending.seconds, result):
        return result.result()
    if app.shutdown.done():
        raise ErrorReply(Reply(503))
    raise errors.too_late()
