"""Words and order that every face of a plan shares, so that all say the same. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.model import Location
from provisioner.planning.changes import FieldChange
from provisioner.planning.plan import Action, Plan
from provisioner.report.style import safe
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
}
"""Beside the word, never in its place."""


NO_FULL_DIGEST = "(no full one before the first apply without PROVISIONER_FINGERPRINT_KEY)"
"""What is said in its place."""


def line_of(location: Location) -> str:
    """``file:line``, fit to be shown."""
    return f"{safe(location.file)}:{location.line}"


def verdict(field: FieldChange, action: Action) -> str:
    """What the comparison of a sensitive value says; "" where there is nothing to compare."""
    if not field.at_hand:
        return "not set here"
    return field.comparison.value if field.comparison and action is not Action.CREATE else ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that a plan cannot say. ``names`` are what it is about, each with how often; empty: all of it."""

    sentence: str
    names: Counter[str]


def unknowns(plan: Plan) -> Iterator[Unknown]:
    """What could not be known, each once."""
    if plan.offline:
        yield Unknown("The service was not asked: what was changed, deleted or made outside", Counter())
    unset = Counter(_origin(field) for field in _sensitive(plan) if not field.at_hand)
    if unset:
        yield Unknown("Not set here, so that nobody can tell whether they changed", unset)
    unsure = Counter(
        _origin(f) for f in _sensitive(plan, Action.UPDATE) if f.at_hand and f.comparison is Comparison.UNKNOWN
    )
    if unsure:
        yield Unknown("Cannot be compared with what was sent last, and will be sent", unsure)
    if plan.uncovered:
        what = "Only a secret or the service asks for it, so the public digest does not cover it"
        yield Unknown(what, Counter(plan.uncovered))


def _origin(field: FieldChange) -> str:
    return field.after or field.before or ""


def _sensitive(plan: Plan, *actions: Action) -> Iterator[FieldChange]:
    for change in plan.changes:
        if not actions or change.action in actions:
            yield from (field for field in change.fields if field.sensitive)
