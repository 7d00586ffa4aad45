"""The handlers of ``/connections`` and ``/connectionSpecs``: a call -> a reply."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioner.emulator import base_connection as declaring
from provisioner.emulator import flows, listing
from provisioner.emulator.app import AdmittedRequest, App, Client, hyphenated
from provisioner.emulator.base_connection import Connection, Ready, Stamp, item
from provisioner.emulator.databases import source
from provisioner.emulator.errors import coded, missing_object
from provisioner.emulator.listing import SPEC_FIELDS, conditions
from provisioner.emulator.messages import Json, JsonObject, PendingReply, Reply
from provisioner.emulator.patch import patched, touches_credentials
from provisioner.emulator.specs import connection_spec

BASE = "/data/foundation/flowservice"


@dataclass(frozen=True, slots=True)
class Version:
    """A connection that is to be written, and the sensitive parameters that go with it."""

    connection: Connection
    sensitive: JsonObject = field(repr=False)


def create(world: App, call: AdmittedRequest) -> Reply | PendingReply:
    """``POST /connections`` -> 201, id and etag, and a Location (SEED, OAS); names need not be unique (OASD).

    Parameters are refused rather than ignored: ``mode=draft`` is documented (DRAFT) and not emulated.
    """
    _allow_parameters(call, ())
    made = new(world, call.caller, declaring.body(call.request.body))

    def reply() -> Reply:
        add(world, made)
        location = ("location", f"{BASE}/connections/{made.connection.id}")
        return Reply(201, {"id": made.connection.id, "etag": made.connection.etag}, (location,))

    checked = world.behaviour.check_credentials != "never"
    return _once_reached(world, made, reply) if checked else reply()


def listed(world: App, call: AdmittedRequest) -> Reply:
    """``GET /connections`` -> items, or a count."""
    query, now = listing.query(call.request, world.behaviour), world.now()

    def scan(below: int | None) -> Iterator[listing.Row]:
        for place, connection in world.store.newest_first(call.caller.org, call.caller.sandbox, below):
            yield place, item(connection.at(now), world.behaviour)

    return Reply(200, listing.answer(query, scan))


def shown(world: App, call: AdmittedRequest) -> Reply:
    """``GET /connections/{id}`` -> a list of one (UPD, OASD)."""
    return Reply(200, {"items": [item(find(world, call).at(world.now()), world.behaviour)]})


def updated(world: App, call: AdmittedRequest) -> Reply | PendingReply:
    """``PATCH /connections/{id}`` -> 200, id and the new etag. All operations or none.

    Documented: a missing If-Match is 400 (ERR 1403), another etag, or the same without its quotes, 412 (OASD, EDITD).
    """
    if not call.request.header("if-match"):
        raise coded("1403-400")
    stored = find(world, call)
    current = stored.at(world.now())
    _check_writable(world, current)
    _check_etag(world, call, current)
    operations = declaring.body(call.request.body)
    after = _patched(world, call.caller, current, world.credentials.of(stored), operations)

    def reply() -> Reply:
        changed = after.connection
        if changed is not current:
            if not world.store.replace(changed, stored.etag):
                raise coded("1404-412", supplied=call.request.header("if-match"), current=find(world, call).etag)
            _hold(world, after)
        return Reply(200, {"id": changed.id, "etag": changed.etag})

    checked = world.behaviour.check_credentials == "write" and touches_credentials(operations)
    return _once_reached(world, after, reply) if checked else reply()


def deleted(world: App, call: AdmittedRequest) -> Reply:
    """``DELETE /connections/{id}`` -> no content; If-Match is not asked for (OAS). A second one is 404 (assumed)."""
    stored = find(world, call)
    _check_writable(world, stored.at(world.now()))
    if flows.in_use(world, call):
        raise coded("1418-400", id=call.id)
    if not world.store.remove(stored):
        raise missing_object(world.behaviour, "connections", call.id)
    world.credentials.forget(stored)
    return Reply(world.behaviour.delete_status)


def specs_listed(world: App, call: AdmittedRequest) -> Reply:
    """``GET /connectionSpecs`` -> items; this emulator knows MySQL only. An unknown filter field is 1423-400 (ERR)."""
    _allow_parameters(call, ("property",))
    spec = connection_spec(world.behaviour)
    wanted = conditions(call.request.values("property"), SPEC_FIELDS, unknown_field="1423-400")
    return Reply(200, {"items": [spec] if all(each.holds(spec) for each in wanted) else []})


def spec_shown(world: App, call: AdmittedRequest) -> Reply:
    """``GET /connectionSpecs/{id}`` -> a list of one (OAS); an unknown id is 1413-400 (assumed)."""
    spec = connection_spec(world.behaviour)
    if call.id != spec["id"]:
        raise coded("1413-400")
    return Reply(200, {"items": [spec]})


def _allow_parameters(call: AdmittedRequest, allowed: tuple[str, ...]) -> None:
    for name, _ in call.request.query:
        if name not in allowed:
            raise coded("1451-400", param=name)


def find(world: App, call: AdmittedRequest) -> Connection:
    """The connection that a call is about, as it was last written."""
    found = world.store.find(call.caller.org, call.caller.sandbox, call.id)
    if found is None:
        raise missing_object(world.behaviour, "connections", call.id)
    return found


def _check_writable(world: App, current: Connection) -> None:
    if current.initializing and world.behaviour.initializing_writes == "reject":
        raise coded("1417-400")


def _check_etag(world: App, call: AdmittedRequest, current: Connection) -> None:
    supplied = call.request.header("if-match")
    any_etag = supplied == "*" and world.behaviour.if_match_star == "accept"
    if supplied != current.etag and not any_etag:
        raise coded("1404-412", supplied=supplied, current=current.etag)


def new(world: App, caller: Client, document: Json) -> Version:
    """What this caller would create now; it is not stored yet. Raises ``Refused``."""
    declared = declaring.declared(document, world.behaviour)
    stamp = _stamp(world, caller)
    delay = int(world.behaviour.initializing_seconds * 1000)
    ready = Ready(stamp.at + delay, world.etag()) if delay > 0 else None
    state = "initializing" if ready else "enabled"
    name, etag = hyphenated(world.unique()), world.etag()
    connection = Connection(name, caller.org, caller.sandbox, etag, declared, state, stamp, stamp, ready)
    return Version(connection, declaring.sensitive(document, declared))


def add(world: App, made: Version) -> None:
    """Store what is new."""
    world.store.add(made.connection)
    _hold(world, made)


def _hold(world: App, version: Version) -> None:
    """Sensitive parameters are held only where databases are contacted: nothing else needs them."""
    if world.behaviour.databases == "real":
        world.credentials.hold(version.connection, version.sensitive)


def _once_reached(world: App, version: Version, reply: Callable[[], Reply]) -> PendingReply:
    """Return the reply, or the provider's refusal where the database cannot be reached in time."""
    params, seconds = {**version.connection.declared.params, **version.sensitive}, world.patience.writing
    return PendingReply(lambda: source(world.behaviour, params, seconds).reach(), lambda _: reply(), seconds)


def _patched(world: App, caller: Client, current: Connection, held: Mapping[str, Json], operations: Json) -> Version:
    """As it is after the patch; the very same connection where it changes nothing and the etag is to stay."""
    before = declaring.document(current.declared, held) | {"state": current.state}
    after = patched(before, operations, world.behaviour)
    state = str(after.pop("state"))
    declared = declaring.declared(after, world.behaviour)
    sensitive = declaring.sensitive(after, declared)
    same = declared == current.declared and state == current.state
    secret = bool(declared.hidden) and touches_credentials(operations)
    if same and world.behaviour.noop_patch == "same-etag" and not secret:
        return Version(current, sensitive)
    stamp = _stamp(world, caller)
    return Version(replace(current, etag=world.etag(), declared=declared, state=state, updated=stamp), sensitive)


def _stamp(world: App, caller: Client) -> Stamp:
    return Stamp(world.now(), caller.account, caller.client)
