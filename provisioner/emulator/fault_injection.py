"""Injection of faults into one request: before it is handled, in its place, and into its reply.

``handle`` is the entry point of the server for every request, with or without faults.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from http.client import responses

from provisioner.emulator import auth, concurrent_edits, errors
from provisioner.emulator.app import App
from provisioner.emulator.connection_model import Connection
from provisioner.emulator.errors import ErrorReply, coded, uncoded
from provisioner.emulator.fault_config import RESPONSE_FAULTS, Fault
from provisioner.emulator.messages import Delivery, Reply, Request, ResponseFault
from provisioner.emulator.routes import answer, is_emulated
from provisioner.emulator.store import ConnectionStore


def handle(app: App, request: Request) -> Delivery:
    """Return the result of a request. Requests are handled one at a time, except while they wait."""
    with app.lock:
        try:
            auth.check_origin(request)
            if not app.faults or not is_emulated(request.path):
                return Delivery(answer(app, request))
            faults = app.faults.choose(request, lambda: concurrent_edits.requested_name(app, request))
            return _handle_with_faults(app, request, faults)
        except ErrorReply as error:  # the request is not from a program, or the data file fails during a foreign write
            return Delivery(errors.error_reply(error, app.behaviour, app.new_id()))


def _handle_with_faults(app: App, request: Request, faults: tuple[Fault, ...]) -> Delivery:
    before = [fault for fault in faults if fault.when == "before"]
    for fault in before:
        _apply_side_effect(app, request, fault)
    # Only the last one can prevent handling; see Faults.choose.
    if before and before[-1].prevents_handling:
        app.log.append(request)
        if before[-1].kind == "reset":
            return Delivery(None)
        reply = _fault_reply(app, before[-1])
    else:
        reply = answer(_app_for_request(app, faults), request)
    delivery = Delivery(reply)
    for fault in faults:
        if fault.when != "after":
            continue
        _apply_side_effect(app, request, fault)
        if fault.kind == "reset":
            return Delivery(None)
        if fault.kind == "status":
            delivery = replace(delivery, reply=_fault_reply(app, fault))
        if fault.kind in RESPONSE_FAULTS:
            added = ResponseFault(fault.kind, fault.status, fault.seconds)
            delivery = replace(delivery, response_faults=(*delivery.response_faults, added))
    return delivery


_FOREIGN_WRITES: Mapping[str, Callable[[App, Request, Fault], None]] = {
    "foreign-create": concurrent_edits.create,
    "foreign-edit": concurrent_edits.edit,
    "foreign-delete": concurrent_edits.delete,
}


def _apply_side_effect(app: App, request: Request, fault: Fault) -> None:
    if fault.kind == "delay":
        app.wait(fault.seconds)
    elif fault.kind == "expire-tokens":
        app.tokens.clear()
    elif fault.kind in _FOREIGN_WRITES:
        _FOREIGN_WRITES[fault.kind](app, request, fault)


def _app_for_request(app: App, faults: tuple[Fault, ...]) -> App:
    """Return the app with the behaviour and store that the faults give it for this request only."""
    for fault in faults:
        if fault.kind == "initializing":
            app = replace(app, behaviour=replace(app.behaviour, initializing_seconds=fault.seconds))
        if fault.kind == "lag":
            app = replace(app, store=_LaggingStore(app.store, app.now() - fault.seconds * 1000))
    return app


def _fault_reply(app: App, fault: Fault) -> Reply:
    """Return the reply that the fault describes; a header that it names replaces the usual one."""
    if fault.body is None:
        reply = _error_reply(app, fault.status)
    elif not isinstance(fault.body, str):
        reply = Reply(fault.status, fault.body)
    elif fault.body:
        # A text is sent unchanged, as a page unless a header says otherwise.
        html = ("content-type", "text/html; charset=utf-8")
        reply = Reply(fault.status, fault.body.encode("utf-8", "replace"), (html,))
    else:
        reply = Reply(fault.status)
    headers = dict(reply.headers)
    if isinstance(fault.retry_after, str):
        headers["retry-after"] = fault.retry_after
    elif fault.retry_after is not None:
        date = formatdate(app.clock() + fault.retry_after, usegmt=True)
        headers["retry-after"] = date if fault.as_date else f"{fault.retry_after:g}"
    headers |= {name.lower(): value for name, value in fault.headers.items()}
    return replace(reply, headers=tuple(headers.items()))


def _error_reply(app: App, status: int) -> Reply:
    """Return an error in the shape that is switched on; below 400 the body is an empty object."""
    if status < 400:
        return Reply(status, None if status in (204, 205, 304) else {})
    title = responses.get(status, "Error")
    error = coded("1103-503") if status == 503 else uncoded(status, title, "A fault on demand.")
    return errors.error_reply(error, app.behaviour, app.new_id())


class _LaggingStore:
    """A store whose lists do not show connections created after a moment (epoch milliseconds)."""

    def __init__(self, store: ConnectionStore, until: float) -> None:
        self._until = until
        self.add, self.find, self.replace = store.add, store.find, store.replace
        self.remove, self.clear, self._newest_first = store.remove, store.clear, store.newest_first

    def newest_first(self, org: str, sandbox: str, below: int | None) -> Iterator[tuple[int, Connection]]:
        return (row for row in self._newest_first(org, sandbox, below) if row[1].created.at <= self._until)
