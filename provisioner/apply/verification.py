"""Steps that verify: wait until a base connection is enabled, test it, prove new credentials on a probe.

However such a step ends, the state is true: a probe that may be left over has an open intent, and a base connection
that did not pass its test is recorded as untested.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event

from provisioner.apply.id_checks import LOOK_AGAIN, KnownIds, check_new
from provisioner.definitions.desired import Desired, body
from provisioner.errors import NotFound, OutcomeUnknown, ProvisionerError, Refused, ServiceError, StateError
from provisioner.planning.observed import parse_observed
from provisioner.planning.plan import Change
from provisioner.planning.steps import Create, Delete, Patch
from provisioner.planning.verification_steps import INITIALIZING, probe_name
from provisioner.service.client import FlowService
from provisioner.state.records import Completed, Intent, Record
from provisioner.state.store import Store

_POLL_PAUSES = (1, 1, 2, 4, 8, *[10] * 60)
"""Seconds between looks, about ten minutes: how long a base connection may be initializing is not documented, in the
one sample less than two (inferred: initializing)."""

_PROBE_DESCRIPTION = "Made by provisioner to prove new credentials; deleted at once. If you can read this, delete it."
_TEST_AGAIN = "fix the database, the network, the definition or its variables; `apply --test` tests it again"


class NotPassed(ProvisionerError):
    """The test failed or could not be made; all other steps of the change were carried out."""


class NotReached(NotPassed):
    """The test was made, and the service does not reach the database."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of the steps of a change so far.

    ``etag`` is set by a wait: that of the enabled object. ``proved_at`` by a probe: when the new credentials passed.
    """

    id: str
    record: Record | None
    etag: str | None = None
    proved_at: str = ""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Carries out the steps ``Await``, ``Test`` and ``Probe``. ``tell`` reports what is waited for."""

    service: FlowService
    store: Store
    ids: KnownIds
    new_id: Callable[[], str]
    interrupted: Event
    tell: Callable[[str], None]

    def test(self, result: StepResult) -> StepResult:
        """Test a base connection and record that it passed. Raise ``NotPassed``; then its record stays untested."""
        record = result.record
        if record is None:
            raise ValueError("a base connection without a record cannot be tested")
        if self.interrupted.is_set():
            raise NotPassed(f"{result.id} is kept; the run was stopped before its test", _TEST_AGAIN)
        try:
            reached = self.service.test(result.id)
            if not reached.reachable:
                message = f"{result.id} is kept, and does not reach its database: {reached.reason}"
                raise NotReached(message, _TEST_AGAIN)
            passed = replace(record, untested=False, tested_at=self._now())
            self.store.adopt((passed,))
        except (ServiceError, StateError) as error:
            raise NotPassed(f"{result.id} is kept, and could not be tested: {error.message}", _TEST_AGAIN) from error
        return StepResult(result.id, passed)

    def wait_until_enabled(self, change: Change, result: StepResult) -> StepResult:
        """Wait until the object is enabled, and record the etag that it has then.

        If that fails after a create, return the result unchanged: the create is recorded. Before any other step, raise
        ``ServiceError``; the step is not carried out.
        """
        ident = result.id or next(step.id for step in change.steps if isinstance(step, Patch | Delete))
        self.tell(f"{change.key}: waiting until {ident} is enabled")
        if not isinstance(change.steps[0], Create):
            return replace(result, id=ident, etag=self._etag_once_enabled(ident))
        try:
            etag = self._etag_once_enabled(ident)
            record = replace(result.record, etag=etag) if result.record else None
            self.store.adopt((record,) if record else ())
        except (ServiceError, StateError) as error:
            self.tell(f"{change.key}: {ident} is recorded; whether it is enabled is not known: {error.message}")
            return result
        return StepResult(ident, record, etag)

    def _etag_once_enabled(self, ident: str) -> str:
        for pause in _POLL_PAUSES:
            observed = parse_observed(self.service.get(ident))
            if observed.state != INITIALIZING and observed.etag is not None:
                return observed.etag
            if self.interrupted.wait(pause):
                break
        raise Refused(f"{ident} is still initializing", "run apply again once it is enabled")

    def prove(self, change: Change) -> str:
        """Test the new credentials on a probe and return when they passed.

        Raise ``Refused`` if they do not; nothing else was changed then.
        """
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
        ident = self._create_probe(change, intent)
        try:
            self._etag_once_enabled(ident)
            reached, tested_at = self.service.test(ident), self._now()
        except ServiceError as error:
            message = f"not changed: the new credentials could not be proved: {error.message}"
            raise Refused(message, error.remedy) from error
        finally:
            self._delete_probe(ident, intent)
        if not reached.reachable:
            message = f"not changed: the new credentials do not reach the database: {reached.reason}"
            raise Refused(message, "correct the definition or its variables")
        return tested_at

    def _create_probe(self, change: Change, intent: Intent) -> str:
        """Create the probe and return its id. Raise ``OutcomeUnknown`` unless the probe can be read at that id.

        To test another object would prove nothing.
        """
        try:
            probe = {**body(desired_of(change)), "name": intent.name, "description": _PROBE_DESCRIPTION}
            created = self.service.create(probe)
            check_new(self.ids, created)
            try:
                name = parse_observed(self.service.get(created.id)).name
            except ServiceError as error:
                raise OutcomeUnknown(f"the probe cannot be read: {error.message}", LOOK_AGAIN) from error
            if name != intent.name:
                message = f"{created.id}, the id in the answer, is not that of the probe"
                raise OutcomeUnknown(message, LOOK_AGAIN, request_id=created.request_id)
        except OutcomeUnknown:
            raise  # the intent stays open, and the next run deletes the probe if there is one
        except ServiceError as error:
            self._settle_probe(intent)
            message = f"not changed: cannot create a probe for the new credentials: {error.message}"
            raise Refused(message, error.remedy) from error
        return created.id

    def _delete_probe(self, ident: str, intent: Intent) -> None:
        """Delete the object at this id if it is the probe. Otherwise, or if that fails, the intent stays open."""
        try:
            if parse_observed(self.service.get(ident)).name != intent.name:
                self.tell(f"{intent.key}: {ident} does not carry the name of the probe, and is left alone")
                return
            with suppress(NotFound):  # the next call confirms that it is gone
                self.service.delete(ident)
            self.service.confirm_gone(ident)
            self._settle_probe(intent)
        except ServiceError as error:
            self.tell(
                f"{intent.key}: the probe {ident} may be left over; the next apply deletes it then: {error.message}"
            )

    def _now(self) -> str:
        return self.service.service_time().isoformat(timespec="seconds")

    def _settle_probe(self, intent: Intent) -> None:
        self.store.settle((Completed(intent.intent_id, "failed", None, None),))


def desired_of(change: Change) -> Desired:
    """Return the definition of a change that sends one. Raise ``ValueError`` without a definition."""
    if change.desired is None:
        raise ValueError(f"{change.key}: there is no definition to send")
    return change.desired


def spec_id_of(change: Change) -> str:
    if change.desired is not None:
        return str(change.desired.value("connectionSpec.id"))
    return change.record.texts.get("connectionSpec.id", "") if change.record else ""
