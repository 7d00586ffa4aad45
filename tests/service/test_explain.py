"""Every error body in, one value out; every code a user can meet has a meaning and a remedy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.service.codes import CODES
from provisioner.service.exchange import Answer
from provisioner.service.explain import ServiceFault, explain, read_fault, sentence

NOT_FOUND = "connections not found with id = [4890fc95-...]"

BODIES: list[tuple[int, Any, ServiceFault]] = [
    (404, {"errorMessage": NOT_FOUND, "errorDetails": NOT_FOUND}, ServiceFault(404, "", "", NOT_FOUND)),
    (404, {"errorMessage": NOT_FOUND}, ServiceFault(404, "", "", NOT_FOUND)),
    (400, {"message": "Please provide a valid spec id"}, ServiceFault(400, "", "", "Please provide a valid spec id")),
    (
        400,
        {
            "type": "http://ns.adobe.com/aep/errors/FLOW-1418-400",
            "title": "Invalid request",
            "status": 400,
            "detail": "u",
        },
        ServiceFault(400, "1418-400", "Invalid request", "u"),
    ),
    (400, {"type": "1418-400", "title": "t"}, ServiceFault(400, "1418-400", "t")),
    (400, {"code": "1418-400", "message": "m"}, ServiceFault(400, "1418-400", "", "m")),
    (
        400,
        {"type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError", "detail": "A valid content-type"},
        ServiceFault(400, "", "BadRequestError", "A valid content-type"),
    ),
    (401, {"error_code": "401013", "message": "no"}, ServiceFault(401, "401013", "", "no")),
    (401, {"error_code": 401013, "message": "no"}, ServiceFault(401, "401013", "", "no")),
    (401, {"error": "invalid_client", "error_description": "d"}, ServiceFault(401, "invalid_client", "", "d")),
    (500, {"error": {"code": 5, "message": "m"}}, ServiceFault(500)),
    (500, {"error_code": True, "message": None, "detail": ["a", 1]}, ServiceFault(500, "", "", '["a", 1]')),
    (500, {"code": "<script>", "message": "m"}, ServiceFault(500, "", "", "m")),
    (500, {}, ServiceFault(500)),
    (500, None, ServiceFault(500)),
    (500, [], ServiceFault(500, foreign=True)),
    (500, "text", ServiceFault(500, foreign=True)),
    (500, 0, ServiceFault(500, foreign=True)),
]


@pytest.mark.parametrize(("status", "body", "fault"), BODIES)
def test_bodies(status: int, body: Any, fault: ServiceFault) -> None:
    assert read_fault(Answer(status, {}, body)) == fault


@pytest.mark.parametrize("defect", ["the body is not JSON", "the body was cut"])
def test_what_cannot_be_read_is_foreign(defect: str) -> None:
    assert read_fault(Answer(502, text="<html>", defect=defect)) == ServiceFault(502, foreign=True)


USERS_CODES = """
1100 1101 1102 1103 1104 1400 1403 1404 1410 1413 1414 1415 1416 1417 1418 1420 1421 1439 1445 1455 1457 1458
2000 2001 2002 2100 2101 2103 2105 2106 2110 2111 2114 2115 2118 2120 2121
403010 401013 403000 403003 400003 403025 403027 429050 invalid_client invalid_scope
"""


@pytest.mark.parametrize("code", USERS_CODES.split())
def test_codes_a_user_can_meet_are_explained(code: str) -> None:
    meaning, remedy = explain(ServiceFault(400, code))
    assert meaning == CODES[code].meaning
    assert remedy


@pytest.mark.parametrize("code", CODES)
def test_explanations_are_one_style(code: str) -> None:
    meaning, remedy = CODES[code]
    assert not meaning.endswith(".")
    assert meaning[0].islower() or meaning.startswith("Adobe")
    assert remedy[0].isupper()
    assert remedy.endswith(".")


def test_the_status_at_the_end_of_a_code_does_not_matter() -> None:
    assert explain(ServiceFault(400, "1418-400")) == explain(ServiceFault(400, "1418"))


@pytest.mark.parametrize(
    "status", [100, 204, 302, 400, 401, 403, 404, 409, 412, 418, 422, 429, 451, 500, 503, 599, 999]
)
def test_without_a_known_code_the_status_speaks(status: int) -> None:
    assert explain(ServiceFault(status, "9999-999")).meaning
    assert f"(HTTP {status})" in sentence(ServiceFault(status))


def test_a_sentence_has_meaning_code_and_the_services_words() -> None:
    fault = ServiceFault(400, "1418-400", "Invalid request", "in use")
    meaning = "the base connection is still used by one or more dataflows"
    assert sentence(fault) == f'{meaning} (1418-400); the service says: "in use"'
    assert sentence(ServiceFault(400, "1418-400")) == f"{meaning} (1418-400)"


MISSING = [
    (ServiceFault(404), True),
    (ServiceFault(404, "", "", NOT_FOUND), True),
    (ServiceFault(404, "1101-404"), True),
    (ServiceFault(400, "1439-400"), True),
    (ServiceFault(404, foreign=True), False),
    (ServiceFault(404, "2100-404"), False),
    (ServiceFault(404, "2101"), False),
    (ServiceFault(404, "2103-404"), False),
    (ServiceFault(404, "2106-404"), False),
    (ServiceFault(404, "404001"), False),
    (ServiceFault(404, "", "", "The sandbox with the name 'x' could not be found."), False),
    (ServiceFault(404, "", "Sandbox not found"), False),
    (ServiceFault(400, "1418-400"), False),
    (ServiceFault(410), False),
]


@pytest.mark.parametrize(("fault", "missing"), MISSING)
def test_a_missing_object_is_not_a_missing_sandbox_nor_a_wrong_server(fault: ServiceFault, missing: bool) -> None:
    assert fault.is_missing_object is missing


def test_details_fit_on_one_line_of_a_terminal() -> None:
    fault = read_fault(Answer(400, {}, {"title": "a\x1b[31mb\n\tc\u202ed\ud800", "detail": "x" * 5000}))
    assert fault.title == "a [31mb c d"
    assert len(fault.detail) == 603


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["type", "title", "detail", "status", "error_code", "error", "message", "errorMessage", "code"])


@given(st.integers(100, 999), st.dictionaries(names, json_values) | json_values)
def test_no_body_is_too_strange(status: int, body: Any) -> None:
    fault = read_fault(Answer(status, {}, body))
    text = sentence(fault) + explain(fault).remedy
    assert text.isprintable()
    assert len(text) < 1200
