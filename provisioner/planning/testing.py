"""A plan whose changes of credentials are followed by a test (``--test``). Pure."""

from __future__ import annotations

from dataclasses import replace

from provisioner.planning.plan import Action, Change, Plan, Test

AGAIN = "its database could not be reached when it was last tested; it is tested again"


def with_tests(plan: Plan) -> Plan:
    """The plan with a test after each create and each change of credentials, and of what never passed its last one."""
    return replace(plan, changes=tuple(map(_tested, plan.changes)))


def _tested(change: Change) -> Change:
    if change.signs_in_anew:
        return replace(change, steps=(*change.steps, Test()))
    untested = change.record is not None and change.record.untested
    if untested and change.action in (Action.NO_OP, Action.UPDATE):
        return replace(change, steps=(*change.steps, Test()), notes=(*change.notes, AGAIN))
    return change
