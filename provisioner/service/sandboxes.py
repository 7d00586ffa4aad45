"""Whether a sandbox is there and active. Pure.

Documented (sandbox management): anybody may list the active sandboxes that they have access to, each with a ``state``,
by pages of ``limit`` and ``offset``. Assumed: that one which is not active may be listed too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.errors import Refused, ServiceError

BASE = "/data/foundation/sandbox-management"
ACTIVE = "active"
PAGE = 50
"""Sandboxes of a page: the documented default."""


def read_states(what: str, body: Any) -> Mapping[str, str]:
    """The states on a page of the list, by the names of the sandboxes; "" where none is shown. Raises ``ServiceError``
    for something else."""
    listed = body.get("sandboxes") if isinstance(body, Mapping) else None
    if not isinstance(listed, list):
        raise ServiceError(f"{what}: the answer holds no list of sandboxes", "Check the endpoint.")
    return {str(one.get("name")): str(one.get("state") or "") for one in listed if isinstance(one, Mapping)}


def check_active(name: str, state: str) -> None:
    """Raises ``Refused`` for a sandbox in any other state. "" is no state: nothing was shown."""
    if state not in ("", ACTIVE):
        words = f"sandbox {name} is in state {state!r}; nothing was done"
        raise Refused(words, "Wait until it is active, then run again.")
