"""A base connection as the emulator knows it, and how a GET shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.messages import Json, JsonObject

MASK = "********"
# Inferred (SF-AWS): when provisioning ends, the connection is updated by a client that is not the caller.
_PROVIDER = "flow-provider"


@dataclass(frozen=True, slots=True)
class Declared:
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
    declared: Declared
    state: str
    created: Stamp
    updated: Stamp
    ready: Ready | None = None

    def at(self, now: int) -> "Connection":
        """The connection as of ``now``: provisioning that has ended is applied."""
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


def _params(declared: Declared, behaviour: Behaviour) -> JsonObject:
    shown = dict(declared.params)
    if behaviour.secrets_in_get == "masked":
        shown.update(dict.fromkeys(declared.hidden, MASK))
    return shown
