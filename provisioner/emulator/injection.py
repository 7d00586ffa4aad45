"""Carrying faults out around one request: what happens before it, what it meets, and what becomes of its answer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from http.client import responses

from provisioner.emulator import errors, foreign
from provisioner.emulator.connection import Connection
from provisioner.emulator.dispatch import answer, emulated
from provisioner.emulator.errors import Refused, coded, uncoded
from provisioner.emulator.faults import GARBLINGS, Fault
from provisioner.emulator.messages import Outcome, Reply, Request
from provisioner.emulator.store import Store
from provisioner.emulator.world import World


def handle(world: World, request: Request) -> Outcome:
    """Return what becomes of a request. Each is handled as if it were alone, but where it waits."""
    with world.lock:
        if not world.faults or not emulated(request.path):
            return Outcome(answer(world, request))
        try:
            hits = world.faults.choose(request, lambda: foreign.name_in(world, request))
            return _carry_out(world, request, hits)
        except Refused as refused:  # the data file fails under somebody else's hands
            return Outcome(errors.reply(refused, world.behaviour, world.unique()))


def _carry_out(world: World, request: Request, faults: tuple[Fault, ...]) -> Outcome:
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
        return Outcome(None)
    reply = _refusal(world, ended) if ended else answer(_adapted(world, faults), request)
    return _afterwards(world, request, late, reply)


def _afterwards(world: World, request: Request, late: list[Fault], reply: Reply) -> Outcome:
    outcome = Outcome(reply)
    for fault in late:
        _disturb(world, request, fault)
        if fault.kind == "reset":
            return Outcome(None)
        if fault.kind == "status":
            outcome = replace(outcome, reply=_refusal(world, fault))
        if fault.kind in GARBLINGS:
            outcome = replace(outcome, garbling=fault.kind)
    return outcome


def _disturb(world: World, request: Request, fault: Fault) -> None:
    """What a fault does to the world, if anything."""
    if fault.kind == "delay":
        world.wait(fault.seconds)
    elif fault.kind == "expire-tokens":
        world.tokens.clear()
    elif fault.kind in _FOREIGN:
        _FOREIGN[fault.kind](world, request, fault)


_FOREIGN: Mapping[str, Callable[[World, Request, Fault], None]] = {
    "foreign-create": foreign.create,
    "foreign-edit": foreign.edit,
    "foreign-delete": foreign.delete,
}


def _adapted(world: World, faults: tuple[Fault, ...]) -> World:
    """The world as this request meets it."""
    for fault in faults:
        if fault.kind == "initializing":
            world = replace(world, behaviour=replace(world.behaviour, initializing_seconds=fault.seconds))
        if fault.kind == "lag":
            world = replace(world, store=_Lagging(world.store, world.now() - fault.seconds * 1000))
    return world


def _refusal(world: World, fault: Fault) -> Reply:
    """A status on demand, in the error shape that is switched on; below 300 it has an empty object for a body."""
    reply = Reply(fault.status, None if fault.status in (204, 205, 304) else {})
    if fault.status >= 400:
        title = responses.get(fault.status, "Error")
        refused = coded("1103-503") if fault.status == 503 else uncoded(fault.status, title, "A fault on demand.")
        reply = errors.reply(refused, world.behaviour, world.unique())
    if fault.retry_after is None:
        return reply
    return replace(reply, headers=(("retry-after", _retry_after(world, fault.retry_after, fault.as_date)),))


def _retry_after(world: World, after: float | str, as_date: bool) -> str:
    if isinstance(after, str):
        return after
    return formatdate(world.clock() + after, usegmt=True) if as_date else f"{after:g}"


class _Lagging:
    """A store whose lists do not yet show what was created after a moment (epoch milliseconds)."""

    def __init__(self, store: Store, until: float) -> None:
        self._until = until
        self.add, self.find, self.replace = store.add, store.find, store.replace
        self.remove, self.clear, self._newest_first = store.remove, store.clear, store.newest_first

    def newest_first(self, org: str, sandbox: str, below: int | None) -> Iterator[tuple[int, Connection]]:
        """See ``Store``."""
        return (row for row in self._newest_first(org, sandbox, below) if row[1].created.at <= self._until)
