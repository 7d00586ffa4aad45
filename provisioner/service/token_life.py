"""Until when a ready access token is good, and whether that is long enough. Pure.

Inferred: a token of IMS is a JSON Web Token whose claims hold ``created_at`` and ``expires_in``, both in milliseconds
and as text; ``exp`` in seconds is the standard's (RFC 7519). A token that shows neither is taken as it is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from provisioner.errors import NotAuthenticated

FETCH_ANOTHER = "Fetch a fresh token, or unset it and set AEP_API_KEY and AEP_CLIENT_SECRET so that one is fetched."

_EACH = timedelta(seconds=2)
"""Assumed: what one change takes, generously."""

_SPARE = timedelta(seconds=30)


def expiry(token: str) -> datetime | None:
    """Aware; None where the token does not show it."""
    claims = _claims(token)
    try:
        if "exp" in claims:
            return datetime.fromtimestamp(float(claims["exp"]), UTC)
        milliseconds = float(claims["created_at"]) + float(claims["expires_in"])
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def check_life(expires: datetime | None, now: datetime, changes: int, parallelism: int) -> None:
    """Raises ``NotAuthenticated`` where the token would not last for so many changes: better before the first."""
    needed = _SPARE + _EACH * -(-changes // parallelism)
    if expires is None or expires - now >= needed:
        return
    left = (expires - now).total_seconds()
    when = f"expires in {left:.0f} s" if left > 0 else "has expired"
    raise NotAuthenticated(
        f"AEP_ACCESS_TOKEN {when}, and this may take {needed.total_seconds():.0f} s; nothing was done",
        FETCH_ANOTHER,
    )


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
