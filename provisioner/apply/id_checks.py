"""Checks that an id returned by a create is new, and that it belongs to the base connection that was created."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from provisioner.apply.outcome import Outcome
from provisioner.errors import OutcomeUnknown
from provisioner.planning.observed import Observation
from provisioner.planning.ownership import DELETE_OR_RENAME
from provisioner.service.client import WriteResult
from provisioner.state.records import Intent, Record, State
from provisioner.text import fold_name

LOOK_AGAIN = "run apply again: it looks for what was created"

YOUNG = timedelta(hours=1)
"""A base connection that is older, by the clock of the service, is never the result of a call that was just sent
(assumed: server-clocks)."""


class KnownIds:
    """The ids of records, open calls, listed base connections, and creates of this run. Thread-safe."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = set(ids)
        self._lock = Lock()

    def add(self, ids: Iterable[str]) -> None:
        with self._lock:
            self._ids.update(ids)

    def reserve(self, ident: str) -> bool:
        """Add the id of a new base connection. Return whether it was unknown before."""
        with self._lock:
            is_new = ident not in self._ids
            self._ids.add(ident)
            return is_new


def check_new(ids: KnownIds, created: WriteResult) -> None:
    """Raise ``OutcomeUnknown`` if a create returned the id of another base connection."""
    if not ids.reserve(created.id):
        message = f"the service answered with the id of another base connection, {created.id}"
        raise OutcomeUnknown(message, LOOK_AGAIN, request_id=created.request_id)


def known_ids(state: State, observation: Observation) -> frozenset[str]:
    """Return every id that is known before a call."""
    recorded = (record.id for record in state.records)
    in_intents = (ident for intent in state.intents for ident in (intent.id, *intent.seen) if ident)
    return frozenset((*recorded, *in_intents, *observation.by_id))


def young_ids(observation: Observation, now: datetime) -> tuple[str, ...]:
    """Return the ids of all base connections that are young or of unknown age.

    They exist before the calls that follow, so none is the result of one; older ones are ruled out by their age.
    """
    earliest = (now - YOUNG).timestamp() * 1000
    return tuple(
        observed.id
        for observed in observation.by_id.values()
        if not observed.created_at or observed.created_at >= earliest
    )


def not_ours(record: Record, observation: Observation) -> str:
    """Return the reason why a recorded id is not that of the base connection just created; "" if it may be."""
    observed = observation.by_id.get(record.id)
    if observed is None:
        return "does not exist" if observation.is_gone(record.id) else ""
    same_spec = observed.as_dict.get("connectionSpec.id", "") in ("", record.texts.get("connectionSpec.id"))
    same_name = fold_name(observed.name) == fold_name(record.texts.get("name", ""))
    return "" if same_spec and same_name else f"is that of {observed.name}"


def create_of(record: Record, intent_id: str, sent_at: str) -> Intent:
    """Return an intent for the create whose result the record claims to be."""
    return Intent(
        intent_id=intent_id,
        key=record.key,
        step="create",
        name=record.texts.get("name", ""),
        spec_id=record.texts.get("connectionSpec.id", ""),
        id=None,
        etag=None,
        sent_at=sent_at,
        seen=(),
        record=replace(record, id="", etag=None),
    )


def creation_notes(created: Mapping[str, Outcome], observation: Observation, managed: frozenset[str]) -> Iterator[str]:
    """Yield notes on created base connections that are not listed yet, or have namesakes. ``created`` is by id."""
    for ident, outcome in created.items():
        key = outcome.change.key
        if ident in observation.unlisted and not observation.is_gone(ident):
            yield f"{key}: {ident} is created, and not listed yet"
        if others := observation.unrecorded(outcome.change.name, managed, ident):
            yield f"{key}: of the same name as {ident} and in no record: {', '.join(others)}; {DELETE_OR_RENAME}"
