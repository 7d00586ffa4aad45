"""Steps that find something out before or after a call: proving, testing, waiting. Each leaves the record true."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event

from provisioner.apply.id_checks import KnownIds
from provisioner.definitions.desired import Desired, body
from provisioner.errors import NotFound, OutcomeUnknown, ProvisionerError, Refused, ServiceError, StateError
from provisioner.planning.added_steps import INITIALIZING, probe_name
from provisioner.planning.observed import parse_observed
from provisioner.planning.plan import Change
from provisioner.planning.steps import Create, Delete, Patch
from provisioner.service.client import FlowService, Written
from provisioner.state.records import Completed, Intent, Record
from provisioner.state.store import Store


@dataclass(frozen=True, slots=True)
class StepResult:
    """What the steps so far have led to."""

    id: str
    record: Record | None
    etag: str | None = None
    """That of what was waited for."""


class NotPassed(ProvisionerError):
    """All but the test was done."""


_LOOKS = (1, 1, 2, 4, 8, *[10] * 60)
"""Seconds between looks, about ten minutes: how long a base connection may be initializing is not documented."""


_THROWAWAY = "Made by provisioner to prove new credentials; deleted at once. If you can read this, delete it."
_PROVE_AGAIN = "correct the definition or its variables"
_LOOK_AGAIN = "run apply again: it looks for what was created"
_TEST_AGAIN = "fix the database, the network, the definition or its variables; `apply --test` tests it again"


@dataclass(frozen=True, slots=True)
class Probes:
    """What these steps need. ``tell`` is told what is waited for."""

    service: FlowService
    store: Store
    ids: KnownIds
    new_id: Callable[[], str]
    interrupted: Event
    tell: Callable[[str], None]

    def tested(self, reached: StepResult) -> StepResult:
        """Raises ``NotPassed``; the record says already that it is untested."""
        record = reached.record
        if record is None:
            raise ValueError("nothing is recorded of what is to be tested")
        if self.interrupted.is_set():
            raise NotPassed(f"{reached.id} is kept; the run was stopped before its test", _TEST_AGAIN)
        try:
            result = self.service.test(reached.id)
            if not result.reachable:
                raise NotPassed(f"{reached.id} is kept, and does not reach its database: {result.reason}", _TEST_AGAIN)
            passed = replace(record, untested=False)
            self.store.adopt((passed,))
        except (ServiceError, StateError) as error:
            raise NotPassed(f"{reached.id} is kept, and could not be tested: {error.message}", _TEST_AGAIN) from error
        return StepResult(reached.id, passed)

    def enabled(self, change: Change, reached: StepResult) -> StepResult:
        """Looks until the object is enabled. Where it never is, what was created is recorded all the same; raises
        ``ServiceError`` where something was to be done to it, which then is not."""
        ident = reached.id or next(step.id for step in change.steps if isinstance(step, Patch | Delete))
        self.tell(f"{change.key}: waiting until {ident} is enabled")
        if not isinstance(change.steps[0], Create):
            return StepResult(ident, reached.record, self._etag_once_enabled(ident))
        try:
            etag = self._etag_once_enabled(ident)
            record = replace(reached.record, etag=etag) if reached.record else None
            self.store.adopt((record,) if record else ())
        except (ServiceError, StateError) as error:
            self.tell(f"{change.key}: {ident} is recorded; whether it is enabled is not known: {error.message}")
            return reached
        return StepResult(ident, record, etag)

    def _etag_once_enabled(self, ident: str) -> str:
        for pause in _LOOKS:
            observed = parse_observed(self.service.get(ident))
            if observed.state != INITIALIZING and observed.etag is not None:
                return observed.etag
            if self.interrupted.wait(pause):
                break
        raise Refused(f"{ident} is still initializing", "run apply again once it is enabled")

    def proved(self, change: Change, reached: StepResult) -> StepResult:
        """Raises ``Refused`` where the new credentials do not pass; then nothing was done to the live object."""
        intent_id = self.new_id()
        intent = Intent(
            intent_id=intent_id,
            key=change.key,
            step="probe",
            name=probe_name(intent_id),
            spec_id=spec_id_of(change),
            id=None,
            etag=None,
            sent_at=self.service.service_time().isoformat(),
            seen=(),
            record=None,
        )
        self.store.begin((intent,))
        try:
            made = self.service.create({**body(desired_of(change)), "name": intent.name, "description": _THROWAWAY})
            check_new(self.ids, made)
            self._check_is_probe(made.id, intent)
        except OutcomeUnknown:
            raise  # it stands, and what is left of it is deleted by the next run
        except ServiceError as error:
            self._over(intent)
            raise Refused(
                f"not changed: no probe of the new credentials can be made: {error.message}", error.remedy
            ) from error
        try:
            self._etag_once_enabled(made.id)
            result = self.service.test(made.id)
        except ServiceError as error:
            raise Refused(
                f"not changed: the new credentials could not be proved: {error.message}", error.remedy
            ) from error
        finally:
            self._remove(made.id, intent)
        if not result.reachable:
            words = f"not changed: with what would be sent the database is not reached: {result.reason}"
            raise Refused(words, _PROVE_AGAIN)
        return reached

    def _check_is_probe(self, ident: str, intent: Intent) -> None:
        """Raise ``OutcomeUnknown`` unless the probe is read at the id that was answered: to test another object
        would prove nothing."""
        try:
            name = parse_observed(self.service.get(ident)).name
        except ServiceError as error:
            raise OutcomeUnknown(f"the probe cannot be read: {error.message}", _LOOK_AGAIN) from error
        if name != intent.name:
            raise OutcomeUnknown(f"{ident}, the id that was answered, is not that of the probe", _LOOK_AGAIN)

    def _remove(self, ident: str, intent: Intent) -> None:
        """Delete the probe, and nothing else: what is read at its id has to be the probe."""
        try:
            if parse_observed(self.service.get(ident)).name != intent.name:
                self.tell(f"{intent.key}: {ident} does not carry the name of the probe, and is left alone")
                return
            with suppress(NotFound):  # confirmed next, like any other answer
                self.service.delete(ident)
            self.service.confirm_gone(ident)
            self._over(intent)
        except ServiceError as error:
            self.tell(
                f"{intent.key}: the probe {ident} may be left, and then the next apply deletes it: {error.message}"
            )

    def _over(self, intent: Intent) -> None:
        self.store.settle((Completed(intent.intent_id, "failed", None, None),))


def check_new(ids: KnownIds, made: Written) -> None:
    """Raise ``OutcomeUnknown`` where a create answered with an id that something else has."""
    if not ids.reserve(made.id):
        message = f"the service answered with the id of another base connection, {made.id}"
        raise OutcomeUnknown(message, _LOOK_AGAIN)


def desired_of(change: Change) -> Desired:
    if change.desired is None:
        raise ValueError(f"{change.key}: nothing is desired, and so nothing is sent")
    return change.desired


def spec_id_of(change: Change) -> str:
    if change.desired is not None:
        return str(change.desired.value("connectionSpec.id"))
    return change.record.texts.get("connectionSpec.id", "") if change.record else ""
