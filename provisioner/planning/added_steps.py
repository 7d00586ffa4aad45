"""New credentials are proved on a throwaway base connection before they go into the live one (``--prove``). Pure.

A probe is made, tested and deleted by one step of the change, under one intent whose id is in the probe's name. What a
run that died has left of it is found by that name, and deleted by the next apply.

A plan whose changes of credentials are followed by a test (``--test``). Pure.

A plan that waits for what is still initializing. Pure.

Documented for AWS: a new base connection is ``initializing`` for a while, shows no etag meanwhile, and can neither be
changed nor deleted; the etag that counts is the one that it has once enabled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.model import Key
from provisioner.planning.observed import Observation, Observed
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Await, Create, Delete, Probe, Step, Test
from provisioner.state.records import Intent

_SUFFIX = "#probe"
"""Of the key of what is left of a probe: no definition can have it."""

_NAMED = "provisioner probe "


def probe_name(intent_id: str) -> str:
    """The name of a probe: nobody else's is like it."""
    return f"{_NAMED}{intent_id}"


def intent_of_probe(name: str) -> str:
    """Return the id of the intent that a probe of this name stands under."""
    return name.removeprefix(_NAMED)


def probe_key(key: Key) -> Key:
    """Return the key of the change that removes what is left of a probe for ``key``."""
    return f"{key}{_SUFFIX}"


def definition_key(key: Key) -> Key:
    """Return the key of the definition that a change is about, also where it removes a probe."""
    return key.removesuffix(_SUFFIX)


def is_probe(key: Key) -> bool:
    """Whether a change of this key removes what is left of a probe."""
    return key.endswith(_SUFFIX)


def with_proofs(plan: Plan) -> Plan:
    """Return the plan with a probe before each create and each change of credentials."""
    return replace(plan, changes=tuple(map(_proved, plan.changes)))


def _proved(change: Change) -> Change:
    if change.signs_in_anew:
        return replace(change, steps=(Probe(), *change.steps))
    return change


def left_probes(intents: tuple[Intent, ...], observation: Observation | None) -> Iterator[Change]:
    """The deletion of each probe that an earlier run has left."""
    for intent in intents:
        found = observation.named(intent.name) if observation and intent.step == "probe" else ()
        for one in (one for one in found if one.name == intent.name):
            reason = f"{one.id} is a probe that an earlier run has left"
            steps = first_enabled(one, Delete(one.id, one.etag))
            yield Change(probe_key(intent.key), intent.name, Action.DELETE, reason, steps=steps)


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
