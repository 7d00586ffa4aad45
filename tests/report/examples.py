"""Sample plans."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from provisioner.model import Location, TargetIdentity
from provisioner.planning.diff import FieldChange, deleted_fields
from provisioner.planning.digest import Pin
from provisioner.planning.plan import Action, Change, Plan, PlanOptions, Provenance
from provisioner.planning.steps import Create, Delete, Patch
from provisioner.state.fingerprint import Comparison
from provisioner.state.records import Record

IDENTITY = TargetIdentity("https://platform.adobe.io", "ORG@AdobeOrg", "prod")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOT_ASKED = PlanOptions()
HOSTILE = "</code>`|@all\n::error::x ##vso[task.setvariable]\u202e<script>alert(1)</script>"


def at(file: str, line: int = 2) -> Location:
    return Location(f"connections/{file}.yaml", line)


def record(key: str, **fields: str) -> Record:
    return Record(key, f"id-{key}", '"e1"', {"name": key.title(), **fields}, (), "00")


def server(before: str | None, after: str | None, file: str, line: int = 7, drifted: bool = False) -> FieldChange:
    return FieldChange("auth.params.server", before, after, at(file, line), drifted=drifted)


def password(file: str, comparison: Comparison, variable: str = "MYSQL_A", has_value: bool = True) -> FieldChange:
    origin = f"env({variable})"
    return FieldChange("auth.params.password", origin, origin, at(file, 11), comparison, has_value)


def created(key: str, *fields: FieldChange) -> Change:
    new = tuple(replace(field, before=None) for field in fields)
    return Change(key, key.title(), Action.CREATE, "not in the state", at(key), fields=new, steps=(Create(),))


def updated(
    key: str, *fields: FieldChange, reason: str = "definition differs from the state", notes: tuple[str, ...] = ()
) -> Change:
    steps = (Patch(f"id-{key}", '"e1"', ()),)
    return Change(
        key, key.title(), Action.UPDATE, reason, at(key), fields=fields, steps=steps, notes=notes, record=record(key)
    )


def plan_of(changes: Iterable[Change], *, offline: bool = False, options: PlanOptions = NOT_ASKED) -> Plan:
    listed = tuple(sorted(map(_signing_in, changes), key=lambda change: change.key))
    pins = tuple(
        Pin(one.key, one.action.value, _declared(one), {}, {}, {}, {"drift": {"it": ""}} if one.drifted else {})
        for one in listed
        if one.action not in (Action.NO_OP, Action.UNMANAGED)
    )
    return Plan("prod", IDENTITY, listed, offline, options, "lineage", pins, provenance=Provenance(NOW))


def _signing_in(change: Change) -> Change:
    """Return the change with its servers marked as new, as the planner does when no record has them."""
    servers = (field.after for field in change.fields if field.path.endswith(".server") and field.before != field.after)
    return replace(change, new_servers=tuple(filter(None, servers)))


def _declared(change: Change) -> str:
    return "" if re.match("secret|drift", change.reason) else change.action.value


NOTHING = plan_of([])

ONE = plan_of([updated("orders", server("db1.example.com", "db2.example.com", "orders"))])

EVERYTHING = plan_of(
    [
        created("new", server(None, "db1.example.com", "new"), password("new", Comparison.CHANGED)),
        updated("host", server("db1.example.com", "db2.example.com", "host")),
        updated("rotated", password("rotated", Comparison.CHANGED), reason="secret changed: env(MYSQL_A)"),
        updated(
            "drifted",
            server("elsewhere.example.com", "db1.example.com", "drifted", drifted=True),
            reason="drift: changed by jane@example.com through exc_app on 2026-11-20 10:00 UTC",
            notes=("`apply --yes` carries this out only with --overwrite-drift",),
        ),
        updated(HOSTILE, server(HOSTILE, "```" + HOSTILE, "hostile"), notes=(HOSTILE,)),
        Change(
            "unset",
            "Unset",
            Action.NO_OP,
            "as declared",
            at("unset"),
            fields=(password("unset", Comparison.UNKNOWN, "MYSQL_UNSET", has_value=False),),
            notes=("env(MYSQL_UNSET) is not set, so provisioner cannot tell whether it changed",),
            record=record("unset"),
        ),
        Change("same", "Same", Action.NO_OP, "as declared", at("same"), record=record("same")),
        Change("taken", "Taken", Action.BLOCKED, "already exists: id-x", at("taken"), remedy="rename it"),
        Change("gone", "Gone", Action.UNMANAGED, "no definition", record=record("gone")),
        Change(
            "old",
            "Old",
            Action.DELETE,
            "no definition",
            fields=deleted_fields(record("old", **{"connectionSpec.version": "1.0", "auth.params.server": "db1"}), {}),
            steps=(Delete("id-old", None),),
            record=record("old"),
        ),
    ],
    options=PlanOptions(allow_delete=True),
)

PLANS = {"nothing": NOTHING, "one": ONE, "everything": EVERYTHING}


def many_alike(number: int) -> Plan:
    """Return a plan with the same host change in many definitions of fifty folders; every tenth one is new."""
    return plan_of(_alike(index) for index in range(number))


def _alike(index: int) -> Change:
    key = f"team-{index % 50:02}/orders-{index:05}"
    if index % 10 == 0:
        return created(key, server(None, "db1.example.com", key), password(key, Comparison.CHANGED, f"MYSQL_{index}"))
    return updated(key, server("db1.example.com", "db2.example.com", key))


def many_different(number: int) -> Plan:
    """Return a plan whose changes have nothing in common: reasons, values, paths and folders all differ."""
    return plan_of(
        updated(f"f{index}/k{index * 7919}x", server("a" * 300, f"{index}" * 50, f"f{index}/x"), reason=f"why {index}")
        for index in range(number)
    )
