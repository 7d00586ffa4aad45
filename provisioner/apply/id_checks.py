"""The ids that a run knows, so that an answer with an id of something else is not believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from provisioner.apply.outcome import Outcome
from provisioner.planning.observed import Observation
from provisioner.planning.ownership import DELETE_OR_RENAME
from provisioner.state.records import Intent, Record, State
from provisioner.text import fold

YOUNG = timedelta(hours=1)
"""What is older than this, by the service's clocks, is not taken for the result of a call that was just sent."""


class KnownIds:
    """Ids of records, of open calls, of what the service lists, and of what this run has made. For any number of
    threads."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = set(ids)
        self._lock = Lock()

    def add(self, ids: Iterable[str]) -> None:
        """Take up ids that are there."""
        with self._lock:
            self._ids.update(ids)

    def reserve(self, ident: str) -> bool:
        """Take up an id that an answer says is new. Return whether it was not known before."""
        with self._lock:
            is_new = ident not in self._ids
            self._ids.add(ident)
            return is_new


def known_ids(state: State, observation: Observation) -> frozenset[str]:
    """Return every id that is known before a call."""
    intents = (ident for one in state.intents for ident in (one.id, *one.seen) if ident)
    return frozenset((*(record.id for record in state.records), *intents, *observation.by_id))


def young_ids(observation: Observation, now: datetime) -> tuple[str, ...]:
    """Return the ids of what is there and young, or of unknown age: none of it is the result of a call made now."""
    earliest = (now - YOUNG).timestamp() * 1000
    return tuple(one.id for one in observation.by_id.values() if not one.created_at or one.created_at >= earliest)


def not_ours(record: Record, observation: Observation) -> str:
    """Return why the object of a record that was just made is not what was asked for; "" where nothing says so."""
    observed = observation.by_id.get(record.id)
    if observed is None:
        return "is not there" if observation.is_gone(record.id) else ""
    same_spec = observed.as_dict.get("connectionSpec.id", "") in ("", record.texts.get("connectionSpec.id"))
    is_ours = same_spec and fold(observed.name) == fold(record.texts.get("name", ""))
    return "" if is_ours else f"is that of {observed.name}"


def create_of(record: Record, intent_id: str, sent_at: str) -> Intent:
    """Return the open call whose result a record says that it is."""
    texts, intended = record.texts, replace(record, id="", etag=None)
    spec_id, name = texts.get("connectionSpec.id", ""), texts.get("name", "")
    return Intent(intent_id, record.key, "create", name, spec_id, None, None, sent_at, (), intended)


def creation_notes(created: Mapping[str, Outcome], observation: Observation, managed: frozenset[str]) -> Iterator[str]:
    """Yield what a list after creates says: what it does not show yet, and further objects of the same name."""
    for ident, outcome in created.items():
        if ident in observation.unlisted and not observation.is_gone(ident):
            yield f"{outcome.change.key}: {ident} is created, and not listed yet"
        if others := observation.unrecorded(outcome.change.name, managed, ident):
            same = f"of the same name as {ident} and in no record: {', '.join(others)}"
            yield f"{outcome.change.key}: {same}; {DELETE_OR_RENAME}"
