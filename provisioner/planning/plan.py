"""The types of a plan: its changes, and the options it was made with. Pure.

``planner.py`` makes plans, ``approval.py`` fills in their pins (``digest.py``) and compares them, ``steps.py`` has the
steps of a change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from provisioner import __version__
from provisioner.definitions.desired import Desired
from provisioner.model import Key, Location, TargetIdentity
from provisioner.planning.diff import FieldChange
from provisioner.planning.digest import Pin, digest
from provisioner.planning.steps import Accept, Create, Forget, Patch, Step
from provisioner.state.records import Record


class Action(StrEnum):
    """The action that a plan proposes for one key."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NO_OP = "no-op"
    BLOCKED = "blocked"
    UNMANAGED = "unmanaged"
    REFRESH = "refresh"
    """Drift is copied into the record."""
    FORGET = "forget"
    """The base connection was deleted outside provisioner; its record is removed."""
    MOVE = "move"
    """The record moves to the new key of its definition."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a plan.

    ``remedy`` is set if the user has to act; ``notes`` are for information only. ``desired`` is None without a
    definition, ``record`` is None if the key is not in the state. ``moved_from`` is the key of the record in the state
    if the definition claims it by ``movedFrom``. ``held``: a delete that is blocked only because dataflows use the
    base connection. ``new_servers`` are servers that receive the credentials for the first time. ``last_edit`` is who
    changed the base connection outside provisioner, and when; "" if nobody did.
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
    last_edit: str = ""

    @property
    def drifted(self) -> bool:
        return any(field.drifted for field in self.fields)

    @property
    def sends_credentials(self) -> bool:
        return any(
            isinstance(step, Create) or (isinstance(step, Patch) and step.sends_credentials) for step in self.steps
        )

    @property
    def is_only_recorded(self) -> bool:
        """Return whether apply changes only the record and sends nothing."""
        return bool(self.steps) and all(isinstance(step, Accept | Forget) for step in self.steps)


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The options of ``plan`` and ``apply`` that decide what a plan contains, named after their flags.

    ``select`` holds globs of keys. ``variables`` selects the definitions that read one of them: ``readers`` are their
    keys, once the definitions are known (``selection.with_readers``). If all are empty, every key is selected.
    """

    import_existing: bool = False
    allow_delete: bool = False
    allow_mass_delete: bool = False
    allow_protected_delete: bool = False
    allow_mass_recreate: bool = False
    exceed_limits: bool = False
    refresh_only: bool = False
    overwrite_drift: bool = False
    prove: bool = False
    resend: bool = False
    test: bool = False
    select: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    readers: tuple[Key, ...] = ()

    def selects(self, key: Key) -> bool:
        """Return whether the key is selected. ``*`` matches a slash too."""
        if not (self.select or self.readers):
            return True
        return key in self.readers or any(fnmatchcase(key, glob) for glob in self.select)

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the options as command line flags."""
        given = (option.name for option in fields(self) if getattr(self, option.name) is True)
        return (
            *(f"--{name.replace('_', '-')}" for name in given),
            *(f"--select {glob}" for glob in self.select),
            *(f"--variable {name}" for name in self.variables),
        )


NO_OPTIONS = PlanOptions()


@dataclass(frozen=True, slots=True)
class Provenance:
    """When a plan was made (in UTC), by which version of provisioner, and from which commit; "" if that is not known.

    ``created_at`` is None in a plan that is neither saved nor shown by `plan`.
    """

    created_at: datetime | None = None
    version: str = __version__
    commit: str = ""

    def __str__(self) -> str:
        at = f"{self.created_at:%Y-%m-%d %H:%M} UTC " if self.created_at else ""
        return f"{at}by provisioner {self.version}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of a target, sorted by key. ``offline``: made without the service.

    ``lineage`` is that of the state; with ``is_first`` there is no state yet, and the lineage is a proposal. ``notes``
    are about no single definition. ``over_limits`` names the limits of the project file that block changes.
    ``is_saved``: the plan is in a file, by which it can be approved.
    """

    target: str
    identity: TargetIdentity
    changes: tuple[Change, ...]
    offline: bool = False
    options: PlanOptions = NO_OPTIONS
    lineage: str = ""
    pins: tuple[Pin, ...] = ()
    is_first: bool = False
    notes: tuple[str, ...] = ()
    over_limits: tuple[str, ...] = ()
    provenance: Provenance = Provenance()
    is_saved: bool = False

    @property
    def digest(self) -> str:
        """Return the digest of what the files and the state say; it is the same with and without secrets.

        A plan with ``--exceed-limits`` has a digest of its own, and so has one that a limit blocks: raising the limit
        does not make its digest an approval.
        """
        more = {
            "select": sorted({*self.options.select, *self.options.readers}),
            "exceed_limits": self.options.exceed_limits,
            "over_limits": list(self.over_limits),
        }
        return digest(self.identity, self.pins, {name: value for name, value in more.items() if value})

    @property
    def outside(self) -> tuple[Pin, ...]:
        """Return the pins with outside changes that an approved digest does not cover.

        ``--overwrite-drift`` covers drift.
        """
        return tuple(pin for pin in self.pins if pin.outside and not (self.options.overwrite_drift and pin.drifted))

    @property
    def not_in_digest(self) -> tuple[Key, ...]:
        """Return the keys with pending changes for reasons outside the files and the state.

        Such a reason is the value of a secret, or something that the service shows.
        """
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
        """Return the changes that need a decision of the user first."""
        return tuple(change for change in self.changes if change.action is Action.BLOCKED)

    @property
    def pending(self) -> tuple[Change, ...]:
        """Return the changes that apply would carry out."""
        return tuple(change for change in self.changes if change.steps)

    @property
    def unset_origins(self) -> tuple[str, ...]:
        """Return the origins that pending changes need and that had no value when the plan was made."""
        keys = {change.key for change in self.pending}
        origins = (
            pin.desired["fields"][path]["origin"]
            for pin in self.pins
            if pin.key in keys and pin.desired
            for path in pin.desired["variables"]
            if path not in pin.secrets
        )
        return tuple(dict.fromkeys(origins))

    def with_notes(self, notes: Mapping[Key, str]) -> Plan:
        """Return the plan with the notes appended to the changes of their keys."""
        changes = (
            replace(change, notes=(*change.notes, notes[change.key])) if change.key in notes else change
            for change in self.changes
        )
        return replace(self, changes=tuple(changes))

    def only(self, keys: Collection[Key]) -> Plan:
        """Return the plan with only the changes of these keys."""
        return replace(self, changes=tuple(change for change in self.changes if change.key in keys))

    def without(self, keys: Collection[Key]) -> Plan:
        """Return the plan without the changes of these keys."""
        return replace(self, changes=tuple(change for change in self.changes if change.key not in keys))


@dataclass(frozen=True, slots=True)
class Undecided:
    """A question that only the user can decide: the reason it is open, and the remedy."""

    reason: str
    remedy: str
