"""The switches of the emulator, from a JSON file."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.cli.emulator import read_behaviour
from provisioner.emulator.behaviour import Behaviour
from provisioner.errors import UsageError


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({}, Behaviour()),
        ({"cloud": "aws", "initializing_seconds": 2}, Behaviour(cloud="aws", initializing_seconds=2)),
        ({"sandboxes": ["prod", "dev"]}, Behaviour(sandboxes=frozenset({"prod", "dev"}))),
        ({"clients": {"id": "secret"}}, Behaviour(clients={"id": "secret"})),
        ({"clients": None, "delete_status": 202}, Behaviour(delete_status=202)),
        ({"test_result": False}, Behaviour(test_result=False)),
    ],
)
def test_switches(switches: dict[str, Any], expected: Behaviour) -> None:
    assert read_behaviour(switches) == expected


@pytest.mark.parametrize(
    "switches",
    [
        [],
        "aws",
        {"clowd": "aws"},
        {"cloud": "gcp"},
        {"delete_status": 200},
        {"page_limit": "20"},
        {"page_limit": True},
        {"test_result": 1},
        {"sandboxes": "prod"},
        {"clients": ["id"]},
        {"clients": {"id": 1}},
        {"cloud": None},
    ],
)
def test_what_is_no_switch_is_refused(switches: Any) -> None:
    with pytest.raises(UsageError):
        read_behaviour(switches)
