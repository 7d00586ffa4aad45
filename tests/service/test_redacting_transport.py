"""The redacting transport: error texts that repeat a secret are withheld."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.service.error_responses import WITHHELD, read_fault, sentence
from provisioner.service.messages import HttpOutcome, HttpRequest, HttpResponse, NoResponse
from provisioner.service.transport import RedactingTransport
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


def through(outcome: HttpOutcome) -> HttpOutcome:
    return RedactingTransport(Script((outcome,)), lambda text: "hunter22" in text).send(HttpRequest("GET", HERE, "/x"))


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("status", [400, 500])
def test_error_responses(row: str, status: int) -> None:
    body, expected = ROWS[row]
    outcome = through(HttpResponse(status, {}, body))
    assert isinstance(outcome, HttpResponse)
    assert outcome.body == expected
    assert "hunter22" not in sentence(read_fault(outcome))


def test_withheld_texts_are_marked() -> None:
    outcome = through(HttpResponse(400, {}, {"code": "1418-400", "detail": "hunter22"}))
    assert isinstance(outcome, HttpResponse)
    assert read_fault(outcome).code == "1418-400"
    assert WITHHELD in sentence(read_fault(outcome))


@pytest.mark.parametrize("outcome", [HttpResponse(200, {}, {"name": "hunter22"}), NoResponse(False, "refused")])
def test_anything_else_passes(outcome: HttpOutcome) -> None:
    assert through(outcome) is outcome
