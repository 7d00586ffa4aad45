"""The plan as a value: shown, judged, executed. ``planner.py`` makes it.

What an approval holds on to: one ``Pin`` per key, and the digest over them. Pure.

The digest covers what everybody can compute from the files and the state: the definition with the origins of its
secrets, and the record. It is the same in a fork without secrets and after the merge. A saved plan holds the pins
whole: the fingerprints of secrets and what the service showed as well.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from provisioner.definitions.desired import Desired
from provisioner.model import Json, Key, Location, TargetIdentity
from provisioner.planning.diff import FieldChange
from provisioner.planning.steps import Accept, Create, Forget, Patch, Step
from provisioner.state.records import Record


class Action(StrEnum):
    """What becomes of a base connection."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NO_OP = "no-op"
    BLOCKED = "blocked"
    UNMANAGED = "unmanaged"
    REFRESH = "refresh"
    """What was changed outside is taken into the record."""
    FORGET = "forget"
    """It was deleted outside, and its record goes."""
    MOVE = "move"
    """Its record goes to the key that its definition has now."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a plan. ``remedy`` is set where the user has to do something; ``notes`` are for the reader only.

    ``desired`` is None for what has no definition any more, ``record`` for what is not in the state. ``moved_from`` is
    the key that the record has in the state, where the definition says that it was its own. ``held``: it is blocked by
    what the service shows alone. ``new_servers`` are those that its credentials are sent to for the first time.
    """

    key: Key
    name: str
    action: Action
    reason: str
    location: Location | None = None
    remedy: str = ""
    fields: tuple[FieldChange, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    desired: Desired | None = None
    record: Record | None = None
    moved_from: Key = ""
    held: bool = False
    new_servers: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        return any(field.drifted for field in self.fields)

    @property
    def signs_in_anew(self) -> bool:
        """Whether carrying it out sends credentials: those of a new base connection, or changed ones."""
        return any(isinstance(step, Create) or (isinstance(step, Patch) and step.signs_in_anew) for step in self.steps)

    @property
    def is_only_recorded(self) -> bool:
        """Whether carrying it out changes a record and sends nothing."""
        return bool(self.steps) and all(isinstance(step, Accept | Forget) for step in self.steps)


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a plan is asked to hold: each is a flag of its own, and the plan says which were given.

    ``adopt`` is ``--import-existing``, ``delete`` is ``--allow-delete``, ``mass_delete`` is ``--allow-mass-delete``,
    ``mass_recreate`` is ``--allow-mass-recreate``,
    ``protected_delete`` is ``--allow-protected-delete``, ``refresh`` is ``--refresh-only``, ``overwrite_drift`` is
    ``--overwrite-drift``, ``test`` is ``--test``, ``prove`` is ``--prove``, ``resend`` is ``--resend``. ``select`` are
    globs of keys; none means all.
    """

    adopt: bool = False
    delete: bool = False
    mass_delete: bool = False
    select: tuple[str, ...] = ()
    protected_delete: bool = False
    refresh: bool = False
    overwrite_drift: bool = False
    test: bool = False
    prove: bool = False
    resend: bool = False
    mass_recreate: bool = False

    def selects(self, key: Key) -> bool:
        """Whether the plan is to hold this key. ``*`` matches a slash too."""
        return not self.select or any(fnmatchcase(key, glob) for glob in self.select)

    @property
    def flags(self) -> tuple[str, ...]:
        """As they were given on the command line."""
        switches = (
            ("--import-existing", self.adopt),
            ("--allow-delete", self.delete),
            ("--allow-mass-delete", self.mass_delete),
            ("--allow-protected-delete", self.protected_delete),
            ("--allow-mass-recreate", self.mass_recreate),
            ("--refresh-only", self.refresh),
            ("--overwrite-drift", self.overwrite_drift),
            ("--prove", self.prove),
            ("--resend", self.resend),
            ("--test", self.test),
        )
        return (*(flag for flag, given in switches if given), *(f"--select {glob}" for glob in self.select))


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change on a target, by key. ``offline``: the service was not asked.

    ``lineage`` is that of the state, which ``is_first`` proposes; ``pins`` are what an approval holds on to. ``notes``
    are for the reader and about no definition.
    """

    target: str
    identity: TargetIdentity
    changes: tuple[Change, ...]
    offline: bool = False
    asked: PlanOptions = PlanOptions()
    lineage: str = ""
    pins: tuple[Pin, ...] = ()
    is_first: bool = False
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of all that the files and the state say; it is the same with and without secrets."""
        return digest(self.identity, self.pins, self.asked.select)

    @property
    def outside(self) -> tuple[Pin, ...]:
        """What was done outside and an approved digest must not let pass, unless that was asked for by its name."""
        return tuple(pin for pin in self.pins if pin.outside and not (self.asked.overwrite_drift and pin.drifted))

    @property
    def not_in_digest(self) -> tuple[Key, ...]:
        """The keys that would be changed, at least in part, for a reason that only a secret or the service tells."""
        undeclared = {pin.key for pin in self.pins if pin.declared != pin.action}
        return tuple(
            change.key
            for change in self.pending
            if change.key in undeclared or any(field.undeclared for field in change.fields)
        )

    def count(self, action: Action) -> int:
        return Counter(change.action for change in self.changes)[action]

    @property
    def blocked(self) -> tuple[Change, ...]:
        """The changes that somebody has to decide on first."""
        return tuple(change for change in self.changes if change.action is Action.BLOCKED)

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that apply would carry out."""
        return tuple(change for change in self.changes if change.steps)

    def noting(self, notes: Mapping[Key, str]) -> Plan:
        """The plan with one more note at each of these keys."""
        changes = (
            replace(change, notes=(*change.notes, notes[change.key])) if change.key in notes else change
            for change in self.changes
        )
        return replace(self, changes=tuple(changes))

    def only(self, keys: Collection[Key]) -> Plan:
        """The part of the plan that is about these keys."""
        return replace(self, changes=tuple(change for change in self.changes if change.key in keys))

    def without(self, keys: Collection[Key]) -> Plan:
        """The part of the plan that is about all other keys."""
        return replace(self, changes=tuple(change for change in self.changes if change.key not in keys))


@dataclass(frozen=True, slots=True)
class Undecided:
    """Why recovery could not tell what became of an earlier create, and what the user does about it."""

    reason: str
    remedy: str


FORMAT_VERSION = 2
"""The format of what is digested, and of the file of a saved plan."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One change as it was reviewed. The mappings are JSON of texts only.

    ``declared`` is the action as far as the files and the state tell ("" where they ask for nothing), ``action`` that
    of the plan. ``desired`` has the ``fields`` by path, each as ``{"text": ...}`` or ``{"origin": ...}``, their
    ``variables`` and ``keywords``, None without a definition; ``prior`` is the record: ``id`` and ``fields`` in the
    same form. ``secrets`` has fingerprints by path; ``remote`` is what the service showed.
    """

    key: Key
    action: str
    declared: str
    desired: Json | None
    prior: Json | None
    secrets: Json
    remote: Json

    @property
    def drifted(self) -> bool:
        return bool(self.remote.get("drift"))

    @property
    def outside(self) -> str:
        """What was done outside, and an approved digest must not let pass; "" where nothing was."""
        if self.drifted:
            return f"changed outside: {', '.join(self.remote['drift'])}"
        if self.action == "refresh":
            return "written to outside"
        if self.action == "forget":
            return "deleted outside; its record would go"
        if self.action == "create" != self.declared:
            return "deleted outside; it would be created again"
        if self.action == "update" and self.declared == "create":
            return "exists already; it would be taken over"
        return ""


def digest(identity: TargetIdentity, pins: Iterable[Pin], select: Iterable[str] = ()) -> str:
    """Return the digest, which needs neither secrets nor the service. Notes, etags, serials and versions have no part
    in it; ``select``, the globs of what was asked for, has: a change of a secret alone has no pin that would name it.
    """
    changes = {
        pin.key: {"action": pin.declared, "desired": pin.desired, "prior": pin.prior} for pin in pins if pin.declared
    }
    document = {"format_version": FORMAT_VERSION, "target": asdict(identity), "changes": changes}
    if asked := sorted(set(select)):
        document["select"] = asked
    return checksum(document)


def checksum(document: Json) -> str:
    """Return the SHA-256 of a document, whatever the order of its members."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
