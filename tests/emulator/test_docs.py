"""docs/emulator.md has a row for each switch, with its default, its alternatives and its evidence."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.connections import BASE
from provisioner.emulator.routes import ROUTES

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)}
STANDING = r"(documented|inferred|assumed)\b"


def test_every_switch_has_a_row_and_every_row_a_switch():
    assert list(ROWS) == [each.name for each in fields(Behaviour)]


@pytest.mark.parametrize("field", fields(Behaviour), ids=lambda field: field.name)
def test_a_row_states_default_alternatives_and_standing(field):
    default, otherwise, standing = ROWS[field.name]
    assert default == f"`{field.default}`"
    assert re.match(STANDING, standing)
    choices = {str(each) for each in get_args(field.type)} - {str(field.default)}
    assert "|" in str(field.type) or choices <= set(re.findall(r"`([\w-]+)`", otherwise))


def test_every_route_is_listed():
    listed = {path.replace("...", BASE) for path in re.findall(r"`([/.][^`]*)`", PAGE)}
    assert {"/".join((BASE, *route)) for route in ROUTES} <= listed
