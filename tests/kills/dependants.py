"""Dataflows of somebody else, which hold base connections back from being deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tests.acceptance.support import Service


@dataclass
class Dataflows:
    """Those that were begun here: base connection -> flows."""

    service: Service
    flows: dict[str, list[str]] = field(default_factory=dict)

    def begin(self, base: str) -> None:
        """Let a new one read from a base connection."""
        body = {"name": f"source of {base}", "baseConnectionId": base}
        source = self.service.call("POST", "", resource="sourceConnections", json=body).json()["id"]
        flow = {"name": f"flow of {base}", "sourceConnectionIds": [source]}
        made = self.service.call("POST", "", resource="flows", json=flow).json()["id"]
        self.flows.setdefault(base, []).append(made)

    def end(self, bases: Collection[str]) -> int:
        """Delete those of these base connections. Return how many there were."""
        ended = [flow for base in bases for flow in self.flows.pop(base, [])]
        for flow in ended:
            self.service.call("DELETE", f"/{flow}", resource="flows")
        return len(ended)
