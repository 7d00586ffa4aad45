"""Settle what an earlier run left open, before anything new is planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from provisioner.applying.executor import Ledger
from provisioner.applying.recovery import Decision, NoEffect, Ours, WaitUntil, decide
from provisioner.model import Key
from provisioner.planning.observed import Observation
from provisioner.planning.plan import Undecided
from provisioner.state.records import Intent, Settled, State


class Clock(Protocol):
    """The service's clock."""

    def service_time(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Resumption:
    """How standing intents are settled. ``settle`` is how long the service's list may lag behind a create;
    ``sleep`` takes seconds; ``client`` is our client id."""

    ledger: Ledger
    look: Callable[[], Observation]
    clock: Clock
    sleep: Callable[[float], None]
    tell: Callable[[str], None]
    settle: timedelta
    client: str

    def resume(self, state: State) -> Mapping[Key, Undecided]:
        """Settle every intent that can be settled, waiting once for all; returns those left to the user."""
        undecided: dict[Key, Undecided] = {}
        standing = state.intents
        managed = frozenset(record.id for record in state.records)
        while standing:
            decisions = self._decide(standing, managed)
            self._record(decisions)
            undecided.update({one.key: decision for one, decision in decisions if isinstance(decision, Undecided)})
            waiting = [(one, decision.time) for one, decision in decisions if isinstance(decision, WaitUntil)]
            standing = tuple(intent for intent, _ in waiting)
            if waiting:
                self._wait(max(time for _, time in waiting), len(waiting))
        return undecided

    def _decide(self, intents: tuple[Intent, ...], managed: frozenset[str]) -> list[tuple[Intent, Decision]]:
        observation = self.look()
        now = self.clock.service_time()
        return [(one, decide(one, observation, managed, now, self.settle, self.client)) for one in intents]

    def _record(self, decisions: list[tuple[Intent, Decision]]) -> None:
        settled: list[Settled] = []
        for intent, decision in decisions:
            if isinstance(decision, Ours):
                settled.append(Settled(intent.intent_id, "done", decision.id, decision.etag))
                self.tell(f"{intent.key}: an earlier {intent.step} had its effect; recorded {decision.id}")
            elif isinstance(decision, NoEffect):
                settled.append(Settled(intent.intent_id, "failed", None, None))
                self.tell(f"{intent.key}: an earlier {intent.step} left nothing to record; planned anew")
        if settled:
            self.ledger.settle(tuple(settled))

    def _wait(self, until: datetime, number: int) -> None:
        seconds = max(0.0, (until - self.clock.service_time()).total_seconds())
        self.tell(f"waiting {seconds:.0f} s for the service to show the result of {number} earlier create(s)")
        self.sleep(seconds)
