"""What is looked at before the first change, so that a run does not end half-way for a reason that was there before.

That the service can be read with these credentials the plan has proved: it read base connections, and the dataflows of
those that change. Whether they may write is not known before the first write: no call without an effect tells.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from provisioner.errors import ServiceError
from provisioner.service.flow_service import Reader
from provisioner.service.sandboxes import check_active
from provisioner.service.token_life import check_life


def preflight(
    service: Reader,
    sandbox: str,
    token_expires: datetime | None,
    changes: int,
    parallelism: int,
    tell: Callable[[str], None],
) -> None:
    """Raises ``NotAuthenticated`` for a token that would expire on the way, ``Refused`` for a sandbox in another state
    than active. What cannot be found out about it is told, and holds nothing up: the Flow Service has answered for it.
    """
    check_life(token_expires, service.service_time(), changes, parallelism)
    try:
        state = service.sandbox_state(sandbox)
    except ServiceError as error:
        tell(f"note: whether sandbox {sandbox} is active could not be seen: {error.message}")
        return
    if not state:
        tell(f"note: sandbox management shows these credentials no state of sandbox {sandbox}; it may not be active")
    check_active(sandbox, state)
