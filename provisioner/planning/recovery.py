"""Recovery: determine the outcome of calls whose outcome was not recorded, from what the service shows. Pure.

The service has no idempotency keys and names are not unique, so the outcome of a create whose answer was lost can only
be determined by looking for its result. An object that carries the name and spec of the intent, did not exist before,
appeared no earlier than the call was sent, looks exactly as declared and was not made by another client is ours
(assumed: only-creator). A call whose effect no list shows after a while (``Deadlines.settled``) had none.
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
from provisioner.planning.verification_steps import probe_key
from provisioner.state.records import Completed, Intent, Record, Recorded, State
from provisioner.text import fold_name

CLOCK_SKEW = timedelta(seconds=5)
"""How much earlier than its call an object may seem created: ``Date`` has whole seconds, and servers several clocks.
They differ by no more (assumed: server-clocks)."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The call had its effect, and this is its result."""

    id: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class NoEffect:
    """The call had no effect: plan anew."""


@dataclass(frozen=True, slots=True)
class SendAgain:
    """The PATCH may have had its effect: it is unknown which secret the object has, so the secret is sent again.

    A PATCH is repeatable: the same one again ends in the same object, and goes out with the etag that a new plan sees.
    """

    observed: Observed


@dataclass(frozen=True, slots=True)
class StillThere:
    """A probe is left over, so its intent stays open. The plan deletes the probe."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It is too early to tell: the call may still take effect, or its effect may not be shown yet.

    ``fenced``: the call need not be waited for if the plan sends it again. Sent with the etag that is shown, either the
    old or the new call takes effect, and never both (inferred: etag-fence).
    """

    fenced: bool = False


Decision: TypeAlias = Ours | NoEffect | SendAgain | StillThere | Wait | Undecided


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the open call of a key; with the id to record if it had its effect."""

    effect: str
    id: str = ""

    @property
    def planned(self) -> str:
        """Return what to say before it is recorded."""
        return f"{self.effect}; apply will record {self.id}" if self.id else self.effect

    @property
    def recorded(self) -> str:
        """Return what to say once it is recorded."""
        return f"{self.effect}; recorded {self.id}" if self.id else self.effect


@dataclass(frozen=True, slots=True)
class Resolved:
    """The outcomes of all open intents: entries to record, and what remains open.

    ``adopted`` is recorded before ``settled``: after a crash between the two, the intents are open and decided again.
    ``waiting`` are the keys for which it is too early to tell (for a probe, the key of its deletion). ``fenced`` has,
    by key, the entries to record if the plan sends the call again. ``found`` has notes by key.
    """

    adopted: tuple[Record, ...]
    settled: tuple[Completed, ...]
    waiting: frozenset[Key]
    fenced: Mapping[Key, tuple[Completed, ...]]
    undecided: Mapping[Key, Undecided]
    found: Mapping[Key, Found]

    @property
    def entries(self) -> tuple[Recorded | Completed, ...]:
        """Return the outcomes as journal entries."""
        return (*(Recorded(record) for record in self.adopted), *self.settled)


def resolve(state: State, observation: Observation, client: str, waited: bool = False) -> Resolved:
    """Decide on every open intent. ``waited``: all calls had the time to take effect and to be shown."""
    managed = frozenset(record.id for record in state.records)
    evidence = Evidence(observation, managed, _exact_results(state.intents, observation), waited, client)
    decisions = _without_rivals([(intent, decide(intent, evidence)) for intent in state.intents])
    adopted, settled, waiting = [], [], set()
    fenced: dict[Key, tuple[Completed, ...]] = {}
    undecided: dict[Key, Undecided] = {}
    notes: dict[Key, Found] = {}
    for intent, decision in decisions:
        key, failed = intent.key, Completed(intent.intent_id, "failed", None, None)
        match decision:
            case Ours():
                settled.append(Completed(intent.intent_id, "done", decision.id, decision.etag))
                notes[key] = Found(f"an earlier {intent.step} had its effect", decision.id)
            case NoEffect():
                settled.append(failed)
                notes[key] = Found(f"an earlier {intent.step} left nothing to record; planned anew")
            case SendAgain():
                if record := _record_with_unknown_secrets(intent, decision.observed, state):
                    adopted.append(record)
                settled.append(failed)
                notes[key] = Found("an earlier patch may have had its effect; its secret is sent again")
            case Wait(fenced=True):
                fenced[key] = (*fenced.get(key, ()), failed)
            case Wait():
                waiting.add(probe_key(key) if intent.step == "probe" else key)
            case Undecided():
                undecided[key] = decision
            case StillThere():
                pass
    return Resolved(tuple(adopted), tuple(settled), frozenset(waiting), fenced, undecided, notes)


def _exact_results(intents: Iterable[Intent], observation: Observation) -> frozenset[str]:
    """Return the ids of the objects that are exactly as an open create or probe would make them."""
    return frozenset(
        observed.id
        for intent in intents
        if intent.step in ("create", "probe")
        for observed in _same_name(intent, observation)
        if intent.step == "probe" or _is_exact(observed, intent)
    )


def _without_rivals(decisions: list[tuple[Intent, Decision]]) -> list[tuple[Intent, Decision]]:
    """Return the decisions, those undecided that take one object for the result of several creates."""
    claims = Counter(
        decision.id for intent, decision in decisions if intent.step == "create" and isinstance(decision, Ours)
    )
    checked: list[tuple[Intent, Decision]] = []
    for intent, decision in decisions:
        if isinstance(decision, Ours) and claims[decision.id] > 1:
            decision = Undecided(
                f"{decision.id} may be the result of this create, sent at {intent.sent_at}, or of another one of that "
                "name",
                "delete or rename it in Experience Platform, then run apply again",
            )
        checked.append((intent, decision))
    return checked


def _record_with_unknown_secrets(intent: Intent, observed: Observed, state: State) -> Record | None:
    """Return the record after a PATCH with an unknown outcome: as intended if the object looks so, else as before."""
    before, intended = state.record(intent.key), intent.record
    if before is None or before.id != intent.id:
        return None
    record = intended if intended and not shown_otherwise(intended.texts, observed) else before
    return replace(record, id=before.id, etag=observed.etag, secrets=(), tested_at="")


# Decide on one intent


@dataclass(frozen=True, slots=True)
class Evidence:
    """An observation with the knowledge to judge it.

    ``managed`` are the ids of records, ``exact`` the ids of objects that are exactly as an open call would make them.
    ``waited``: all calls had the time to take effect and to be shown. ``client`` is our client id.
    """

    observation: Observation
    managed: frozenset[str]
    exact: frozenset[str]
    waited: bool
    client: str

    @property
    def no_effect_shown(self) -> Wait | NoEffect:
        """Return the decision on a call whose effect is not shown."""
        return NoEffect() if self.waited else Wait()


def decide(intent: Intent, evidence: Evidence) -> Decision:
    """Return the decision on one open intent, regardless of the others."""
    if answer := evidence.observation.unclear.get(intent.id or ""):
        return Undecided(f"{intent.id} {answer}", f"if it is gone: `state rm {intent.key}`")
    match intent.step:
        case "create":
            return _decide_create(intent, evidence)
        case "probe":
            return StillThere() if _same_name(intent, evidence.observation) else evidence.no_effect_shown
        case "delete":
            ident = intent.id or ""
            return Ours(ident, None) if evidence.observation.is_gone(ident) else evidence.no_effect_shown
        case _:
            return _decide_patch(intent, evidence)


def _decide_patch(intent: Intent, evidence: Evidence) -> Decision:
    observed = evidence.observation.by_id.get(intent.id or "")
    if observed is None:
        return evidence.no_effect_shown
    # An unchanged etag shows that nothing was written so far (inferred: etag-moves).
    if observed.etag is None or observed.etag != intent.etag:
        return SendAgain(observed)
    return NoEffect() if evidence.waited else Wait(fenced=True)


def _decide_create(intent: Intent, evidence: Evidence) -> Decision:
    candidates = [
        observed for observed in evidence.observation.by_id.values() if _may_be_result(observed, intent, evidence)
    ]
    namesakes = [observed for observed in candidates if fold_name(observed.name) == fold_name(intent.name)]
    if len(namesakes) == 1 and _is_exact(namesakes[0], intent):
        return Ours(namesakes[0].id, namesakes[0].etag)
    if namesakes:
        return _ask_about(intent, namesakes)
    # A name comes back as it was sent (assumed: text-kept). In case it does not, an object of another name may be the
    # result as well.
    others = [observed for observed in candidates if observed.id not in evidence.exact and _is_young(observed, intent)]
    return _ask_about(intent, others) if others and evidence.waited else evidence.no_effect_shown


def _ask_about(intent: Intent, candidates: Iterable[Observed]) -> Undecided:
    ids = ", ".join(observed.id for observed in candidates)
    return Undecided(
        f"a create sent at {intent.sent_at} has no known outcome, and {ids} may or may not be its result",
        f"look at it in Experience Platform; if it is yours, `import {intent.key} ID`; if the create left nothing, "
        f"`state rm {intent.key}`",
    )


def _may_be_result(observed: Observed, intent: Intent, evidence: Evidence) -> bool:
    """Return whether the object is not known to have existed before, nor to belong to anybody else.

    One of ours shows our API key as the client that created it (assumed: created-client).
    """
    known = observed.id in evidence.managed or observed.id in intent.seen
    of_another = bool(evidence.client and observed.created_client and observed.created_client != evidence.client)
    return not known and not of_another and observed.as_dict.get("connectionSpec.id", intent.spec_id) == intent.spec_id


def _is_exact(observed: Observed, intent: Intent) -> bool:
    """Return whether the object is exactly as the create would make it."""
    as_declared = intent.record is None or not shown_otherwise(intent.record.texts, observed)
    return observed.name == intent.name and bool(observed.created_at) and _is_young(observed, intent) and as_declared


def _is_young(observed: Observed, intent: Intent) -> bool:
    """Return whether the object was not created before the call was sent, or is of unknown age."""
    earliest = (datetime.fromisoformat(intent.sent_at) - CLOCK_SKEW).timestamp() * 1000
    return not observed.created_at or observed.created_at >= earliest


def _same_name(intent: Intent, observation: Observation) -> list[Observed]:
    return [observed for observed in observation.named(intent.name) if observed.name == intent.name]
