"""A service may quote the request that it refuses: what repeats a secret stops at the transport."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.service.error_responses import WITHHELD, read_fault, sentence
from provisioner.service.http import Answer, Call, Failure, Outcome
from provisioner.service.transport import Withholding
from tests.service.fakes import HERE, Script

ROWS: dict[str, tuple[Any, Any]] = {
    "a text": ({"detail": "cannot log in with hunter22"}, {"detail": WITHHELD}),
    "any text": ({"a": "hunter22", "b": "fine"}, {"a": WITHHELD, "b": "fine"}),
    "something nested": ({"detail": {"tried": ["hunter22"]}}, {"detail": WITHHELD}),
    "a code": ({"code": "hunter22"}, {"code": WITHHELD}),
    "codes stay": (
        {"type": "http://ns.adobe.com/aep/errors/FLOW-1418-400", "title": "hunter22"},
        {"type": "http://ns.adobe.com/aep/errors/FLOW-1418-400", "title": WITHHELD},
    ),
    "numbers and nothing": ({"status": 400, "report": None}, {"status": 400, "report": None}),
    "no object": (["hunter22"], ["hunter22"]),
    "no body": (None, None),
}


def through(outcome: Outcome) -> Outcome:
    return Withholding(Script((outcome,)), lambda text: "hunter22" in text).send(Call("GET", HERE, "/x"))


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("status", [400, 500])
def test_error_answers(row: str, status: int) -> None:
    body, expected = ROWS[row]
    outcome = through(Answer(status, {}, body))
    assert isinstance(outcome, Answer)
    assert outcome.body == expected
    assert "hunter22" not in sentence(read_fault(outcome))


def test_what_is_withheld_is_said() -> None:
    outcome = through(Answer(400, {}, {"code": "1418-400", "detail": "hunter22"}))
    assert isinstance(outcome, Answer)
    assert read_fault(outcome).code == "1418-400"
    assert WITHHELD in sentence(read_fault(outcome))


@pytest.mark.parametrize("outcome", [Answer(200, {}, {"name": "hunter22"}), Failure(False, "refused")])
def test_anything_else_passes(outcome: Outcome) -> None:
    assert through(outcome) is outcome
