"""The pins of a plan, one for each change, to which an approval refers, and the digest over them. Pure.

The digest covers what anybody can compute from the files and the state, so it is the same in a fork without secrets and
after the merge. A saved plan holds whole pins: fingerprints of secrets and what the service showed as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from provisioner.model import Json, Key, TargetIdentity

FORMAT_VERSION = 2
"""The format of the digested document."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One change in the form in which it is approved. The mappings are JSON of texts only.

    ``action`` is the action of the plan; ``declared`` is the action that follows from the files and the state alone,
    "" for none. ``desired`` has ``fields`` by path, each as ``{"text": ...}`` or ``{"origin": ...}``, with their
    ``variables`` and ``keywords``; it is None without a definition. ``prior`` is the record: its ``id``, and ``fields``
    in the same form. ``secrets`` has fingerprints by path; ``remote`` has the ``etag`` and the ``drift`` that the
    service showed.
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
        """Return a description of an outside change that an approved digest does not cover; "" for none."""
        if self.drifted:
            return f"changed outside provisioner: {', '.join(self.remote['drift'])}"
        if self.action == "refresh":
            return "updated outside provisioner; no visible field differs"
        if self.action == "forget":
            return "deleted outside provisioner; its record would be removed"
        if self.action == "create" != self.declared:
            return "deleted outside provisioner; it would be created again"
        if self.action == "update" and self.declared == "create":
            return "already exists; it would be imported"
        return ""


def digest(identity: TargetIdentity, pins: Iterable[Pin], options: Json) -> str:
    """Return the digest over the parts of the pins that need neither secrets nor the service, and over ``options``.

    It covers no notes, etags, serials and versions. The options include the globs of ``--select``: a change of a secret
    alone has no ``declared`` action, so nothing else in the digest would name its key.
    """
    changes = {
        pin.key: {"action": pin.declared, "desired": pin.desired, "prior": pin.prior} for pin in pins if pin.declared
    }
    return checksum({"format_version": FORMAT_VERSION, "target": asdict(identity), "changes": changes, **options})


def checksum(document: Json) -> str:
    """Return the SHA-256 of a document, independent of the order of its members."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
