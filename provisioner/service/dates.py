"""The dates of HTTP. Pure."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_YEARS = range(1970, 9000)
"""Of a clock: beyond the first and the last years that there are nothing could be added or taken away."""


def http_date(text: str) -> datetime | None:
    """A time in UTC; None for what is no date, or none that there can be."""
    with suppress(TypeError, ValueError, OverflowError):
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    return None


def clock_date(text: str) -> datetime | None:
    """The same of what a clock says now; None for what none can say."""
    date = http_date(text)
    return date if date and date.year in _YEARS else None
