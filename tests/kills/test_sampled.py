"""200 definitions and eight workers, killed again and again at boundaries drawn by seed, then run to the end."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.kills.world import KILLED, World, world

SIZE = 200
KILLS = 6


@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with world(tmp_path / "project") as subject:
        expected = prepare(subject, dice)
        killed = 0
        while killed < KILLS:
            ended = subject.apply(kill=dice.randrange(1, 400), workers=8)
            subject.check_always()
            if ended["code"] != KILLED:
                break
            killed += 1
        assert killed > 1
        assert subject.apply(workers=8)["code"] == 0, subject.said()
        subject.check_end(expected)
        assert subject.apply(workers=8)["code"] == 0
        assert subject.said().rstrip().endswith("Apply complete: 0 added, 0 changed, 0 destroyed.")


def prepare(subject: World, dice: random.Random) -> dict[str, str]:
    """A third is there and to be changed, a third is there and to be deleted, a third is new."""
    keys = [f"k{number:03}" for number in range(SIZE)]
    for key in keys[: 2 * SIZE // 3]:
        subject.define(key, "A", f"first-secret-of-{key}")
    assert subject.apply(workers=8)["code"] == 0, subject.said()
    for key in keys[: SIZE // 3]:
        subject.define(key, dice.choice("BC"), f"second-secret-of-{key}")
    for key in keys[SIZE // 3 : 2 * SIZE // 3]:
        subject.forget(key)
    for key in keys[2 * SIZE // 3 :]:
        subject.define(key, "A", f"first-secret-of-{key}")
    found = (subject.project.folder / "connections").glob("*.yaml")
    return {path.stem: path.read_text().split("description: ")[1][0] for path in found}
