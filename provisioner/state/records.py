"""The values of a state and its journal, and looking them up by key. Pure.

The state file is one ``State``; the journal is a sequence of ``JournalEntry``. ``codec.py`` has their JSON forms, and
``replay.py`` the effect of entries on a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal, TypeAlias

from provisioner.errors import UsageError
from provisioner.model import Key, TargetIdentity
from provisioner.state.fingerprint import Fingerprint

FORMAT_VERSION = 1
"""Format of the state files that this version writes."""

CallKind: TypeAlias = Literal["create", "patch", "delete", "probe"]
CallVerdict: TypeAlias = Literal["done", "failed"]


@dataclass(frozen=True, slots=True)
class SecretRecord:
    """A sensitive field: its dotted path, its origin (``env(NAME)``), and the fingerprint of its value."""

    path: str
    origin: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Record:
    """A base connection as of the last apply, import or refresh.

    ``id`` is "" only inside an intent to create. ``texts`` holds the fields that are not sensitive by dotted path, such
    as ``auth.params.server``; texts and secrets are sorted by path, and no path occurs twice. ``salt`` is hexadecimal
    and made once per record; every fingerprint of the record uses it. ``untested``: a test of these credentials was
    requested and has not passed.

    ``applied_at`` is when the last create or patch that took effect was sent, ``tested_at`` when these credentials last
    passed a test: ISO 8601 UTC in whole seconds by the service's clock, "" if there was none, or if the record was made
    by a version that did not record times. Nothing is decided by them.
    """

    key: Key
    id: str
    etag: str | None
    texts: Mapping[str, str]
    secrets: tuple[SecretRecord, ...]
    salt: str
    untested: bool = False
    applied_at: str = ""
    tested_at: str = ""

    def __post_init__(self) -> None:
        sorted_paths = sorted(self.texts)
        if sorted_paths != list(self.texts):
            object.__setattr__(self, "texts", {path: self.texts[path] for path in sorted_paths})
        object.__setattr__(self, "secrets", tuple(sorted(self.secrets, key=attrgetter("path"))))
        paths = {secret.path for secret in self.secrets}
        if both := paths & self.texts.keys():
            raise ValueError(f"record {self.key}: {min(both)} is both visible and sensitive")
        if len(paths) < len(self.secrets):
            raise ValueError(f"record {self.key}: a path occurs twice")
        if any(secret.fingerprint.salt != self.salt for secret in self.secrets):
            raise ValueError(f"record {self.key}: a fingerprint with another salt than the record's")

    @property
    def secrets_as_dict(self) -> dict[str, SecretRecord]:
        """The secrets by path."""
        return {secret.path: secret for secret in self.secrets}


@dataclass(frozen=True, slots=True)
class Intent:
    """An entry written before a call is made.

    ``id`` and ``etag`` are sent with the call (None for a create). ``sent_at`` is ISO 8601 UTC by the service's clock.
    ``seen`` are the ids that the service listed before; ``PriorIds`` gives them for all calls of a run. ``record`` is
    the record after a successful call, under the same key; None if nothing is to be recorded. A ``probe`` covers all
    calls for a throwaway object with the name ``name``, and is settled when that object is deleted.
    """

    intent_id: str
    key: Key
    step: CallKind
    name: str
    spec_id: str
    id: str | None
    etag: str | None
    sent_at: str
    seen: tuple[str, ...]
    record: Record | None

    def __post_init__(self) -> None:
        if self.record is not None and self.record.key != self.key:
            raise ValueError(f"intent for {self.key}: its record has the key {self.record.key}")


@dataclass(frozen=True, slots=True)
class Completed:
    """The outcome of an intent. An intent without one is pending: its outcome is unknown.

    ``failed``: certainly without effect. ``id`` and ``etag`` are as returned by the service.
    """

    intent_id: str
    verdict: CallVerdict
    id: str | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record added or replaced without a call: by an import, a refresh, or a move to another key."""

    record: Record

    def __post_init__(self) -> None:
        if not self.record.id:
            raise ValueError(f"record {self.record.key}: recorded without an id")


@dataclass(frozen=True, slots=True)
class Removed:
    """The removal of a record without a call. Not an error if there is none."""

    key: Key


@dataclass(frozen=True, slots=True)
class PriorIds:
    """The ids that the service listed before the following calls, none of which can have created them."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The first entry of a journal: its own random id, and the state that it continues."""

    journal: str
    lineage: str
    serial: int
    target: TargetIdentity | None


JournalEntry: TypeAlias = Header | PriorIds | Intent | Completed | Recorded | Removed
"""One entry of a journal."""


@dataclass(frozen=True, slots=True)
class State:
    """The state of one target.

    ``lineage`` is random and never changes; ``serial`` counts the journals that changed something; ``journal`` is the
    id of the journal replayed last. Records are sorted by key, pending intents by key and id.
    """

    format_version: int
    lineage: str
    serial: int
    target: TargetIdentity | None
    records: tuple[Record, ...] = ()
    intents: tuple[Intent, ...] = ()
    journal: str = ""
    by_key: Mapping[Key, Record] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        records = tuple(sorted(self.records, key=lambda record: record.key))
        intents = tuple(sorted(self.intents, key=lambda intent: (intent.key, intent.intent_id)))
        object.__setattr__(self, "records", records)
        object.__setattr__(self, "intents", intents)
        object.__setattr__(self, "by_key", {record.key: record for record in records})

    @classmethod
    def empty(cls, lineage: str, target: TargetIdentity | None = None) -> State:
        """Return a state without records. The caller makes ``lineage``."""
        return cls(FORMAT_VERSION, lineage, 0, target)

    @property
    def is_new(self) -> bool:
        """True if nothing was ever recorded, not even an intent."""
        return not (self.serial or self.records or self.intents)

    def record(self, key: Key) -> Record | None:
        """Return the record of a key, if there is one, in constant time."""
        return self.by_key.get(key)


@dataclass(frozen=True, slots=True)
class StateEntry:
    """The state of one key: a record, pending intents, or both."""

    key: Key
    record: Record | None
    intents: tuple[Intent, ...]


def entries_of(state: State) -> tuple[StateEntry, ...]:
    """Return the entries of all keys, sorted by key."""
    keys = sorted({*state.by_key, *(intent.key for intent in state.intents)})
    return tuple(_entry(state, key) for key in keys)


def entry_of(state: State, key: Key) -> StateEntry:
    """Return the entry of a key. Raise ``UsageError`` if there is none."""
    entry = _entry(state, key)
    if entry.record is None and not entry.intents:
        raise _not_recorded(key)
    return entry


def record_of(state: State, key: Key) -> Record:
    """Return the record of a key. Raise ``UsageError`` if there is none."""
    record = state.record(key)
    if record is None:
        raise _not_recorded(key)
    return record


def _entry(state: State, key: Key) -> StateEntry:
    return StateEntry(key, state.record(key), tuple(intent for intent in state.intents if intent.key == key))


def _not_recorded(key: Key) -> UsageError:
    return UsageError(f"nothing is recorded under {key}", "run `provisioner state list`")
