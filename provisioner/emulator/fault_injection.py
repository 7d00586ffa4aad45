"""Carrying faults out around one request: what happens before it, what it meets, and what becomes of its answer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from http.client import responses

from provisioner.emulator import auth, concurrent_edits, errors
from provisioner.emulator.app import App
from provisioner.emulator.base_connection import Connection
from provisioner.emulator.errors import ErrorReply, coded, uncoded
from provisioner.emulator.faults import GARBLINGS, Fault
from provisioner.emulator.messages import Delivery, Garbling, Json, Reply, Request
from provisioner.emulator.routes import answer, emulated
from provisioner.emulator.store import ConnectionStore


def handle(world: App, request: Request) -> Delivery:
    """Return what becomes of a request. Each is handled as if it were alone, but where it waits."""
    with world.lock:
        try:
            auth.check(request)
            if not world.faults or not emulated(request.path):
                return Delivery(answer(world, request))
            hits = world.faults.choose(request, lambda: concurrent_edits.name_in(world, request))
            return _carry_out(world, request, hits)
        except ErrorReply as refused:  # no program asks, or the data file fails under somebody else's hands
            return Delivery(errors.reply(refused, world.behaviour, world.unique()))


def _carry_out(world: App, request: Request, faults: tuple[Fault, ...]) -> Delivery:
    """Return the outcome of a request that these faults hit, each in its turn."""
    early = [each for each in faults if each.when == "before"]
    late = [each for each in faults if each.when == "after"]
    for fault in early:
        _disturb(world, request, fault)
    # Only the last one can end it; see Faults.choose.
    ended = early[-1] if early and early[-1].ends else None
    if ended is not None:
        world.log.append(request)
    if ended is not None and ended.kind == "reset":
        return Delivery(None)
    reply = _on_demand(world, ended) if ended else answer(_adapted(world, faults), request)
    return _afterwards(world, request, late, reply)


def _afterwards(world: App, request: Request, late: list[Fault], reply: Reply) -> Delivery:
    outcome = Delivery(reply)
    for fault in late:
        _disturb(world, request, fault)
        if fault.kind == "reset":
            return Delivery(None)
        if fault.kind == "status":
            outcome = replace(outcome, reply=_on_demand(world, fault))
        if fault.kind in GARBLINGS:
            garbling = Garbling(fault.kind, fault.status, fault.seconds)
            outcome = replace(outcome, garblings=(*outcome.garblings, garbling))
    return outcome


def _disturb(world: App, request: Request, fault: Fault) -> None:
    """What a fault does to the world, if anything."""
    if fault.kind == "delay":
        world.wait(fault.seconds)
    elif fault.kind == "expire-tokens":
        world.tokens.clear()
    elif fault.kind in _FOREIGN:
        _FOREIGN[fault.kind](world, request, fault)


_FOREIGN: Mapping[str, Callable[[App, Request, Fault], None]] = {
    "foreign-create": concurrent_edits.create,
    "foreign-edit": concurrent_edits.edit,
    "foreign-delete": concurrent_edits.delete,
}


def _adapted(world: App, faults: tuple[Fault, ...]) -> App:
    """The world as this request meets it."""
    for fault in faults:
        if fault.kind == "initializing":
            world = replace(world, behaviour=replace(world.behaviour, initializing_seconds=fault.seconds))
        if fault.kind == "lag":
            world = replace(world, store=_Lagging(world.store, world.now() - fault.seconds * 1000))
    return world


def _on_demand(world: App, fault: Fault) -> Reply:
    """Return the answer that the fault describes; a header that it names replaces the usual one."""
    reply = _usual(world, fault) if fault.body is None else _with_body(fault.status, fault.body)
    headers = dict(reply.headers)
    if fault.retry_after is not None:
        headers["retry-after"] = _retry_after(world, fault.retry_after, fault.as_date)
    headers |= {name.lower(): value for name, value in fault.headers.items()}
    return replace(reply, headers=tuple(headers.items()))


def _with_body(status: int, body: Json) -> Reply:
    """Return an answer with JSON, or with a text as it is: a page, unless a header says otherwise."""
    if not isinstance(body, str):
        return Reply(status, body)
    headers = (("content-type", "text/html; charset=utf-8"),)
    return Reply(status, body.encode("utf-8", "replace"), headers) if body else Reply(status)


def _usual(world: App, fault: Fault) -> Reply:
    """Return an error in the shape that is switched on; below 400 there is an empty object for a body."""
    reply = Reply(fault.status, None if fault.status in (204, 205, 304) else {})
    if fault.status >= 400:
        title = responses.get(fault.status, "Error")
        refused = coded("1103-503") if fault.status == 503 else uncoded(fault.status, title, "A fault on demand.")
        reply = errors.reply(refused, world.behaviour, world.unique())
    return reply


def _retry_after(world: App, after: float | str, as_date: bool) -> str:
    if isinstance(after, str):
        return after
    return formatdate(world.clock() + after, usegmt=True) if as_date else f"{after:g}"


class _Lagging:
    """A store whose lists do not yet show what was created after a moment (epoch milliseconds)."""

    def __init__(self, store: ConnectionStore, until: float) -> None:
        self._until = until
        self.add, self.find, self.replace = store.add, store.find, store.replace
        self.remove, self.clear, self._newest_first = store.remove, store.clear, store.newest_first

    def newest_first(self, org: str, sandbox: str, below: int | None) -> Iterator[tuple[int, Connection]]:
        """See ``ConnectionStore``."""
        return (row for row in self._newest_first(org, sandbox, below) if row[1].created.at <= self._until)
