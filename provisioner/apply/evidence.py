"""Evidence of a run of ``apply``: who ran it and where, what was approved and how, and every call that was made."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from provisioner.apply.outcome import Applied, Outcome
from provisioner.apply.run import ApplyOptions
from provisioner.errors import ExitCode, ProblemsFound, ProvisionerError
from provisioner.model import Key, Problem, TargetIdentity
from provisioner.planning.approval import SavedPlan
from provisioner.planning.plan import Plan
from provisioner.planning.target_context import TargetContext
from provisioner.service.auth import TOKEN_PATH
from provisioner.service.messages import CallLog


class ApprovedBy(StrEnum):
    """The ways in which a plan is approved."""

    SAVED_PLAN = "saved plan"
    DIGEST = "digest"
    QUESTION = "question"
    YES = "--yes"
    NOTHING_TO_DO = "nothing to do"


def approved_by(options: ApplyOptions, plan: Plan) -> ApprovedBy:
    """Return how a plan that is carried out was approved."""
    if options.approved is not None:
        return ApprovedBy.SAVED_PLAN if isinstance(options.approved, SavedPlan) else ApprovedBy.DIGEST
    if not plan.pending:
        return ApprovedBy.NOTHING_TO_DO
    return ApprovedBy.YES if options.skip_question else ApprovedBy.QUESTION


@dataclass(frozen=True, slots=True)
class Runner:
    """Who runs ``apply``, and where.

    ``actor`` and ``url`` are the user and the address of the run as the CI system names them, ``commit`` is what is
    checked out. Each may be "".
    """

    user: str = ""
    host: str = ""
    actor: str = ""
    url: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What was done for one change: when it began, None if it did not, and the calls, each attempt by itself."""

    started: datetime | None = None
    calls: tuple[CallLog, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """Everything that is known of a run that has ended.

    ``message``, ``details``, ``remedy`` and ``problems`` are those of the error that ended it. ``identity``, of the
    target, and ``plan`` are None if it ended before; ``approved_by`` is None if nothing was approved. ``calls`` belong
    to no change.
    """

    runner: Runner
    started: datetime
    ended: datetime
    result: ExitCode
    applied: Applied
    message: str = ""
    details: tuple[str, ...] = ()
    remedy: str = ""
    target: str = ""
    identity: TargetIdentity | None = None
    plan: Plan | None = None
    problems: tuple[Problem, ...] = ()
    options: ApplyOptions = field(default_factory=ApplyOptions)
    approved_by: ApprovedBy | None = None
    work: Mapping[Key, Work] = field(default_factory=dict)
    calls: tuple[CallLog, ...] = ()


class RunRecord:
    """Collects the evidence of one run while it goes on. For any number of threads.

    A call belongs to the change that its thread works on; that for a token, which all changes use, belongs to none.
    """

    def __init__(self, runner: Runner, now: Callable[[], datetime]) -> None:
        self.options = ApplyOptions()
        self.target: TargetContext | None = None
        self.plan: Plan | None = None
        self._runner = runner
        self._now = now
        self._started = now()
        self._lock = threading.Lock()
        self._thread = threading.local()
        self._work_started: dict[Key, datetime] = {}
        self._calls: defaultdict[Key | None, list[CallLog]] = defaultdict(list)
        self._outcomes: dict[Key, Outcome] = {}

    @contextmanager
    def working_on(self, key: Key) -> Iterator[None]:
        """Attribute the calls of this thread to a change."""
        with self._lock:
            self._work_started.setdefault(key, self._now())
        self._thread.key = key
        try:
            yield
        finally:
            self._thread.key = None

    def add_call(self, call: CallLog) -> None:
        key = None if call.path == TOKEN_PATH else getattr(self._thread, "key", None)
        with self._lock:
            self._calls[key].append(call)

    def add_outcome(self, outcome: Outcome) -> None:
        with self._lock:
            self._outcomes[outcome.change.key] = outcome

    def work_on(self, key: Key) -> Work:
        """Return what was done for a change so far."""
        with self._lock:
            return Work(self._work_started.get(key), tuple(self._calls.get(key, ())))

    def ended(
        self, result: ExitCode, applied: Applied | None = None, error: ProvisionerError | None = None
    ) -> RunEvidence:
        """Return the evidence. Without ``applied``, since an error ended the run: with the outcomes so far."""
        is_approved = self.plan is not None and (applied is not None or bool(self._outcomes))
        applied = applied or Applied(tuple(self._outcomes.values()), interrupted=result is ExitCode.INTERRUPTED)
        keys = {outcome.change.key for outcome in applied.outcomes}
        others = (call for key, calls in self._calls.items() if key not in keys for call in calls)
        return RunEvidence(
            self._runner,
            self._started,
            self._now(),
            result,
            applied,
            error.message if error else "",
            error.details if error else (),
            error.remedy if error else "",
            self.target.name if self.target else "",
            self.target.identity if self.target else None,
            self.plan,
            error.problems if isinstance(error, ProblemsFound) else (),
            self.options,
            approved_by(self.options, self.plan) if self.plan and is_approved else None,
            {key: self.work_on(key) for key in keys},
            tuple(sorted(others, key=lambda call: call.started)),
        )
