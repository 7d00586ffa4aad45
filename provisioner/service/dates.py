"""The dates of HTTP. Pure."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def http_date(text: str) -> datetime | None:
    """An aware time; None for what is no date, or none that there can be."""
    with suppress(TypeError, ValueError, OverflowError):
        date = parsedate_to_datetime(text)
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
