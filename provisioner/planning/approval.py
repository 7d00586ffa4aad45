"""What was approved x what would be done now -> what moved in between. Pure.

A plan -> the pins that an approval holds on to. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from provisioner.definitions.desired import Desired
from provisioner.errors import StaleError, UsageError
from provisioner.model import Json, Key, TargetIdentity
from provisioner.planning.added_steps import is_probe
from provisioner.planning.plan import Action, Change, Pin, Plan, PlanOptions
from provisioner.planning.steps import Accept, Delete, Patch, Test
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.records import Record, State


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as it was reviewed. ``what``: definition, secret, record, remote, target or plan."""

    key: Key
    what: str
    message: str

    def __str__(self) -> str:
        whose = f"{self.key}: " if self.key else ""
        return f"{whose}{self.what} moved: {self.message}"


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was written to a file. ``lineage`` is that of the state, proposed where there was none yet."""

    target: str
    identity: TargetIdentity
    lineage: str
    offline: bool
    asked: PlanOptions
    pins: tuple[Pin, ...]

    def moved(self, now: Plan, fingerprinter: Fingerprinter) -> tuple[Mismatch, ...]:
        """Per key what is not as it was; nothing where the plan of now is the one that was saved, or what an earlier
        run of that has left of it."""
        if self.identity != now.identity:
            return (Mismatch("", "target", f"reviewed for {self.identity}, now {now.identity}"),)
        if self.lineage != now.lineage:
            return (Mismatch("", "record", f"the state has lineage {now.lineage}, reviewed was {self.lineage}"),)
        found = {change.key: change for change in now.changes}
        left = tuple(pin for pin in self.pins if not is_done(pin, found.get(pin.key), fingerprinter))
        return tuple(_differences(left, now))


@dataclass(frozen=True, slots=True)
class ExpectedDigest:
    """A digest that somebody approved. Raises ``UsageError`` for what is none."""

    digest: str

    def __post_init__(self) -> None:
        if re.fullmatch(r"(public|full)-[0-9a-f]{64}", self.digest):
            raise UsageError("this digest is of an older version of provisioner", "plan again, and have it reviewed")
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", self.digest):
            raise UsageError(
                "--expect-digest takes a digest as `plan` prints it", "`sha256:` and 64 hexadecimal digits"
            )

    def verify(self, now: Plan) -> None:
        """Raise ``StaleError`` unless the plan has this digest, or nothing is left to do."""
        digest = now.digest
        if digest != self.digest and not _is_done(now):
            # A digest holds no detail, so a difference lists what would be done now.
            changes = ", ".join(f"{pin.action} {pin.key}" for pin in now.pins) or "nothing"
            _refuse((Mismatch("", "plan", f"approved {self.digest}, now {digest}: {changes}"),), _AGAIN)


def _is_done(now: Plan) -> bool:
    """Whether nothing is left to do, perhaps since an earlier run did what was approved."""
    return not now.blocked and all(isinstance(step, Test) for change in now.pending for step in change.steps)


Approval: TypeAlias = SavedPlan | ExpectedDigest


def verify(approval: Approval, now: Plan, fingerprinter: Fingerprinter) -> None:
    """Raise ``StaleError`` unless the plan is the approved one, and all that it would do was approved."""
    if isinstance(approval, SavedPlan):
        _refuse(approval.moved(now, fingerprinter), _AGAIN)
        return
    approval.verify(now)
    words = "the digest does not cover that"
    _refuse(tuple(Mismatch(pin.key, "remote", f"{pin.outside}; {words}") for pin in now.outside), _SAVE)


def _refuse(moved: tuple[Mismatch, ...], remedy: str) -> None:
    if moved:
        raise StaleError("this is not what was approved; nothing was done", remedy, tuple(map(str, moved)))


_AGAIN = "plan again, and have it reviewed"
_SAVE = (
    "save the plan (`plan --out FILE`), have that reviewed, and `apply FILE`; or declare what is there; for drift alone"
    " --overwrite-drift will do"
)


def _differences(left: tuple[Pin, ...], now: Plan) -> Iterator[Mismatch]:
    before = {pin.key: pin for pin in left}
    after = {pin.key: pin for pin in now.pins}
    actions = {change.key: change.action for change in now.changes}
    for key in sorted({*before, *after}):
        if key not in after:
            yield _no_more(key, before[key], actions.get(key))
        elif key not in before:
            yield _not_reviewed(after[key])
        elif not _resumes(before[key], after[key]):
            yield from _parts(before[key], after[key])


def _resumes(before: Pin, after: Pin) -> bool:
    """Whether a change was sent by an earlier run that never heard of its outcome: then nothing is recorded of its
    secrets, and its etag has moved. What was approved is sent again."""
    if before.prior is None or after.prior is None or before.prior["id"] != after.prior["id"]:
        return False
    recorded, visible = after.prior["fields"], [_visible(before.prior), _visible(before.desired)]
    in_doubt = _visible(after.prior) == recorded != before.prior["fields"] and recorded in visible
    same = (before.action, before.desired, before.secrets) == (after.action, after.desired, after.secrets)
    return same and in_doubt and "drift" not in after.remote


def _visible(part: Json | None) -> Json:
    return {path: value for path, value in (part or {"fields": {}})["fields"].items() if "text" in value}


def _no_more(key: Key, pin: Pin, action: Action | None) -> Mismatch:
    if action is None or action is Action.UNMANAGED:
        return Mismatch(key, "definition", f"{pin.action} was reviewed, and it has no definition now")
    if action is Action.BLOCKED:
        return Mismatch(key, "remote", f"{pin.action} was reviewed, and it is blocked now")
    return Mismatch(
        key,
        "record",
        f"{pin.action} was reviewed, and it is as declared now: applied already, or reverted, or a variable is another",
    )


def _not_reviewed(pin: Pin) -> Mismatch:
    if pin.declared:
        return Mismatch(pin.key, "definition", f"{pin.action} was not in the reviewed plan")
    if pin.action in (Action.CREATE, Action.FORGET):
        return Mismatch(pin.key, "remote", "deleted outside since")
    if "drift" in pin.remote:
        return Mismatch(pin.key, "remote", f"changed outside since: {', '.join(pin.remote['drift'])}")
    return Mismatch(pin.key, "secret", "it changed since, or cannot be compared any more")


_PARTS: tuple[tuple[str, Callable[[Pin], Json | None]], ...] = (
    ("definition", lambda pin: pin.desired),
    ("secret", lambda pin: pin.secrets),
    ("record", lambda pin: pin.prior),
    ("remote", lambda pin: pin.remote),
)


def _parts(before: Pin, after: Pin) -> Iterator[Mismatch]:
    found = False
    for what, part in _PARTS:
        was, now = part(before), part(after)
        if what == "secret" and now and not was:
            found = True
            yield Mismatch(before.key, what, "it was planned without its secrets: plan where they are set")
        elif was != now:
            found = True
            yield Mismatch(before.key, what, ", ".join(_paths(was or {}, now or {})) or "it is there, or gone, now")
    if not found and before.action != after.action:
        yield Mismatch(before.key, "remote", f"{before.action} was reviewed, now {after.action}")


def _paths(was: Json, now: Json) -> Iterator[str]:
    for path in sorted({*was, *now}):
        one, other = was.get(path), now.get(path)
        if one != other:
            deeper = path == "fields" and isinstance(one, dict) and isinstance(other, dict)
            yield from _paths(one, other) if deeper and one is not None and other is not None else (path,)


class PinnedValues(NamedTuple):
    """What a reader may see of the values: a text that reads like an origin is not one."""

    texts: Mapping[str, str]
    origins: Mapping[str, str]


def pinned(plan: Plan, state: State, fingerprinter: Fingerprinter) -> Plan:
    """The plan with the pins of all that it would do, and of all that the files ask for: also of what is held back, or
    cannot be told without a variable that is not set."""
    records = {record.key: record for record in state.records}
    touched = (change for change in plan.changes if _is_touched(change))
    pins = (_pin(change, records.get(change.key), fingerprinter) for change in touched)
    kept = tuple(pin for pin in pins if pin.declared or pin.action not in (Action.BLOCKED, Action.NO_OP))
    return replace(plan, pins=kept, lineage=state.lineage, is_first=state.serial == 0)


def _is_touched(change: Change) -> bool:
    if is_probe(change.key):
        return False  # whatever was approved, what a run has left behind is no part of it
    if change.action is Action.NO_OP:
        return change.desired is not None and change.record is not None and _asks(change.desired, change.record)
    return change.action is not Action.UNMANAGED


def is_done(pin: Pin, now: Change | None, fingerprinter: Fingerprinter) -> bool:
    """Whether what was reviewed is there already, as an earlier run of the same plan leaves it. ``now`` is what the
    plan of this moment says of that key."""
    if now is None:
        return pin.action in (Action.DELETE, Action.FORGET)
    if now.action is not Action.NO_OP or now.record is None:
        return False
    if pin.action == Action.REFRESH:
        shown = {
            "etag": now.record.etag or "",
            "drift": {path: now.record.texts.get(path, "") for path in _drift(pin)},
        }
        return {"drift": {}, **pin.remote} == shown
    if now.desired is None:
        return False
    if pin.prior is not None and pin.prior["id"] != now.record.id:
        return False
    record = now.record if pin.prior else None  # its salt is the pin's, where the pin knew one
    secrets = dict(_fingerprints(now.desired, record, fingerprinter))
    return pin.desired == _desired(now.desired) and pin.secrets == secrets and not _asks(now.desired, now.record)


def _drift(pin: Pin) -> Json:
    drift: Json = pin.remote.get("drift", {})
    return drift


def _pin(change: Change, record: Record | None, fingerprinter: Fingerprinter) -> Pin:
    return Pin(
        change.key,
        change.action.value,
        _declared_action(change, record),
        _desired(change.desired) if change.desired else None,
        _prior(record) if record else None,
        dict(_fingerprints(change.desired, record, fingerprinter)) if change.desired else {},
        _remote(change),
    )


def _desired(desired: Desired) -> Json:
    """All that is sent, as far as it may be seen: texts and origins, of what variables, by which keywords."""
    return {
        "fields": _as_json(_declared(desired)),
        "variables": {path: list(symbol.names) for path, symbol in desired.symbols.items()},
        "keywords": [keyword for keyword, _ in desired.keywords],
    }


def _declared(desired: Desired) -> PinnedValues:
    return PinnedValues(desired.texts, {path: symbol.origin for path, symbol in desired.symbols.items()})


def _prior(record: Record) -> Json:
    return {"id": record.id, "fields": _as_json(_recorded(record))}


def _recorded(record: Record) -> PinnedValues:
    texts = {path: text for path, text in record.texts.items() if text}
    return PinnedValues(texts, {secret.path: secret.origin for secret in record.secrets})


def _as_json(seen: PinnedValues) -> Json:
    texts = {path: {"text": text} for path, text in seen.texts.items()}
    return {**texts, **{path: {"origin": origin} for path, origin in seen.origins.items()}}


def _asks(desired: Desired, record: Record) -> bool:
    """Whether the files ask for anything, for all that can be told without a secret."""
    return _declared(desired) != _recorded(record)


def _declared_action(change: Change, record: Record | None) -> str:
    if change.held:
        return Action.DELETE.value
    if change.action is Action.MOVE:
        return Action.MOVE.value
    if change.desired is None:
        return change.action.value if record and change.action in (Action.DELETE, Action.BLOCKED) else ""
    if record is None:
        return Action.CREATE.value
    return Action.UPDATE.value if _asks(change.desired, record) else ""


def _fingerprints(desired: Desired, record: Record | None, fingerprinter: Fingerprinter) -> Iterator[tuple[str, Json]]:
    # Before there is a record its salt has to be the same whenever it is asked for; the record will have a random one.
    salt = record.salt if record else hashlib.sha256(desired.key.encode()).hexdigest()[:32]
    for path, value in desired.sensitive:
        yield path, asdict(fingerprinter.make(path, value.reveal(), salt))


def _remote(change: Change) -> Json:
    shows = attrgetter("after" if change.action is Action.REFRESH else "before")
    drift = {field.path: shows(field) or "" for field in change.fields if field.drifted}
    etags = [step.etag or "" for step in change.steps if isinstance(step, Patch | Delete)]
    etags += [step.record.etag or "" for step in change.steps if isinstance(step, Accept)]
    return {**({"etag": etags[0]} if etags else {}), **({"drift": drift} if drift else {})}
