"""Until when a ready token is good, and whether that is long enough."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.errors import NotAuthenticated
from provisioner.service.token_life import check_life, expiry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MILLISECONDS = int(NOW.timestamp() * 1000)


def token_of(claims: object) -> str:
    """As IMS makes them: three parts, the middle one base64url without padding."""
    return f"head.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.signature"


SHOWN = {
    "IMS, text": {"created_at": str(MILLISECONDS), "expires_in": "3600000"},
    "IMS, numbers": {"created_at": MILLISECONDS, "expires_in": 3_600_000},
    "the standard": {"exp": NOW.timestamp() + 3600},
    "both: the standard counts": {"exp": NOW.timestamp() + 3600, "created_at": "1", "expires_in": "1"},
}
SHOWS_NOTHING = {
    "no JSON Web Token": "opaque",
    "two parts": "a.b",
    "not base64": "a.!é.c",
    "not text": f"a.{base64.urlsafe_b64encode(bytes([255, 254])).decode()}.c",
    "no claims": token_of([1]),
    "none of ours": token_of({"user": "x"}),
    "half of it": token_of({"created_at": "1"}),
    "no number": token_of({"exp": "soon"}),
    "nothing": token_of({"exp": None}),
    "out of any calendar": token_of({"exp": 1e30}),
    "no number at all": token_of({"exp": float("nan")}),
    "deep": f"a.{base64.urlsafe_b64encode(b'[' * 200_000).decode()}.c",
}


@pytest.mark.parametrize("claims", SHOWN.values(), ids=SHOWN)
def test_what_a_token_shows_of_its_end(claims: object) -> None:
    assert expiry(token_of(claims)) == NOW + timedelta(hours=1)


@pytest.mark.parametrize("token", SHOWS_NOTHING.values(), ids=SHOWS_NOTHING)
def test_a_token_that_shows_nothing_is_taken_as_it_is(token: str) -> None:
    assert expiry(token) is None


# seconds left, changes, parallelism: 30 s, and 2 s for each change that a worker carries out
LASTS = ((32, 1, 8), (32, 8, 8), (34, 9, 8), (50, 10, 1), (None, 10_000, 1))
TOO_SHORT = ((31, 1, 8), (33, 9, 8), (49, 10, 1), (0, 1, 8), (-5, 1, 8))


@pytest.mark.parametrize(("left", "changes", "parallelism"), LASTS)
def test_long_enough(left: int | None, changes: int, parallelism: int) -> None:
    check_life(None if left is None else NOW + timedelta(seconds=left), NOW, changes, parallelism)


@pytest.mark.parametrize(("left", "changes", "parallelism"), TOO_SHORT)
def test_too_short_is_said_before_the_first_change(left: int, changes: int, parallelism: int) -> None:
    with pytest.raises(NotAuthenticated, match="has expired" if left <= 0 else f"expires in {left} s"):
        check_life(NOW + timedelta(seconds=left), NOW, changes, parallelism)
