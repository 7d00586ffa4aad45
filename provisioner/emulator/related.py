"""What depends on base connections, kept in memory."""

from dataclasses import dataclass, field
from typing import Literal

from provisioner.emulator.messages import JsonObject

Sort = Literal["sourceConnections", "flows"]
Place = tuple[str, str]
"""Organization and sandbox."""


@dataclass(slots=True)
class Related:
    """Source connections and flows, oldest first, each with its place and what a GET shows."""

    found: dict[Sort, list[tuple[Place, JsonObject]]] = field(default_factory=dict)

    def of(self, sort: Sort, place: Place) -> list[JsonObject]:
        """What a sandbox holds."""
        return [item for where, item in self.found.get(sort, []) if where == place]

    def add(self, sort: Sort, place: Place, item: JsonObject) -> None:
        """One more."""
        self.found.setdefault(sort, []).append((place, item))

    def remove(self, sort: Sort, identity: str) -> bool:
        """Whether there was one."""
        before = self.found.get(sort, [])
        self.found[sort] = [one for one in before if one[1]["id"] != identity]
        return len(self.found[sort]) < len(before)

    def clear(self) -> None:
        """Forget all."""
        self.found.clear()
