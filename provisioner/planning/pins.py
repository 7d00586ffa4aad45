"""What an approval holds on to: one ``Pin`` per key, and the digest over them. Pure.

The digest covers what everybody can compute from the files and the state: the definition with the origins of its
secrets, and the record. It is the same in a fork without secrets and after the merge. A saved plan holds the pins
whole: the fingerprints of secrets and what the service showed as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from provisioner.model import Json, Key, TargetIdentity

FORMAT_VERSION = 2
"""The format of what is digested, and of the file of a saved plan."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One change as it was reviewed. The mappings are JSON of texts only.

    ``declared`` is the action as far as the files and the state tell ("" where they ask for nothing), ``action`` that
    of the plan. ``desired`` has the ``fields`` by path, each as ``{"text": ...}`` or ``{"origin": ...}``, their
    ``variables`` and ``keywords``, None without a definition; ``prior`` is the record: ``id`` and ``fields`` in the
    same form. ``secrets`` has fingerprints by path; ``remote`` is what the service showed.
    """

    key: Key
    action: str
    declared: str
    desired: Json | None
    prior: Json | None
    secrets: Json
    remote: Json

    @property
    def drifted(self) -> bool:
        return bool(self.remote.get("drift"))

    @property
    def outside(self) -> str:
        """What was done outside, and an approved digest must not let pass; "" where nothing was."""
        if self.drifted:
            return f"changed outside: {', '.join(self.remote['drift'])}"
        if self.action == "refresh":
            return "written to outside"
        if self.action == "forget":
            return "deleted outside; its record would go"
        if self.action == "create" != self.declared:
            return "deleted outside; it would be created again"
        if self.action == "update" and self.declared == "create":
            return "exists already; it would be taken over"
        return ""


def digest(identity: TargetIdentity, pins: Iterable[Pin], select: Iterable[str] = ()) -> str:
    """Return the digest, which needs neither secrets nor the service. Notes, etags, serials and versions have no part
    in it; ``select``, the globs of what was asked for, has: a change of a secret alone has no pin that would name it.
    """
    changes = {
        pin.key: {"action": pin.declared, "desired": pin.desired, "prior": pin.prior} for pin in pins if pin.declared
    }
    document = {"format_version": FORMAT_VERSION, "target": asdict(identity), "changes": changes}
    if asked := sorted(set(select)):
        document["select"] = asked
    return checksum(document)


def checksum(document: Json) -> str:
    """Return the SHA-256 of a document, whatever the order of its members."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
