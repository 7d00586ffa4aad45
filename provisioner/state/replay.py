"""Replay of journal entries: their effect on a state. Pure.

prior ids                 the ids seen before each following intent that brings none of its own
intent                    pending, until it is settled
settled done, create      the record, with the id and etag that the service returned
settled done, patch       the record as intended, id kept, etag as returned
settled done, delete      no record
settled failed            the intent is dropped
recorded, removed         the record is there, or is not
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from provisioner.errors import StateError
from provisioner.model import Key
from provisioner.state.records import (
    Completed,
    Header,
    Intent,
    JournalEntry,
    PriorIds,
    Record,
    Recorded,
    Removed,
    State,
)


def replay(state: State, entries: Iterable[JournalEntry]) -> State:
    """Return the state after the entries, in their order; ``serial`` is one higher if anything changed.

    Entries that begin with a ``Header`` are a journal. Replaying it again has no effect, since a crash may come after
    the state was written and before the journal was removed. Raise ``StateError`` if it continues another state.
    """
    entries = tuple(entries)
    header = entries[0] if entries and isinstance(entries[0], Header) else None
    if header is not None:
        if is_replayed(state, header):
            return state
        if (header.lineage, header.serial) != (state.lineage, state.serial):
            raise StateError(
                f"the journal continues serial {header.serial} of lineage {header.lineage}, "
                f"but the state is serial {state.serial} of lineage {state.lineage}",
                "put back the state that the journal belongs to (version control, or the backup beside it), "
                "or merge both: provisioner state rebuild",
            )
    tables = _Tables(
        dict(state.by_key),
        {record.id: record.key for record in state.records},
        {intent.intent_id: intent for intent in state.intents},
    )
    for entry in entries:
        tables.apply(entry)
    replayed = replace(state, records=tuple(tables.records.values()), intents=tuple(tables.intents.values()))
    if replayed == state:
        return state
    return replace(replayed, serial=state.serial + 1, journal=header.journal if header else state.journal)


def is_replayed(state: State, header: Header) -> bool:
    """Return whether the state already includes the journal with this header."""
    return (header.lineage, header.journal) == (state.lineage, state.journal)


@dataclass(slots=True)
class _Tables:
    """The parts of a state as mutable tables."""

    records: dict[Key, Record]
    keys: dict[str, Key]  # by id
    intents: dict[str, Intent]
    seen: tuple[str, ...] = ()

    def apply(self, entry: JournalEntry) -> None:
        match entry:
            case PriorIds(ids):
                self.seen = ids
            case Intent():
                self.intents[entry.intent_id] = replace(entry, seen=entry.seen or self.seen)
            case Completed():
                self.settle(entry)
            case Recorded(record):
                self.put(record)
            case Removed(key):
                self.drop(key)
            case Header():
                pass

    def settle(self, outcome: Completed) -> None:
        intent = self.intents.get(outcome.intent_id)
        if intent is None:
            return
        if outcome.verdict == "done" and intent.step == "delete":
            # A record of another id is not the object that was deleted: the key has been created anew since.
            if intent.key in self.records and intent.id in (None, self.records[intent.key].id):
                self.drop(intent.key)
        elif outcome.verdict == "done" and intent.record is not None:
            ident = intent.id or outcome.id or intent.record.id
            if not ident:
                return  # the outcome does not say which object it is about, so the intent stays pending
            self.put(replace(intent.record, id=ident, etag=outcome.etag))
        del self.intents[intent.intent_id]

    def put(self, record: Record) -> None:
        # An object has one key: a record that comes under another key has moved there.
        self.drop(self.keys.get(record.id, record.key))
        self.drop(record.key)
        self.records[record.key] = record
        self.keys[record.id] = record.key

    def drop(self, key: Key) -> None:
        if (record := self.records.pop(key, None)) is not None:
            del self.keys[record.id]
