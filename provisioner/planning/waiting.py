"""A plan that waits for what is still initializing. Pure.

Documented for AWS: a new base connection is ``initializing`` for a while, shows no etag meanwhile, and can neither be
changed nor deleted; the etag that counts is the one that it has once enabled.
"""

from __future__ import annotations

from dataclasses import replace

from provisioner.planning.observed import Observed
from provisioner.planning.plan import Await, Change, Create, Plan, Step

INITIALIZING = "initializing"


def first_enabled(observed: Observed | None, *steps: Step) -> tuple[Step, ...]:
    """These steps, after it is enabled where it is not."""
    waits = observed is not None and observed.state == INITIALIZING
    return (Await(), *steps) if waits else steps


def with_waits(plan: Plan) -> Plan:
    """The plan that waits for each of its creates, so that what is recorded is the etag of what is enabled."""
    return replace(plan, changes=tuple(map(_waited, plan.changes)))


def _waited(change: Change) -> Change:
    steps = tuple(each for step in change.steps for each in ((step, Await()) if isinstance(step, Create) else (step,)))
    return replace(change, steps=steps)
