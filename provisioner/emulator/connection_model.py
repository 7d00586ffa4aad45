"""A base connection: its stored form, its validation from a request body, and its form in a GET.

``parse_body`` and ``connection_body`` turn a create's body, or a patched document, into a ``ConnectionBody`` or raise
``ErrorReply``; ``to_document`` is the inverse. ``connection_item`` renders a stored ``Connection``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import bad_value, coded, malformed, missing_field, uncoded
from provisioner.emulator.messages import MASK, Json, JsonObject, parse
from provisioner.emulator.specs import MYSQL_ID, MYSQL_VERSION, auth_schema, check_params, visible_params

# Inferred (SF-AWS): when provisioning ends, the connection is updated by a client that is not the caller.
_PROVIDER = "flow-provider"


@dataclass(frozen=True, slots=True)
class ConnectionBody:
    """The properties that a client declares. ``hidden`` names the parameters whose values are not stored at all."""

    name: str
    description: str | None
    spec_id: str
    spec_version: str
    auth_name: str
    params: Mapping[str, Json]
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditStamp:
    """Time (epoch milliseconds), account and client of a create or update."""

    at: int
    by: str
    client: str


@dataclass(frozen=True, slots=True)
class Provisioning:
    """The time (epoch milliseconds) at which an initializing connection becomes enabled, and its etag then."""

    at: int
    etag: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One stored base connection. ``provisioning`` is None unless it was created initializing."""

    id: str
    org: str
    sandbox: str
    etag: str
    declared: ConnectionBody
    state: str
    created: AuditStamp
    updated: AuditStamp
    provisioning: Provisioning | None = None

    def at(self, now: int) -> Connection:
        """Return the connection as of ``now``, with provisioning applied if it has ended."""
        if self.provisioning is None or now < self.provisioning.at:
            return self
        updated = AuditStamp(self.provisioning.at, _PROVIDER, _PROVIDER)
        return replace(self, etag=self.provisioning.etag, state="enabled", updated=updated, provisioning=None)

    @property
    def initializing(self) -> bool:
        """True while provisioning is under way and there is no etag to show. Call ``at`` first."""
        return self.provisioning is not None


def parse_body(raw: bytes) -> Json:
    """Return the JSON of a request. Raise 1405-400 for an empty body or null (ERR)."""
    if not raw.strip():
        raise coded("1405-400")
    try:
        value = parse(raw)
    except ValueError:
        raise malformed("the body is not valid JSON.") from None
    if value is None:
        raise coded("1405-400")
    return value


def connection_body(document: Json, behaviour: Behaviour) -> ConnectionBody:
    """Validate a document and return the properties it declares. Raise ``ErrorReply``.

    POST requires name, auth.specName, auth.params, connectionSpec.id (OAS), and the version. ``state`` is refused
    (1410-400, ERR, there for flows). Other keys are ignored (assumed).
    """
    if not isinstance(document, dict):
        raise malformed("the body must be a JSON object.")
    if not document:
        raise coded("1405-400")
    if "state" in document:
        raise coded("1410-400")
    spec_version = _spec_version(document, behaviour)
    auth = _object(document, "auth")
    auth_name = _text(auth, "specName", "auth.specName")
    params = _object(auth, "params", "auth.params")
    schema = auth_schema(behaviour, auth_name)
    if behaviour.auth_params == "schema":
        check_params(schema, params)
    visible = visible_params(schema)
    shown = {name: value for name, value in params.items() if name in visible}
    hidden = tuple(name for name in params if name not in visible)
    name, description = _text(document, "name"), document.get("description")
    if description is not None and not isinstance(description, str):
        raise bad_value("description", "it must be a string", description)
    return ConnectionBody(name, description, MYSQL_ID, spec_version, auth_name, shown, hidden)


def _spec_version(document: JsonObject, behaviour: Behaviour) -> str:
    spec = _object(document, "connectionSpec")
    if spec.get("id") != MYSQL_ID:
        raise coded("1413-400")
    version = spec.get("version")
    if version is None and behaviour.missing_version == "latest":
        return MYSQL_VERSION
    if version is None:
        detail = "connectionSpec.version 'version' is required for spec info"
        raise uncoded(422, "Unprocessable Entity", detail)
    if version != MYSQL_VERSION:
        raise coded("1413-400")
    return MYSQL_VERSION


def _object(parent: JsonObject, key: str, path: str = "") -> JsonObject:
    value = parent.get(key)
    if value is None:
        raise missing_field(path or key)
    if not isinstance(value, dict):
        raise bad_value(path or key, "it must be an object")
    return value


def _text(parent: JsonObject, key: str, path: str = "") -> str:
    value = parent.get(key)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise missing_field(path or key)
    if not isinstance(value, str):
        raise bad_value(path or key, "it must be a string", value)
    return value


def hidden_params(document: Json, body: ConnectionBody) -> JsonObject:
    """Return the values in ``document`` of the parameters that ``body`` hides, without placeholders."""
    auth = _object(document, "auth") if isinstance(document, dict) else {}
    params = _object(auth, "params", "auth.params")
    return {name: params[name] for name in body.hidden if params[name] != MASK}


def to_document(body: ConnectionBody, credentials: Mapping[str, Json]) -> JsonObject:
    """Return the document for a patch to change; a hidden parameter not in ``credentials`` is a placeholder."""
    params = dict(body.params) | dict.fromkeys(body.hidden, MASK) | dict(credentials)
    document: JsonObject = {
        "name": body.name,
        "auth": {"specName": body.auth_name, "params": params},
        "connectionSpec": {"id": body.spec_id, "version": body.spec_version},
    }
    if body.description is not None:
        document["description"] = body.description
    return document


def connection_item(connection: Connection, behaviour: Behaviour) -> JsonObject:
    """Return the element of ``items`` in a GET. Keys and types documented (UPD, OASD, SF-AWS).

    ``version`` equals ``etag``; both are absent while initializing (SF-AWS); ``description`` is absent unless set.
    """
    declared, created, updated = connection.declared, connection.created, connection.updated
    params = dict(declared.params)
    if behaviour.secrets_in_get == "masked":
        params.update(dict.fromkeys(declared.hidden, MASK))
    item: JsonObject = {
        "id": connection.id,
        "createdAt": created.at,
        "updatedAt": updated.at,
        "createdBy": created.by,
        "updatedBy": updated.by,
        "createdClient": created.client,
        "updatedClient": updated.client,
        "sandboxId": str(uuid5(NAMESPACE_URL, f"{connection.org}/{connection.sandbox}")),
        "sandboxName": connection.sandbox,
        "imsOrgId": connection.org,
        "name": declared.name,
        "connectionSpec": {"id": declared.spec_id, "version": declared.spec_version},
        "state": connection.state,
        "auth": {"specName": declared.auth_name, "params": params},
    }
    if declared.description is not None:
        item["description"] = declared.description
    if not connection.initializing:
        item["version"] = item["etag"] = connection.etag
    return item
