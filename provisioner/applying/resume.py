"""Settle what an earlier run left open: look, decide, record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from provisioner.planning.observed import Observation
from provisioner.planning.recovery import Resolved, resolve
from provisioner.state.records import Record, Settled, State


class Register(Protocol):
    """What recovery needs of the store. All return once what they were given is durable."""

    def load(self) -> State: ...
    def adopt(self, records: tuple[Record, ...]) -> None: ...
    def settle(self, settled: tuple[Settled, ...]) -> None: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """The state with everything settled that can be, what the service showed, and what is still open."""

    state: State
    observation: Observation
    resolved: Resolved


@dataclass(frozen=True, slots=True)
class Resumption:
    """How standing intents are settled. ``look`` is given the state; ``client`` is our client id."""

    register: Register
    look: Callable[[State], Observation]
    tell: Callable[[str], None]
    client: str

    def resume(self, waited: bool) -> Seen:
        """Look once, and record what became of every standing intent of which that can be told now. ``waited``: they
        had their time to take effect and to be shown."""
        state = self.register.load()
        observation = self.look(state)
        resolved = resolve(state, observation, self.client, waited)
        if not resolved.settled:
            return Seen(state, observation, resolved)
        self.register.adopt(resolved.adopted)
        self.register.settle(resolved.settled)
        for key, note in resolved.found.items():
            self.tell(f"{key}: {note}")
        return Seen(self.register.load(), observation, resolved)
