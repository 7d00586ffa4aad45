"""One error, three shapes: which is live is unknown, so a client has to read them all."""

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import CATALOGUE, coded, gateway, reply, uncoded

WORDS = dict.fromkeys(
    ("reason", "id", "supplied", "current", "name", "spec", "field", "op", "param", "value", "state", "kind"), "{word}"
)
NOT_FOUND = "connections not found with id = [{word}]"


@pytest.mark.parametrize("number", CATALOGUE)
@pytest.mark.parametrize("shape", ["documented", "legacy", "problem"])
def test_every_error_can_be_sent_in_every_shape(number, shape):
    answer = reply(coded(number, **WORDS), Behaviour(error_shape=shape))
    title = CATALOGUE[number][1]
    assert 400 <= answer.status < 600
    if "type" in answer.body:
        name = f"http://ns.adobe.com/aep/errors/FLOW-{number}-{answer.status}"
        assert (answer.body["type"], answer.body["title"], answer.body["status"]) == (name, title, answer.status)
    assert shape != "problem" or set(answer.body) == {"type", "title", "status", "detail"}
    assert shape != "legacy" or set(answer.body) in ({"errorMessage", "errorDetails"}, {"message"})


@pytest.mark.parametrize(
    ("number", "shape", "keys"),
    [
        (1101, "documented", {"errorMessage", "errorDetails"}),
        (1404, "documented", {"errorMessage", "errorDetails"}),
        (1413, "documented", {"message"}),
        (1403, "documented", {"type", "title", "status", "detail"}),
        (1403, "legacy", {"errorMessage", "errorDetails"}),
        (1101, "problem", {"type", "title", "status", "detail"}),
        (1413, "problem", {"type", "title", "status", "detail"}),
    ],
)
def test_which_shape(number, shape, keys):
    assert set(reply(coded(number, **WORDS), Behaviour(error_shape=shape)).body) == keys


def test_what_a_client_sent_is_not_taken_for_a_template():
    assert reply(coded(1101, **WORDS), Behaviour()).body["errorMessage"] == NOT_FOUND


def test_the_prefix_of_the_type_can_be_set():
    answer = reply(coded(1403), Behaviour(error_prefix="SVC"))
    assert answer.body["type"] == "http://ns.adobe.com/aep/errors/SVC-1403-400"


def test_an_error_without_a_code_says_so():
    assert reply(uncoded(422, "T", "d"), Behaviour()).body["type"] == "about:blank"


def test_the_gateway_keeps_its_shape():
    answer = reply(gateway("403010"), Behaviour(error_shape="legacy"))
    assert (answer.status, answer.body["error_code"]) == (403, "403010")


def test_over_the_socket(start):
    caller = start(error_shape="problem")
    answer = caller.get("/connections/nobody")
    assert (answer.status_code, answer.json()["type"]) == (404, "http://ns.adobe.com/aep/errors/FLOW-1101-404")
