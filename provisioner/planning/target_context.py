"""A target with everything that a plan of it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioner.definitions.project import Project, Target
from provisioner.model import TargetIdentity
from provisioner.progress import SILENT, Progress, Waits
from provisioner.secrets import Sensitive
from provisioner.service.messages import Deadlines
from provisioner.state.fingerprint import Fingerprinter

if TYPE_CHECKING:
    from provisioner.secret_scanner import SecretScanner


@dataclass(frozen=True, slots=True)
class TargetContext:
    """A target, with what the settings add to it.

    ``environment`` holds the variables that templates may read; ``fingerprinter`` is made for a lineage; ``client`` is
    our client id at the service; ``deadlines`` are those of calls; ``loopback`` is true for an address of this
    machine, such as an emulator. ``scanner`` is given each sensitive value as soon as it is read.
    """

    project: Project
    target: Target
    identity: TargetIdentity
    environment: Mapping[str, str] = field(repr=False)
    fingerprinter: Callable[[str], Fingerprinter]
    client: str
    deadlines: Deadlines
    loopback: bool
    scanner: SecretScanner
    progress: Progress = SILENT
    waits: Waits = field(default_factory=Waits)

    @property
    def name(self) -> str:
        return self.target.name

    def is_sample(self, secret: Sensitive) -> bool:
        """Return whether a value consists of samples alone, which stand in the project file of an emulator."""
        samples = self.target.sample_env if self.target.emulator else {}
        return bool(secret.names) and all(
            name in samples and samples[name] == self.environment.get(name) for name in secret.names
        )
