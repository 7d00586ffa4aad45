"""Writes by another client: base connections created, edited or deleted behind the caller's back.

Faults of the kinds ``foreign-*`` call ``create``, ``edit`` and ``delete``; ``create_existing`` adds the base
connections that a fault configuration requires from the start.
"""

from collections.abc import Mapping
from dataclasses import replace

from provisioner.emulator.app import App, Client
from provisioner.emulator.connection_model import AuditStamp, Connection, connection_body, parse_body
from provisioner.emulator.connections import BASE, PendingWrite, add_connection, new_connection
from provisioner.emulator.errors import Error, ErrorReply
from provisioner.emulator.fault_config import Existing, Fault, FaultError
from provisioner.emulator.messages import JsonObject, Request, parse
from provisioner.emulator.specs import MYSQL_ID, MYSQL_VERSION

_PREFIX = BASE + "/connections/"
_PARAMS = {"server": "elsewhere", "database": "elsewhere", "username": "somebody", "password": "not kept"}


def requested_name(app: App, request: Request) -> str | None:
    """Return the name of the base connection that a POST creates or that the path addresses."""
    if request.method == "POST":
        return _name_in_body(request)
    connection = _connection_in_path(app, request)
    return connection.declared.name if connection else None


def create(app: App, request: Request, fault: Fault) -> None:
    """Create another base connection: a copy of the one in the POST, or one named ``fault.connection``.

    Do nothing if the service would refuse the POST itself.
    """
    try:
        document = parse_body(request.body) if fault.connection is None else _document(fault.connection)
        write = new_connection(app, _client(request, fault.client), document)
    except ErrorReply:
        return
    add_connection(app, write)


def edit(app: App, request: Request, fault: Fault) -> None:
    """Set a new etag, ``updatedAt`` and ``updatedClient``; with ``fault.visible`` a new description too."""
    stored = _target(app, request, fault)
    if stored is None:
        return
    current, client = stored.at(app.now()), _client(request, fault.client)
    declared, etag = current.declared, app.etag()
    if fault.visible:
        declared = replace(declared, description=f"edited by {fault.client}, {app.new_id()[:8]}")
    updated = AuditStamp(app.now(), client.account, client.client)
    edited = replace(current, declared=declared, etag=etag, updated=updated)
    credentials = app.credentials.get(stored)
    if app.store.replace(edited, stored.etag) and credentials:
        app.credentials.put(edited, credentials)


def delete(app: App, request: Request, fault: Fault) -> None:
    """Delete the base connection in any state."""
    if stored := _target(app, request, fault):
        app.store.remove(stored)
        app.credentials.remove(stored)


def create_existing(app: App, existing: tuple[Existing, ...]) -> None:
    """Create the missing ones of these base connections.

    Raises ``FaultError``, before any is created, if the service would refuse one of them.
    """
    documents = [_validated_document(app, entry, f"existing[{index}]") for index, entry in enumerate(existing)]
    for entry, document in zip(existing, documents, strict=True):
        rows = app.store.newest_first(entry.org, entry.sandbox, None)
        present = sum(connection.declared.name == entry.name for _, connection in rows)
        for _ in range(entry.count - present):
            write = new_connection(app, Client(entry.client, entry.org, entry.sandbox), document)
            add_connection(app, _backdated(write, entry.age))


def _validated_document(app: App, entry: Existing, path: str) -> JsonObject:
    document = _document(entry.name, entry.description, entry.params)
    try:
        connection_body(document, app.behaviour)
        return document
    except ErrorReply as refused:
        reason = refused.error.detail if isinstance(refused.error, Error) else "the service refuses it"
        raise FaultError(f"{path}: {reason}") from refused


def _backdated(write: PendingWrite, age: float) -> PendingWrite:
    """Return the connection as if it had been created ``age`` seconds earlier and were enabled by now."""
    connection = write.connection
    stamp = replace(connection.created, at=connection.created.at - int(age * 1000))
    aged = replace(connection, created=stamp, updated=stamp, state="enabled", provisioning=None)
    return replace(write, connection=aged)


def _document(name: str, description: str | None = None, params: Mapping[str, str] | None = None) -> JsonObject:
    return {
        "name": name,
        "description": description,
        "auth": {"specName": "Basic Authentication", "params": {**_PARAMS, **(params or {})}},
        "connectionSpec": {"id": MYSQL_ID, "version": MYSQL_VERSION},
    }


def _target(app: App, request: Request, fault: Fault) -> Connection | None:
    """Return the newest connection with the name in the fault or the POST, else the one in the path."""
    name = fault.connection or (_name_in_body(request) if request.method == "POST" else None)
    if name is None:
        return _connection_in_path(app, request)
    rows = app.store.newest_first(*_client(request, fault.client).tenant, None)
    return next((connection for _, connection in rows if connection.declared.name == name), None)


def _connection_in_path(app: App, request: Request) -> Connection | None:
    if not request.path.startswith(_PREFIX):
        return None
    return app.store.find(*_client(request, "").tenant, request.path.removeprefix(_PREFIX).partition("/")[0])


def _client(request: Request, client: str) -> Client:
    """Return a client in the sandbox that the request addresses, whether or not the gateway will admit it."""
    return Client(client, request.header("x-gw-ims-org-id"), request.header("x-sandbox-name") or "prod")


def _name_in_body(request: Request) -> str | None:
    try:
        body = parse(request.body)
    except ValueError:
        return None
    name = body.get("name") if isinstance(body, dict) else None
    return name if isinstance(name, str) else None
