"""Which secrets a fingerprint without a key does not protect."""

from __future__ import annotations

import pytest

from provisioner.state.strength import is_guessable

ROWS = [
    ("hunter2", True),
    ("Summer2024!", True),
    ("qwertyuiop12", True),
    ("correcthorse", True),
    ("svc_aep", True),
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", True),
    ("kX9$vLq2!mZ7w", False),
    ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" * 64, False),
    ("fjord-quartz-velvet-umbrella-9", False),
    ("пароль-от-базы-данных-42", False),
]


@pytest.mark.parametrize(("value", "expected"), ROWS)
def test_values(value: str, expected: bool) -> None:
    assert is_guessable(value) is expected
