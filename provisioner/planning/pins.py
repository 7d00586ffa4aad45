"""What an approval holds on to: one ``Pin`` per key, and two digests over them. Pure.

The *public* digest covers what everybody can compute from the files and the state: the definition with the origins of
its secrets, and the record. It is the same in a fork without secrets and after the merge. The *full* digest adds the
fingerprints of the secrets and what the service showed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from provisioner.model import Json, Key, TargetIdentity
from provisioner.state.fingerprint import HMAC

FORMAT_VERSION = 1
"""The format of what is digested, and of the file of a saved plan."""

PUBLIC, FULL = "public-", "full-"
"""What a digest begins with."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One change as it was reviewed. The mappings are JSON of texts only.

    ``public`` is the action as far as the files and the state tell ("" where they ask for nothing), ``action`` that of
    the plan. ``desired`` has the ``fields`` by path, each as ``{"text": ...}`` or ``{"origin": ...}``, their
    ``variables`` and ``keywords``, None without a definition; ``prior`` is the record: ``id`` and ``fields`` in the
    same form. ``secrets`` has fingerprints by path; ``remote`` is what the service showed.
    """

    key: Key
    action: str
    public: str
    desired: Json | None
    prior: Json | None
    secrets: Json
    remote: Json

    @property
    def uncovered(self) -> bool:
        """Whether the public digest says nothing of it: only the service, or a secret, asks for it."""
        return self.public != self.action

    @property
    def by_lineage(self) -> bool:
        """Whether a fingerprint depends on the lineage of the state."""
        return any(made["alg"] != HMAC for made in self.secrets.values())

    @property
    def drifted(self) -> bool:
        return bool(self.remote.get("drift"))

    @property
    def outside(self) -> str:
        """What was done outside, and the public digest must not let pass; "" where nothing was."""
        if self.drifted:
            return f"changed outside: {', '.join(self.remote['drift'])}"
        if self.uncovered and self.action == "create":
            return "deleted outside; it would be created again"
        if self.public == "create" and self.action == "update":
            return "exists already; it would be taken over"
        return ""


def public_digest(identity: TargetIdentity, pins: Iterable[Pin], select: Iterable[str] = ()) -> str:
    """The digest that needs neither secrets nor the service. Notes, etags, serials and versions have no part in it;
    ``select``, the globs of what was asked for, has: a change of a secret alone has no pin here that would name it."""
    covered = {
        pin.key: {"action": pin.public, "desired": pin.desired, "prior": pin.prior} for pin in pins if pin.public
    }
    return PUBLIC + _digest(identity, covered, select)


def full_digest(identity: TargetIdentity, pins: Iterable[Pin], select: Iterable[str] = ()) -> str:
    """The digest of everything that an apply depends on."""
    return FULL + _digest(identity, {pin.key: asdict(pin) for pin in pins}, select)


def _digest(identity: TargetIdentity, changes: Json, select: Iterable[str]) -> str:
    document = {"format_version": FORMAT_VERSION, "target": asdict(identity), "changes": changes}
    if asked := sorted(set(select)):
        document["select"] = asked
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
