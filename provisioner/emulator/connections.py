"""The handlers of ``/connections`` and ``/connectionSpecs``: a call -> a reply."""

from collections.abc import Iterator
from dataclasses import replace

from provisioner.emulator import declared as declaring
from provisioner.emulator import dependants, listing, tables
from provisioner.emulator.connection import Connection, Declared, Ready, Stamp, item
from provisioner.emulator.errors import coded, invalid
from provisioner.emulator.filters import SPEC_FIELDS, conditions
from provisioner.emulator.messages import JsonObject, Reply
from provisioner.emulator.patching import patched, touches_secret
from provisioner.emulator.specs import connection_spec
from provisioner.emulator.world import Call, Caller, World, hyphenated

BASE = "/data/foundation/flowservice"


def create(world: World, call: Call) -> Reply:
    """``POST /connections`` -> 201, id and etag, and a Location (SEED, OAS); names need not be unique (OASD).

    Parameters are refused rather than ignored: ``mode=draft`` is documented (DRAFT) and not emulated.
    """
    _allow_parameters(call, ())
    declared = declaring.declared(declaring.body(call.request.body), world.behaviour)
    connection = new(world, call.caller, declared)
    world.store.add(connection)
    location = ("location", f"{BASE}/connections/{connection.id}")
    return Reply(201, {"id": connection.id, "etag": connection.etag}, (location,))


def listed(world: World, call: Call) -> Reply:
    """``GET /connections`` -> items, or a count."""
    query, now = listing.query(call.request, world.behaviour), world.now()

    def scan(below: int | None) -> Iterator[listing.Row]:
        for place, connection in world.store.newest_first(call.caller.org, call.caller.sandbox, below):
            yield place, item(connection.at(now), world.behaviour)

    return Reply(200, listing.answer(query, scan))


def shown(world: World, call: Call) -> Reply:
    """``GET /connections/{id}`` -> a list of one (UPD, OASD)."""
    return Reply(200, {"items": [item(_stored(world, call).at(world.now()), world.behaviour)]})


def updated(world: World, call: Call) -> Reply:
    """``PATCH /connections/{id}`` -> 200, id and the new etag. All operations or none.

    Documented: a missing If-Match is 400 (ERR 1403), another etag, or the same without its quotes, 412 (OASD, EDITD).
    """
    if not call.request.header("if-match"):
        raise coded(1403)
    stored = _stored(world, call)
    current = stored.at(world.now())
    _check_writable(world, current)
    _check_etag(world, call, current)
    changed = _patched(world, call, current)
    if changed is not current and not world.store.replace(changed, stored.etag):
        raise coded(1404, supplied=call.request.header("if-match"), current=_stored(world, call).etag)
    return Reply(200, {"id": changed.id, "etag": changed.etag})


def deleted(world: World, call: Call) -> Reply:
    """``DELETE /connections/{id}`` -> no content; If-Match is not asked for (OAS). A second one is 404 (assumed)."""
    stored = _stored(world, call)
    _check_writable(world, stored.at(world.now()))
    if dependants.in_use(world, call):
        raise coded(1418, id=call.id)
    if not world.store.remove(stored):
        raise coded(1101, id=call.id)
    return Reply(world.behaviour.delete_status)


def tested(world: World, call: Call) -> Reply:
    """``GET /connections/{id}/test`` -> the result, 200 even when it is false (OAS). No database is contacted."""
    _stored(world, call)
    return Reply(200, {"result": world.behaviour.test_result})


def explored(world: World, call: Call) -> Reply:
    """``GET /connections/{id}/explore`` -> the tables, or what one of them is like (tabular.md)."""
    _stored(world, call)
    kind = (call.request.values("objectType") or ("root",))[-1].lower()
    known = world.behaviour.tables or {}
    if kind == "root":
        return Reply(200, tables.root(known))
    path = (call.request.values("object") or ("",))[-1]
    if kind != "table" or path not in known:
        raise invalid("there is no such object.")
    preview = call.request.values("preview")[-1:] == ("true",)
    return Reply(200, tables.table(known[path], [] if preview else None))


def specs_listed(world: World, call: Call) -> Reply:
    """``GET /connectionSpecs`` -> items; this emulator knows MySQL only. An unknown filter field is 1423-400 (ERR)."""
    _allow_parameters(call, ("property",))
    spec = connection_spec(world.behaviour)
    wanted = conditions(call.request.values("property"), SPEC_FIELDS, unknown_field=1423)
    return Reply(200, {"items": [spec] if all(each.holds(spec) for each in wanted) else []})


def spec_shown(world: World, call: Call) -> Reply:
    """``GET /connectionSpecs/{id}`` -> a list of one (OAS); an unknown id is 1413-400 (assumed)."""
    spec = connection_spec(world.behaviour)
    if call.id != spec["id"]:
        raise coded(1413)
    return Reply(200, {"items": [spec]})


def _allow_parameters(call: Call, allowed: tuple[str, ...]) -> None:
    for name, _ in call.request.query:
        if name not in allowed:
            raise coded(1451, param=name)


def _stored(world: World, call: Call) -> Connection:
    found = world.store.find(call.caller.org, call.caller.sandbox, call.id)
    if found is None:
        raise coded(1101, id=call.id)
    return found


def _check_writable(world: World, current: Connection) -> None:
    if current.initializing and world.behaviour.initializing_writes == "reject":
        raise coded(1417)


def _check_etag(world: World, call: Call, current: Connection) -> None:
    supplied = call.request.header("if-match")
    any_etag = supplied == "*" and world.behaviour.if_match_star == "accept"
    if supplied != current.etag and not any_etag:
        raise coded(1404, supplied=supplied, current=current.etag)


def new(world: World, caller: Caller, declared: Declared) -> Connection:
    """A connection that this caller creates now; it is not stored yet."""
    stamp = _stamp(world, caller)
    delay = int(world.behaviour.initializing_seconds * 1000)
    ready = Ready(stamp.at + delay, world.etag()) if delay > 0 else None
    state = "initializing" if ready else "enabled"
    name, etag = hyphenated(world.unique()), world.etag()
    return Connection(name, caller.org, caller.sandbox, etag, declared, state, stamp, stamp, ready)


def _patched(world: World, call: Call, current: Connection) -> Connection:
    """The connection after the patch; the very same one where it changes nothing and the etag is to stay."""
    operations = declaring.body(call.request.body)
    before: JsonObject = declaring.document(current.declared) | {"state": current.state}
    after = patched(before, operations, world.behaviour)
    state = str(after.pop("state"))
    declared = declaring.declared(after, world.behaviour)
    same = declared == current.declared and state == current.state
    if same and world.behaviour.noop_patch == "same-etag" and not touches_secret(operations, declared.hidden):
        return current
    stamp = _stamp(world, call.caller)
    return replace(current, etag=world.etag(), declared=declared, state=state, updated=stamp)


def _stamp(world: World, caller: Caller) -> Stamp:
    return Stamp(world.now(), caller.account, caller.client)
