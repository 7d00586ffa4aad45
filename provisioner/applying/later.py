"""What a plan says after a wait x what was shown before it -> what may be carried out, and what was found. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provisioner.apply.outcome import Outcome, Verdict
from provisioner.model import Key
from provisioner.planning.plan import Action, Change, Create, Patch, Plan
from provisioner.planning.planner import LOOKED_FOR
from provisioner.planning.proving import is_probe, probe_key
from provisioner.state.records import Intent


def patched(made: Plan) -> frozenset[Key]:
    """Return the keys of what a plan would patch."""
    return frozenset(change.key for change in made.pending if any(isinstance(step, Patch) for step in change.steps))


def creates(change: Change) -> bool:
    """Return whether a change makes a base connection."""
    return any(isinstance(step, Create) for step in change.steps)


def changes_of(made: Plan, keys: Collection[Key]) -> Iterator[Change]:
    """Yield what the plan says of these keys, or that a call is open where it says nothing."""
    planned = {change.key: change for change in made.changes}
    for key in sorted(keys):
        yield planned.get(key) or Change(key, "", Action.NO_OP, LOOKED_FOR)


def leads_to(shown: Change | None, now: Change) -> bool:
    """Return whether carrying out a change leads to what was shown of it, and overwrites nothing that was not."""
    if shown is None:
        return is_probe(now.key)
    same = now.action is shown.action or (shown.action is Action.CREATE and now.action is Action.UPDATE)
    return same and (shown.drifted or not now.drifted)


def found(shown: Change | None, now: Change | None, key: Key) -> Outcome | None:
    """Return the outcome of a call that turns out to have had its effect; None where it did not, or that is open.
    ``now`` is what the plan after the wait says of its key."""
    if shown is None or not (shown.steps or is_probe(key)):
        return None
    if now.action is not Action.NO_OP if now else shown.action is not Action.DELETE:
        return None
    ident = now.record.id if now and now.record else ""
    return Outcome(shown, Verdict.DONE, ident or (shown.record.id if shown.record else ""))


def moved_meanwhile(change: Change) -> Outcome:
    """Return the outcome of what is not carried out after the wait, since nobody was shown it."""
    message = "what became of it is known, and what would be done now was not shown"
    return Outcome(change, Verdict.STALE, message=message, remedy="run apply again, and read the new plan")


def left_probe(intent: Intent, now: float) -> Outcome:
    """Return the outcome of a probe of which it is not known whether it is gone. ``now`` is on the monotonic clock."""
    change = Change(probe_key(intent.key), intent.name, Action.DELETE, "a probe that may be left")
    message = "whether the probe is gone is not known"
    return Outcome(change, Verdict.UNKNOWN, message=message, remedy="run apply again: it looks for it", ended=now)
