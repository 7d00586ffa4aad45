"""What was approved x what would be done now -> what moved in between. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from provisioner.errors import StaleError, UsageError
from provisioner.model import Json, Key, TargetIdentity
from provisioner.planning.pinning import is_done
from provisioner.planning.pins import Pin
from provisioner.planning.plan import Action, Asked, Plan, Test
from provisioner.state.fingerprint import Fingerprinter


@dataclass(frozen=True, slots=True)
class Moved:
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
    asked: Asked
    pins: tuple[Pin, ...]

    def moved(self, now: Plan, fingerprinter: Fingerprinter) -> tuple[Moved, ...]:
        """Per key what is not as it was; nothing where the plan of now is the one that was saved, or what an earlier
        run of that has left of it."""
        if self.identity != now.identity:
            return (Moved("", "target", f"reviewed for {self.identity}, now {now.identity}"),)
        if self.lineage != now.lineage:
            return (Moved("", "record", f"the state has lineage {now.lineage}, reviewed was {self.lineage}"),)
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
            _refuse((Moved("", "plan", f"approved {self.digest}, now {digest}: {changes}"),), _AGAIN)


def _is_done(now: Plan) -> bool:
    """Whether nothing is left to do, perhaps since an earlier run did what was approved."""
    return not now.blocked and all(isinstance(step, Test) for change in now.pending for step in change.steps)


Approval: TypeAlias = SavedPlan | ExpectedDigest


def hold_to(approval: Approval, now: Plan, fingerprinter: Fingerprinter) -> None:
    """Raise ``StaleError`` unless the plan is the approved one, and all that it would do was approved."""
    if isinstance(approval, SavedPlan):
        _refuse(approval.moved(now, fingerprinter), _AGAIN)
        return
    approval.verify(now)
    words = "the digest does not cover that"
    _refuse(tuple(Moved(pin.key, "remote", f"{pin.outside}; {words}") for pin in now.outside), _SAVE)


def _refuse(moved: tuple[Moved, ...], remedy: str) -> None:
    if moved:
        raise StaleError("this is not what was approved; nothing was done", remedy, tuple(map(str, moved)))


_AGAIN = "plan again, and have it reviewed"
_SAVE = (
    "save the plan (`plan --out FILE`), have that reviewed, and `apply FILE`; or declare what is there; for drift alone"
    " --overwrite-drift will do"
)


def _differences(left: tuple[Pin, ...], now: Plan) -> Iterator[Moved]:
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


def _no_more(key: Key, pin: Pin, action: Action | None) -> Moved:
    if action is None or action is Action.UNMANAGED:
        return Moved(key, "definition", f"{pin.action} was reviewed, and it has no definition now")
    if action is Action.BLOCKED:
        return Moved(key, "remote", f"{pin.action} was reviewed, and it is blocked now")
    return Moved(
        key,
        "record",
        f"{pin.action} was reviewed, and it is as declared now: applied already, or reverted, or a variable is another",
    )


def _not_reviewed(pin: Pin) -> Moved:
    if pin.declared:
        return Moved(pin.key, "definition", f"{pin.action} was not in the reviewed plan")
    if pin.action in (Action.CREATE, Action.FORGET):
        return Moved(pin.key, "remote", "deleted outside since")
    if "drift" in pin.remote:
        return Moved(pin.key, "remote", f"changed outside since: {', '.join(pin.remote['drift'])}")
    return Moved(pin.key, "secret", "it changed since, or cannot be compared any more")


_PARTS: tuple[tuple[str, Callable[[Pin], Json | None]], ...] = (
    ("definition", lambda pin: pin.desired),
    ("secret", lambda pin: pin.secrets),
    ("record", lambda pin: pin.prior),
    ("remote", lambda pin: pin.remote),
)


def _parts(before: Pin, after: Pin) -> Iterator[Moved]:
    found = False
    for what, part in _PARTS:
        was, now = part(before), part(after)
        if what == "secret" and now and not was:
            found = True
            yield Moved(before.key, what, "it was planned without its secrets: plan where they are set")
        elif was != now:
            found = True
            yield Moved(before.key, what, ", ".join(_paths(was or {}, now or {})) or "it is there, or gone, now")
    if not found and before.action != after.action:
        yield Moved(before.key, "remote", f"{before.action} was reviewed, now {after.action}")


def _paths(was: Json, now: Json) -> Iterator[str]:
    for path in sorted({*was, *now}):
        one, other = was.get(path), now.get(path)
        if one != other:
            deeper = path == "fields" and isinstance(one, dict) and isinstance(other, dict)
            yield from _paths(one, other) if deeper and one is not None and other is not None else (path,)
