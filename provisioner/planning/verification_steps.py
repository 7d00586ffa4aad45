"""Steps that options and the service add to the changes of a plan: probes, tests and waits. Pure.

- ``--prove`` puts a ``Probe`` before each step that sends credentials. A probe is a throwaway base connection that one
  step creates, tests and deletes, under one intent whose id is part of its name. The next apply finds a probe left over
  from an aborted run by that name and deletes it, with a change whose key is marked (``probe_key``).
- ``--test`` puts a ``Test`` after each step that sends credentials.
- On AWS, an ``Await`` follows each create. There a new base connection is ``initializing`` for a while, shows no etag
  meanwhile, and can neither be changed nor deleted; the etag that counts is the one that it has once enabled (inferred:
  initializing).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.model import Key
from provisioner.planning.observed import Observation, Observed
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Await, Create, Delete, Probe, Step, Test
from provisioner.state.records import Intent

INITIALIZING = "initializing"

_KEY_SUFFIX = "#probe"
"""No key of a definition can end like this."""

_NAME_PREFIX = "provisioner probe "


def with_proofs(plan: Plan) -> Plan:
    """Return the plan with a probe before each create and each change of credentials."""
    changes = (
        replace(change, steps=(Probe(), *change.steps)) if change.sends_credentials else change
        for change in plan.changes
    )
    return replace(plan, changes=tuple(changes))


def with_tests(plan: Plan) -> Plan:
    """Return the plan with a test after each create and each change of credentials.

    A base connection whose last test was not passed is tested again.
    """
    changes = []
    for change in plan.changes:
        if change.sends_credentials:
            change = replace(change, steps=(*change.steps, Test()))
        elif change.record is not None and change.record.untested and change.action in (Action.NO_OP, Action.UPDATE):
            note = "its database could not be reached when it was last tested; it is tested again"
            change = replace(change, steps=(*change.steps, Test()), notes=(*change.notes, note))
        changes.append(change)
    return replace(plan, changes=tuple(changes))


def with_waits(plan: Plan) -> Plan:
    """Return the plan with a wait after each create, so that the etag of the enabled object is recorded."""
    changes = []
    for change in plan.changes:
        steps: list[Step] = []
        for step in change.steps:
            steps += (step, Await()) if isinstance(step, Create) else (step,)
        changes.append(replace(change, steps=tuple(steps)))
    return replace(plan, changes=tuple(changes))


def await_before(observed: Observed | None, *steps: Step) -> tuple[Step, ...]:
    """Return the steps, preceded by a wait if the object is still initializing."""
    if observed is not None and observed.state == INITIALIZING:
        return (Await(), *steps)
    return steps


def leftover_probes(intents: tuple[Intent, ...], observation: Observation | None) -> Iterator[Change]:
    """Yield a change that deletes it for each probe that an earlier run has left."""
    for intent in intents:
        if observation is None or intent.step != "probe":
            continue
        for observed in observation.named(intent.name):
            if observed.name == intent.name:
                reason = f"{observed.id} is a probe left over from an earlier run"
                steps = await_before(observed, Delete(observed.id, observed.etag))
                yield Change(probe_key(intent.key), intent.name, Action.DELETE, reason, steps=steps)


def probe_name(intent_id: str) -> str:
    """Return the unique name of the probe of an intent."""
    return f"{_NAME_PREFIX}{intent_id}"


def intent_of_probe(name: str) -> str:
    """Return the id of the intent from the name of its probe."""
    return name.removeprefix(_NAME_PREFIX)


def probe_key(key: Key) -> Key:
    """Return the key of the change that deletes a leftover probe of ``key``."""
    return f"{key}{_KEY_SUFFIX}"


def is_probe(key: Key) -> bool:
    """Return whether the key is that of a change that deletes a leftover probe."""
    return key.endswith(_KEY_SUFFIX)


def definition_key(key: Key) -> Key:
    """Return the key of the definition for the key of any change."""
    return key.removesuffix(_KEY_SUFFIX)
