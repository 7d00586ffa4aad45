"""The way to the service and to the identity service of a target."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.service.messages import Timing, Transport
from provisioner.service.origin import Origin


@dataclass(frozen=True, slots=True)
class Channel:
    """The origins of both services of a target, and what sends calls to them. ``ims`` issues the access tokens."""

    flow: Origin
    ims: Origin
    transport: Transport
    timing: Timing
