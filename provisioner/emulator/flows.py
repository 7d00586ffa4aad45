"""Handlers of ``/sourceConnections`` and ``/flows``, the dependents of base connections; in memory only.

Documented (DBFLOW, OAS, FILT): their bodies, that both are listed and filtered, and that a base connection in use by
flows cannot be deleted (ERR 1418). ``inheritedAttributes`` of a flow are inferred from samples. Assumed: that source
connections without a flow do not prevent a delete, and that neither is validated any further.
"""

from collections.abc import Iterator, Mapping

from provisioner.emulator import listing
from provisioner.emulator.app import AdmittedRequest, App, DependentType, as_uuid
from provisioner.emulator.connection_model import parse_body
from provisioner.emulator.errors import malformed, missing_field, missing_object
from provisioner.emulator.listing import FieldType
from provisioner.emulator.messages import Json, JsonObject, Reply

_BASE_CONNECTION = "inheritedAttributes.sourceConnections[].baseConnection.id"
_COMMON: Mapping[str, FieldType] = dict.fromkeys(("id", "name", "state"), "text")
SOURCE_CONNECTIONS = listing.Collection(
    "/sourceConnections", {**_COMMON, "baseConnectionId": "text", "connectionSpec.id": "text"}
)
FLOWS = listing.Collection("/flows", {**_COMMON, "sourceConnectionIds[]": "text", _BASE_CONNECTION: "text"})


def list_source_connections(app: App, call: AdmittedRequest) -> Reply:
    """``GET /sourceConnections`` -> items, or a count."""
    return _list(app, call, "sourceConnections", SOURCE_CONNECTIONS)


def create_source_connection(app: App, call: AdmittedRequest) -> Reply:
    """``POST /sourceConnections`` -> 201, id and etag."""
    body = _parse_body(call)
    base_id = str(body.get("baseConnectionId"))
    if app.store.find(call.caller.org, call.caller.sandbox, base_id) is None:
        raise missing_object(app.behaviour, "connections", base_id)
    return _create(app, call, "sourceConnections", body)


def delete_source_connection(app: App, call: AdmittedRequest) -> Reply:
    """``DELETE /sourceConnections/{id}`` -> no content."""
    return _delete(app, call, "sourceConnections")


def list_flows(app: App, call: AdmittedRequest) -> Reply:
    """``GET /flows`` -> items, or a count."""
    return _list(app, call, "flows", FLOWS)


def create_flow(app: App, call: AdmittedRequest) -> Reply:
    """``POST /flows`` -> 201, id and etag."""
    body = _parse_body(call)
    ids = body.get("sourceConnectionIds")
    sources = {str(source["id"]): source for source in app.dependents.of("sourceConnections", call.caller.tenant)}
    if not isinstance(ids, list) or not ids:
        raise missing_field("sourceConnectionIds")
    for source_id in ids:
        if str(source_id) not in sources:
            raise missing_object(app.behaviour, "sourceConnections", str(source_id))
    inherited: list[Json] = [
        {"id": source_id, "baseConnection": {"id": sources[str(source_id)]["baseConnectionId"]}} for source_id in ids
    ]
    return _create(app, call, "flows", {**body, "inheritedAttributes": {"sourceConnections": inherited}})


def delete_flow(app: App, call: AdmittedRequest) -> Reply:
    """``DELETE /flows/{id}`` -> no content."""
    return _delete(app, call, "flows")


def in_use(app: App, call: AdmittedRequest) -> bool:
    """Return whether a flow reads from the base connection in the path."""
    (condition,) = listing.parse_filter([f"{_BASE_CONNECTION}=={call.id}"], FLOWS.fields)
    return any(condition.matches(flow) for flow in app.dependents.of("flows", call.caller.tenant))


def _list(app: App, call: AdmittedRequest, kind: DependentType, collection: listing.Collection) -> Reply:
    items = app.dependents.of(kind, call.caller.tenant)

    def scan(below: int | None) -> Iterator[listing.Row]:
        for position in range(len(items) if below is None else min(below, len(items)), 0, -1):
            yield position, items[position - 1]

    return Reply(200, listing.list_body(listing.parse_query(call.request, app.behaviour, collection), scan))


def _create(app: App, call: AdmittedRequest, kind: DependentType, body: JsonObject) -> Reply:
    created: JsonObject = {"id": as_uuid(app.new_id()), "etag": app.etag()}
    times: JsonObject = {"createdAt": app.now(), "updatedAt": app.now()}
    item = {**body, **created, **times, "state": body.get("state", "enabled")}
    app.dependents.add(kind, call.caller.tenant, item)
    return Reply(201, created)


def _delete(app: App, call: AdmittedRequest, kind: DependentType) -> Reply:
    if not app.dependents.remove(kind, call.id):
        raise missing_object(app.behaviour, kind, call.id)
    return Reply(app.behaviour.delete_status)


def _parse_body(call: AdmittedRequest) -> JsonObject:
    body = parse_body(call.request.body)
    if not isinstance(body, dict):
        raise malformed("the body must be a JSON object.")
    if not isinstance(body.get("name"), str):
        raise missing_field("name")
    return body
