"""Walks a plan: for every step intent, call, record.

1. The intent is durable before its call goes out.
2. The call is made. Its outcome is certain (done, or no effect) or unknown.
3. A certain outcome is durable before the next step begins; after an unknown one the intent stands, and the next run
   starts by finding out.

Changes are independent of each other: what fails does not stop the others, unless nothing can succeed any more (no
token to be had, state not writable, interrupted).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event

from provisioner.apply.id_checks import KnownIds
from provisioner.apply.outcome import Applied, Outcome, Verdict
from provisioner.apply.verification import NotPassed, Probes, StepResult, check_new, desired_of, spec_id_of
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
from provisioner.planning.added_steps import intent_of_probe, is_probe
from provisioner.planning.diff import record_of
from provisioner.planning.observed import parse_observed
from provisioner.planning.plan import Change, Plan
from provisioner.planning.steps import Accept, Await, CallStep, Create, Delete, Forget, Patch, Probe, Step, Test
from provisioner.planning.steps import body as patch_body
from provisioner.service.client import FlowService, Written
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import CallKind, Completed, Intent, Record
from provisioner.state.store import Store


@dataclass(frozen=True, slots=True)
class Executor:
    """Everything that carrying out a plan needs. ``progress`` is told each outcome as it happens, from any thread.

    ``interrupted`` is set from outside: then nothing new begins, and what is under way ends and is recorded.
    ``client`` is our own client id; ``tell`` is told what is waited for.
    """

    service: FlowService
    store: Store
    ids: KnownIds
    fingerprinter: Fingerprinter
    new_id: Callable[[], str]
    progress: Callable[[Outcome], None]
    parallelism: int = 8
    interrupted: Event = field(default_factory=Event)
    client: str = ""
    tell: Callable[[str], None] = lambda _: None
    monotonic: Callable[[], float] = time.monotonic
    stop: Event = field(default_factory=Event, init=False)

    @property
    def _trials(self) -> Probes:
        return Probes(self.service, self.store, self.ids, self.new_id, self.interrupted, self.tell)

    def execute(self, plan: Plan) -> Applied:
        """Carry out every pending change. Never raises for what the service does; a bug does pass through."""
        reached: dict[Key, Outcome] = {}
        with ThreadPoolExecutor(max_workers=max(1, self.parallelism)) as pool:
            for future in [pool.submit(self._change, change, reached) for change in plan.pending]:
                future.result()
        outcomes = tuple(reached[change.key] for change in plan.pending)
        return Applied(outcomes, plan.blocked, self.interrupted.is_set())

    def _change(self, change: Change, reached: dict[Key, Outcome]) -> None:
        held = self.stop.is_set() or self.interrupted.is_set()
        try:
            outcome = not_attempted(change) if held else self._attempt(change, self.monotonic())
            reached[change.key] = outcome
            self.progress(outcome)
        except BaseException:  # a bug, or a text that holds a secret: what is under way ends, nothing new begins
            self.stop.set()
            raise

    def _attempt(self, change: Change, started: float) -> Outcome:
        reached = StepResult(change.record.id if change.record else "", change.record)
        try:
            for step in change.steps:
                reached = self._step(change, step, reached)
        except NotPassed as error:
            if isinstance(error.__cause__, NotAuthenticated | StateError):
                self.stop.set()
            verdict, seconds = Verdict.UNTESTED, self.monotonic() - started
            return Outcome(change, verdict, reached.id, error.message, error.remedy, seconds)
        except ProvisionerError as error:
            if isinstance(error, NotAuthenticated | StateError | StaleError):
                self.stop.set()
            return self._failed(change, error, self.monotonic() - started)
        return Outcome(change, Verdict.DONE, reached.id, seconds=self.monotonic() - started)

    def _step(self, change: Change, step: Step, reached: StepResult) -> StepResult:
        if isinstance(step, Accept):
            self.store.adopt((step.record,))
            return StepResult(step.record.id, step.record)
        if isinstance(step, Forget):
            self.store.forget((change.key,))
            return reached
        if isinstance(step, Await):
            return self._trials.enabled(change, reached)
        if isinstance(step, Probe):
            return self._trials.proved(change, reached)
        return self._trials.tested(reached) if isinstance(step, Test) else self._sent(change, _with_etag(step, reached))

    def _sent(self, change: Change, step: CallStep) -> StepResult:
        if isinstance(step, Delete):
            self._check_unmoved(change, step)
        intent = self._intent(change, step)
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
        self._settle_done(intent, written)
        record = replace(intent.record, id=written.id, etag=written.etag) if intent.record else None
        return StepResult(written.id, record)

    def _settle_done(self, intent: Intent, written: Written) -> None:
        settled = [Completed(intent.intent_id, "done", written.id, written.etag)]
        if is_probe(intent.key):  # it was there, and is gone
            settled.append(Completed(intent_of_probe(intent.name), "failed", None, None))
        try:
            self.store.settle(tuple(settled))
        except StateError as error:
            message = f"{intent.step} succeeded, id {written.id}, but could not be recorded: {error.message}"
            remedy = "free space or mend permissions, then run apply again: it finds out what was done and records it"
            raise NotRecorded(message, remedy) from error

    def _call(self, change: Change, step: CallStep) -> Written:
        if isinstance(step, Delete):
            with suppress(NotFound):  # already deleted, if the next look says so too
                self.service.delete(step.id)
            self.service.confirm_gone(step.id)
            return Written(step.id, None, None)
        desired = desired_of(change)
        if isinstance(step, Create):
            return self.service.create(body(desired))
        return self.service.patch(step.id, step.etag or "", patch_body(step.operations, desired))

    def _check_unmoved(self, change: Change, step: Delete) -> None:
        """A DELETE carries no ``If-Match`` (documented): only looking shows what somebody did since the plan."""
        with suppress(NotFound):
            observed = parse_observed(self.service.get(step.id))
            if is_probe(change.key) and observed.name != change.name:
                raise PreconditionFailed(f"{step.id} is not the probe; it was not deleted", "read a new plan")
            if step.etag is not None and observed.etag != step.etag:
                message = (
                    f"{step.id} was changed by {observed.last_edit(self.client)}, after the plan; it was not deleted"
                )
                raise PreconditionFailed(message, "read a new plan")

    def _explained(self, error: ServiceError, intent: Intent) -> ServiceError:
        """A 412 names who came between, as far as the service says."""
        if not isinstance(error, PreconditionFailed) or intent.id is None:
            return error
        with suppress(ServiceError):
            observed = parse_observed(self.service.get(intent.id))
            message = f"{error.message}; last changed by {observed.last_edit(self.client)}"
            return PreconditionFailed(message, error.remedy, status=error.status, code=error.code)
        return error

    def _intent(self, change: Change, step: CallStep) -> Intent:
        identity, etag = (None, None) if isinstance(step, Create) else (step.id, step.etag)
        return Intent(
            intent_id=self.new_id(),
            key=change.key,
            step=_STEPS[type(step)],
            name=change.name,
            spec_id=spec_id_of(change),
            id=identity,
            etag=etag,
            sent_at=self.service.service_time().isoformat(),
            seen=(),
            record=None if isinstance(step, Delete) else self._record(change, identity or "", etag),
        )

    def _record(self, change: Change, identity: str, etag: str | None) -> Record:
        salt = change.record.salt if change.record else self.new_id()
        record = record_of(desired_of(change), identity, etag, salt, self.fingerprinter)
        untested = any(isinstance(step, Test) for step in change.steps)
        return replace(record, untested=untested or _still_untested(change))

    def _failed(self, change: Change, error: ProvisionerError, seconds: float) -> Outcome:
        verdict = Verdict.FAILED
        if isinstance(error, OutcomeUnknown | NotRecorded):
            verdict = Verdict.UNKNOWN
        elif isinstance(error, PreconditionFailed | StaleError):
            verdict = Verdict.STALE
        return Outcome(change, verdict, "", error.message, error.remedy, seconds, self.monotonic())


def _with_etag(step: CallStep, reached: StepResult) -> CallStep:
    return replace(step, etag=reached.etag) if isinstance(step, Patch | Delete) and reached.etag else step


def _still_untested(change: Change) -> bool:
    """Whether what an earlier test was about is not sent anew by this change."""
    sends_credentials = any(field.path.startswith("auth.") for field in change.fields)
    return bool(change.record and change.record.untested and not sends_credentials)


_STEPS: Mapping[type[CallStep], CallKind] = {Create: "create", Patch: "patch", Delete: "delete"}


def left_open(change: Change, remedy: str) -> Outcome:
    """Return the outcome of what has to wait for an earlier call, where that was not waited for or not seen."""
    message = "not sent: it does not show yet what became of an earlier call"
    return Outcome(change, Verdict.UNKNOWN, message=message, remedy=remedy)


def not_attempted(change: Change) -> Outcome:
    """The outcome of what did not have its turn."""
    return Outcome(change, Verdict.NOT_ATTEMPTED, message="the run was stopped before its turn")
