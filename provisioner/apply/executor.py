"""Carry out a plan: for every call, record the intent, make the call, record the outcome.

1. The intent is durable before its call goes out.
2. The call is made. Its outcome is certain (done, or no effect) or unknown.
3. A certain outcome is durable before the next step begins. After an unknown one the intent stays open, and the next
   run starts by determining the outcome (``planning/recovery.py``).

Changes are independent of each other: a failure does not stop the others, unless nothing can succeed any more (no
token, state not writable, interrupted).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from threading import Event

from provisioner.apply.id_checks import KnownIds, check_new
from provisioner.apply.outcome import Applied, DatabaseTest, Outcome, Verdict, not_attempted
from provisioner.apply.verification import NotPassed, NotReached, StepResult, Verifier, desired_of, spec_id_of
from provisioner.definitions.desired import body
from provisioner.errors import (
    NotAuthenticated,
    NotFound,
    NotRecorded,
    OutcomeUnknown,
    PreconditionFailed,
    ProvisionerError,
    ServiceError,
    StaleError,
    StateError,
)
from provisioner.model import Key
from provisioner.planning.diff import record_of
from provisioner.planning.observed import parse_observed
from provisioner.planning.plan import Change, Plan
from provisioner.planning.steps import (
    Accept,
    Await,
    CallStep,
    Create,
    Delete,
    Forget,
    Patch,
    Probe,
    Step,
    Test,
    patch_body,
)
from provisioner.planning.verification_steps import intent_of_probe, is_probe
from provisioner.service.client import FlowService, WriteResult
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import CallKind, Completed, Intent, Record
from provisioner.state.store import Store

_CALL_KINDS: Mapping[type[CallStep], CallKind] = {Create: "create", Patch: "patch", Delete: "delete"}


@dataclass(frozen=True, slots=True)
class Executor:
    """Everything that is needed to carry out a plan.

    ``report_outcome`` gets each outcome as it happens, from any thread. Once ``interrupted`` is set from outside,
    nothing new begins; calls under way end and are recorded. ``client`` is our own client id; ``tell`` reports what is
    waited for. ``working_on`` is entered around everything that is done for a change, in the thread that does it.
    """

    service: FlowService
    store: Store
    ids: KnownIds
    fingerprinter: Fingerprinter
    new_id: Callable[[], str]
    report_outcome: Callable[[Outcome], None]
    parallelism: int = 8
    interrupted: Event = field(default_factory=Event)
    client: str = ""
    tell: Callable[[str], None] = lambda _: None
    monotonic: Callable[[], float] = time.monotonic
    working_on: Callable[[Key], AbstractContextManager[None]] = lambda _: nullcontext()
    stop: Event = field(default_factory=Event, init=False)

    def send(self, plan: Plan) -> Applied:
        """Carry out every pending change. Whatever the service does becomes an outcome; only bugs are raised."""
        with ThreadPoolExecutor(max_workers=max(1, self.parallelism)) as pool:
            futures = [pool.submit(self._attempt_unless_stopped, change) for change in plan.pending]
            outcomes = tuple(future.result() for future in futures)
        return Applied(outcomes, plan.blocked, self.interrupted.is_set())

    def _attempt_unless_stopped(self, change: Change) -> Outcome:
        try:
            if self.stop.is_set() or self.interrupted.is_set():
                outcome = not_attempted(change)
            else:
                with self.working_on(change.key):
                    outcome = self._attempt(change, self.monotonic())
            self.report_outcome(outcome)
            return outcome
        except BaseException:  # a bug, or a secret in an output: calls under way end, nothing new begins
            self.stop.set()
            raise

    def _attempt(self, change: Change, started: float) -> Outcome:
        result = StepResult(change.record.id if change.record else "", change.record)
        try:
            for step in change.steps:
                result = self._do_step(change, step, result)
        except NotPassed as error:
            if isinstance(error.__cause__, NotAuthenticated | StateError):
                self.stop.set()
            return Outcome(
                change,
                Verdict.UNTESTED,
                result.id,
                error.message,
                error.remedy,
                self.monotonic() - started,
                etag_after=_etag_of(result),
                tested=DatabaseTest.FAILED if isinstance(error, NotReached) else DatabaseTest.NOT_MADE,
            )
        except ProvisionerError as error:
            if isinstance(error, NotAuthenticated | StateError | StaleError):
                self.stop.set()
            verdict = Verdict.FAILED
            if isinstance(error, OutcomeUnknown | NotRecorded):
                verdict = Verdict.UNKNOWN
            elif isinstance(error, PreconditionFailed | StaleError):
                verdict = Verdict.STALE
            ended = self.monotonic()
            return Outcome(change, verdict, "", error.message, error.remedy, ended - started, ended)
        tested = DatabaseTest.PASSED if any(isinstance(step, Test) for step in change.steps) else None
        seconds = self.monotonic() - started
        return Outcome(change, Verdict.DONE, result.id, seconds=seconds, etag_after=_etag_of(result), tested=tested)

    def _do_step(self, change: Change, step: Step, result: StepResult) -> StepResult:
        verifier = Verifier(self.service, self.store, self.ids, self.new_id, self.interrupted, self.tell)
        match step:
            case Accept():
                self.store.adopt((step.record,))
                return StepResult(step.record.id, step.record)
            case Forget():
                self.store.forget((change.key,))
                return StepResult(result.id, None)
            case Await():
                return verifier.wait_until_enabled(change, result)
            case Probe():
                return replace(result, proved_at=verifier.prove(change))
            case Test():
                return verifier.test(result)
            case Create():
                return self._call_recorded(change, step, result.proved_at)
            case Patch() | Delete():
                step = replace(step, etag=result.etag) if result.etag else step
                return self._call_recorded(change, step, result.proved_at)

    def _call_recorded(self, change: Change, step: CallStep, proved_at: str) -> StepResult:
        if isinstance(step, Delete):
            self._check_unchanged(change, step)
        intent = self._intent(change, step, proved_at)
        self.store.begin((intent,))
        try:
            written = self._call(change, step)
            if isinstance(step, Create):
                check_new(self.ids, written)
        except OutcomeUnknown:
            raise
        except ServiceError as error:
            self.store.settle((Completed(intent.intent_id, "failed", None, None),))
            raise self._explained(error, intent) from error
        self._record_done(intent, written)
        record = replace(intent.record, id=written.id, etag=written.etag) if intent.record else None
        return StepResult(written.id, record)

    def _check_unchanged(self, change: Change, step: Delete) -> None:
        """Raise ``PreconditionFailed`` if the object has changed since the plan.

        A DELETE carries no ``If-Match`` (documented), so it takes a GET to find out.
        """
        with suppress(NotFound):
            observed = parse_observed(self.service.get(step.id))
            if is_probe(change.key) and observed.name != change.name:
                raise PreconditionFailed(f"{step.id} is not the probe; it was not deleted", "plan again")
            if step.etag is not None and observed.etag != step.etag:
                edit = observed.last_edit(self.client)
                message = f"{step.id} was changed after the plan by {edit}; it was not deleted"
                raise PreconditionFailed(message, "plan again")

    def _intent(self, change: Change, step: CallStep, proved_at: str) -> Intent:
        ident, etag = (None, None) if isinstance(step, Create) else (step.id, step.etag)
        now = self.service.service_time()
        record = None
        if not isinstance(step, Delete):
            record = self._intended_record(change, ident or "", etag, proved_at)
            record = replace(record, applied_at=now.isoformat(timespec="seconds"))
        return Intent(
            intent_id=self.new_id(),
            key=change.key,
            step=_CALL_KINDS[type(step)],
            name=change.name,
            spec_id=spec_id_of(change),
            id=ident,
            etag=etag,
            sent_at=now.isoformat(),
            seen=(),
            record=record,
        )

    def _intended_record(self, change: Change, ident: str, etag: str | None, proved_at: str) -> Record:
        before = change.record
        salt = before.salt if before else self.new_id()
        record = record_of(desired_of(change), ident, etag, salt, self.fingerprinter)
        will_be_tested = any(isinstance(step, Test) for step in change.steps)
        tested = before if not any(field.changes_credentials for field in change.fields) else None
        if will_be_tested or (tested and tested.untested):
            return replace(record, untested=True)
        return replace(record, tested_at=proved_at or (tested.tested_at if tested else ""))

    def _call(self, change: Change, step: CallStep) -> WriteResult:
        if isinstance(step, Delete):
            with suppress(NotFound):  # already deleted, if the next call confirms it
                self.service.delete(step.id)
            self.service.confirm_gone(step.id)
            return WriteResult(step.id, None, None)
        desired = desired_of(change)
        if isinstance(step, Create):
            return self.service.create(body(desired))
        return self.service.patch(step.id, step.etag or "", patch_body(step.operations, desired))

    def _explained(self, error: ServiceError, intent: Intent) -> ServiceError:
        """Return the error; if the etag did not match, with the last editor in its message."""
        if not isinstance(error, PreconditionFailed) or intent.id is None:
            return error
        with suppress(ServiceError):
            observed = parse_observed(self.service.get(intent.id))
            message = f"{error.message}; last changed by {observed.last_edit(self.client)}"
            return PreconditionFailed(
                message, error.remedy, status=error.status, code=error.code, request_id=error.request_id
            )
        return error

    def _record_done(self, intent: Intent, written: WriteResult) -> None:
        completed = [Completed(intent.intent_id, "done", written.id, written.etag)]
        if is_probe(intent.key):  # the probe is deleted, so the intent of the earlier run that made it is settled too
            completed.append(Completed(intent_of_probe(intent.name), "failed", None, None))
        try:
            self.store.settle(tuple(completed))
        except StateError as error:
            message = f"{intent.step} succeeded, id {written.id}, but could not be recorded: {error.message}"
            remedy = "free space or fix permissions, then run apply again: it determines what was done and records it"
            raise NotRecorded(message, remedy) from error


def _etag_of(result: StepResult) -> str | None:
    return result.record.etag if result.record else None
