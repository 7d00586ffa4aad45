"""Effects of a plan beyond its own changes: on dataflows, on other readers of a secret, on servers. Pure.

Each section adds notes to a plan: the dataflows that use a base connection, the definitions outside a selection that
read the same variable, and the servers that receive credentials for the first time. A delete of a base connection that
dataflows use is blocked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from provisioner.model import Key
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Create, Delete, Patch
from provisioner.service.responses import Dataflow
from provisioner.state.fingerprint import Comparison
from provisioner.state.records import Record, State
from provisioner.text import count, listed

# Dataflows


def affected_ids(plan: Plan) -> tuple[str, ...]:
    """Return the ids of the base connections whose dataflows would notice the plan."""
    return tuple(ident for change in plan.changes for ident in _affected_ids(change))


def with_dataflows(plan: Plan, flows: Mapping[str, tuple[Dataflow, ...]]) -> Plan:
    """Return the plan with dataflows named in the changes that affect them, and deletes of used connections blocked.

    ``flows`` has the dataflows by the id of their base connection.
    """
    changes = []
    for change in plan.changes:
        ids = (step.id for step in change.steps if isinstance(step, Delete | Patch))
        used_by = next((flows[ident] for ident in ids if ident in flows), ())
        if used_by:
            if change.action is Action.DELETE:
                number = count(len(used_by), "dataflow")
                reason = f"used by {number}: {listed(used_by)}: the service would refuse to delete it (1418)"
                remedy = "delete these dataflows first, or restore the definition"
                change = replace(
                    change, action=Action.BLOCKED, steps=(), fields=(), reason=reason, remedy=remedy, held=True
                )
            else:
                change = replace(change, notes=(*change.notes, _use_note(change, used_by)))
        changes.append(change)
    return replace(plan, changes=tuple(changes))


def _use_note(change: Change, used_by: Sequence[Dataflow]) -> str:
    """Return the note on the dataflows of a base connection that an update sends credentials to."""
    uses, signs_in, connects, its = (
        ("uses", "signs in", "connects", "its") if len(used_by) == 1 else ("use", "sign in", "connect", "their")
    )
    is_new = any(field.sensitive and field.comparison is not Comparison.UNCHANGED for field in change.fields)
    effect = f"{signs_in} with the new credentials" if is_new else f"{connects} with these values"
    return f"{listed(used_by)} {uses} it, and {effect} from {its} next run"


def with_unknown_dataflows(plan: Plan, why: str) -> Plan:
    """Return the plan with a note on each affected change that its dataflows could not be read, and ``why``."""
    note = f"its dataflows could not be read: {why}"
    return plan.with_notes({change.key: note for change in plan.changes if _affected_ids(change)})


def _affected_ids(change: Change) -> list[str]:
    return [
        step.id
        for step in change.steps
        if isinstance(step, Delete) or (isinstance(step, Patch) and step.sends_credentials)
    ]


# Other readers of a variable


def with_other_readers(plan: Plan, whole: Plan) -> Plan:
    """Return the plan with a note on each changed secret that base connections outside the plan read as well.

    ``whole`` is the plan of all keys.
    """
    planned = {change.key for change in plan.changes}
    readers = defaultdict[str, list[Key]](list)
    for change in whole.changes:
        if change.key not in planned and change.record is not None and change.desired is not None:
            for name in {name for _, symbol in change.desired.confidential for name in symbol.names}:
                readers[name].append(change.key)
    if not readers:
        return plan
    notes = {}
    for change in plan.changes:
        if shared := [name for name in _updated_variables(change) if name in readers]:
            notes[change.key] = "; ".join(
                f"{name} is also read by {listed(sorted(readers[name]))}, which this run does not update"
                for name in shared
            )
    return plan.with_notes(notes)


def _updated_variables(change: Change) -> list[str]:
    """Return the variables whose value a change sends to an existing base connection."""
    if change.desired is None or not any(isinstance(step, Patch) and step.sends_credentials for step in change.steps):
        return []
    paths = {field.path for field in change.fields if field.sensitive}
    return sorted({name for path, symbol in change.desired.confidential if path in paths for name in symbol.names})


# Servers

_SERVER = ".server"
_VARIABLE = re.compile(r"env\(([^()]+)\)")


def with_new_servers(plan: Plan, state: State) -> Plan:
    """Return the plan with the servers in each change to which one of its variables has not been sent before.

    All records of the state count, not only that of the change. Existing base connections get a note as well.
    """
    known = {
        (variable, _normalized(server))
        for record in state.records
        for secret in record.secrets
        for variable in _variables(secret.origin)
        for server in servers_of(record)
    }
    changes, notes = [], {}
    for change in plan.changes:
        if servers := tuple(_new_servers(change, known)):
            change = replace(change, new_servers=servers)
            if change.record is not None and change.desired is not None:
                origins = dict.fromkeys(symbol.origin for _, symbol in change.desired.confidential)
                notes[change.key] = (
                    f"{', '.join(origins)} will be sent to a server for the first time: "
                    f"make sure that {', '.join(servers)} is yours"
                )
        changes.append(change)
    return replace(plan, changes=tuple(changes)).with_notes(notes)


def _new_servers(change: Change, known: set[tuple[str, str]]) -> Iterator[str]:
    desired, record = change.desired, change.record
    if desired is None or not change.sends_credentials:
        return
    if record is None and not any(isinstance(step, Create) for step in change.steps):
        return  # an imported base connection signs in there already
    # An import records no secrets but the server, so the origins of what was sent to its server are unknown.
    is_imported = record is not None and all(secret.path.endswith(_SERVER) for secret in record.secrets)
    imported = {_normalized(server) for server in servers_of(record)} if record and is_imported else set()
    # The value of the variable that the server comes from has changed, or may have.
    rotated = {
        field.path
        for field in change.fields
        if field.before == field.after and field.comparison in (Comparison.CHANGED, Comparison.UNKNOWN)
    }
    variables = {variable for _, symbol in desired.confidential for variable in _variables(symbol.origin)}
    for path in desired.positions:
        if path.endswith(_SERVER):
            server = str(desired.value(path))
            normalized = _normalized(server)
            is_known = normalized in imported or all((variable, normalized) in known for variable in variables)
            if variables and (path in rotated or not is_known):
                yield server


def servers_of(record: Record) -> list[str]:
    """Return the servers of a record, as text or as origin."""
    visible = [text for path, text in record.texts.items() if path.endswith(_SERVER)]
    return visible + [secret.origin for secret in record.secrets if secret.path.endswith(_SERVER)]


def _variables(origin: str) -> list[str]:
    """Return the names of the variables in an origin; the origin itself if there are none."""
    return _VARIABLE.findall(origin) or [origin]


def _normalized(server: str) -> str:
    return server.rstrip(".").lower()
