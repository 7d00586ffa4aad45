"""New credentials are proved on a throwaway base connection before they go into the live one (``--prove``). Pure.

A probe is made, tested and deleted by one step of the change, under one intent whose id is in the probe's name. What a
run that died has left of it is found by that name, and deleted by the next apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.model import Key
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Action, Change, Delete, Patch, Plan, Probe
from provisioner.planning.waiting import first_enabled
from provisioner.state.records import Intent

_SUFFIX = "#probe"
"""Of the key of what is left of a probe: no definition can have it."""


def probe_name(intent_id: str) -> str:
    """The name of a probe: nobody else's is like it."""
    return f"provisioner probe {intent_id}"


def is_probe(key: Key) -> bool:
    """Whether a change of this key removes what is left of a probe."""
    return key.endswith(_SUFFIX)


def with_proofs(plan: Plan) -> Plan:
    """The plan with a probe before each change of the credentials of a base connection that is there."""
    return replace(plan, changes=tuple(map(_proved, plan.changes)))


def _proved(change: Change) -> Change:
    if any(isinstance(step, Patch) and step.signs_in_anew for step in change.steps):
        return replace(change, steps=(Probe(), *change.steps))
    return change


def left_probes(intents: tuple[Intent, ...], observation: Observation | None) -> Iterator[Change]:
    """The deletion of each probe that an earlier run has left."""
    for intent in intents:
        found = observation.by_name.get(intent.name, ()) if observation and intent.step == "probe" else ()
        for one in found:
            reason = f"{one.id} is a probe that an earlier run has left"
            steps = first_enabled(one, Delete(one.id, one.etag))
            yield Change(f"{intent.key}{_SUFFIX}", intent.name, Action.DELETE, reason, steps=steps)
