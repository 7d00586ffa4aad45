"""Plan x the dataflows that read from its base connections -> a plan that names them. Pure.

Secrets that several definitions read: what a plan of some of them leaves with the others. Pure.

Credentials x the whole state -> which servers they are sent to for the first time. Pure.

Parts of sentences that plans and their reports share. Pure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from provisioner.definitions.desired import Desired
from provisioner.model import Key
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Create, Delete, Patch, Step
from provisioner.service.responses import Dataflow
from provisioner.state.fingerprint import Comparison
from provisioner.state.records import Record, State


def affected(plan: Plan) -> tuple[str, ...]:
    """The ids of what is deleted or signs in otherwise: what its dataflows would notice."""
    return tuple(ident for change in plan.changes for step in change.steps for ident in _noticed(step))


def _noticed(step: Step) -> tuple[str, ...]:
    return (step.id,) if isinstance(step, Delete) or (isinstance(step, Patch) and step.signs_in_anew) else ()


def with_dependants(plan: Plan, flows: Mapping[str, tuple[Dataflow, ...]]) -> Plan:
    """The plan with deletes blocked that dataflows hold back, and changes of credentials that name theirs."""
    return replace(plan, changes=tuple(_named(change, flows) for change in plan.changes))


def _named(change: Change, flows: Mapping[str, tuple[Dataflow, ...]]) -> Change:
    used = next((flows[step.id] for step in change.steps if isinstance(step, Delete | Patch) and step.id in flows), ())
    if not used:
        return change
    if change.action is Action.DELETE:
        reason = f"used by {_listed(used)}: the service would refuse to delete it (1418)"
        remedy = "delete these dataflows first, or put the definition back"
        return replace(change, action=Action.BLOCKED, steps=(), reason=reason, remedy=remedy, held=True)
    return replace(
        change, notes=(*change.notes, f"used by {_listed(used)}: they sign in with this from their next run")
    )


def without_dependants(plan: Plan, why: str) -> Plan:
    """The plan that says of what is affected that nobody knows its dataflows."""
    words = f"which dataflows use it could not be read: {why}"
    return plan.noting({change.key: words for change in plan.changes if any(map(_noticed, change.steps))})


def _listed(flows: tuple[Dataflow, ...]) -> str:
    number = f"{len(flows)} dataflow{'' if len(flows) == 1 else 's'}"
    return f"{number}: {listed(flows)}"


def with_other_readers(plan: Plan, whole: Plan) -> Plan:
    """Return the plan in which each change of a secret names the base connections outside the plan that read the same
    variable. ``whole`` is the plan of all keys."""
    planned = {change.key for change in plan.changes}
    readers = defaultdict[str, list[Key]](list)
    for change in whole.changes:
        if change.key not in planned and change.record is not None and change.desired is not None:
            for name in {name for _, symbol in change.desired.confidential for name in symbol.names}:
                readers[name].append(change.key)
    if not readers:
        return plan
    left = {
        name: f"{name} is also read by {listed(sorted(keys))}, which this run does not update"
        for name, keys in readers.items()
    }
    words = {change.key: "; ".join(left[name] for name in _sent(change) if name in left) for change in plan.changes}
    return plan.noting({key: note for key, note in words.items() if note})


def _sent(change: Change) -> list[str]:
    """Return the variables whose value a change sends to a base connection that exists."""
    if change.desired is None or not any(isinstance(step, Patch) and step.signs_in_anew for step in change.steps):
        return []
    paths = {field.path for field in change.fields if field.sensitive}
    return sorted({name for path, symbol in change.desired.confidential if path in paths for name in symbol.names})


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
    for path in desired.positions:
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


Item = TypeVar("Item")


def listed(items: Sequence[Item], most: int = 5, shown: Callable[[Item], str] = str) -> str:
    """Return the first ``most`` items in a row, each as it is ``shown``, and how many more there are."""
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(map(shown, items[:most])) + more
