"""What became of a call whose outcome nobody recorded: intent x what the service shows -> a decision. Pure.

No idempotency key exists and names are not unique, so a lost answer to a create can only be settled by looking for its
result. One assumption remains: an object that carries the intent's name and spec, was not there before, appeared no
earlier than the call was sent, looks exactly as declared and was made by our client is ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from provisioner.model import Key
from provisioner.planning.observed import Observation, Observed, shown_otherwise
from provisioner.planning.plan import Undecided
from provisioner.state.records import Adopted, Intent, Record, Settled, State

CLOCK_SKEW = timedelta(seconds=5)
"""How much earlier than the call its result may seem made: ``Date`` has whole seconds, and servers several clocks."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The call had its effect: this is its result."""

    id: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class NoEffect:
    """The call had no effect, or one that sending it again repeats harmlessly: plan anew."""


@dataclass(frozen=True, slots=True)
class SendAgain:
    """A PATCH that may have had its effect: which secret the object has now is not known, so that it is sent again.

    A PATCH is repeatable: the same one again ends in the same object, and goes out with an etag that a new plan sees.
    """

    observed: Observed


@dataclass(frozen=True, slots=True)
class StillThere:
    """The call stands: of a probe something is left, or may show up yet. The plan deletes it; nothing waits for it."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Too early to tell: the list of the service may lag behind its creates. Look again then."""

    time: datetime


Decision: TypeAlias = Ours | NoEffect | SendAgain | StillThere | WaitUntil | Undecided


def decide(
    intent: Intent, observation: Observation, managed: frozenset[str], now: datetime, settle: timedelta, client: str
) -> Decision:
    """What to make of a standing intent. ``now`` is the service's time, ``managed`` the ids in the state."""
    if intent.step == "create":
        return _decide_create(intent, observation, managed, now, settle, client)
    if intent.step == "probe":
        may_show_up = now < datetime.fromisoformat(intent.sent_at) + settle
        return StillThere() if may_show_up or intent.name in observation.by_name else NoEffect()
    if intent.step == "delete":
        gone = intent.id is not None and intent.id not in observation.by_id
        return Ours(intent.id or "", None) if gone else NoEffect()
    return _decide_patch(intent, observation)


def _decide_patch(intent: Intent, observation: Observation) -> Decision:
    """An etag that has not moved shows that nothing was written (documented: each update makes a new one)."""
    observed = observation.by_id.get(intent.id or "")
    unmoved = observed is not None and observed.etag is not None and observed.etag == intent.etag
    return NoEffect() if observed is None or unmoved else SendAgain(observed)


def _decide_create(
    intent: Intent, observation: Observation, managed: frozenset[str], now: datetime, settle: timedelta, client: str
) -> Decision:
    candidates = [
        one
        for one in observation.by_name.get(intent.name, ())
        if one.id not in managed and one.id not in intent.seen and _has_spec(one, intent.spec_id)
    ]
    sent_at = datetime.fromisoformat(intent.sent_at)
    if len(candidates) == 1 and _is_ours(candidates[0], intent.record, sent_at, client):
        return Ours(candidates[0].id, candidates[0].etag)
    if candidates:
        return _undecided(intent, candidates)
    return WaitUntil(sent_at + settle) if now < sent_at + settle else NoEffect()


def _has_spec(observed: Observed, spec_id: str) -> bool:
    return observed.as_dict.get("connectionSpec.id", spec_id) == spec_id


def _is_ours(observed: Observed, record: Record | None, sent_at: datetime, client: str) -> bool:
    earliest = (sent_at - CLOCK_SKEW).timestamp() * 1000
    if observed.created_at < earliest:
        return False
    if client and observed.created_client and observed.created_client != client:
        return False
    return record is None or not shown_otherwise(record.texts, observed)


def _undecided(intent: Intent, candidates: Iterable[Observed]) -> Undecided:
    ids = ", ".join(one.id for one in candidates)
    return Undecided(
        f"a create sent at {intent.sent_at} has no known outcome, and {ids} may or may not be its result",
        f"look at it in Experience Platform; if it is yours, `import {intent.key} ID`; "
        "else delete or rename it and run apply again",
    )


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of all standing intents: what is to be recorded, and what is left.

    ``adopted`` is recorded before ``settled``: a crash between the two leaves the intents, and they are decided again.
    ``waiting``: when to look again, by key. ``found`` says what was found out, by key.
    """

    adopted: tuple[Record, ...]
    settled: tuple[Settled, ...]
    waiting: Mapping[Key, datetime]
    undecided: Mapping[Key, Undecided]
    found: Mapping[Key, str]

    @property
    def entries(self) -> tuple[Adopted | Settled, ...]:
        """The same as a journal says it."""
        return (*(Adopted(record) for record in self.adopted), *self.settled)


def resolve(state: State, observation: Observation, now: datetime, settle: timedelta, client: str) -> Resolved:
    """Decide on every standing intent. ``settle`` is how long the service's list may lag behind a create."""
    managed = frozenset(record.id for record in state.records)
    decisions = [(one, decide(one, observation, managed, now, settle, client)) for one in state.intents]
    decisions = _without_rivals(decisions)
    again = [(one, decision.observed) for one, decision in decisions if isinstance(decision, SendAgain)]
    return Resolved(
        adopted=tuple(record for one, observed in again if (record := _in_doubt(one, observed, state)) is not None),
        settled=tuple(settled for one, decision in decisions if (settled := _settled(one, decision)) is not None),
        waiting={one.key: decision.time for one, decision in decisions if isinstance(decision, WaitUntil)},
        undecided={one.key: decision for one, decision in decisions if isinstance(decision, Undecided)},
        found={one.key: note for one, decision in decisions if (note := _note(one, decision))},
    )


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


def _settled(intent: Intent, decision: Decision) -> Settled | None:
    if isinstance(decision, Ours):
        return Settled(intent.intent_id, "done", decision.id, decision.etag)
    if isinstance(decision, NoEffect | SendAgain):
        return Settled(intent.intent_id, "failed", None, None)
    return None


def _note(intent: Intent, decision: Decision) -> str:
    if isinstance(decision, Ours):
        return f"an earlier {intent.step} had its effect; recorded {decision.id}"
    if isinstance(decision, NoEffect):
        return f"an earlier {intent.step} left nothing to record; planned anew"
    if isinstance(decision, SendAgain):
        return "an earlier patch may have had its effect; its secret is sent again"
    return ""
