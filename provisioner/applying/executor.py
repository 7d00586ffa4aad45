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
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Protocol

from provisioner.applying.outcome import Applied, Outcome, Verdict
from provisioner.definitions.desired import Desired, body
from provisioner.errors import (
    NotAuthenticated,
    NotRecorded,
    OutcomeUnknown,
    PreconditionFailed,
    ProvisionerError,
    ServiceError,
    StaleError,
    StateError,
)
from provisioner.model import Json, Key
from provisioner.planning.changes import record_of
from provisioner.planning.patch import body as patch_body
from provisioner.planning.plan import Change, Create, Patch, Plan
from provisioner.service.flow_service import Written
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import Intent, Settled


class Writer(Protocol):
    """What the executor needs of the Flow Service."""

    def create(self, body: Json, secrets: tuple[str, ...] = ()) -> Written: ...
    def patch(
        self, connection_id: str, etag: str, operations: list[Json], secrets: tuple[str, ...] = ()
    ) -> Written: ...
    def service_time(self) -> datetime: ...


class Ledger(Protocol):
    """What the executor needs of the store. Both return once what they were given is durable."""

    def begin(self, intents: tuple[Intent, ...]) -> None: ...
    def settle(self, settled: tuple[Settled, ...]) -> None: ...


@dataclass(frozen=True, slots=True)
class Executor:
    """Everything that carrying out a plan needs. ``progress`` is told each outcome as it happens, from any thread."""

    service: Writer
    ledger: Ledger
    fingerprinter: Fingerprinter
    new_id: Callable[[], str]
    progress: Callable[[Outcome], None]
    parallelism: int = 8
    stop: Event = field(default_factory=Event)

    def execute(self, plan: Plan) -> Applied:
        """Carry out every pending change. Never raises for what the service does; a bug does pass through."""
        reached: dict[Key, Outcome] = {}
        with ThreadPoolExecutor(max_workers=max(1, self.parallelism)) as pool:
            interrupted = self._run(pool, plan.pending, reached)
        outcomes = tuple(reached.get(change.key) or _not_attempted(change) for change in plan.pending)
        return Applied(outcomes, plan.blocked, interrupted)

    def _run(self, pool: ThreadPoolExecutor, pending: tuple[Change, ...], reached: dict[Key, Outcome]) -> bool:
        """Until all are done. After Ctrl-C nothing new begins, and what is under way ends and is recorded."""
        futures: set[Future[None]] = set()
        try:
            futures.update(pool.submit(self._change, change, reached) for change in pending)
            self._wait(futures)
        except KeyboardInterrupt:
            self.stop.set()
            self._wait(futures)
            return True
        return False

    @staticmethod
    def _wait(futures: Iterable[Future[None]]) -> None:
        done, _ = wait(futures)
        for future in done:
            future.result()

    def _change(self, change: Change, reached: dict[Key, Outcome]) -> None:
        outcome = _not_attempted(change) if self.stop.is_set() else self._attempt(change, time.monotonic())
        reached[change.key] = outcome
        self.progress(outcome)

    def _attempt(self, change: Change, started: float) -> Outcome:
        assert change.desired is not None  # noqa: S101  what is unmanaged has no steps
        identity = ""
        try:
            for step in change.steps:
                identity = self._step(change, change.desired, step)
        except ProvisionerError as error:
            if isinstance(error, NotAuthenticated | StateError | StaleError):
                self.stop.set()
            return self._failed(change, error, time.monotonic() - started)
        return Outcome(change, Verdict.DONE, identity, seconds=time.monotonic() - started)

    def _step(self, change: Change, desired: Desired, step: Create | Patch) -> str:
        intent = self._intent(change, desired, step)
        self.ledger.begin((intent,))
        try:
            written = self._call(desired, step)
        except OutcomeUnknown:
            raise
        except ServiceError:
            self.ledger.settle((Settled(intent.intent_id, "failed", None, None),))
            raise
        self._settle_done(intent, written)
        return written.id

    def _settle_done(self, intent: Intent, written: Written) -> None:
        try:
            self.ledger.settle((Settled(intent.intent_id, "done", written.id, written.etag),))
        except StateError as error:
            message = f"{intent.step} succeeded, id {written.id}, but could not be recorded: {error.message}"
            raise NotRecorded(
                message, "free space or mend the permissions, then run apply again: it looks first"
            ) from error

    def _call(self, desired: Desired, step: Create | Patch) -> Written:
        if isinstance(step, Create):
            return self.service.create(body(desired), desired.secrets)
        return self.service.patch(step.id, step.etag or "", patch_body(step.operations, desired), desired.secrets)

    def _intent(self, change: Change, desired: Desired, step: Create | Patch) -> Intent:
        identity, etag = (None, None) if isinstance(step, Create) else (step.id, step.etag)
        salt = change.record.salt if change.record else self.new_id()
        return Intent(
            intent_id=self.new_id(),
            key=change.key,
            step="create" if isinstance(step, Create) else "patch",
            name=desired.name,
            spec_id=str(desired.value("connectionSpec.id")),
            id=identity,
            etag=etag,
            sent_at=self.service.service_time().isoformat(),
            seen=change.seen,
            record=record_of(desired, identity or "", etag, salt, self.fingerprinter),
        )

    @staticmethod
    def _failed(change: Change, error: ProvisionerError, seconds: float) -> Outcome:
        verdict = Verdict.FAILED
        if isinstance(error, OutcomeUnknown | NotRecorded):
            verdict = Verdict.UNKNOWN
        elif isinstance(error, PreconditionFailed | StaleError):
            verdict = Verdict.STALE
        return Outcome(change, verdict, message=error.message, remedy=error.remedy, seconds=seconds)


def _not_attempted(change: Change) -> Outcome:
    return Outcome(change, Verdict.NOT_ATTEMPTED, message="the run was stopped before its turn")
