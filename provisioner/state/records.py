"""What is remembered, as values. ``codec.py`` has their JSON forms, ``folding.py`` what entries do to a state.

The state file is one ``State``; the journal is a sequence of ``JournalEntry``.

A state by key: records, and the calls of which nobody knows yet what became. Pure.
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
"""The format of the state file that this version writes."""

CallKind: TypeAlias = Literal["create", "patch", "delete", "probe"]
CallVerdict: TypeAlias = Literal["done", "failed"]


@dataclass(frozen=True, slots=True)
class SecretRecord:
    """A sensitive leaf: its dotted path, where it came from (``env(NAME)``), and what is kept of the value."""

    path: str
    origin: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Record:
    """One base connection as we last knew it.

    ``id`` is "" only inside an intent to create. ``texts`` have what anybody may read by its dotted path, such as
    ``auth.params.server``; texts and secrets are kept sorted by path, and no path occurs twice. ``salt`` is
    hexadecimal, made once per record; every fingerprint of the record uses it. ``untested``: a test of these
    credentials was asked for and has not passed.
    """

    key: Key
    id: str
    etag: str | None
    texts: Mapping[str, str]
    secrets: tuple[SecretRecord, ...]
    salt: str
    untested: bool = False

    def __post_init__(self) -> None:
        in_order = sorted(self.texts)
        if in_order != list(self.texts):
            object.__setattr__(self, "texts", {path: self.texts[path] for path in in_order})
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
        """The sensitive leaves by path."""
        return {secret.path: secret for secret in self.secrets}


@dataclass(frozen=True, slots=True)
class Intent:
    """Written before a call.

    ``id`` and ``etag`` are what the call is sent with (None for a create). ``sent_at`` is ISO 8601 UTC by the service's
    clock. ``seen`` are the ids that the service showed before, as ``PriorIds`` says it for all calls of a run.
    ``record`` is the record as it shall be once the call succeeded, its key being this one's; None where nothing is to
    be recorded. A ``probe`` stands for all calls about a throwaway object that is called ``name``, and is settled when
    that is gone.
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
    """What became of an intent; one without it stands: its outcome is unknown.

    ``failed``: certainly without effect. ``id`` and ``etag`` are what the service returned.
    """

    intent_id: str
    verdict: CallVerdict
    id: str | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record taken up without a call: an import, a record brought up to date, or a move to another key."""

    record: Record

    def __post_init__(self) -> None:
        if not self.record.id:
            raise ValueError(f"record {self.record.key}: adopted without an id")


@dataclass(frozen=True, slots=True)
class Removed:
    """A record given up without a call. Not an error where there is none."""

    key: Key


@dataclass(frozen=True, slots=True)
class PriorIds:
    """The ids that the service showed before the calls that follow: none of them is the result of one."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The first entry of a journal: its own random id, and the state it stands on."""

    journal: str
    lineage: str
    serial: int
    target: TargetIdentity | None


JournalEntry: TypeAlias = Header | PriorIds | Intent | Completed | Recorded | Removed
"""One thing that a journal says."""


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered of one target.

    ``lineage`` is random and never changes; ``serial`` counts the folds that changed something; ``journal`` is the id
    of the journal folded last. Records are kept sorted by key, intents (those that stand) by key and id.
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
        """Nothing remembered yet; ``lineage`` is made by the caller."""
        return cls(FORMAT_VERSION, lineage, 0, target)

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever done, not even begun."""
        return not (self.serial or self.records or self.intents)

    def record(self, key: Key) -> Record | None:
        """The record of that key, if there is one. Does not depend on the number of records."""
        return self.by_key.get(key)


@dataclass(frozen=True, slots=True)
class StateEntry:
    """What is remembered under one key: a record, intents that stand, or both."""

    key: Key
    record: Record | None
    intents: tuple[Intent, ...]


def entries_of(state: State) -> tuple[StateEntry, ...]:
    """All that is remembered, by key."""
    return tuple(_under(state, key) for key in sorted({*state.by_key, *(intent.key for intent in state.intents)}))


def entry_of(state: State, key: Key) -> StateEntry:
    """What is remembered under that key. Raises ``UsageError`` where that is nothing."""
    found = _under(state, key)
    if found.record is None and not found.intents:
        raise _nothing(key)
    return found


def record_of(state: State, key: Key) -> Record:
    """The record of that key. Raises ``UsageError`` where there is none."""
    record = state.record(key)
    if record is None:
        raise _nothing(key)
    return record


def _nothing(key: Key) -> UsageError:
    return UsageError(f"nothing is recorded under {key}", "provisioner state list")


def _under(state: State, key: Key) -> StateEntry:
    return StateEntry(key, state.record(key), tuple(one for one in state.intents if one.key == key))
