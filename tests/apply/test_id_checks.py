"""Ids in answers that are believed, and ids that are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.apply.id_checks import KnownIds, create_of, not_ours
from provisioner.planning.observed import observe
from tests.planning.examples import desired, item, record

MADE = record(desired(), "new")


def test_an_id_is_believed_once() -> None:
    ids = KnownIds(["a"])
    assert [ids.reserve(one) for one in ("a", "b", "b")] == [False, True, False]
    ids.add(["c"])
    assert not ids.reserve("c")


SHOWN: dict[str, tuple[dict[str, Any] | None, str]] = {
    "as declared": ({}, ""),
    "the name in another case": ({"name": "ORDERS "}, ""),
    "no spec shown": ({"connectionSpec": None}, ""),
    "another name": ({"name": "Stock"}, "is that of Stock"),
    "another spec": ({"connectionSpec": {"id": "postgres"}}, "is that of Orders"),
    "gone": (None, "does not exist"),
}


@pytest.mark.parametrize(("shown", "why"), SHOWN.values(), ids=SHOWN)
def test_what_was_made_is_compared_with_what_is_there(shown: dict[str, Any] | None, why: str) -> None:
    seen = [] if shown is None else [item(desired(), "new", **shown)]
    assert not_ours(MADE, observe(seen)) == why


def test_what_nobody_can_tell_speaks_against_nothing() -> None:
    assert not_ours(MADE, observe([], {"new": "answers 404"}, frozenset({"new"}))) == ""


def test_a_record_that_is_given_up_is_an_open_create() -> None:
    intent = create_of(MADE, "i1", "2026-01-01T00:00:00+00:00")
    assert (intent.step, intent.key, intent.name, intent.id) == ("create", "orders", "Orders", None)
    assert intent.record == replace(MADE, id="", etag=None)
