"""Whose a base connection is, by its id and its folded name: what a plan must not confuse, and what it tells. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioner.definitions.desired import Desired
from provisioner.model import Key
from provisioner.names import fold, instability
from provisioner.planning.observed import Observation, Observed
from provisioner.planning.plan import Undecided
from provisioner.state.records import Record, State

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Ownership:
    """``declared`` and ``recorded`` have the keys of definitions and of records by their folded name, ``intended`` the
    key of an open create; ``ids`` are those of records, ``keys`` those of
    definitions, ``open`` those of open calls, ``known`` all that the state has."""

    declared: Mapping[str, frozenset[Key]]
    recorded: Mapping[str, frozenset[Key]]
    intended: Mapping[str, Key]
    ids: frozenset[str]
    keys: frozenset[Key]
    open: frozenset[Key]
    known: frozenset[Key]

    def former_owner(self, desired: Desired) -> tuple[Key, str] | None:
        """Return the key of a record without a definition, or of an open create, that has the name of a definition, and
        what to do about it; None where there is none."""
        name = fold(desired.name)
        for key in sorted(self.recorded.get(name, frozenset()) - self.keys):
            return key, (
                f"`movedFrom: {key}` in this file keeps its base connection; if it is a new one, give it another name"
            )
        key = self.intended.get(name, desired.key)
        return None if key == desired.key else (key, "run apply once more when it is known what became of that create")

    def held_move(self, desired: Desired) -> Key:
        """Return the key that a definition says it had before, where its record waits there for an open call."""
        old = desired.moved_from
        return old if old in self.known and {old, desired.key} & self.open else ""

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

    def doubt(self, record: Record, observation: Observation | None, new_name: str = "") -> Undecided | None:
        """Return why nobody can tell whether the object of a record is there, or is the one that is meant; or why it
        cannot get the name that its definition has."""
        if observation is None:
            return None
        if words := observation.unclear.get(record.id):
            return Undecided(f"{record.id} {words}", f"if it is gone: `state rm {record.key}`")
        observed = observation.by_id.get(record.id)
        if observed is None:
            return None
        if others := self._others(record, observed):
            return Undecided(
                f"{record.id} carries the name of {others[0]}: it may not be the base connection that is meant",
                f"look at it in Experience Platform; if it is not, `state rm {record.key}`, then plan again",
            )
        return (
            self._taken(record, new_name, observation)
            if fold(observed.name) != fold(new_name or observed.name)
            else None
        )

    def _taken(self, record: Record, name: str, observation: Observation) -> Undecided | None:
        """Return why a rename would make a second base connection of a name."""
        others = [one.id for one in observation.named(name) if one.id != record.id and one.id not in self.ids]
        if others:
            return Undecided(
                f"its new name exists already: {', '.join(others)}",
                "delete that one in Experience Platform, or give this definition another name",
            )
        for key in sorted(self.recorded.get(fold(name), frozenset()) - self.keys - {record.key}):
            return Undecided(
                f"its new name is that of {key}, which has no definition any more",
                f"let {key} be deleted first (`--allow-delete`), or give this definition another name",
            )
        key = self.intended.get(fold(name), record.key)
        if key == record.key:
            return None
        return Undecided(
            f"its new name is that of {key}, whose create is open",
            "run apply once more when it is known what became of that create",
        )

    def _others(self, record: Record, observed: Observed) -> list[Key]:
        """Return the keys of definitions and records that an object is named after, and none where it carries the name
        of its own."""
        name = fold(observed.name)
        owners = self.declared.get(name, frozenset()) | self.recorded.get(name, frozenset())
        return [] if record.key in owners else sorted(owners)

    def twins(self, record: Record, observation: Observation) -> Iterator[str]:
        """Yield what is to be said of further objects of the same name."""
        named = observation.named(observation.by_id[record.id].name)
        if others := [one.id for one in named if one.id != record.id and one.id not in self.ids]:
            yield (
                f"in no record, and of the same name: {', '.join(others)}; "
                "delete it in Experience Platform, or give it another name"
            )

    def strays(self, observation: Observation | None, client: str) -> Iterator[str]:
        """Yield what is to be said of objects that our own client made and nothing knows."""
        known = {*self.declared, *self.recorded, *self.intended}
        strays = [
            one
            for one in (observation.by_id.values() if observation and client else ())
            if one.created_client == client and one.id not in self.ids and fold(one.name) not in known
        ]
        if strays:
            named = ", ".join(f"{one.name} ({one.id})" for one in strays[:_MOST_NAMED])
            more = f" and {len(strays) - _MOST_NAMED:,} more" if len(strays) > _MOST_NAMED else ""
            yield (
                f"created by our own client, and in no record or definition: {named}{more}; "
                "`import` takes it under management; or delete it in Experience Platform"
            )


def ownership(desired: Iterable[Desired], state: State) -> Ownership:
    """Return who owns what, of definitions and a state."""
    declared, recorded = defaultdict[str, set[Key]](set), defaultdict[str, set[Key]](set)
    wanted = tuple(desired)
    for one in wanted:
        declared[fold(one.name)].add(one.key)
    for record in state.records:
        recorded[fold(record.texts.get("name", ""))].add(record.key)
    return Ownership(
        {name: frozenset(keys) for name, keys in declared.items()},
        {name: frozenset(keys) for name, keys in recorded.items()},
        {fold(intent.name): intent.key for intent in state.intents if intent.step in ("create", "probe")},
        frozenset(record.id for record in state.records),
        frozenset(one.key for one in wanted),
        frozenset(intent.key for intent in state.intents),
        frozenset((*state.by_key, *(intent.key for intent in state.intents))),
    )


NOBODY = ownership((), State.empty(""))
