"""The sensitive parameters of base connections whose databases are contacted: in memory, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.emulator.connection import Connection
from provisioner.emulator.messages import Json


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the store does not keep, by base connection and the etag that is stored with it: another emulator on the
    same file may have changed it since."""

    _held: dict[str, tuple[str, Mapping[str, Json]]] = field(default_factory=dict, repr=False)

    def hold(self, stored: Connection, sensitive: Mapping[str, Json]) -> None:
        """Instead of what was held."""
        self._held[stored.id] = (stored.etag, dict(sensitive))

    def of(self, stored: Connection) -> Mapping[str, Json]:
        """Empty where none are held, as after a restart."""
        etag, sensitive = self._held.get(stored.id, ("", {}))
        return sensitive if etag == stored.etag else {}

    def forget(self, stored: Connection) -> None:
        """The base connection is gone."""
        self._held.pop(stored.id, None)

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()
