"""Words and order that all reports of a plan share. Pure."""

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
"""Beside the word, never in its place."""

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
"""What a reader must not miss comes first."""


def line_of(location: Location) -> str:
    """``file:line``, fit to be shown."""
    return f"{safe(location.file)}:{location.line}"


def place_of(change: Change) -> Location | None:
    """Return the line of the first field that changes, or else of the definition."""
    if change.action in (Action.UPDATE, Action.REFRESH):
        return next((field.location for field in change.fields if field.location), change.location)
    return change.location


def sorted_by_severity(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the most severe changes first, within an action those with drift, and else by key as the plan has them."""
    rank = {action: number for number, action in enumerate(SEVERITY)}
    return tuple(sorted(changes, key=lambda change: (rank[change.action], not change.drifted)))


def verdict(field: FieldChange, action: Action) -> str:
    """Return what there is to say of a value beside what it is; "" where there is nothing."""
    if not field.at_hand:
        return "not set here"
    if field.is_there and action is Action.UPDATE:
        return "there already"
    compared = field.comparison and field.after is not None and action is not Action.CREATE
    return field.comparison.value if field.comparison and compared else ""


_DEFAULTS = {"connectionSpec.id": MYSQL_SPEC_ID, "connectionSpec.version": MYSQL_SPEC_VERSION}


def fields_of(change: Change) -> tuple[FieldChange, ...]:
    """Return the fields that a reader looks at: of what comes or goes whole, not the defaults that nobody chooses."""
    if change.action not in (Action.CREATE, Action.DELETE):
        return change.fields
    return tuple(field for field in change.fields if _DEFAULTS.get(field.path, "") not in (field.before, field.after))


@dataclass(frozen=True, slots=True)
class UnknownPart:
    """Something that a plan, or its digest, cannot say. ``names`` are what it is about, each with how often; empty: all
    of it."""

    sentence: str
    names: Counter[str]


def unknowns(plan: Plan) -> Iterator[UnknownPart]:
    """What could not be known, each once."""
    if plan.offline:
        yield UnknownPart("The service was not asked: what was changed, deleted or made outside", Counter())
    unset = Counter(_origin(field) for field in _sensitive(plan) if not field.at_hand)
    if unset:
        yield UnknownPart("Not set here, so that nobody can tell whether they changed", unset)
    unsure = Counter(
        _origin(f) for f in _sensitive(plan, Action.UPDATE) if f.at_hand and f.comparison is Comparison.UNKNOWN
    )
    if unsure:
        yield UnknownPart("Cannot be compared with what was sent last, and will be sent", unsure)


def uncovered(plan: Plan) -> Iterator[UnknownPart]:
    """Yield what the digest does not cover: values of secrets, rotations first, and what was done outside."""
    if plan.pins:
        yield UnknownPart("The values of secrets, and what the service shows", Counter())
    rotated = Counter(_origin(field) for field in _sensitive(plan, Action.UPDATE) if field.undeclared)
    if rotated:
        yield UnknownPart("Hence that these secrets have, or may have, new values", rotated)
    outside = Counter(pin.key for pin in plan.outside)
    if outside:
        yield UnknownPart("What was done outside to these; approve a saved plan of it", outside)


def approval(plan: Plan) -> tuple[str, str] | None:
    """Return the command that carries out what was reviewed, for a shell, and what it does; None where there is nothing
    to do."""
    if not plan.pending:
        return None
    flags = [_for_a_shell(flag) for flag in plan.options.flags]
    if plan.outside:
        command = ["provisioner plan --target", plan.target, *flags, "--out approved.plan"]
        does = "saves this plan, and `provisioner apply approved.plan` carries it out, or nothing if it has moved."
    else:
        command = ["provisioner apply --target", plan.target, *flags, f"--expect-digest {plan.digest}"]
        does = "carries out this plan, or nothing if it has moved. New values of secrets pass."
    return " ".join(command), does


def _for_a_shell(flag: str) -> str:
    name, space, value = flag.partition(" ")
    return f"{name} {shlex.quote(safe(value))}" if space else name


def words_of(changes: Iterable[Change]) -> Iterator[str]:
    """Yield all that a report says of changes and that is not its own, as it is."""
    for change in changes:
        yield from (change.name, change.reason, change.remedy, *change.notes)
        for field in change.fields:
            yield from (field.before or "", field.after or "")


NEW_SERVERS = "Passwords will be sent to servers that have not received them before"


def new_servers(plan: Plan) -> Counter[str]:
    """Return the servers that credentials are sent to for the first time, each with by how many changes."""
    return Counter(server for change in plan.pending for server in change.new_servers)


def _origin(field: FieldChange) -> str:
    return field.after or field.before or ""


def _sensitive(plan: Plan, *actions: Action) -> Iterator[FieldChange]:
    for change in plan.changes:
        if not actions or change.action in actions:
            yield from (field for field in change.fields if field.sensitive)
