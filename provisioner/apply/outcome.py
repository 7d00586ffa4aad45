"""What became of a change, and what all of them together mean for the exit code.

What a plan says after a wait x what was shown before it -> what may be carried out, and what was found. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from provisioner.model import Key
from provisioner.planning.added_steps import is_probe, probe_key
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.planner import LOOKED_FOR
from provisioner.planning.steps import Create, Patch
from provisioner.service.responses import Reachability
from provisioner.state.records import Intent, Record


class Verdict(StrEnum):
    """What became of a change."""

    DONE = "done"
    UNTESTED = "untested"
    """Done and recorded, and the test after it did not pass."""
    FAILED = "failed"
    """Certainly without effect."""
    STALE = "stale"
    """Without effect, because the object moved since the plan saw it."""
    UNKNOWN = "unknown"
    """It may or may not have had its effect; the next run finds out first."""
    NOT_ATTEMPTED = "not attempted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One change and what became of it. ``id`` is "" where none is known; ``seconds`` is what the call took, ``ended``
    when it did, on the monotonic clock, where that was not the end of it."""

    change: Change
    verdict: Verdict
    id: str = ""
    message: str = ""
    remedy: str = ""
    seconds: float = 0.0
    ended: float = 0.0

    @property
    def is_recorded(self) -> bool:
        """Whether it is of an update that sends nothing."""
        return self.change.action is Action.UPDATE and self.change.is_only_recorded


@dataclass(frozen=True, slots=True)
class Applied:
    """All that a run of apply has done. ``blocked`` changes were in the plan and could not be tried.

    ``uncompacted`` says why the journal could not be folded into the state, "" where it was; nothing is lost by that.
    ``unchecked`` says why nobody has looked whether what was created carries its own name, "" where that was done.
    """

    outcomes: tuple[Outcome, ...]
    blocked: tuple[Change, ...] = ()
    interrupted: bool = False
    uncompacted: str = ""
    unchecked: str = ""

    def __add__(self, later: Applied) -> Applied:
        """Both, where one run carried out a plan in two parts."""
        blocked = (*self.blocked, *later.blocked)
        interrupted, unchecked = self.interrupted or later.interrupted, self.unchecked or later.unchecked
        return Applied((*self.outcomes, *later.outcomes), blocked, interrupted, unchecked=unchecked)

    def replaced(self, later: Applied, lost: Collection[Key]) -> Applied:
        """Return the same with what is known later. ``lost`` are the keys of calls without a known outcome: where they
        are blocked now, that is the outcome."""
        now = {one.change.key: one for one in later.outcomes}
        for change in later.blocked:
            if change.key in lost:
                now[change.key] = Outcome(change, Verdict.UNKNOWN, message=change.reason, remedy=change.remedy)
        kept = tuple(now.pop(one.change.key, one) for one in self.outcomes)
        blocked = (*self.blocked, *(one for one in later.blocked if one.key not in lost))
        return replace(
            self + replace(later, outcomes=tuple(now.values()), blocked=()),
            blocked=blocked,
            outcomes=(*kept, *now.values()),
        )

    def count(self, verdict: Verdict) -> int:
        return Counter(outcome.verdict for outcome in self.outcomes)[verdict]

    def done(self, action: Action) -> int:
        """Return how many changes of that action were carried out, but for updates that send nothing."""
        return sum(one.change.action is action and not one.is_recorded for one in self._carried_out)

    @property
    def recorded(self) -> int:
        """The number of updates that were carried out and sent nothing."""
        return sum(one.is_recorded for one in self._carried_out)

    @property
    def _carried_out(self) -> Iterator[Outcome]:
        return (one for one in self.outcomes if one.verdict in (Verdict.DONE, Verdict.UNTESTED))


@dataclass(frozen=True, slots=True)
class Tested:
    """One base connection and what its test says. ``reached`` is None where there was no answer: then ``message`` and
    ``remedy`` say why."""

    record: Record
    reached: Reachability | None
    message: str = ""
    remedy: str = ""

    @property
    def reason(self) -> str:
        """Why it did not pass, as far as anybody says."""
        return self.message if self.reached is None else self.reached.reason

    @property
    def passed(self) -> bool:
        return self.reached is not None and self.reached.reachable


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What ``state rebuild`` kept and took up, what somebody has to decide on, and how the files were mended."""

    kept: int
    adopted: tuple[Record, ...]
    open: tuple[Change, ...]
    mended: tuple[str, ...]


def exit_code(applied: Applied) -> int:
    """The first that applies: interrupted 130; unknown, untested, or some done and some not, 4; stale 5; failed 1;
    else 0."""
    if applied.interrupted:
        return 130
    verdicts = {outcome.verdict for outcome in applied.outcomes}
    undone = bool(verdicts - {Verdict.DONE}) or bool(applied.blocked)
    rules: Iterable[tuple[bool, int]] = (
        (bool(verdicts & {Verdict.UNKNOWN, Verdict.UNTESTED}) or bool(applied.uncompacted or applied.unchecked), 4),
        (Verdict.DONE in verdicts and undone, 4),
        (Verdict.STALE in verdicts, 5),
        (undone, 1),
    )
    return next((code for holds, code in rules if holds), 0)


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
