"""Source connections and flows, as far as the dependants of a base connection need them; in memory only.

Documented (DBFLOW, OAS, FILT): their bodies, that both are listed and filtered, and that a base connection in use by
flows cannot be deleted (ERR 1418). ``inheritedAttributes`` of a flow are inferred from samples. Assumed: that source
connections without a flow hold nothing back, and that neither is checked any further.
"""

from collections.abc import Iterator, Mapping

from provisioner.emulator import base_connection as declaring
from provisioner.emulator import listing
from provisioner.emulator.app import AdmittedRequest, App, Sort, hyphenated
from provisioner.emulator.errors import malformed, missing_field, missing_object
from provisioner.emulator.listing import Kind
from provisioner.emulator.messages import Json, JsonObject, Reply

_COMMON: Mapping[str, Kind] = dict.fromkeys(("id", "name", "state"), "text")
SOURCES = listing.Listing("/sourceConnections", {**_COMMON, "baseConnectionId": "text", "connectionSpec.id": "text"})
FLOWS = listing.Listing(
    "/flows",
    {
        **_COMMON,
        "sourceConnectionIds[]": "text",
        "inheritedAttributes.sourceConnections[].baseConnection.id": "text",
    },
)


def source_created(world: App, call: AdmittedRequest) -> Reply:
    """``POST /sourceConnections`` -> 201, id and etag."""
    body = _body(call)
    base = str(body.get("baseConnectionId"))
    if world.store.find(call.caller.org, call.caller.sandbox, base) is None:
        raise missing_object(world.behaviour, "connections", base)
    return _created(world, call, "sourceConnections", body)


def flow_created(world: App, call: AdmittedRequest) -> Reply:
    """``POST /flows`` -> 201, id and etag."""
    body = _body(call)
    ids = body.get("sourceConnectionIds")
    sources = {str(one["id"]): one for one in world.related.of("sourceConnections", _place(call))}
    if not isinstance(ids, list) or not ids:
        raise missing_field("sourceConnectionIds")
    for one in ids:
        if str(one) not in sources:
            raise missing_object(world.behaviour, "sourceConnections", str(one))
    inherited: list[Json] = [
        {"id": one, "baseConnection": {"id": sources[str(one)]["baseConnectionId"]}} for one in ids
    ]
    return _created(world, call, "flows", {**body, "inheritedAttributes": {"sourceConnections": inherited}})


def sources_listed(world: App, call: AdmittedRequest) -> Reply:
    """``GET /sourceConnections``."""
    return _listed(world, call, "sourceConnections", SOURCES)


def flows_listed(world: App, call: AdmittedRequest) -> Reply:
    """``GET /flows``."""
    return _listed(world, call, "flows", FLOWS)


def source_deleted(world: App, call: AdmittedRequest) -> Reply:
    """``DELETE /sourceConnections/{id}``."""
    return _deleted(world, call, "sourceConnections")


def flow_deleted(world: App, call: AdmittedRequest) -> Reply:
    """``DELETE /flows/{id}``."""
    return _deleted(world, call, "flows")


def in_use(world: App, call: AdmittedRequest) -> bool:
    """Whether a flow reads from the base connection that the call is about."""
    condition = listing.conditions_of([f"{_BASE}=={call.id}"], FLOWS)
    return any(each.holds(flow) for flow in world.related.of("flows", _place(call)) for each in condition)


_BASE = "inheritedAttributes.sourceConnections[].baseConnection.id"


def _place(call: AdmittedRequest) -> tuple[str, str]:
    return call.caller.org, call.caller.sandbox


def _body(call: AdmittedRequest) -> JsonObject:
    body = declaring.body(call.request.body)
    if not isinstance(body, dict):
        raise malformed("the body must be a JSON object.")
    if not isinstance(body.get("name"), str):
        raise missing_field("name")
    return body


def _created(world: App, call: AdmittedRequest, sort: Sort, body: JsonObject) -> Reply:
    made: JsonObject = {"id": hyphenated(world.unique()), "etag": world.etag()}
    times: JsonObject = {"createdAt": world.now(), "updatedAt": world.now()}
    world.related.add(sort, _place(call), {**body, **made, **times, "state": body.get("state", "enabled")})
    return Reply(201, made)


def _listed(world: App, call: AdmittedRequest, sort: Sort, of: listing.Listing) -> Reply:
    items = world.related.of(sort, _place(call))

    def scan(below: int | None) -> Iterator[listing.Row]:
        for place in range(len(items) if below is None else min(below, len(items)), 0, -1):
            yield place, items[place - 1]

    return Reply(200, listing.answer(listing.query(call.request, world.behaviour, of), scan))


def _deleted(world: App, call: AdmittedRequest, sort: Sort) -> Reply:
    if not world.related.remove(sort, call.id):
        raise missing_object(world.behaviour, sort, call.id)
    return Reply(world.behaviour.delete_status)
