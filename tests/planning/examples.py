"""Desired base connections, records and observed objects for tests of the pure core."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from provisioner.definitions.desired import Desired, Field
from provisioner.model import MYSQL_SPEC_ID, Json, Location, TargetIdentity
from provisioner.planning.changes import PlanInputs, plan_all
from provisioner.planning.diff import record_of
from provisioner.planning.observed import Observation, observe
from provisioner.planning.plan import Change, Plan, PlanOptions
from provisioner.secrets import Sensitive, Symbolic, Value
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import Intent, Record, State

KEY = b"k" * 32
LINEAGE = "0f" * 16
SALT = "ab" * 16
IDENTITY = TargetIdentity("https://platform.adobe.io", "ORG@AdobeOrg", "prod")
CLIENT = "our-client"
FINGERPRINTER = Fingerprinter(LINEAGE, KEY)

DEFAULTS: dict[str, Value] = {
    "name": "Orders",
    "description": "Orders database",
    "auth.specName": "Basic Authentication",
    "connectionSpec.id": MYSQL_SPEC_ID,
    "connectionSpec.version": "1.0",
    "auth.params.server": "db1",
    "auth.params.port": "3306",
    "auth.params.database": "orders",
    "auth.params.username": "svc",
    "auth.params.password": Sensitive("first-secret", "env(MYSQL_PASSWORD)", ("MYSQL_PASSWORD",)),
}
UNSET = Symbolic("env(MYSQL_PASSWORD)", ("MYSQL_PASSWORD",))


def desired(key: str = "orders", **changed: Value | None) -> Desired:
    """The example with fields replaced; ``__`` stands for a dot, None removes a field."""
    values = {**DEFAULTS, **{path.replace("__", "."): value for path, value in changed.items()}}
    fields = [
        Field(path, value, Location(f"connections/{key}.yaml", line))
        for line, (path, value) in enumerate(values.items(), 2)
        if value is not None
    ]
    return desired_of(key, Location(f"connections/{key}.yaml", 2), fields)


def desired_of(key: str, location: Location, fields: Iterable[Field]) -> Desired:
    found = tuple(fields)
    return Desired(
        key,
        location,
        {one.path: one.value for one in found if one.value and isinstance(one.value, str)},
        {one.path: one.value for one in found if isinstance(one.value, Symbolic)},
        {one.path: one.location[1:] for one in found},
    )


def secret(content: str) -> Sensitive:
    return Sensitive(content, "env(MYSQL_PASSWORD)", ("MYSQL_PASSWORD",))


def record(of: Desired | None = None, identity: str = "id-1", etag: str = '"e1"') -> Record:
    return record_of(of or desired(), identity, etag, SALT, FINGERPRINTER)


def state(*records: Record, intents: Iterable[Intent] = ()) -> State:
    return replace(State.empty(LINEAGE, IDENTITY), records=records, intents=tuple(intents))


def item(of: Desired | None = None, identity: str = "id-1", etag: str | None = '"e1"', **changed: Any) -> Json:
    """What the service lists for a base connection, secrets left out."""
    one = of or desired()
    values = {field.path: field.value for field in one.fields if isinstance(field.value, str)}
    prefix = "auth.params."
    body: Json = {
        "id": identity,
        "name": values["name"],
        "description": values.get("description", ""),
        "auth": {
            "specName": values["auth.specName"],
            "params": {path.removeprefix(prefix): value for path, value in values.items() if path.startswith(prefix)},
        },
        "connectionSpec": {"id": values["connectionSpec.id"], "version": values["connectionSpec.version"]},
        "state": "enabled",
        "createdAt": 1_700_000_000_000,
        "updatedAt": 1_700_000_100_000,
        "updatedBy": "jane@example.com",
        "updatedClient": "exc_app",
        "createdClient": CLIENT,
    }
    return {**body, **({"etag": etag} if etag else {}), **changed}


def observation(*items: Json) -> Observation:
    return observe(items)


def planned(wanted: Iterable[Desired], prior: State, seen: Observation | None, **options: Any) -> Plan:
    """Plan with options, and with inputs, such as ``undecided``, that are none."""
    names = {one.name for one in fields(PlanOptions)}
    chosen = PlanOptions(**{name: value for name, value in options.items() if name in names})
    others = {name: value for name, value in options.items() if name not in names}
    return plan_all("prod", IDENTITY, wanted, PlanInputs(prior, seen, FINGERPRINTER, CLIENT, chosen, **others))


def only(plan: Plan) -> Change:
    (change,) = plan.changes
    return change
