"""Errors in their four shapes: which one is used for base connections is unknown, so a client has to read all."""

import re
from typing import get_type_hints

import pytest

from provisioner.emulator import errors
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import CATALOGUE, bad_value, coded, error_reply, gateway, missing_object, uncoded

WORDS = {name: "{word}" for text in CATALOGUE.values() for name in re.findall(r"{(\w+)}", text[1])}
PAIR = {"errorMessage", "errorDetails"}
PROBLEM = {"type", "title", "status", "detail"}
COMBINED = {"type", "title", "status", "report"} | PAIR
KEYS = {"combined": [COMBINED], "documented": [PAIR, PROBLEM, {"message"}], "legacy": [PAIR, {"message"}]}
KEYS["problem"] = [PROBLEM]


def told(refused, **behaviour):
    return error_reply(refused, Behaviour(**behaviour), "request-7")


def test_the_switch_lists_the_shapes():
    assert list(KEYS) == list(get_type_hints(Behaviour)["error_shape"].__args__)


@pytest.mark.parametrize("code", CATALOGUE)
@pytest.mark.parametrize("shape", KEYS)
def test_every_error_can_be_sent_in_every_shape(code, shape):
    answer = told(coded(code, **WORDS), error_shape=shape)
    assert f"-{answer.status}" == code[4:]
    assert set(answer.body) in KEYS[shape]
    if "type" in answer.body:
        assert answer.body["type"].endswith(f"://ns.adobe.com/aep/errors/FLOW-{code}")
        assert (answer.body["title"], answer.body["status"]) == (CATALOGUE[code][0], answer.status)


@pytest.mark.parametrize(
    ("code", "shape", "keys"),
    [
        ("1101-404", "documented", PAIR),
        ("1404-412", "documented", PAIR),
        ("1413-400", "documented", {"message"}),
        ("1403-400", "documented", PROBLEM),
        ("1403-400", "legacy", PAIR),
        ("1413-400", "legacy", {"message"}),
        ("1413-400", "problem", PROBLEM),
        ("1413-400", "combined", COMBINED),
    ],
)
def test_which_shape(code, shape, keys):
    assert set(told(coded(code, **WORDS), error_shape=shape).body) == keys


def test_the_combined_body_is_the_documented_one():
    """As the page on labels shows it for a flow."""
    text = "The requested flows resource 84224def is not found. Verify the resource ID before trying again."
    answer = told(missing_object(Behaviour(), "flows", "84224def"))
    assert (answer.status, answer.headers) == (404, (("x-request-id", "request-7"),))
    assert answer.body == {
        "type": "https://ns.adobe.com/aep/errors/FLOW-1439-404",
        "title": "Resource not found",
        "status": 404,
        "report": {"detailed-message": text, "id": "84224def", "request-id": "request-7", "type": "flows"},
        "errorMessage": text,
        "errorDetails": text,
    }


@pytest.mark.parametrize("code", ["1439-404", "1439-400", "1101-404"])
def test_which_code_an_unknown_id_gets(start, code):
    for shape, text in (("combined", ""), ("legacy", "connections not found with id = [nobody]")):
        answer = start(missing_object=code, error_shape=shape).get("/connections/nobody")
        assert answer.status_code == int(code[-3:])
        assert answer.json().get("type", f"/FLOW-{code}").endswith(f"/FLOW-{code}")
        assert text in answer.json()["errorMessage"]


@pytest.mark.parametrize("shape", ["documented", "legacy"])
def test_what_a_client_sent_is_not_taken_for_a_template(shape):
    body = told(coded("1101-404", **WORDS), error_shape=shape).body
    assert body["errorMessage"] == "{word} not found with id = [{word}]"


def test_a_value_that_may_be_sensitive_is_masked():
    assert "********" in told(bad_value("auth", "it must be an object")).body["errorMessage"]
    assert "param value 3306 is" in told(bad_value("port", "it must be a string", 3306)).body["errorMessage"]


@pytest.mark.parametrize(("shape", "scheme"), [("combined", "https"), ("problem", "http")])
def test_the_prefix_of_the_type_can_be_set(shape, scheme):
    answer = told(coded("1403-400"), error_prefix="SVC", error_shape=shape)
    assert answer.body["type"] == f"{scheme}://ns.adobe.com/aep/errors/SVC-1403-400"


@pytest.mark.parametrize("shape", ["combined", "problem"])
def test_an_error_without_a_code_says_so(shape):
    assert told(uncoded(422, "T", "d"), error_shape=shape).body["type"] == "about:blank"


@pytest.mark.parametrize("shape", KEYS)
def test_the_gateway_keeps_its_shape(shape):
    answer = told(gateway("403010"), error_shape=shape)
    assert (answer.status, answer.body) == (403, {"error_code": "403010", "message": "Oauth token is missing."})


def test_no_code_is_known_by_its_number_alone():
    """1100 to 1107 and 1401 to 1404 mean something else with another status."""
    tables = (errors.CATALOGUE, errors._LEGACY, errors._MESSAGE)
    assert all(len(code) == 8 and code[4] == "-" for table in tables for code in table)


def test_over_the_socket(start):
    answer = start().get("/connections/nobody")
    assert (answer.status_code, answer.json()["type"]) == (404, "https://ns.adobe.com/aep/errors/FLOW-1439-404")
    assert answer.json()["report"]["request-id"] == answer.headers["x-request-id"]
