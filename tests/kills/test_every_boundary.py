"""Killed at every boundary of an apply, then at every boundary of the recovery, then run to the end.

The set is small and complete: a create, an update of a field and of a secret, a delete. Boundaries that leave the same
on disk and in the service are one: what follows cannot tell them apart.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kills.world import KILLED, Moment, World, world

PARTS = 8
"""The boundaries of the first run are dealt out to so many tests, for as many processes."""


def prepare(subject: World) -> Moment:
    """A state with what is to be changed, deleted and kept; then the edits."""
    for key in ("changed", "deleted", "kept"):
        subject.define(key, "A", f"first-secret-of-{key}")
    assert subject.apply()["code"] == 0, subject.said()
    subject.define("created", "A", "first-secret-of-created")
    subject.define("changed", "new", "second-secret-of-changed")
    subject.forget("deleted")
    return subject.moment()


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_boundary_and_again_in_recovery(tmp_path: Path, part: int) -> None:
    with world(tmp_path / "project") as subject:
        before = prepare(subject)
        whole = subject.apply()
        assert whole["code"] == 0, subject.said()
        subject.check_end()
        seen: set[object] = set()
        pairs = 0
        for first in range(1, whole["passed"] + 1):
            subject.put_back(before)
            assert subject.apply(kill=first)["code"] == KILLED
            look = subject.look(before)
            if look in seen:
                continue
            seen.add(look)
            if len(seen) % PARTS == part:
                pairs += kill_recovery(subject)
        assert pairs > 10


def kill_recovery(subject: World) -> int:
    """From here: killed at each boundary of the next run, and run to the end. The number of distinct kills."""
    subject.check_always()
    before, seen, boundary = subject.moment(), set[object](), 0
    while True:
        boundary += 1
        subject.put_back(before)
        ended = subject.apply(kill=boundary)
        if ended["code"] != KILLED:
            assert ended["code"] == 0, subject.said()
            subject.check_end()
            return len(seen)
        subject.check_always()
        look = subject.look(before)
        if look not in seen:
            seen.add(look)
            assert subject.apply()["code"] == 0, subject.said()
            subject.check_end()
