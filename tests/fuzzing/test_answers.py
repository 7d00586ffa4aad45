"""Two thousand odd answers to writes: no second object, none lost, none changed that is not ours."""

from __future__ import annotations

import pytest

from tests.answers.fuzz import run

PARTS, ANSWERS = 20, 100


@pytest.mark.parametrize("part", range(PARTS))
def test_no_answer_breaks_a_promise(part: int) -> None:
    given, case = 0, 0
    while given < ANSWERS:
        story, wrong = run(part, case)
        said = "\n".join(story.said)
        assert wrong == [], f"{said}\n\npython -m tests.answers.fuzz --seed {part} --case {case}"
        given, case = given + story.answers, case + 1
