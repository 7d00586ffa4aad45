"""A state by key: records, and the calls of which nobody knows yet what became. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.errors import UsageError
from provisioner.model import Key
from provisioner.state.records import Intent, Record, State


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered under one key: a record, intents that stand, or both."""

    key: Key
    record: Record | None
    intents: tuple[Intent, ...]


def all_of(state: State) -> tuple[Remembered, ...]:
    """All that is remembered, by key."""
    return tuple(_under(state, key) for key in sorted({*state.by_key, *(intent.key for intent in state.intents)}))


def one_of(state: State, key: Key) -> Remembered:
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


def _under(state: State, key: Key) -> Remembered:
    return Remembered(key, state.record(key), tuple(one for one in state.intents if one.key == key))
