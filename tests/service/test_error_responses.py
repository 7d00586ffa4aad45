"""Error responses: each body is read into one value, and each code has a meaning and a remedy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.service.error_codes import CLASSES, CODES, SIGN_IN_CODES, STATUSES
from provisioner.service.error_responses import (
    ServiceFault,
    explain,
    explain_sign_in,
    read_fault,
    refuses,
    says_gone,
    sentence,
)
from provisioner.service.messages import NOT_JSON, HttpResponse

from .fakes import coded, legacy, missing

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
    (
        404,
        {
            "type": "https://ns.adobe.com/aep/errors/FLOW-1439-404",
            "title": "Resource not found",
            "status": 404,
            "report": {"detailed-message": "gone", "id": "r", "request-id": "q", "type": "x"},
            "errorMessage": "m",
            "errorDetails": "d",
        },
        ServiceFault(404, "1439-404", "Resource not found", "gone", request_id="q"),
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
    (500, None, ServiceFault(500, foreign="an empty body")),
    (500, [], ServiceFault(500, foreign="JSON of another form")),
    (500, "text", ServiceFault(500, foreign="JSON of another form")),
    (500, 0, ServiceFault(500, foreign="JSON of another form")),
]


@pytest.mark.parametrize(("status", "body", "fault"), BODIES)
def test_bodies(status: int, body: Any, fault: ServiceFault) -> None:
    assert read_fault(HttpResponse(status, {}, body)) == fault


PAGE = "<!DOCTYPE html>\n<html><head><title>Access denied</title></head>"
FOREIGN = [
    (PAGE, NOT_JSON, "a page"),
    ("<HTML><body>", NOT_JSON, "a page"),
    ("<?xml version='1.0'?><html xmlns='x'>", NOT_JSON, "a page"),
    (PAGE, "the body was cut", "a page"),
    ("Blocked by policy", NOT_JSON, "a text that is not JSON"),
    ("{", NOT_JSON, "a text that is not JSON"),
    ('{"error_code": "401', "the body was cut", ""),
    ("{", "the body is larger than 9 bytes", ""),
]


@pytest.mark.parametrize(("text", "defect", "foreign"), FOREIGN)
def test_foreign_bodies_are_described(text: str, defect: str, foreign: str) -> None:
    assert read_fault(HttpResponse(502, text=text, defect=defect)) == ServiceFault(502, foreign=foreign)


BETWEEN = "something between here and Adobe answered with a page"


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 405, 409, 418, 422, 451, 499])
@pytest.mark.parametrize("text", [PAGE, "Blocked by policy"])
def test_a_page_comes_from_an_intermediary(status: int, text: str) -> None:
    fault = read_fault(HttpResponse(status, text=text, defect=NOT_JSON))
    assert sentence(fault) == f"something between here and Adobe answered with {fault.foreign} (HTTP {status})"
    remedy = explain(fault).remedy
    assert "proxy" in remedy
    assert not [word for word in ("oken", "SECRET", "role", "Permissions", "support", "request id") if word in remedy]


@pytest.mark.parametrize("status", [302, 407, 408, 412, 413, 429, 500, 502, 503, 504, 511])
def test_some_statuses_explain_a_page(status: int) -> None:
    fault = read_fault(HttpResponse(status, text=PAGE, defect=NOT_JSON))
    assert explain(fault) == (STATUSES.get(status) or CLASSES[status // 100])


@pytest.mark.parametrize("text", [PAGE, "", "{"])
def test_a_captive_portal_is_no_failure_of_the_service(text: str) -> None:
    fault = read_fault(HttpResponse(511, text=text, defect=NOT_JSON))
    for known in (explain(fault), explain_sign_in(fault)):
        assert "network requires a login" in known.meaning
        assert "support" not in known.remedy


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 418, 422, 499])
@pytest.mark.parametrize("body", [{}, {"message": "no"}, {"error": "something_new"}, {"error_code": "403010"}])
def test_a_refused_sign_in_is_not_about_tokens_or_roles(status: int, body: dict[str, str]) -> None:
    remedy = explain_sign_in(read_fault(HttpResponse(status, {}, body))).remedy
    assert "AEP_CLIENT_SECRET" in remedy or "ims_endpoint" in remedy
    assert not [word for word in ("ACCESS_TOKEN", "role", "sandbox", "request id", "definition") if word in remedy]


@pytest.mark.parametrize("code", sorted(SIGN_IN_CODES))
def test_a_sign_in_is_explained_by_its_code(code: str) -> None:
    assert explain_sign_in(read_fault(HttpResponse(401, {}, {"error": code}))) == CODES[code]


USERS_CODES = """
1100-400 1101-404 1102-500 1103-503 1104-504 1400-500 1403-400 1404-412 1410-400 1413-400 1414-400 1415-400 1416-400
1417-400 1418-400 1420-400 1421-400 1439-400 1439-404 1445-400 1455-400 1457-400 1458-400
2000-401 2001-401 2002-401 2100-404 2101-404 2103-404 2105-400 2106-404 2110-400 2111-403 2114-400 2115-400 2118-403
2120-403 2121-403
1001-401 1002-403 1003-404 1006-408 1008-401 1009-403 1011-503 1012-504 1013-412 1101-500 1102-404 1105-401 1106-403
1107-412 1300-400 1301-400 1302-400 1303-400 1304-400 1305-400 1308-400 1312-400 1330-400 1336-400 1337-400 1358-400
1602-404 1603-503 1604-504 1605-401 1606-403 1607-412
403010 401013 403000 403003 400003 403025 403027 429050 invalid_client invalid_scope
"""


@pytest.mark.parametrize("code", USERS_CODES.split())
def test_codes_a_user_can_meet_are_explained(code: str) -> None:
    status = int(code[5:] or code[:3]) if code[0].isdigit() else 400
    if code.isdigit():
        status = int(code[:3])
    meaning, remedy = explain(ServiceFault(status, code))
    assert meaning == CODES[code].meaning
    assert remedy


@pytest.mark.parametrize("code", CODES)
def test_explanations_are_one_style(code: str) -> None:
    meaning, remedy = CODES[code]
    assert not meaning.endswith(".")
    assert meaning[0].islower() or meaning.startswith("Adobe")
    assert remedy[0].islower()
    assert not remedy.endswith(".")


@pytest.mark.parametrize(("status", "code"), [(500, "1101-404"), (404, "1101-500"), (400, "401013"), (503, "1439-400")])
def test_a_code_with_another_status_means_something_else(status: int, code: str) -> None:
    """One number stands for different things in the two catalogues."""
    assert explain(ServiceFault(status, code)) == STATUSES[status]
    assert sentence(ServiceFault(status, code)).endswith(f"({code}, HTTP {status})")


def test_one_number_has_several_meanings() -> None:
    assert len({explain(ServiceFault(status, f"1101-{status}")) for status in (404, 500)}) == 2
    assert len({explain(ServiceFault(status, f"1102-{status}")) for status in (404, 500)}) == 2


@pytest.mark.parametrize(
    "status", [100, 204, 302, 400, 401, 403, 404, 409, 412, 418, 422, 429, 451, 500, 503, 599, 999]
)
def test_without_a_known_code_the_status_explains(status: int) -> None:
    assert explain(ServiceFault(status, "9999-999")).meaning
    assert f"(HTTP {status})" in sentence(ServiceFault(status))


def test_a_sentence_has_meaning_code_and_message() -> None:
    fault = ServiceFault(400, "1418-400", "Invalid request", "in use")
    meaning = "the base connection is still used by one or more dataflows"
    assert sentence(fault) == f'{meaning} (1418-400); the service says: "in use"'
    assert sentence(ServiceFault(400, "1418-400")) == f"{meaning} (1418-400)"


PAIR = {"errorMessage": "no", "errorDetails": "no"}
REFUSALS: list[tuple[HttpResponse, bool]] = [
    *((coded(code), True) for code in ("1415-400", "1101-404", "1404-412", "2118-403", "1602-404", "1300-400")),
    (coded("1430-400"), True),  # of the catalogue, and nothing that a base connection meets
    (HttpResponse(400, {}, {"code": "1418-400"}), True),
    (HttpResponse(403, {}, {"error_code": "403025"}), True),
    (HttpResponse(403, {}, {"error_code": 403025}), True),
    (HttpResponse(403, {}, {"error_code": 403999}), True),
    (HttpResponse(400, {}, PAIR), True),
    (HttpResponse(404, {}, {**PAIR, "type": "https://ns.adobe.com/aep/errors/FLOW-1439-404", "status": 404}), True),
    (HttpResponse(412, {}, PAIR), True),
    # another status than that of the code, or of the body
    (coded("1101-404", 400), False),
    (coded("1101-500", 400), False),
    (HttpResponse(400, {}, {"error_code": "403025"}), False),
    (HttpResponse(400, {}, {**PAIR, "type": "x/FLOW-1102-500"}), False),
    (HttpResponse(400, {}, {**PAIR, "status": 500}), False),
    (HttpResponse(400, {}, {**PAIR, "status": "500"}), False),
    (HttpResponse(400, {}, {**PAIR, "status": 500.0}), False),
    (HttpResponse(400, {}, {**PAIR, "status": "400"}), True),
    # two codes that do not agree
    (HttpResponse(400, {}, {"code": "1415-400", "type": "x/FLOW-1415-400"}), True),
    (HttpResponse(400, {}, {"code": "1102-500", "type": "x/FLOW-1415-400"}), False),
    (coded("1415-400", errorCode="2105-400"), False),
    (HttpResponse(400, {}, {"code": "E1", "type": "x/FLOW-1415-400"}), False),
    (coded("1415-400", status=400), True),
    # no code of either catalogue
    (coded("9999-400"), False),
    (HttpResponse(400, {}, {"code": "400025"}), False),
    (HttpResponse(400, {}, {"error_code": "40002"}), False),
    (HttpResponse(400, {}, {"errorCode": "1101"}), False),
    # words of anybody
    *((HttpResponse(status, {}, {"message": "no"}), False) for status in (400, 403, 404, 409, 422, 425, 460, 499)),
    (HttpResponse(400, {}, {"errorMessage": "no"}), False),
    (HttpResponse(400, {}, {"errorMessage": "no", "errorDetails": ""}), False),
    (HttpResponse(400, {}, {"errorMessage": {}, "errorDetails": []}), False),
    (HttpResponse(400, {}, {"timestamp": 1, "status": 400, "error": "Bad Request", "path": "/x"}), False),
    (HttpResponse(400, {}, {"error": "invalid_client", "error_description": "d"}), False),
    (HttpResponse(400, {}, {}), False),
    (HttpResponse(400, {}, []), False),
    (HttpResponse(400), False),
    (HttpResponse(403, text="<html>", defect="the body is not JSON"), False),
    # statuses that refuse nothing
    (HttpResponse(408, {}, PAIR), False),
    (coded("1006-408"), False),
    *((HttpResponse(status, {}, PAIR), False) for status in (101, 103, 200, 302, 307, 308, 500, 503)),
    (coded("1102-500"), False),
]


@pytest.mark.parametrize(("answer", "refused"), REFUSALS, ids=range(len(REFUSALS)))
def test_refusals(answer: HttpResponse, refused: bool) -> None:
    assert refuses(answer) is refused


OURS = "025d4158-4113-403b-b551-e81724d3880c"
OTHER = "4890fc95-5a1f-4983-94bb-e060c08e3f81"
GONE: list[tuple[HttpResponse, bool]] = [
    (coded("1101-404"), True),
    (coded("1439-404"), True),
    (coded("1439-400"), True),
    (coded("1101-404", detail=f"no connection {OURS}"), True),
    (coded("1439-404", report={"detailed-message": f"{OURS} not found", "id": OTHER, "request-id": OTHER}), True),
    (coded("1439-404", detail=f"the connection resource {OURS} of the sandbox {OTHER}"), True),
    (missing(OURS), True),
    (missing(OURS.upper()), True),
    # another id
    (coded("1101-404", detail=f"no connection {OTHER}"), False),
    (coded("1439-400", errorMessage=f"flows not found with id = [{OTHER}]"), False),
    (coded("1439-404", report={"detailed-message": f"{OTHER} not found"}), False),
    (coded("1439-404", detail="connections resource 4890fc95 not found"), False),
    (coded("1101-404", errorMessage="connections not found with id = [a1]"), False),
    (coded("1101-404", detail="Resource with given id does not exist."), True),
    (missing(OTHER), False),
    (missing(f"{OURS}0"), False),
    (missing(f"a{OURS}"), False),
    (missing(f"x-{OURS}"), False),
    (legacy("not found"), False),
    (legacy("sandbox not found"), False),
    # another code, or with another status
    *((coded(code), False) for code in ("1003-404", "1102-404", "1602-404", "2100-404", "2101-404", "2103-404")),
    *((coded("1101-404", status), False) for status in (400, 403, 410, 500, 503)),
    *((coded("1439-400", status), False) for status in (404, 500)),
    *((coded(code), False) for code in ("1101-500", "1439-503", "1101-403", "1101-400", "1418-400")),
    (HttpResponse(404, {}, {**dict(missing(OURS).body), "type": "x/FLOW-1602-404"}), False),
    (HttpResponse(404, {}, {"code": "1101-404", "type": "x/FLOW-2100-404"}), False),
    (HttpResponse(404, {}, {"type": "https://ns.adobe.com/aep/errors/XDM-1101-404"}), False),
    (HttpResponse(404, {}, {"type": "SMS-1439-404"}), False),
    (HttpResponse(404, {}, {"type": "https://ns.adobe.com/aep/errors/FLOW-1101-404"}), True),
    (HttpResponse(404, {}, {"code": "2100-404", "type": "x/FLOW-1101-404"}), False),
    (HttpResponse(404, {}, {"error_code": "404001", "message": OURS}), False),
    (HttpResponse(404, {}, {"errorCode": "1101"}), False),
    (HttpResponse(500, {}, {"errorCode": "1101"}), False),
    # another status
    *((HttpResponse(status, {}, missing(OURS).body), False) for status in (200, 400, 403, 410, 500)),
    # words of anybody
    (HttpResponse(404, {}, {"errorMessage": f"connections not found with id = [{OURS}]"}), False),
    (HttpResponse(404, {}, {"message": "no Route matched with those values"}), False),
    (HttpResponse(404, {}, {"message": "Not Found"}), False),
    (HttpResponse(404, {}, {}), False),
    (HttpResponse(404), False),
    (HttpResponse(404, text="<html>", defect="the body is not JSON"), False),
]


@pytest.mark.parametrize(("answer", "gone"), GONE, ids=range(len(GONE)))
def test_responses_that_say_gone(answer: HttpResponse, gone: bool) -> None:
    assert says_gone(answer, OURS) is gone


def test_a_request_id_is_found_in_a_body_too() -> None:
    body = {"report": {"request-id": "r1"}}
    assert HttpResponse(404, {}, body).request_id == "r1"
    assert HttpResponse(404, {"x-request-id": "r2"}, body).request_id == "r2"
    assert HttpResponse(404, {}, {"report": {"request-id": "a\x1b"}}).request_id == ""
    assert HttpResponse(404, {}, {"report": {"request-id": 5}}).request_id == ""


def test_details_fit_on_one_line_of_a_terminal() -> None:
    fault = read_fault(HttpResponse(400, {}, {"title": "a\x1b[31mb\n\tc\u202ed\ud800", "detail": "x" * 5000}))
    assert fault.title == "a [31mb c d"
    assert len(fault.detail) == 603


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        "type",
        "report",
        "errorDetails",
        "title",
        "detail",
        "status",
        "error_code",
        "error",
        "message",
        "errorMessage",
        "code",
    ]
)


@given(st.integers(100, 999), st.dictionaries(names, json_values) | json_values)
def test_any_body_can_be_explained(status: int, body: Any) -> None:
    answer = HttpResponse(status, {}, body)
    fault = read_fault(answer)
    assert says_gone(answer, "x") <= refuses(answer) <= (400 <= status <= 499)
    text = sentence(fault) + explain(fault).remedy
    assert text.isprintable()
    assert len(text) < 1200
