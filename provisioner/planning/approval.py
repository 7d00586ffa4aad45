"""What was approved x what would be done now -> what moved in between. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from provisioner.errors import StaleError, UsageError
from provisioner.model import Json, Key, TargetIdentity
from provisioner.planning.pinning import is_done
from provisioner.planning.pins import FULL, PUBLIC, Pin
from provisioner.planning.plan import Action, Asked, Plan


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

    def moved(self, now: Plan) -> tuple[Moved, ...]:
        """Per key what is not as it was; nothing where the plan of now is the one that was saved."""
        if self.identity != now.identity:
            return (Moved("", "target", f"reviewed for {self.identity}, now {now.identity}"),)
        if self.lineage != now.lineage:
            return (Moved("", "record", f"the state has lineage {now.lineage}, reviewed was {self.lineage}"),)
        return tuple(_differences(self.left(now), now))

    def left(self, now: Plan) -> SavedPlan:
        """The plan without what an earlier run of it has done already."""
        found = {change.key: change for change in now.changes}
        return replace(self, pins=tuple(pin for pin in self.pins if not is_done(pin, found.get(pin.key))))


@dataclass(frozen=True, slots=True)
class ExpectedDigest:
    """A digest that somebody approved. ``overwrite_drift`` was asked for by its own name."""

    digest: str
    overwrite_drift: bool = False

    def __post_init__(self) -> None:
        kind, _, rest = self.digest.partition("-")
        if f"{kind}-" not in (PUBLIC, FULL) or len(rest) != 64 or set(rest) - set("0123456789abcdef"):
            raise UsageError(
                "--expect-digest takes a digest as `plan` prints it", "public- or full- and 64 hexadecimal digits"
            )

    def moved(self, now: Plan) -> tuple[Moved, ...]:
        """What is not as approved. A digest holds no detail, so a difference lists what would be done now."""
        is_full = self.digest.startswith(FULL)
        if now.asked.refresh and not is_full:
            return (Moved("", "plan", "the public digest covers nothing of --refresh-only; approve the full one"),)
        digest = now.full_digest if is_full else now.public_digest
        if digest != self.digest:
            changes = ", ".join(f"{pin.action} {pin.key}" for pin in now.pins) or "nothing"
            return (Moved("", "plan", f"approved {self.digest}, now {digest}: {changes}"),)
        return () if is_full else tuple(self._uncovered(now))

    def _uncovered(self, now: Plan) -> Iterator[Moved]:
        for pin in now.pins:
            if pin.remote.get("drift") and not self.overwrite_drift:
                yield Moved(pin.key, "remote", f"changed outside: {', '.join(pin.remote['drift'])}")
            elif pin.action == Action.CREATE and pin.uncovered:
                yield Moved(pin.key, "remote", "deleted outside; it would be created again")


Approval: TypeAlias = SavedPlan | ExpectedDigest


def hold_to(approval: Approval, now: Plan) -> None:
    """Raise ``StaleError`` unless the plan is the approved one."""
    moved = approval.moved(now)
    if moved:
        raise StaleError(
            "this is not what was approved; nothing was done",
            "plan again, and have it reviewed",
            tuple(map(str, moved)),
        )


def _differences(saved: SavedPlan, now: Plan) -> Iterator[Moved]:
    before = {pin.key: pin for pin in saved.pins}
    after = {pin.key: pin for pin in now.pins}
    actions = {change.key: change.action for change in now.changes}
    for key in sorted({*before, *after}):
        if key not in after:
            yield _no_more(key, before[key], actions.get(key))
        elif key not in before:
            yield _not_reviewed(after[key])
        else:
            yield from _parts(before[key], after[key])


def _no_more(key: Key, pin: Pin, action: Action | None) -> Moved:
    if action is None or action is Action.UNMANAGED:
        return Moved(key, "definition", f"{pin.action} was reviewed, and it has no definition now")
    if action is Action.BLOCKED:
        return Moved(key, "remote", f"{pin.action} was reviewed, and it is blocked now")
    return Moved(key, "record", f"{pin.action} was reviewed, and it is as declared now: applied already, or reverted")


def _not_reviewed(pin: Pin) -> Moved:
    if pin.public:
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
        if was != now:
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
