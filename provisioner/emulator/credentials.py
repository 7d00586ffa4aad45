"""The sensitive parameters of base connections whose databases are contacted: in memory, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.emulator.messages import Json


@dataclass(frozen=True, slots=True)
class Credentials:
    """By the id of a base connection: what the store does not keep. Used from the event loop alone."""

    _held: dict[str, Mapping[str, Json]] = field(default_factory=dict, repr=False)

    def hold(self, connection_id: str, sensitive: Mapping[str, Json]) -> None:
        """Instead of what was held."""
        self._held[connection_id] = dict(sensitive)

    def of(self, connection_id: str) -> Mapping[str, Json]:
        """Empty where none are held, as after a restart."""
        return self._held.get(connection_id, {})

    def forget(self, connection_id: str) -> None:
        """The base connection is gone."""
        self._held.pop(connection_id, None)

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()
