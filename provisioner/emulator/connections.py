"""Handlers of ``/connections`` and ``/connectionSpecs``."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioner.emulator import flows, listing
from provisioner.emulator.app import AdmittedRequest, App, Client, as_uuid
from provisioner.emulator.connection_model import (
    AuditStamp,
    Connection,
    Provisioning,
    connection_body,
    connection_item,
    hidden_params,
    parse_body,
    to_document,
)
from provisioner.emulator.databases import database_for
from provisioner.emulator.errors import coded, missing_object
from provisioner.emulator.messages import Json, JsonObject, PendingReply, Reply
from provisioner.emulator.patch import apply_patch, touches_credentials
from provisioner.emulator.specs import connection_spec

BASE = "/data/foundation/flowservice"


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """A connection that is to be stored, and the values of its sensitive parameters."""

    connection: Connection
    credentials: JsonObject = field(repr=False)


def create_connection(app: App, call: AdmittedRequest) -> Reply | PendingReply:
    """``POST /connections`` -> 201, id and etag, and a Location (SEED, OAS); names need not be unique (OASD).

    Query parameters are refused rather than ignored: ``mode=draft`` is documented (DRAFT) and not emulated.
    """
    _refuse_parameters(call)
    write = new_connection(app, call.caller, parse_body(call.request.body))

    def reply() -> Reply:
        add_connection(app, write)
        location = ("location", f"{BASE}/connections/{write.connection.id}")
        return Reply(201, {"id": write.connection.id, "etag": write.connection.etag}, (location,))

    return reply() if app.behaviour.check_credentials == "never" else _after_login(app, write, reply)


def list_connections(app: App, call: AdmittedRequest) -> Reply:
    """``GET /connections`` -> items, or a count."""
    query, now = listing.parse_query(call.request, app.behaviour), app.now()

    def scan(below: int | None) -> Iterator[listing.Row]:
        for position, connection in app.store.newest_first(call.caller.org, call.caller.sandbox, below):
            yield position, connection_item(connection.at(now), app.behaviour)

    return Reply(200, listing.list_body(query, scan))


def get_connection(app: App, call: AdmittedRequest) -> Reply:
    """``GET /connections/{id}`` -> a list of one (UPD, OASD)."""
    connection = find_connection(app, call).at(app.now())
    return Reply(200, {"items": [connection_item(connection, app.behaviour)]})


def patch_connection(app: App, call: AdmittedRequest) -> Reply | PendingReply:
    """``PATCH /connections/{id}`` -> 200, id and the new etag. All operations or none.

    Documented: a missing If-Match is 400 (ERR 1403), another etag, or the same without its quotes, 412 (OASD, EDITD).
    """
    if_match = call.request.header("if-match")
    if not if_match:
        raise coded("1403-400")
    stored = find_connection(app, call)
    current = stored.at(app.now())
    _check_writable(app, current)
    if if_match != current.etag and not (if_match == "*" and app.behaviour.if_match_star == "accept"):
        raise coded("1404-412", supplied=if_match, current=current.etag)
    operations = parse_body(call.request.body)
    write = _patched(app, call.caller, current, app.credentials.get(stored), operations)

    def reply() -> Reply:
        after = write.connection
        if after is not current:
            if not app.store.replace(after, stored.etag):
                raise coded("1404-412", supplied=if_match, current=find_connection(app, call).etag)
            _keep_credentials(app, write)
        return Reply(200, {"id": after.id, "etag": after.etag})

    checked = app.behaviour.check_credentials == "write" and touches_credentials(operations)
    return _after_login(app, write, reply) if checked else reply()


def _patched(
    app: App, caller: Client, current: Connection, credentials: Mapping[str, Json], operations: Json
) -> PendingWrite:
    """Return the patched connection; the same object if the patch changes nothing and the etag is to stay."""
    document = to_document(current.declared, credentials) | {"state": current.state}
    document = apply_patch(document, operations, app.behaviour)
    state = str(document.pop("state"))
    declared = connection_body(document, app.behaviour)
    new_credentials = hidden_params(document, declared)
    unchanged = declared == current.declared and state == current.state
    may_change_secret = bool(declared.hidden) and touches_credentials(operations)
    if unchanged and app.behaviour.noop_patch == "same-etag" and not may_change_secret:
        return PendingWrite(current, new_credentials)
    updated = AuditStamp(app.now(), caller.account, caller.client)
    after = replace(current, etag=app.etag(), declared=declared, state=state, updated=updated)
    return PendingWrite(after, new_credentials)


def delete_connection(app: App, call: AdmittedRequest) -> Reply:
    """``DELETE /connections/{id}`` -> no content, without If-Match (OAS). A second one is 404 (assumed)."""
    stored = find_connection(app, call)
    _check_writable(app, stored.at(app.now()))
    if flows.in_use(app, call):
        raise coded("1418-400", id=call.id)
    if not app.store.remove(stored):
        raise missing_object(app.behaviour, "connections", call.id)
    app.credentials.remove(stored)
    return Reply(app.behaviour.delete_status)


def list_specs(app: App, call: AdmittedRequest) -> Reply:
    """``GET /connectionSpecs`` -> items; this emulator knows MySQL only. An unknown filter field is 1423-400 (ERR)."""
    _refuse_parameters(call, allowed=("property",))
    spec = connection_spec(app.behaviour)
    conditions = listing.parse_filter(call.request.values("property"), listing.SPEC_FIELDS, unknown_field="1423-400")
    return Reply(200, {"items": [spec] if all(condition.matches(spec) for condition in conditions) else []})


def get_spec(app: App, call: AdmittedRequest) -> Reply:
    """``GET /connectionSpecs/{id}`` -> a list of one (OAS); an unknown id is 1413-400 (assumed)."""
    spec = connection_spec(app.behaviour)
    if call.id != spec["id"]:
        raise coded("1413-400")
    return Reply(200, {"items": [spec]})


def find_connection(app: App, call: AdmittedRequest) -> Connection:
    """Return the connection in the path as it was last written. Raise ``ErrorReply`` if there is none."""
    connection = app.store.find(call.caller.org, call.caller.sandbox, call.id)
    if connection is None:
        raise missing_object(app.behaviour, "connections", call.id)
    return connection


def new_connection(app: App, caller: Client, document: Json) -> PendingWrite:
    """Return the connection that this caller would create now, not stored yet. Raise ``ErrorReply``."""
    declared = connection_body(document, app.behaviour)
    created = AuditStamp(app.now(), caller.account, caller.client)
    delay = int(app.behaviour.initializing_seconds * 1000)
    provisioning = Provisioning(created.at + delay, app.etag()) if delay > 0 else None
    state = "initializing" if provisioning else "enabled"
    id_, etag = as_uuid(app.new_id()), app.etag()
    connection = Connection(id_, caller.org, caller.sandbox, etag, declared, state, created, created, provisioning)
    return PendingWrite(connection, hidden_params(document, declared))


def add_connection(app: App, write: PendingWrite) -> None:
    """Store a new connection."""
    app.store.add(write.connection)
    _keep_credentials(app, write)


def _keep_credentials(app: App, write: PendingWrite) -> None:
    # Nothing but a real database needs them.
    if app.behaviour.databases == "real":
        app.credentials.put(write.connection, write.credentials)


def _after_login(app: App, write: PendingWrite, reply: Callable[[], Reply]) -> PendingReply:
    """Return the reply, to be sent once the database accepts the parameters; the provider's error otherwise."""
    params, seconds = {**write.connection.declared.params, **write.credentials}, app.timeouts.credential_check
    return PendingReply(lambda: database_for(app.behaviour, params, seconds).check_login(), lambda _: reply(), seconds)


def _check_writable(app: App, current: Connection) -> None:
    if current.initializing and app.behaviour.initializing_writes == "reject":
        raise coded("1417-400")


def _refuse_parameters(call: AdmittedRequest, allowed: tuple[str, ...] = ()) -> None:
    for name, _ in call.request.query:
        if name not in allowed:
            raise coded("1451-400", param=name)
