"""Outcomes: of one change, of a whole apply with its exit code, and of the commands ``test`` and ``state rebuild``.

The last part decides what the plan made after a wait means: whether a call turned out to have had its effect, and
whether a change may be carried out although the user saw another plan. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from provisioner.errors import ExitCode
from provisioner.model import Key
from provisioner.planning.changes import LOOKED_FOR
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Create, Delete, Patch, Probe
from provisioner.planning.verification_steps import is_probe, probe_key
from provisioner.service.responses import Reachability
from provisioner.state.records import Intent, Record


class Verdict(StrEnum):
    """The kinds of outcomes of a change."""

    DONE = "done"
    UNTESTED = "untested"
    """Done and recorded, but the test after it was not passed."""
    FAILED = "failed"
    """Certainly without effect."""
    STALE = "stale"
    """Without effect, because the object has changed since the plan."""
    UNKNOWN = "unknown"
    """With or without effect: the next run determines it first."""
    NOT_ATTEMPTED = "not attempted"


class DatabaseTest(StrEnum):
    """The result of the test that ends a change."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MADE = "not made"
    """The service did not answer, or the run was stopped before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one change.

    ``id`` is "" if none is known. ``seconds`` is the duration. ``ended`` is when the last call ended, on the monotonic
    clock, if the change did not succeed. ``etag_after`` is None if the change was not carried out, nothing is left of
    the object, or the service sent none. ``tested`` is None if no test was asked for, or the change did not come to it.
    """

    change: Change
    verdict: Verdict
    id: str = ""
    message: str = ""
    remedy: str = ""
    seconds: float = 0.0
    ended: float = 0.0
    etag_after: str | None = None
    tested: DatabaseTest | None = None

    @property
    def etag_before(self) -> str | None:
        """Return the etag that the change was planned with: sent with a PATCH, compared before a DELETE."""
        for step in self.change.steps:
            if isinstance(step, Patch | Delete):
                return step.etag
        return None if creates(self.change) or not self.change.record else self.change.record.etag

    @property
    def is_proved(self) -> bool:
        """Return whether the credentials were proved on a probe before they were sent."""
        is_done = self.verdict in (Verdict.DONE, Verdict.UNTESTED)
        return is_done and any(isinstance(step, Probe) for step in self.change.steps)

    @property
    def is_recorded(self) -> bool:
        """Return whether the change is an update that sends nothing."""
        return self.change.action is Action.UPDATE and self.change.is_only_recorded


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcomes of an apply. ``blocked`` are the blocked changes of its plan.

    ``uncompacted`` is the reason why the journal could not be merged into the state, "" if it was; nothing is lost by
    that. ``unchecked`` is the reason why it could not be checked that what was created has its own name, "" if it was.
    """

    outcomes: tuple[Outcome, ...]
    blocked: tuple[Change, ...] = ()
    interrupted: bool = False
    uncompacted: str = ""
    unchecked: str = ""

    def __add__(self, later: Applied) -> Applied:
        """Return the outcomes of a plan that was carried out in two parts."""
        return Applied(
            (*self.outcomes, *later.outcomes),
            (*self.blocked, *later.blocked),
            self.interrupted or later.interrupted,
            unchecked=self.unchecked or later.unchecked,
        )

    def updated(self, later: Applied, unknown: Collection[Key]) -> Applied:
        """Return the outcomes with those that were determined later in their places, and further ones at the end.

        ``unknown`` are the keys of calls whose outcome was not known: for them, a blocked change is the outcome.
        """
        outcomes = {outcome.change.key: outcome for outcome in later.outcomes}
        blocked = []
        for change in later.blocked:
            if change.key in unknown:
                message, remedy = change.reason, change.remedy
                outcomes[change.key] = Outcome(change, Verdict.UNKNOWN, message=message, remedy=remedy)
            else:
                blocked.append(change)
        in_place = tuple(outcomes.pop(outcome.change.key, outcome) for outcome in self.outcomes)
        further = replace(later, outcomes=tuple(outcomes.values()), blocked=tuple(blocked))
        return replace(self, outcomes=in_place) + further

    def count(self, verdict: Verdict) -> int:
        return Counter(outcome.verdict for outcome in self.outcomes)[verdict]

    def done(self, action: Action) -> int:
        """Return the number of changes of an action that were carried out, without updates that send nothing."""
        return sum(outcome.change.action is action and not outcome.is_recorded for outcome in self._carried_out)

    @property
    def recorded(self) -> int:
        """Return the number of updates that were carried out and sent nothing."""
        return sum(outcome.is_recorded for outcome in self._carried_out)

    @property
    def is_without_effect(self) -> bool:
        """Return whether it is certain that nothing was carried out, and nothing is left to be saved or checked."""
        verdicts = {outcome.verdict for outcome in self.outcomes}
        certain = verdicts <= {Verdict.FAILED, Verdict.STALE, Verdict.NOT_ATTEMPTED}
        return certain and not (self.uncompacted or self.unchecked)

    @property
    def _carried_out(self) -> Iterator[Outcome]:
        return (outcome for outcome in self.outcomes if outcome.verdict in (Verdict.DONE, Verdict.UNTESTED))


def exit_code(applied: Applied) -> ExitCode:
    """Return the exit code of an apply, by the first rule that applies.

    Interrupted; incomplete: unknown or untested, not saved or not checked, or some changes done and some not; stale;
    failed; done.
    """
    if applied.interrupted:
        return ExitCode.INTERRUPTED
    verdicts = {outcome.verdict for outcome in applied.outcomes}
    undone = bool(verdicts - {Verdict.DONE}) or bool(applied.blocked)
    rules: Iterable[tuple[bool, ExitCode]] = (
        (
            bool(verdicts & {Verdict.UNKNOWN, Verdict.UNTESTED}) or bool(applied.uncompacted or applied.unchecked),
            ExitCode.INCOMPLETE,
        ),
        (Verdict.DONE in verdicts and undone, ExitCode.INCOMPLETE),
        (Verdict.STALE in verdicts, ExitCode.STALE),
        (undone, ExitCode.FAILED),
    )
    return next((code for holds, code in rules if holds), ExitCode.DONE)


@dataclass(frozen=True, slots=True)
class Tested:
    """The result of the test of one base connection.

    ``reached`` is None if the service did not answer; ``message`` and ``remedy`` then say why.
    """

    record: Record
    reached: Reachability | None
    message: str = ""
    remedy: str = ""

    @property
    def reason(self) -> str:
        """Return why the test was not passed, as far as it is known."""
        return self.message if self.reached is None else self.reached.reason

    @property
    def passed(self) -> bool:
        return self.reached is not None and self.reached.reachable


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of ``state rebuild``.

    ``kept`` is the number of records kept; ``adopted`` are new records; ``open`` are changes that the user has to
    decide on; ``mended`` are notes on repaired files.
    """

    kept: int
    adopted: tuple[Record, ...]
    open: tuple[Change, ...]
    mended: tuple[str, ...]


# Outcomes that do not follow from a call


def not_attempted(change: Change) -> Outcome:
    return Outcome(change, Verdict.NOT_ATTEMPTED, message="the run was stopped before its turn")


def left_open(change: Change, remedy: str) -> Outcome:
    """Return the outcome of a change that has to wait for the outcome of an earlier call."""
    message = "not sent: the outcome of an earlier call is not known yet"
    return Outcome(change, Verdict.UNKNOWN, message=message, remedy=remedy)


def not_shown(change: Change) -> Outcome:
    """Return the outcome of a change that is not carried out after the wait, because the user has not seen it."""
    message = "the outcome of an earlier call is known, but the change that is left to do was not shown"
    return Outcome(change, Verdict.STALE, message=message, remedy="run apply again, and read the new plan")


def leftover_probe(intent: Intent, now: float) -> Outcome:
    """Return the outcome of a probe that may be left over. ``now`` is on the monotonic clock."""
    change = Change(probe_key(intent.key), intent.name, Action.DELETE, "a probe that may be left over")
    message = "it is not known whether the probe is gone"
    return Outcome(change, Verdict.UNKNOWN, message=message, remedy="run apply again: it looks for it", ended=now)


# Questions about changes and plans


def creates(change: Change) -> bool:
    return any(isinstance(step, Create) for step in change.steps)


def patched_keys(plan: Plan) -> frozenset[Key]:
    return frozenset(change.key for change in plan.pending if any(isinstance(step, Patch) for step in change.steps))


def changes_of(plan: Plan, keys: Collection[Key]) -> Iterator[Change]:
    """Yield the change of each key; if the plan has none, one that says that a call is open."""
    changes = {change.key: change for change in plan.changes}
    for key in sorted(keys):
        yield changes.get(key) or Change(key, "", Action.NO_OP, LOOKED_FOR)


def succeeded_late(shown: Change | None, now: Change | None, key: Key) -> Outcome | None:
    """Return the outcome of a call if the plan after the wait shows that it had its effect; None otherwise.

    ``shown`` and ``now`` are the changes of its key in the plan that the user saw, and after the wait.
    """
    if shown is None or not (shown.steps or is_probe(key)):
        return None
    had_effect = now.action is Action.NO_OP if now else shown.action is Action.DELETE
    if not had_effect:
        return None
    record = now.record if now else None
    ident = record.id if record else shown.record.id if shown.record else ""
    return Outcome(shown, Verdict.DONE, ident, etag_after=record.etag if record else None)


def is_covered(now: Change, shown: Change | None) -> bool:
    """Return whether a change after the wait leads to what the user saw, and overwrites nothing else.

    ``shown`` is the change of the same key that the user saw.
    """
    if shown is None:
        return is_probe(now.key)
    same_result = now.action is shown.action or (shown.action is Action.CREATE and now.action is Action.UPDATE)
    return same_result and (shown.drifted or not now.drifted)
