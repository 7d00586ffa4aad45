"""Approval of plans: pins for a plan, and the comparison of an approved plan with the plan of now. Pure.

An approval is a saved plan (``SavedPlan``) or a digest (``ExpectedDigest``). ``verify`` refuses a plan that does
not agree with it, and names the differences. The second half makes the pins (``pinned``): one for each change that the
plan would carry out or that the files ask for. ``digest.py`` has the type ``Pin`` and the digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple, TypeAlias

from provisioner.definitions.desired import Desired
from provisioner.errors import StaleError, UsageError
from provisioner.model import Json, Key, TargetIdentity
from provisioner.planning.digest import Pin
from provisioner.planning.plan import Action, Change, Plan
from provisioner.planning.steps import Accept, Delete, Patch, Test
from provisioner.planning.verification_steps import is_probe
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import Record, State

# Verify


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A difference to what was approved.

    ``what`` is definition, secret, record, remote, target or plan. ``key`` is "" for a target or a plan as a whole.
    """

    key: Key
    what: str
    message: str

    def __str__(self) -> str:
        prefix = f"{self.key}: " if self.key else ""
        return f"{prefix}{self.what} differs: {self.message}"


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was written to a file. Only its pins are compared; the rest of it is there to be shown.

    Its secrets are known by their origins and, in the pins, by their fingerprints. ``checksum`` is that of the file.
    """

    plan: Plan
    checksum: str

    def open_pins(self, plan: Plan, fingerprinter: Fingerprinter) -> dict[Key, Pin]:
        """Return the pins that no earlier run has carried out, by key. ``plan`` is the plan of now."""
        changes = {change.key: change for change in plan.changes}
        return {pin.key: pin for pin in self.plan.pins if not is_done(pin, changes.get(pin.key), fingerprinter)}

    def target_mismatches(self, identity: TargetIdentity) -> tuple[Mismatch, ...]:
        """Return the difference to the target of now, if it is another. It is known before any call."""
        if self.plan.identity == identity:
            return ()
        return (Mismatch("", "target", f"approved for {self.plan.identity}, now {identity}"),)

    def mismatches(self, plan: Plan, fingerprinter: Fingerprinter) -> tuple[Mismatch, ...]:
        """Return the differences to the plan of now.

        There are none either if an earlier run has carried out a part of the saved plan, or all of it.
        """
        approved = self.plan
        if mismatches := self.target_mismatches(plan.identity):
            return mismatches
        if approved.lineage != plan.lineage:
            return (Mismatch("", "record", f"approved for the state {approved.lineage}, now {plan.lineage}"),)
        return tuple(_differences(self.open_pins(plan, fingerprinter), plan))


@dataclass(frozen=True, slots=True)
class ExpectedDigest:
    """An approved digest. Raise ``UsageError`` for any other text."""

    digest: str

    def __post_init__(self) -> None:
        if re.fullmatch(r"(public|full)-[0-9a-f]{64}", self.digest):
            raise UsageError("this digest is from an older version of provisioner", PLAN_AGAIN)
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", self.digest):
            raise UsageError(
                "--expect-digest takes a digest as printed by `plan`", "give `sha256:` and 64 hexadecimal digits"
            )

    def check_digest(self, plan: Plan) -> None:
        """Raise ``StaleError`` unless the plan has this digest, or nothing is left to do."""
        nothing_left = not plan.blocked and all(
            isinstance(step, Test) for change in plan.pending for step in change.steps
        )
        if plan.digest != self.digest and not nothing_left:
            # A digest cannot tell what differs, so the message lists the changes of now.
            changes = ", ".join(f"{pin.action} {pin.key}" for pin in plan.pins) or "no changes"
            flags = " ".join(plan.options.flags) or "none"
            message = f"approved {self.digest}; it is now {plan.digest}, with: {changes}; flags: {flags}"
            remedy = f"pass the flags that the approved plan was made with; or {PLAN_AGAIN}"
            _refuse_if((Mismatch("", "plan", message),), remedy)


Approval: TypeAlias = SavedPlan | ExpectedDigest

PLAN_AGAIN = "plan again, and have the plan reviewed"


def verify_target(approval: Approval | None, identity: TargetIdentity) -> None:
    """Raise ``StaleError`` for a plan that was approved for another target, whose credentials must not go to this one.

    A digest does not tell what it was approved for.
    """
    if isinstance(approval, SavedPlan):
        _refuse_if(approval.target_mismatches(identity), PLAN_AGAIN)


def verify(approval: Approval, plan: Plan, fingerprinter: Fingerprinter) -> None:
    """Raise ``StaleError`` unless everything that the plan would do was approved."""
    if isinstance(approval, SavedPlan):
        _refuse_if(approval.mismatches(plan, fingerprinter), PLAN_AGAIN)
        return
    approval.check_digest(plan)
    changes = {change.key: change for change in plan.changes}
    _refuse_if(
        tuple(
            Mismatch(pin.key, "remote", f"{pin.outside}{_last_edit(changes[pin.key])}; the digest does not cover that")
            for pin in plan.outside
        ),
        "save the plan (`plan --out FILE`), have it reviewed, and `apply FILE`; or declare what the service shows; "
        "or, for drift alone, use --overwrite-drift",
    )


def _refuse_if(mismatches: tuple[Mismatch, ...], remedy: str) -> None:
    if mismatches:
        message = "the plan is not the one that was approved; nothing was sent"
        raise StaleError(message, remedy, tuple(map(str, mismatches)))


def is_done(pin: Pin, change: Change | None, fingerprinter: Fingerprinter) -> bool:
    """Return whether an earlier run has carried out the approved change already.

    ``change`` is what the plan of now says of its key.
    """
    if change is None:
        return pin.action in (Action.DELETE, Action.FORGET)
    record, desired = change.record, change.desired
    if change.action is not Action.NO_OP or record is None:
        return False
    if pin.action == Action.REFRESH:
        drift = {path: record.texts.get(path, "") for path in pin.remote.get("drift", {})}
        return {"drift": {}, **pin.remote} == {"etag": record.etag or "", "drift": drift}
    if desired is None or (pin.prior is not None and pin.prior["id"] != record.id):
        return False
    # Fingerprints are comparable only with the salt of the pin: that of the record if there was one at that time.
    secrets = dict(_fingerprints(desired, record if pin.prior else None, fingerprinter))
    return pin.desired == _desired_as_json(desired) and pin.secrets == secrets and not _differs(desired, record)


def _differences(approved: Mapping[Key, Pin], plan: Plan) -> Iterator[Mismatch]:
    planned = {pin.key: pin for pin in plan.pins}
    changes = {change.key: change for change in plan.changes}
    for key in sorted({*approved, *planned}):
        if key not in planned:
            yield _no_longer_planned(approved[key], changes[key].action if key in changes else None)
        elif key not in approved:
            yield _not_approved(planned[key], changes[key])
        elif not _resumes(approved[key], planned[key]):
            yield from _compare(approved[key], planned[key], changes[key])


def _no_longer_planned(pin: Pin, action: Action | None) -> Mismatch:
    approved = f"{pin.action} was approved"
    if action is None or action is Action.UNMANAGED:
        return Mismatch(pin.key, "definition", f"{approved}, and there is no definition now")
    if action is Action.BLOCKED:
        return Mismatch(pin.key, "remote", f"{approved}, and it is blocked now")
    reason = "applied already, or reverted, or a variable has another value"
    return Mismatch(pin.key, "record", f"{approved}, and it is as declared now: {reason}")


def _not_approved(pin: Pin, change: Change) -> Mismatch:
    if pin.declared:
        return Mismatch(pin.key, "definition", f"{pin.action} was not in the approved plan")
    if change.action in _MADE_GOOD or change.last_edit:
        return Mismatch(pin.key, "remote", _outside_since({}, pin.remote, change))
    return Mismatch(pin.key, "secret", "it changed since, or can no longer be compared")


_MADE_GOOD = (Action.CREATE, Action.FORGET)
"""The actions for a base connection that was deleted outside."""


def _outside_since(before: Json, after: Json, change: Change) -> str:
    """Describe the difference of what the service showed, ``remote`` of two pins. ``change`` is that of now."""
    if change.action in _MADE_GOOD:
        return "deleted outside provisioner since"
    paths = ", ".join(_differing_paths(before.get("drift", {}), after.get("drift", {})))
    if paths:
        return f"changed outside provisioner since: {paths}{_last_edit(change)}"
    if change.last_edit:
        return f"edited outside provisioner since, with no visible difference{_last_edit(change)}"
    return "its etag is another one, as after another run of provisioner"


def _last_edit(change: Change) -> str:
    return f"; last edit by {change.last_edit}" if change.last_edit else ""


def _resumes(approved: Pin, planned: Pin) -> bool:
    """Return whether the planned change sends again what an approved one has sent without learning its outcome.

    Then nothing is recorded of its secrets, and its etag has changed.
    """
    before, after = approved.prior, planned.prior
    if before is None or after is None or before["id"] != after["id"]:
        return False
    recorded = after["fields"]
    outcome_unknown = (
        _visible_fields(after) == recorded != before["fields"]
        and recorded in (_visible_fields(before), _visible_fields(approved.desired))
        and "drift" not in planned.remote
    )
    sends_the_same = (approved.action, approved.desired, approved.secrets) == (
        planned.action,
        planned.desired,
        planned.secrets,
    )
    return sends_the_same and outcome_unknown


def _visible_fields(part: Json | None) -> Json:
    return {path: value for path, value in part["fields"].items() if "text" in value} if part else {}


_PARTS: tuple[tuple[str, Callable[[Pin], Json | None]], ...] = (
    ("definition", lambda pin: pin.desired),
    ("secret", lambda pin: pin.secrets),
    ("record", lambda pin: pin.prior),
    ("remote", lambda pin: pin.remote),
)


def _compare(approved: Pin, planned: Pin, change: Change) -> Iterator[Mismatch]:
    """Yield the differences of two pins. ``change`` is that of the planned one."""
    is_same = True
    was_or_is_blocked = approved.action != planned.action and Action.BLOCKED in (approved.action, planned.action)
    for what, part in _PARTS:
        before, after = part(approved), part(planned)
        if what == "remote" and was_or_is_blocked:
            continue  # a blocked change has no step, so it depends on no etag
        if what == "secret" and after and not before:
            is_same = False
            yield Mismatch(approved.key, what, "it was planned without its secrets: set their variables and plan again")
        elif before != after and what == "remote":
            is_same = False
            yield Mismatch(approved.key, what, _outside_since(approved.remote, planned.remote, change))
        elif before != after:
            is_same = False
            paths = ", ".join(_differing_paths(before or {}, after or {}))
            yield Mismatch(approved.key, what, paths or "it exists only before, or only now")
    if is_same and approved.action != planned.action:
        what = "plan" if was_or_is_blocked else "remote"
        yield Mismatch(approved.key, what, f"{approved.action} was approved, now {planned.action}")


def _differing_paths(before: Json, after: Json) -> Iterator[str]:
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old != new:
            if path == "fields" and isinstance(old, dict) and isinstance(new, dict):
                yield from _differing_paths(old, new)
            else:
                yield path


# Make pins


class PinnedValues(NamedTuple):
    """The values of a definition or record as a reviewer sees them, by path.

    Texts and origins are kept apart: a text may look like an origin.
    """

    texts: Mapping[str, str]
    origins: Mapping[str, str]

    @classmethod
    def of_definition(cls, desired: Desired) -> PinnedValues:
        return cls(desired.texts, {path: symbol.origin for path, symbol in desired.symbols.items()})

    @classmethod
    def of_record(cls, record: Record) -> PinnedValues:
        texts = {path: text for path, text in record.texts.items() if text}
        return cls(texts, {secret.path: secret.origin for secret in record.secrets})

    @property
    def as_json(self) -> Json:
        texts = {path: {"text": text} for path, text in self.texts.items()}
        return {**texts, **{path: {"origin": origin} for path, origin in self.origins.items()}}


def pinned(plan: Plan, state: State, fingerprinter: Fingerprinter) -> Plan:
    """Return the plan with its pins.

    There is a pin for each change that the plan would carry out, and for each that the files ask for, also if it is
    blocked, or unknown because a variable is not set. Leftover probes get none: every approval covers their deletion.
    """
    pins = []
    for change in plan.changes:
        if change.action is Action.NO_OP and not (
            change.desired is not None and change.record is not None and _differs(change.desired, change.record)
        ):
            continue  # the common case, and it gets no pin
        record = state.record(change.key)
        pin = pin_of(change, prior_as_json(record) if record else None)
        if pin:
            secrets = _fingerprints(change.desired, record, fingerprinter) if change.desired else ()
            pins.append(replace(pin, secrets=dict(secrets)))
    return replace(plan, pins=tuple(pins), lineage=state.lineage, is_first=state.serial == 0)


def pin_of(change: Change, prior: Json | None) -> Pin | None:
    """Return the pin of a change without its secrets, None if it gets none. ``prior`` is that of the pin."""
    if is_probe(change.key) or change.action is Action.UNMANAGED:
        return None
    desired = _desired_as_json(change.desired) if change.desired else None
    declared = _declared_action(change, desired, prior)
    if not declared and change.action in (Action.BLOCKED, Action.NO_OP):
        return None
    return Pin(change.key, change.action.value, declared, desired, prior, {}, _remote_as_json(change))


def prior_as_json(record: Record) -> Json:
    """Return a record as it stands in a pin."""
    return {"id": record.id, "fields": PinnedValues.of_record(record).as_json}


def _declared_action(change: Change, desired: Json | None, prior: Json | None) -> str:
    """Return the action that follows from the files and the state alone."""
    if change.held:
        return Action.DELETE.value
    if change.action is Action.MOVE:
        return Action.MOVE.value
    if desired is None:
        return change.action.value if prior and change.action in (Action.DELETE, Action.BLOCKED) else ""
    if prior is None:
        return Action.CREATE.value
    return Action.UPDATE.value if desired["fields"] != prior["fields"] else ""


def _differs(desired: Desired, record: Record) -> bool:
    """Return whether the definition asks for a change that is visible without the values of secrets."""
    return PinnedValues.of_definition(desired) != PinnedValues.of_record(record)


def _desired_as_json(desired: Desired) -> Json:
    """Return everything that is sent, in visible form: texts and origins, their variables, and keywords."""
    return {
        "fields": PinnedValues.of_definition(desired).as_json,
        "variables": {path: list(symbol.names) for path, symbol in desired.symbols.items()},
        "keywords": [keyword for keyword, _ in desired.keywords],
    }


def _fingerprints(desired: Desired, record: Record | None, fingerprinter: Fingerprinter) -> Iterator[tuple[str, Json]]:
    # The salt of a record is random. Until there is a record, the salt has to be the same in each plan.
    salt = record.salt if record else hashlib.sha256(desired.key.encode()).hexdigest()[:32]
    for path, value in desired.sensitive:
        yield path, asdict(fingerprinter.make(path, value.reveal(), salt))


def _remote_as_json(change: Change) -> Json:
    """Return what the service showed: the etag that the first step depends on, and drift by path."""
    remote: Json = {}
    for step in change.steps:
        if isinstance(step, Patch | Delete | Accept):
            remote["etag"] = (step.record.etag if isinstance(step, Accept) else step.etag) or ""
            break
    is_refresh = change.action is Action.REFRESH
    drift = {
        field.path: (field.after if is_refresh else field.before) or "" for field in change.fields if field.drifted
    }
    if drift:
        remote["drift"] = drift
    return remote
