"""What entries do to a state. Pure.

prior ids                 those seen by the intents that follow and bring none of their own
intent                    stands, until it is settled
settled done, create      the record, with the id and etag that the service returned
settled done, patch       the record as intended, id kept, etag as returned
settled done, delete      no record
settled failed            the intent is dropped
adopted, forgotten        the record is there, or is not
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
    """The state once the entries have happened, in their order; ``serial`` is one higher if anything changed.

    Entries that begin with ``Header`` are a journal, and folding it again does nothing: a crash may come after the
    state was written and before the journal was removed. Raises ``StateError`` where it stands on another state.
    """
    entries = tuple(entries)
    opened = entries[0] if entries and isinstance(entries[0], Header) else None
    if opened is not None and contains(state, opened):
        return state
    if opened is not None:
        _check_stands_on(state, opened)
    folded = _folded(state, entries)
    if folded == state:
        return state
    return replace(folded, serial=state.serial + 1, journal=opened.journal if opened else state.journal)


def contains(state: State, opened: Header) -> bool:
    """Whether the journal that begins so was folded into this state already."""
    return (opened.lineage, opened.journal) == (state.lineage, state.journal)


def _check_stands_on(state: State, opened: Header) -> None:
    if (opened.lineage, opened.serial) != (state.lineage, state.serial):
        raise StateError(
            f"the journal continues serial {opened.serial} of lineage {opened.lineage}, "
            f"but the state is serial {state.serial} of lineage {state.lineage}",
            "put back the state that the journal belongs to (version control, or the backup beside it), "
            "or make one of both: provisioner state rebuild",
        )


def _folded(state: State, entries: tuple[JournalEntry, ...]) -> State:
    tables = _Tables(
        dict(state.by_key),
        {record.id: record.key for record in state.records},
        {intent.intent_id: intent for intent in state.intents},
    )
    for entry in entries:
        tables.apply(entry)
    return replace(state, records=tuple(tables.records.values()), intents=tuple(tables.intents.values()))


@dataclass(slots=True)
class _Tables:
    """A state taken apart, to be changed entry by entry."""

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

    def settle(self, settled: Completed) -> None:
        intent = self.intents.get(settled.intent_id)
        if intent is None or (settled.verdict == "done" and not self.take_effect(intent, settled)):
            return
        del self.intents[intent.intent_id]

    def take_effect(self, intent: Intent, settled: Completed) -> bool:
        """False where the outcome does not say which object it is about: the intent must stand."""
        if intent.step == "delete":
            # A record of another id is not the object that was deleted: the key has been created anew since.
            if intent.key in self.records and intent.id in (None, self.records[intent.key].id):
                self.drop(intent.key)
        elif intent.record is not None:
            ident = intent.id or settled.id or intent.record.id
            if not ident:
                return False
            self.put(replace(intent.record, id=ident, etag=settled.etag))
        return True

    def put(self, record: Record) -> None:
        # An object has one key: a record that comes under another key has moved there.
        self.drop(self.keys.get(record.id, record.key))
        self.drop(record.key)
        self.records[record.key] = record
        self.keys[record.id] = record.key

    def drop(self, key: Key) -> None:
        if (record := self.records.pop(key, None)) is not None:
            del self.keys[record.id]
