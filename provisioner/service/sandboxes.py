"""Whether a sandbox is there and active. Pure.

Documented (the OpenAPI description of sandbox management): anybody may list the active sandboxes that they have access
to, each with a ``state``. Assumed: that one which is not active may be listed too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.errors import Refused, ServiceError

BASE = "/data/foundation/sandbox-management"
ACTIVE = "active"


def read_states(what: str, body: Any) -> Mapping[str, str]:
    """The states on a page of the list, by the names of the sandboxes. Raises ``ServiceError`` where there are none:
    these credentials are at work in one."""
    listed = body.get("sandboxes") if isinstance(body, Mapping) else None
    if not isinstance(listed, list) or not listed:
        raise ServiceError(f"{what}: the answer holds no sandboxes", "Check the endpoint.")
    return {str(one.get("name")): str(one.get("state")) for one in listed if isinstance(one, Mapping)}


def check_active(name: str, state: str | None) -> None:
    """Raises ``Refused`` for a sandbox that is not active, or (None) not among those of these credentials."""
    if state == ACTIVE:
        return
    if state is None:
        raise Refused(
            f"sandbox {name} is not among the active sandboxes of these credentials; nothing was done",
            "See in Experience Platform whether it is being reset or deleted, and whether the role of the technical "
            "account holds it.",
        )
    raise Refused(f"sandbox {name} is in state {state!r}; nothing was done", "Wait until it is active, then run again.")
