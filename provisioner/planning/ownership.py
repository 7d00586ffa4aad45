"""Whose a base connection is, by its id and its folded name: what a plan must not confuse, and what it tells. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioner.definitions.desired import Desired
from provisioner.model import Key
from provisioner.planning.impact import listed
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Undecided
from provisioner.state.records import Record, State
from provisioner.text import fold, instability

DELETE_OR_RENAME = "delete it in Experience Platform, or give it another name"
"""What to do about a further object of the same name."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """``declared`` and ``recorded`` have the keys of definitions and of records by their folded name, ``intended`` the
    key of an open create; ``left`` has the key of a record without a definition by each name that its base connection
    may have, and ``heirs`` the key of a definition without a record that has such a name, by that key. ``ids`` are
    those of records, ``kept`` the keys of records, ``open`` those of open calls."""

    declared: Mapping[str, frozenset[Key]]
    recorded: Mapping[str, frozenset[Key]]
    intended: Mapping[str, Key]
    left: Mapping[str, Key]
    heirs: Mapping[Key, Key]
    ids: frozenset[str]
    kept: frozenset[Key]
    open: frozenset[Key]

    def former_owner(self, desired: Desired) -> tuple[Key, str] | None:
        """Return the key of a record without a definition, or of an open create, that has the name of a definition, and
        what to do about it; None where there is none."""
        name = fold(desired.name)
        if old := self.left.get(name):
            return old, (
                f"`movedFrom: {old}` in this file keeps its base connection; if it is a new one, give it another name"
            )
        key = self.intended.get(name, desired.key)
        return None if key == desired.key else (key, "run apply once more when it is known what became of that create")

    def held_move(self, desired: Desired) -> Key:
        """Return the key that a definition says it had before, where its record waits there for an open call."""
        old = desired.moved_from
        is_there = old in self.kept or old in self.open
        return old if is_there and {old, desired.key} & self.open else ""

    def renamed(self, record: Record, observation: Observation | None) -> Undecided | None:
        """Return why a record without a definition keeps its base connection: a definition that has no record has its
        name, as after its file was renamed. None where there is none, or the base connection is gone."""
        successor = self.heirs.get(record.key)
        if successor is None or (observation is not None and observation.is_gone(record.id)):
            return None
        return Undecided(
            f"its name is that of {successor}, which has no record: this looks like a rename",
            f"`movedFrom: {record.key}` in the file of {successor} keeps it; or give {successor} another name",
        )

    def name_doubt(self, desired: Desired) -> Undecided | None:
        """Return why a create by a name could not be found out about: it may come back as another one, or reads like
        that of another definition."""
        if why := instability(desired.name):
            remedy = "give it a name that can only be written in one way; `validate` says which"
            return Undecided(f"its name {why}, so that it may come back as another one", remedy)
        others = self.declared.get(fold(desired.name), frozenset()) - {desired.key}
        if others:
            return Undecided(f"its name reads like that of {min(others)}", "give one of them another name")
        return None

    def doubt(self, record: Record, observation: Observation | None) -> Undecided | None:
        """Return why nobody can tell whether the object of a record is there, or is the one that is meant."""
        if observation is None:
            return None
        if words := observation.unclear.get(record.id):
            return Undecided(f"{record.id} {words}", f"if it is gone: `state rm {record.key}`")
        observed = observation.by_id.get(record.id)
        if observed is None:
            return None
        namesakes = self._named(observed.name)
        own = observation.unrecorded(record.texts.get("name", ""), self.ids)
        if record.key in namesakes or not (namesakes or own):
            return None
        if namesakes:
            reason, remedy = f"carries the name of {min(namesakes)}", "plan again"
        else:
            reason = f"is called {observed.name} now, and {', '.join(own)} has the name that it had"
            remedy = f"`import {record.key} ID` with the one that is meant"
        return Undecided(
            f"{record.id} {reason}: it may not be the base connection that is meant",
            f"look at it in Experience Platform; if it is not, `state rm {record.key}`, then {remedy}",
        )

    def taken(self, desired: Desired, record: Record, observation: Observation | None) -> Undecided | None:
        """Return why a rename would make a second base connection of a name."""
        observed = observation.by_id.get(record.id) if observation else None
        name = fold(desired.name)
        if fold(observed.name if observed else record.texts.get("name", "")) == name:
            return None
        if others := observation.unrecorded(name, self.ids) if observation else []:
            reason, remedy = f"exists already: {', '.join(others)}", "delete that one in Experience Platform"
        elif former := self.left.get(name):
            reason = f"is that of {former}, which has no definition any more"
            remedy = f"delete that first, with `--allow-delete --select {former}`"
        elif (key := self.intended.get(name, record.key)) != record.key:
            reason, remedy = f"is that of {key}, whose create is open", "run apply once more when its outcome is known"
        else:
            return None
        return Undecided(f"its new name {reason}", f"{remedy}, or give this definition another name")

    def _named(self, name: str) -> frozenset[Key]:
        """Return the keys of definitions and records of a name."""
        folded = fold(name)
        return self.declared.get(folded, frozenset()) | self.recorded.get(folded, frozenset())

    def twins(self, record: Record, observation: Observation) -> Iterator[str]:
        """Yield what is to be said of further objects of the same name."""
        if others := observation.unrecorded(observation.by_id[record.id].name, self.ids, record.id):
            yield f"in no record, and of the same name: {', '.join(others)}; {DELETE_OR_RENAME}"

    def strays(self, observation: Observation | None, client: str) -> Iterator[str]:
        """Yield what is to be said of objects that our own client made and nothing knows."""
        known = {*self.declared, *self.recorded, *self.intended}
        strays = [
            one
            for one in (observation.by_id.values() if observation and client else ())
            if one.created_client == client and one.id not in self.ids and fold(one.name) not in known
        ]
        if strays:
            named = listed(strays, shown=lambda one: f"{one.name} ({one.id})")
            yield (
                f"created by our own client, and in no record or definition: {named}; "
                "`import` takes it under management; or delete it in Experience Platform"
            )


def ownership(desired: Iterable[Desired], state: State, observation: Observation | None = None) -> Ownership:
    """Return who owns what, of definitions, a state and what the service shows."""
    declared, recorded = defaultdict[str, set[Key]](set), defaultdict[str, set[Key]](set)
    wanted = tuple(desired)
    for one in wanted:
        declared[fold(one.name)].add(one.key)
    for record in state.records:
        recorded[fold(record.texts.get("name", ""))].add(record.key)
    left = _left(state, frozenset(one.key for one in wanted), observation)
    heirs = {left[fold(one.name)]: one.key for one in wanted if one.key not in state.by_key and fold(one.name) in left}
    return Ownership(
        {name: frozenset(keys) for name, keys in declared.items()},
        {name: frozenset(keys) for name, keys in recorded.items()},
        {fold(intent.name): intent.key for intent in state.intents if intent.step in ("create", "probe")},
        left,
        heirs,
        frozenset(record.id for record in state.records),
        frozenset(state.by_key),
        frozenset(intent.key for intent in state.intents),
    )


def _left(state: State, declared: frozenset[Key], observation: Observation | None) -> dict[str, Key]:
    """Return the keys of records without a definition by each name: the recorded one, the one that is shown, and the
    one that an open change gives it."""
    named = [(record.key, record.texts.get("name", "")) for record in state.records if record.key not in declared]
    if observation is not None:
        shown = ((key, observation.by_id.get(state.by_key[key].id)) for key, _ in tuple(named))
        named += [(key, observed.name) for key, observed in shown if observed is not None]
    changed = ((intent.key, intent.record) for intent in state.intents if intent.step == "patch")
    named += [(key, record.texts.get("name", "")) for key, record in changed if record and key not in declared]
    return {fold(name): key for key, name in reversed(named)}


NOBODY = ownership((), State.empty(""))
