"""A base connection as the emulator knows it, and how a GET shows it.

A create's body, or a patched document -> what the client declares, or the reason why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import bad_value, coded, malformed, missing_field, uncoded
from provisioner.emulator.messages import MASK, Json, JsonObject, parse
from provisioner.emulator.specs import MYSQL_ID, MYSQL_VERSION, auth_schema, check, visible


def body(raw: bytes) -> Json:
    """The JSON of a request. Empty or null is 1405-400 (ERR)."""
    if not raw.strip():
        raise coded("1405-400")
    try:
        value = parse(raw)
    except ValueError:
        raise malformed("the body is not valid JSON.") from None
    if value is None:
        raise coded("1405-400")
    return value


def declared(document: Json, behaviour: Behaviour) -> ConnectionBody:
    """Everything that POST requires: name, auth.specName, auth.params, connectionSpec.id (OAS), and the version.

    ``state`` is refused (1410-400, ERR, there for flows). Other keys are ignored (assumed).
    """
    if not isinstance(document, dict):
        raise malformed("the body must be a JSON object.")
    if not document:
        raise coded("1405-400")
    if "state" in document:
        raise coded("1410-400")
    spec_id, spec_version = _spec(document, behaviour)
    auth = _object(document, "auth")
    auth_name = _text(auth, "specName", "auth.specName")
    shown, hidden = _declared_params(auth_name, _object(auth, "params", "auth.params"), behaviour)
    name, description = _text(document, "name"), _description(document)
    return ConnectionBody(name, description, spec_id, spec_version, auth_name, shown, hidden)


def sensitive(document: Json, value: ConnectionBody) -> JsonObject:
    """The parameters that ``value`` does not hold, out of the document that declares them; placeholders are none."""
    auth = _object(document, "auth") if isinstance(document, dict) else {}
    params = _object(auth, "params", "auth.params")
    return {name: params[name] for name in value.hidden if params[name] != MASK}


def document(value: ConnectionBody, held: Mapping[str, Json]) -> JsonObject:
    """The inverse, for a patch to work on; a sensitive parameter that is not ``held`` has a placeholder for a value."""
    params = dict(value.params) | dict.fromkeys(value.hidden, MASK) | dict(held)
    result: JsonObject = {
        "name": value.name,
        "auth": {"specName": value.auth_name, "params": params},
        "connectionSpec": {"id": value.spec_id, "version": value.spec_version},
    }
    if value.description is not None:
        result["description"] = value.description
    return result


def _spec(document: JsonObject, behaviour: Behaviour) -> tuple[str, str]:
    spec = _object(document, "connectionSpec")
    if spec.get("id") != MYSQL_ID:
        raise coded("1413-400")
    version = spec.get("version")
    if version is None and behaviour.missing_version == "latest":
        return MYSQL_ID, MYSQL_VERSION
    if version is None:
        detail = "connectionSpec.version 'version' is required for spec info"
        raise uncoded(422, "Unprocessable Entity", detail)
    if version != MYSQL_VERSION:
        raise coded("1413-400")
    return MYSQL_ID, MYSQL_VERSION


def _declared_params(auth_name: str, params: JsonObject, behaviour: Behaviour) -> tuple[JsonObject, tuple[str, ...]]:
    schema = auth_schema(behaviour, auth_name)
    if behaviour.auth_params == "schema":
        check(schema, params)
    known = visible(schema)
    return {k: v for k, v in params.items() if k in known}, tuple(k for k in params if k not in known)


def _description(document: JsonObject) -> str | None:
    value = document.get("description")
    if value is not None and not isinstance(value, str):
        raise bad_value("description", "it must be a string", value)
    return value


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


# Inferred (SF-AWS): when provisioning ends, the connection is updated by a client that is not the caller.
_PROVIDER = "flow-provider"


@dataclass(frozen=True, slots=True)
class ConnectionBody:
    """What a client declares. ``hidden`` are names of parameters whose values are not kept at all."""

    name: str
    description: str | None
    spec_id: str
    spec_version: str
    auth_name: str
    params: Mapping[str, Json]
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """When (epoch milliseconds) and by whom."""

    at: int
    by: str
    client: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The moment (epoch milliseconds) at which an initializing connection becomes enabled, and its etag then."""

    at: int
    etag: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One base connection in its organisation and sandbox. ``ready`` is None unless it was created initializing."""

    id: str
    org: str
    sandbox: str
    etag: str
    declared: ConnectionBody
    state: str
    created: Stamp
    updated: Stamp
    ready: Ready | None = None

    def at(self, now: int) -> Connection:
        "The connection as of ``now``: provisioning that has ended is applied."
        if self.ready is None or now < self.ready.at:
            return self
        updated = Stamp(self.ready.at, _PROVIDER, _PROVIDER)
        return replace(self, etag=self.ready.etag, state="enabled", updated=updated, ready=None)

    @property
    def initializing(self) -> bool:
        """Whether there is no etag to show yet; ask only a connection made current by ``at``."""
        return self.ready is not None


def item(connection: Connection, behaviour: Behaviour) -> JsonObject:
    """The element of ``items`` in a GET. Keys and types documented (UPD, OASD, SF-AWS).

    ``version`` equals ``etag``; both are absent while initializing (SF-AWS); ``description`` is absent unless set.
    """
    declared, created, updated = connection.declared, connection.created, connection.updated
    shown: JsonObject = {
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
        "auth": {"specName": declared.auth_name, "params": _params(declared, behaviour)},
    }
    if declared.description is not None:
        shown["description"] = declared.description
    if not connection.initializing:
        shown["version"] = shown["etag"] = connection.etag
    return shown


def _params(declared: ConnectionBody, behaviour: Behaviour) -> JsonObject:
    shown = dict(declared.params)
    if behaviour.secrets_in_get == "masked":
        shown.update(dict.fromkeys(declared.hidden, MASK))
    return shown
