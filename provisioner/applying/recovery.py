"""What became of a call whose outcome nobody recorded: intent x what the service shows -> a decision. Pure.

No idempotency key exists and names are not unique, so a lost answer to a create can only be settled by looking for its
result. One assumption remains: an object that carries the intent's name and spec, was not there before, appeared no
earlier than the call was sent, looks exactly as declared and was made by our client is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from provisioner.planning.observed import Observation, Observed, shown_otherwise
from provisioner.planning.plan import Undecided
from provisioner.state.records import Intent, Record

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
class WaitUntil:
    """Too early to tell: the list of the service may lag behind its creates. Look again then."""

    time: datetime


Decision: TypeAlias = Ours | NoEffect | WaitUntil | Undecided


def decide(
    intent: Intent, observation: Observation, managed: frozenset[str], now: datetime, settle: timedelta, client: str
) -> Decision:
    """What to make of a standing intent. ``now`` is the service's time, ``managed`` the ids in the state."""
    if intent.step == "create":
        return _decide_create(intent, observation, managed, now, settle, client)
    if intent.step == "delete":
        gone = intent.id is not None and intent.id not in observation.by_id
        return Ours(intent.id or "", None) if gone else NoEffect()
    # The same PATCH again ends in the same object, and it will be sent with an etag that the new plan sees.
    return NoEffect()


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
    return record is None or not shown_otherwise(record.as_dict, observed)


def _undecided(intent: Intent, candidates: Iterable[Observed]) -> Undecided:
    ids = ", ".join(one.id for one in candidates)
    return Undecided(
        f"a create sent at {intent.sent_at} has no known outcome, and {ids} may or may not be its result",
        "look at it in Experience Platform; delete or rename what is not yours, then run apply again",
    )
