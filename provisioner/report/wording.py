"""Texts, symbols and order that the reports of a plan have in common."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.model import MYSQL_SPEC_ID, MYSQL_SPEC_VERSION, Location
from provisioner.planning.diff import FieldChange
from provisioner.planning.plan import Action, Change, Plan
from provisioner.report.terminal import safe
from provisioner.state.fingerprint import Comparison

SYMBOL = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.NO_OP: " ",
    Action.BLOCKED: "!",
    Action.UNMANAGED: "?",
    Action.REFRESH: "<",
    Action.FORGET: "x",
    Action.MOVE: ">",
}
"""Shown beside the name of the action, never instead of it."""

SEVERITY = (
    Action.BLOCKED,
    Action.DELETE,
    Action.UPDATE,
    Action.CREATE,
    Action.FORGET,
    Action.REFRESH,
    Action.MOVE,
    Action.UNMANAGED,
    Action.NO_OP,
)
"""Actions in the order of reports, those that need most attention first."""

NEW_SERVERS = "Passwords will be sent to servers that have not received them before"


def sorted_by_severity(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the most severe changes first, within an action those with drift, otherwise in the plan's order."""
    rank = {action: number for number, action in enumerate(SEVERITY)}
    return tuple(sorted(changes, key=lambda change: (rank[change.action], not change.drifted)))


def file_and_line(location: Location) -> str:
    """Return ``file:line``, safe to be shown."""
    return f"{safe(location.file)}:{location.line}"


def changed_line(change: Change) -> Location | None:
    """Return the line of the first field that changes, or else of the definition."""
    if change.action in (Action.UPDATE, Action.REFRESH):
        return next((field.location for field in change.fields if field.location), change.location)
    return change.location


_DEFAULTS = {"connectionSpec.id": MYSQL_SPEC_ID, "connectionSpec.version": MYSQL_SPEC_VERSION}


def shown_fields(change: Change) -> tuple[FieldChange, ...]:
    """Return the fields to show; those of a create or delete without the defaults that definitions leave out."""
    if change.action not in (Action.CREATE, Action.DELETE):
        return change.fields
    return tuple(field for field in change.fields if _DEFAULTS.get(field.path, "") not in (field.before, field.after))


def field_note(field: FieldChange, action: Action) -> str:
    """Return a remark on a value, such as the result of its comparison; "" if there is none."""
    if not field.has_value:
        return "not set here"
    if field.already_set and action is Action.UPDATE:
        return "already set"
    compared = field.comparison and field.after is not None and action is not Action.CREATE
    return field.comparison.shown if field.comparison and compared else ""


@dataclass(frozen=True, slots=True)
class Caveat:
    """Something that a plan, or its digest, does not know.

    ``names`` are the variables or keys concerned, with the number of times each occurs; empty if all are.
    """

    sentence: str
    names: Counter[str]


def unknowns(plan: Plan) -> Iterator[Caveat]:
    """Yield everything that could not be determined while planning."""
    if plan.offline:
        yield Caveat(
            "The service was not queried: changes, deletions and creations outside provisioner are not known", Counter()
        )
    unset = Counter(_origin(field) for field in _sensitive(plan) if not field.has_value)
    if unset:
        yield Caveat("Not set here, so it is not known whether their values changed", unset)
    incomparable = Counter(
        _origin(field)
        for field in _sensitive(plan, Action.UPDATE)
        if field.has_value and field.comparison is Comparison.UNKNOWN
    )
    if incomparable:
        yield Caveat("Cannot be compared with the values sent last, and will be sent", incomparable)


def not_in_digest(plan: Plan) -> Iterator[Caveat]:
    """Yield everything that the digest does not cover: values of secrets, rotations first, and changes outside."""
    if plan.pins:
        yield Caveat("The values of secrets, and the state of the service", Counter())
    rotated = Counter(_origin(field) for field in _sensitive(plan, Action.UPDATE) if field.undeclared)
    if rotated:
        yield Caveat("In particular, these secrets have, or may have, new values", rotated)
    outside = Counter(pin.key for pin in plan.outside)
    if outside:
        instead = "" if plan.is_saved else "; approve a saved plan instead"
        yield Caveat(f"These were changed outside provisioner{instead}", outside)


def _origin(field: FieldChange) -> str:
    return field.after or field.before or ""


def _sensitive(plan: Plan, *actions: Action) -> Iterator[FieldChange]:
    for change in plan.changes:
        if not actions or change.action in actions:
            yield from (field for field in change.fields if field.sensitive)


def new_servers(plan: Plan) -> Counter[str]:
    """Return the servers that receive credentials for the first time, with the number of changes that send them."""
    return Counter(server for change in plan.pending for server in change.new_servers)


def approval_command(plan: Plan) -> tuple[str, str] | None:
    """Return the shell command that applies the reviewed plan, and a description; None if nothing is to be applied."""
    if not plan.pending:
        return None
    flags = []
    for flag in plan.options.flags:
        name, space, value = flag.partition(" ")
        flags.append(f"{name} {shlex.quote(safe(value))}" if space else name)
    if plan.outside and plan.is_saved:
        return "provisioner apply FILE", "applies this saved plan, or nothing if it has changed."
    if plan.outside:
        command = ["provisioner plan --target", plan.target, *flags, "--out approved.plan"]
        description = "saves this plan; `provisioner apply approved.plan` applies it, or nothing if it has changed."
    else:
        command = ["provisioner apply --target", plan.target, *flags, f"--expect-digest {plan.digest}"]
        description = "applies this plan, or nothing if it has changed. New values of secrets are accepted."
    return " ".join(command), description


def texts_of_plan(plan: Plan) -> Iterator[str]:
    """Yield every text from outside that a report of the plan contains, unescaped."""
    yield from foreign_texts(plan.changes)
    yield from plan.notes


def foreign_texts(changes: Iterable[Change]) -> Iterator[str]:
    """Yield every text from outside that a report of these changes contains, unescaped."""
    for change in changes:
        yield from (change.name, change.reason, change.remedy, change.last_edit, *change.notes)
        for field in change.fields:
            yield from (field.before or "", field.after or "")
