"""What became of a call whose outcome nobody recorded: intent x what the service shows -> a decision. Pure.

No idempotency key exists and names are not unique, so a lost answer to a create can only be settled by looking for its
result. Two assumptions remain. An object that carries the intent's name and spec, was not there before, appeared no
earlier than the call was sent, looks exactly as declared and was not made by another client is ours. And what no list
shows after a while had no effect (``service/deadlines.py``): only then is a call taken for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from provisioner.model import Key
from provisioner.planning.added_steps import probe_key
from provisioner.planning.observed import Observation, Observed, shown_otherwise
from provisioner.planning.plan import Undecided
from provisioner.state.records import Completed, Intent, Record, Recorded, State
from provisioner.text import fold

CLOCK_SKEW = timedelta(seconds=5)
"""How much earlier than the call its result may seem made: ``Date`` has whole seconds, and servers several clocks."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The call had its effect: this is its result."""

    id: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class NoEffect:
    """The call had no effect: plan anew."""


@dataclass(frozen=True, slots=True)
class SendAgain:
    """A PATCH that may have had its effect: which secret the object has now is not known, so that it is sent again.

    A PATCH is repeatable: the same one again ends in the same object, and goes out with an etag that a new plan sees.
    """

    observed: Observed


@dataclass(frozen=True, slots=True)
class StillThere:
    """The call stands: something is left of a probe. The plan deletes it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Too early to tell: the call may take effect yet, or its effect may not be shown yet.

    ``fenced``: sent again with the etag that is shown, either of the two takes effect and never both, so that one that
    the plan sends again need not be waited for.
    """

    fenced: bool = False


Decision: TypeAlias = Ours | NoEffect | SendAgain | StillThere | Wait | Undecided


@dataclass(frozen=True, slots=True)
class Look:
    """What the service showed, and what is known beside it. ``managed`` are the ids of records, ``claimed`` those of
    objects that are exactly as an open call would make them; ``waited`` says that every call had its time to take
    effect and to be shown; ``client`` is our client id."""

    observation: Observation
    managed: frozenset[str]
    claimed: frozenset[str]
    waited: bool
    client: str

    @property
    def unsettled(self) -> Wait | NoEffect:
        """What a call is whose effect is not shown."""
        return NoEffect() if self.waited else Wait()


def decide(intent: Intent, look: Look) -> Decision:
    """Return what to make of a standing intent."""
    if words := look.observation.unclear.get(intent.id or ""):
        return Undecided(f"{intent.id} {words}", f"if it is gone: `state rm {intent.key}`")
    match intent.step:
        case "create":
            return _decide_create(intent, look)
        case "probe":
            return StillThere() if _namesakes(intent, look.observation) else look.unsettled
        case "delete":
            return _decide_delete(intent, look)
        case _:
            return _decide_patch(intent, look)


def _decide_delete(intent: Intent, look: Look) -> Decision:
    ident = intent.id or ""
    return Ours(ident, None) if look.observation.is_gone(ident) else look.unsettled


def _decide_patch(intent: Intent, look: Look) -> Decision:
    """An etag that has not moved shows that nothing was written so far (documented: each update makes a new one)."""
    observed = look.observation.by_id.get(intent.id or "")
    if observed is None:
        return look.unsettled
    if observed.etag is None or observed.etag != intent.etag:
        return SendAgain(observed)
    return NoEffect() if look.waited else Wait(fenced=True)


def _decide_create(intent: Intent, look: Look) -> Decision:
    """An object of another name than the one that was sent may be the result too, since what the service makes of a
    name is not documented; so what nobody else is known to have made has to be looked at by somebody."""
    fresh = [one for one in look.observation.by_id.values() if _may_be_result(one, intent, look)]
    namesakes = [one for one in fresh if fold(one.name) == fold(intent.name)]
    if len(namesakes) == 1 and _is_exact(namesakes[0], intent):
        return Ours(namesakes[0].id, namesakes[0].etag)
    if namesakes:
        return _undecided(intent, namesakes)
    others = [one for one in fresh if one.id not in look.claimed and _is_young(one, intent)]
    return _undecided(intent, others) if others and look.waited else look.unsettled


def _may_be_result(observed: Observed, intent: Intent, look: Look) -> bool:
    """Return whether an object was not there before, as far as is known, and is nobody else's."""
    known = observed.id in look.managed or observed.id in intent.seen
    of_another = bool(look.client and observed.created_client and observed.created_client != look.client)
    return not known and not of_another and observed.as_dict.get("connectionSpec.id", intent.spec_id) == intent.spec_id


def _is_young(observed: Observed, intent: Intent) -> bool:
    """Return whether an object was not made before the call was sent. One of unknown age may be the result."""
    earliest = (datetime.fromisoformat(intent.sent_at) - CLOCK_SKEW).timestamp() * 1000
    return not observed.created_at or observed.created_at >= earliest


def _is_exact(observed: Observed, intent: Intent) -> bool:
    """Return whether an object is as its create would make it."""
    as_declared = intent.record is None or not shown_otherwise(intent.record.texts, observed)
    return observed.name == intent.name and bool(observed.created_at) and _is_young(observed, intent) and as_declared


def _namesakes(intent: Intent, observation: Observation) -> list[Observed]:
    return [one for one in observation.named(intent.name) if one.name == intent.name]


def _undecided(intent: Intent, candidates: Iterable[Observed]) -> Undecided:
    ids = ", ".join(one.id for one in candidates)
    return Undecided(
        f"a create sent at {intent.sent_at} has no known outcome, and {ids} may or may not be its result",
        f"look at it in Experience Platform; if it is yours, `import {intent.key} ID`; if the create left nothing, "
        f"`state rm {intent.key}`",
    )


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of all standing intents: what is to be recorded, and what is left.

    ``adopted`` is recorded before ``settled``: a crash between the two leaves the intents, and they are decided again.
    ``waiting`` are the keys of which it is too early to tell (of a probe, the key of its deletion); ``fenced``, by key,
    is what is to be recorded where the plan sends the call again. ``found`` says what was found out, by key.
    """

    adopted: tuple[Record, ...]
    settled: tuple[Completed, ...]
    waiting: frozenset[Key]
    fenced: Mapping[Key, tuple[Completed, ...]]
    undecided: Mapping[Key, Undecided]
    found: Mapping[Key, str]

    @property
    def entries(self) -> tuple[Recorded | Completed, ...]:
        """The same as a journal says it."""
        return (*(Recorded(record) for record in self.adopted), *self.settled)


def resolve(state: State, observation: Observation, client: str, waited: bool = False) -> Resolved:
    """Decide on every standing intent. ``waited``: they had their time to take effect and to be shown."""
    managed = frozenset(record.id for record in state.records)
    look = Look(observation, managed, _claimed(state.intents, observation), waited, client)
    decisions = _without_rivals([(one, decide(one, look)) for one in state.intents])
    again = [(one, decision.observed) for one, decision in decisions if isinstance(decision, SendAgain)]
    fenced: dict[Key, tuple[Completed, ...]] = {}
    for one, decision in decisions:
        if decision == Wait(fenced=True):
            fenced[one.key] = (*fenced.get(one.key, ()), _failed(one))
    return Resolved(
        adopted=tuple(record for one, observed in again if (record := _in_doubt(one, observed, state)) is not None),
        settled=tuple(settled for one, decision in decisions if (settled := _settled(one, decision)) is not None),
        waiting=frozenset(_waiting_key(one) for one, decision in decisions if decision == Wait()),
        fenced=fenced,
        undecided={one.key: decision for one, decision in decisions if isinstance(decision, Undecided)},
        found={one.key: note for one, decision in decisions if (note := _note(one, decision))},
    )


def _claimed(intents: Iterable[Intent], observation: Observation) -> frozenset[str]:
    return frozenset(
        one.id
        for intent in intents
        if intent.step in ("create", "probe")
        for one in _namesakes(intent, observation)
        if intent.step == "probe" or _is_exact(one, intent)
    )


def _waiting_key(intent: Intent) -> Key:
    return probe_key(intent.key) if intent.step == "probe" else intent.key


def _without_rivals(decisions: list[tuple[Intent, Decision]]) -> list[tuple[Intent, Decision]]:
    """One object is the result of one create: where two claim it, nobody can tell whose it is."""
    claims = Counter(decision.id for one, decision in decisions if one.step == "create" and isinstance(decision, Ours))
    return [
        (one, _undecided_between(one, decision))
        if isinstance(decision, Ours) and claims[decision.id] > 1
        else (one, decision)
        for one, decision in decisions
    ]


def _undecided_between(intent: Intent, claimed: Ours) -> Undecided:
    return Undecided(
        f"{claimed.id} may be the result of this create, sent at {intent.sent_at}, or of another one of that name",
        "delete or rename it in Experience Platform, then run apply again",
    )


def _in_doubt(intent: Intent, observed: Observed, state: State) -> Record | None:
    """The record with nothing said about secrets; as intended where the object looks so, else as it was before."""
    before = state.record(intent.key)
    if before is None or before.id != intent.id:
        return None
    intended = intent.record
    kept = intended if intended and not shown_otherwise(intended.texts, observed) else before
    return replace(kept, id=before.id, etag=observed.etag, secrets=())


def _settled(intent: Intent, decision: Decision) -> Completed | None:
    if isinstance(decision, Ours):
        return Completed(intent.intent_id, "done", decision.id, decision.etag)
    return _failed(intent) if isinstance(decision, NoEffect | SendAgain) else None


def _failed(intent: Intent) -> Completed:
    return Completed(intent.intent_id, "failed", None, None)


def _note(intent: Intent, decision: Decision) -> str:
    if isinstance(decision, Ours):
        return f"an earlier {intent.step} had its effect; recorded {decision.id}"
    if isinstance(decision, NoEffect):
        return f"an earlier {intent.step} left nothing to record; planned anew"
    if isinstance(decision, SendAgain):
        return "an earlier patch may have had its effect; its secret is sent again"
    return ""
