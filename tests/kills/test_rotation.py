"""A proved rotation, killed at every boundary, then run to the end: the live one is changed once, no probe is left."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kills.world import KILLED, World, world

FLAGS = ("--prove", "--test")
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_boundary(tmp_path: Path, part: int) -> None:
    with world(tmp_path / "project") as subject:
        subject.define("a", "A", "first-secret-of-a")
        assert subject.apply()["code"] == 0, subject.said()
        subject.define("a", "A", "second-secret-of-a")
        before = subject.moment()
        whole = subject.apply(more=FLAGS)
        assert whole["code"] == 0, subject.said()
        subject.check_end()
        seen: set[object] = set()
        for boundary in range(1, whole["passed"] + 1):
            subject.put_back(before)
            assert subject.apply(kill=boundary, more=FLAGS)["code"] == KILLED
            look = subject.look(before)
            if look not in seen:
                seen.add(look)
                if len(seen) % PARTS == part:
                    run_to_the_end(subject)
        assert len(seen) > 15


def run_to_the_end(subject: World) -> None:
    subject.check_always()
    for _ in range(10):
        assert subject.apply(more=FLAGS)["code"] == 0, subject.said()
        subject.check_always()
        if not subject.state().intents:
            break
        time.sleep(0.5)  # until what was sent can no longer show up
    subject.check_end()
