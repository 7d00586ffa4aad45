"""200 definitions and eight workers, killed again and again at boundaries drawn by seed, then run to the end.

Each run is of one of two checkouts with one state, whose clock may be wrong.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.kills.world import KILLED, Definition, World, world

SIZE = 200
KILLS = 6


@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with world(tmp_path / "project") as subject:
        used = prepare(subject, dice)
        colleague = subject.another("colleague", shares_state=True)
        colleague.pull(subject)
        killed = 0
        while killed < KILLS:
            one = dice.choice((subject, colleague))
            ended = one.apply(kill=dice.randrange(1, 400), workers=8, ahead=dice.choice((0.0, 3600.0, -3600.0)))
            one.check_always()
            if ended["code"] != KILLED:
                break
            killed += 1
        assert killed > 1
        assert subject.apply(workers=8)["code"] in (1, 4), subject.said()
        assert used <= {one.id for one in subject.ours()}
        subject.flows.end(used)
        assert subject.apply(workers=8)["code"] == 0, subject.said()
        subject.check_always()
        subject.check_end()
        assert subject.apply(workers=8)["code"] == 0
        assert subject.said().rstrip().endswith("Apply complete: 0 added, 0 changed, 0 destroyed.")


def prepare(subject: World, dice: random.Random) -> set[str]:
    """A third is there and to be changed, renamed or moved, a third is there and to be deleted, a third is new. Return
    the ids of those to be deleted that a dataflow uses."""
    subject.add_theirs()
    keys = [f"k{number:03}" for number in range(SIZE)]
    for key in keys[: 2 * SIZE // 3]:
        subject.define(key, "A", f"first-secret-of-{key}")
    assert subject.apply(workers=8)["code"] == 0, subject.said()
    ids = {one.declared.name: one.id for one in subject.ours()}
    for key in keys[: SIZE // 3]:
        new = dice.choice((key, key, f"{key}-moved"))
        name = dice.choice((key, key, f"{key} renamed"))
        moved = key if new != key else ""
        subject.rename(key, Definition(key, new, name, dice.choice("ABC"), moved), f"second-secret-of-{key}")
    for key in keys[SIZE // 3 : 2 * SIZE // 3]:
        subject.forget(key)
    for key in keys[2 * SIZE // 3 :]:
        subject.define(key, "A", f"first-secret-of-{key}")
    used = {ids[key] for key in dice.sample(keys[SIZE // 3 : 2 * SIZE // 3], 10)}
    for ident in used:
        subject.flows.begin(ident)
    return used
