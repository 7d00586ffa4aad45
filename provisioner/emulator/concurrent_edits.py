"""Somebody else at work in the same sandbox: creates, edits and deletes base connections behind a client's back."""

from collections.abc import Mapping
from dataclasses import replace

from provisioner.emulator import base_connection as declaring
from provisioner.emulator.app import App, Client
from provisioner.emulator.base_connection import Connection, Stamp
from provisioner.emulator.connections import BASE, Version, add, new
from provisioner.emulator.errors import Error, ErrorReply
from provisioner.emulator.faults import Existing, Fault, FaultError
from provisioner.emulator.messages import JsonObject, Request, parse
from provisioner.emulator.specs import MYSQL_ID, MYSQL_VERSION

_PREFIX = BASE + "/connections/"
_PARAMS = {"server": "elsewhere", "database": "elsewhere", "username": "somebody", "password": "not kept"}


def name_in(world: App, request: Request) -> str | None:
    """The name of the base connection that a POST creates, or that the path addresses; None when there is none."""
    if request.method == "POST":
        return _posted_name(request)
    found = _addressed(world, request)
    return found.declared.name if found else None


def create(world: App, request: Request, fault: Fault) -> None:
    """Another one of the POST's name and content, or a plain one named ``fault.connection``.

    Nothing happens where the POST itself is one that the service would refuse.
    """
    try:
        document = declaring.body(request.body) if fault.connection is None else _sample(fault.connection)
        made = new(world, _caller(request, fault.client), document)
    except ErrorReply:
        return
    add(world, made)


def edit(world: App, request: Request, fault: Fault) -> None:
    """A new etag, ``updatedAt`` and ``updatedClient``; where ``fault.visible``, a new description too."""
    stored = _target(world, request, fault)
    if stored is None:
        return
    current, caller = stored.at(world.now()), _caller(request, fault.client)
    declared, etag = current.declared, world.etag()
    if fault.visible:
        declared = replace(declared, description=f"edited by {fault.client}, {world.unique()[:8]}")
    stamp = Stamp(world.now(), caller.account, caller.client)
    edited, held = replace(current, declared=declared, etag=etag, updated=stamp), world.credentials.of(stored)
    if world.store.replace(edited, stored.etag) and held:
        world.credentials.hold(edited, held)


def delete(world: App, request: Request, fault: Fault) -> None:
    """Gone, whatever its state."""
    if stored := _target(world, request, fault):
        world.store.remove(stored)
        world.credentials.forget(stored)


def seed(world: App, existing: tuple[Existing, ...]) -> None:
    """Create what is missing of these. Raises ``FaultError``, before any is created, for one that cannot be."""
    documents = [_existing(world, each, f"existing[{place}]") for place, each in enumerate(existing)]
    for each, document in zip(existing, documents, strict=True):
        there = sum(
            found.declared.name == each.name for _, found in world.store.newest_first(each.org, each.sandbox, None)
        )
        for _ in range(each.count - there):
            add(world, _aged(new(world, Client(each.client, each.org, each.sandbox), document), each.age))


def _existing(world: App, each: Existing, where: str) -> JsonObject:
    document = _sample(each.name, each.description, each.params)
    try:
        declaring.declared(document, world.behaviour)
        return document
    except ErrorReply as refused:
        reason = refused.error.detail if isinstance(refused.error, Error) else "the service refuses it"
        raise FaultError(f"{where}: {reason}") from refused


def _aged(made: Version, age: float) -> Version:
    connection = made.connection
    stamp = replace(connection.created, at=connection.created.at - int(age * 1000))
    return replace(made, connection=replace(connection, created=stamp, updated=stamp, state="enabled", ready=None))


def _sample(name: str, description: str | None = None, params: Mapping[str, str] | None = None) -> JsonObject:
    return {
        "name": name,
        "description": description,
        "auth": {"specName": "Basic Authentication", "params": {**_PARAMS, **(params or {})}},
        "connectionSpec": {"id": MYSQL_ID, "version": MYSQL_VERSION},
    }


def _target(world: App, request: Request, fault: Fault) -> Connection | None:
    """The one whose id is in the path, or the newest of a name: the fault's, else the POST's."""
    name = fault.connection or (_posted_name(request) if request.method == "POST" else None)
    if name is None:
        return _addressed(world, request)
    caller = _caller(request, fault.client)
    rows = world.store.newest_first(caller.org, caller.sandbox, None)
    return next((each for _, each in rows if each.declared.name == name), None)


def _addressed(world: App, request: Request) -> Connection | None:
    if not request.path.startswith(_PREFIX):
        return None
    caller = _caller(request, "")
    return world.store.find(caller.org, caller.sandbox, request.path.removeprefix(_PREFIX).partition("/")[0])


def _caller(request: Request, client: str) -> Client:
    """Where the request looks, whether or not it will be let in."""
    return Client(client, request.header("x-gw-ims-org-id"), request.header("x-sandbox-name") or "prod")


def _posted_name(request: Request) -> str | None:
    try:
        body = parse(request.body)
    except ValueError:
        return None
    name = body.get("name") if isinstance(body, dict) else None
    return name if isinstance(name, str) else None
