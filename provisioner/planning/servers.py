"""Credentials x the whole state -> which servers they are sent to for the first time. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.planning.plan import Change, Create, Plan
from provisioner.state.fingerprint import Comparison
from provisioner.state.records import Record, State

_SERVER = ".server"
_VARIABLE = re.compile(r"env\(([^()]+)\)")


def with_new_servers(plan: Plan, state: State) -> Plan:
    """Return the plan in which each change names the servers that one of its variables was not used to sign in to
    before, by any record of the state."""
    used = {pair for record in state.records for pair in _used(record)}
    found = {change.key: servers for change in plan.changes if (servers := tuple(_new(change, used)))}
    changes = (
        replace(change, new_servers=found[change.key]) if change.key in found else change for change in plan.changes
    )
    existing = (change for change in plan.changes if change.key in found and change.record is not None)
    notes = {change.key: _note(change.desired, found[change.key]) for change in existing}
    return replace(plan, changes=tuple(changes)).noting(notes)


def _new(change: Change, used: set[tuple[str, str]]) -> Iterator[str]:
    desired = change.desired
    if desired is None or not change.signs_in_anew:
        return
    if change.record is None and not any(isinstance(one, Create) for one in change.steps):
        return  # what is taken over signs in there already
    known = {_folded(server) for server in _servers(change.record)} if _is_imported(change.record) else set()
    moved = {field.path for field in change.fields if field.before == field.after and _says_otherwise(field.comparison)}
    carriers = {carrier for _, symbol in desired.confidential for carrier in _carriers(symbol.origin)}
    for path in desired.places:
        if path.endswith(_SERVER):
            server = str(desired.value(path))
            is_used = _folded(server) in known or all((carrier, _folded(server)) in used for carrier in carriers)
            if carriers and (path in moved or not is_used):
                yield server


def _says_otherwise(comparison: Comparison | None) -> bool:
    """Return whether a server that comes from a variable may be another one, although the variable is the same."""
    return comparison in (Comparison.CHANGED, Comparison.UNKNOWN)


def _is_imported(record: Record | None) -> bool:
    """Return whether nothing is recorded of the secrets that were sent, and so of where they came from."""
    return record is not None and not any(not one.path.endswith(_SERVER) for one in record.secrets)


def _used(record: Record) -> Iterator[tuple[str, str]]:
    for secret in record.secrets:
        for carrier in _carriers(secret.origin):
            yield from ((carrier, _folded(server)) for server in _servers(record))


def _servers(record: Record | None) -> Iterable[str]:
    if record is None:
        return ()
    shown = (text for path, text in record.texts.items() if path.endswith(_SERVER))
    return (*shown, *(one.origin for one in record.secrets if one.path.endswith(_SERVER)))


def _carriers(origin: str) -> list[str]:
    """Return the variables in an origin; of what comes from none, the origin itself."""
    return _VARIABLE.findall(origin) or [origin]


def _folded(server: str) -> str:
    return server.rstrip(".").lower()


def _note(desired: Desired | None, servers: tuple[str, ...]) -> str:
    origins = ", ".join(dict.fromkeys(symbol.origin for _, symbol in desired.confidential)) if desired else ""
    there = ", ".join(servers)
    return f"from now on {origins} is used to sign in where it was not used before: make sure that {there} is yours"
