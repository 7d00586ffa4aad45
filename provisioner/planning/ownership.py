"""Owners of names and ids: which definition, record or open call a base connection belongs to. Pure.

The planner asks here before it creates, renames, adopts or deletes, because the service identifies a base connection by
its id while people identify it by its name, and names are not unique. Names are compared folded (``text.fold_name``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioner.definitions.desired import Desired
from provisioner.model import Key
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Undecided
from provisioner.state.records import Record, State
from provisioner.text import fold_name, instability, listed

DELETE_OR_RENAME = "delete it in Experience Platform, or give it another name"
"""The remedy for a second base connection of the same name."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """The owner of each name and id.

    By folded name: ``declared`` has the keys of definitions, ``recorded`` those of records, ``created`` the key of an
    open create or probe, ``orphaned`` the key of a record without a definition, under every name that its base
    connection may have. ``successors`` maps the key of such a record to a definition without a record that has one of
    its names. ``ids`` are the ids of records; ``record_keys`` and ``open_keys`` are the keys of records and open calls.
    """

    declared: Mapping[str, frozenset[Key]]
    recorded: Mapping[str, frozenset[Key]]
    created: Mapping[str, Key]
    orphaned: Mapping[str, Key]
    successors: Mapping[Key, Key]
    ids: frozenset[str]
    record_keys: frozenset[Key]
    open_keys: frozenset[Key]

    def former_owner(self, desired: Desired) -> Undecided | None:
        """Return the reason not to create a base connection whose name a record without a definition has, or an open
        create."""
        name = fold_name(desired.name)
        if old := self.orphaned.get(name):
            return Undecided(
                f"has the same name as {old}, which has no definition any longer: this looks like a rename",
                f"add `movedFrom: {old}` to this file to keep the base connection; "
                "if this is a new one, give it another name",
            )
        key = self.created.get(name, desired.key)
        if key == desired.key:
            return None
        return Undecided(
            f"has the same name as {key}, whose create has no known outcome: this looks like a rename",
            "run apply again once the outcome of that create is known",
        )

    def held_move(self, desired: Desired) -> Key:
        """Return the ``movedFrom`` key of a definition if an open call prevents the move, "" otherwise."""
        old = desired.moved_from
        exists = old in self.record_keys or old in self.open_keys
        return old if exists and {old, desired.key} & self.open_keys else ""

    def suspected_rename(self, record: Record, observation: Observation | None) -> Undecided | None:
        """Return the reason not to delete for a record whose name is that of a definition without a record.

        This is the picture after the file of a definition was renamed.
        """
        successor = self.successors.get(record.key)
        if successor is None or (observation is not None and observation.is_gone(record.id)):
            return None
        return Undecided(
            f"has the same name as {successor}, which has no record: this looks like a rename",
            f"add `movedFrom: {record.key}` to the file of {successor} to keep the base connection; "
            f"if {successor} is a new base connection, give it another name",
        )

    def ambiguous_name(self, desired: Desired) -> Undecided | None:
        """Return the reason not to create a base connection that could not be identified by its name afterwards."""
        if reason := instability(desired.name):
            remedy = "give it a name that can only be written in one way; `validate` says which"
            return Undecided(f"its name {reason}, so that it may come back as another one", remedy)
        others = self.declared.get(fold_name(desired.name), frozenset()) - {desired.key}
        if others:
            return Undecided(f"its name reads like that of {min(others)}", "give one of them another name")
        return None

    def doubtful_identity(self, record: Record, observation: Observation | None) -> Undecided | None:
        """Return the reason why the id of a record may not exist, or may not be the intended base connection."""
        if observation is None:
            return None
        if answer := observation.unclear.get(record.id):
            return Undecided(f"{record.id} {answer}", f"if it is gone: `state rm {record.key}`")
        observed = observation.by_id.get(record.id)
        if observed is None:
            return None
        name = fold_name(observed.name)
        owners = self.declared.get(name, frozenset()) | self.recorded.get(name, frozenset())
        namesakes = observation.unrecorded(record.texts.get("name", ""), self.ids)
        if record.key in owners or not (owners or namesakes):
            return None
        if owners:
            reason, remedy = f"carries the name of {min(owners)}", "plan again"
        else:
            reason = f"is called {observed.name} now, and {', '.join(namesakes)} has the name that it had"
            remedy = f"`import {record.key} ID` with the intended one"
        return Undecided(
            f"{record.id} {reason}: it may not be the intended base connection",
            f"look at it in Experience Platform; if it is not, `state rm {record.key}`, then {remedy}",
        )

    def name_conflict(self, desired: Desired, record: Record, observation: Observation | None) -> Undecided | None:
        """Return the reason not to rename a base connection to a name that another one has, or may have."""
        observed = observation.by_id.get(record.id) if observation else None
        name = fold_name(desired.name)
        if fold_name(observed.name if observed else record.texts.get("name", "")) == name:
            return None
        if others := observation.unrecorded(name, self.ids) if observation else []:
            reason, remedy = f"already exists: {', '.join(others)}", "delete that one in Experience Platform"
        elif orphan := self.orphaned.get(name):
            reason = f"is that of {orphan}, which has no definition any more"
            remedy = f"delete that first, with `--allow-delete --select {orphan}`"
        elif (key := self.created.get(name, record.key)) != record.key:
            reason, remedy = f"is that of {key}, whose create is open", "run apply again once its outcome is known"
        else:
            return None
        return Undecided(f"its new name {reason}", f"{remedy}, or give this definition another name")

    def namesake_notes(self, record: Record, observation: Observation) -> Iterator[str]:
        """Yield a note about unmanaged base connections with the name of a managed one."""
        if others := observation.unrecorded(observation.by_id[record.id].name, self.ids, record.id):
            yield f"in no record, and of the same name: {', '.join(others)}; {DELETE_OR_RENAME}"

    def stray_notes(self, observation: Observation | None, client: str) -> Iterator[str]:
        """Yield a note about base connections of our own client (assumed: created-client) that belong to no record,
        definition or call."""
        names = {*self.declared, *self.recorded, *self.created}
        strays = [
            observed
            for observed in (observation.by_id.values() if observation and client else ())
            if observed.created_client == client
            and observed.id not in self.ids
            and fold_name(observed.name) not in names
        ]
        if strays:
            yield (
                "created with your AEP_API_KEY, and in no record or definition: "
                f"{listed(strays, shown=lambda stray: f'{stray.name} ({stray.id})')}; "
                "`import` takes it under management; or delete it in Experience Platform"
            )


def ownership(desired: Iterable[Desired], state: State, observation: Observation | None = None) -> Ownership:
    """Return the owners of all names and ids. Without an observation, renames outside are unknown."""
    definitions = tuple(desired)
    declared, recorded = defaultdict[str, set[Key]](set), defaultdict[str, set[Key]](set)
    for definition in definitions:
        declared[fold_name(definition.name)].add(definition.key)
    for record in state.records:
        recorded[fold_name(record.texts.get("name", ""))].add(record.key)
    orphaned = _orphaned(state, frozenset(definition.key for definition in definitions), observation)
    return Ownership(
        declared={name: frozenset(keys) for name, keys in declared.items()},
        recorded={name: frozenset(keys) for name, keys in recorded.items()},
        created={fold_name(intent.name): intent.key for intent in state.intents if intent.step in ("create", "probe")},
        orphaned=orphaned,
        successors={
            orphaned[name]: definition.key
            for definition in definitions
            if definition.key not in state.by_key and (name := fold_name(definition.name)) in orphaned
        },
        ids=frozenset(record.id for record in state.records),
        record_keys=frozenset(state.by_key),
        open_keys=frozenset(intent.key for intent in state.intents),
    )


def _orphaned(state: State, declared: frozenset[Key], observation: Observation | None) -> dict[str, Key]:
    """Return the keys of records without a definition by each possible name.

    These are the recorded name, the observed name, and the name that an open change gives it; the first record wins.
    """
    orphans = [record for record in state.records if record.key not in declared]
    names = [(record.key, record.texts.get("name", "")) for record in orphans]
    if observation is not None:
        names += [(record.key, observed.name) for record in orphans if (observed := observation.by_id.get(record.id))]
    for intent in state.intents:
        if intent.step == "patch" and intent.record and intent.key not in declared:
            names.append((intent.key, intent.record.texts.get("name", "")))
    return {fold_name(name): key for key, name in reversed(names)}


NO_OWNERS = ownership((), State.empty(""))
