"""``/_emulator``: the request log, and reset."""

import pytest
import requests

from .support import body


def logged(api):
    return requests.get(api.emulator.url + "/_emulator/requests", timeout=5).json()


def test_requests_are_shown_in_order_as_they_arrived(api):
    api.post(body("First"))
    api.get("/connections?limit=5&property=a&property=b&empty=")
    requests.post(api.emulator.url + "/ims/token/v3", data={"client_id": "x"}, timeout=5)
    create, listing, token = logged(api)
    assert (create["method"], create["path"]) == ("POST", "/data/foundation/flowservice/connections")
    assert (create["query"], create["body"]) == ({}, body("First"))
    assert create["headers"]["x-api-key"] == "client-a"
    assert create["headers"]["content-type"] == "application/json"
    assert listing["query"] == {"limit": "5", "property": ["a", "b"], "empty": ""}
    assert listing["body"] is None
    assert (token["path"], token["body"]) == ("/ims/token/v3", "client_id=x")


def test_refused_requests_are_shown_too(client):
    client(Authorization=None).get("/connections")
    client().get("/nothing")
    assert [each["path"].rpartition("/")[2] for each in logged(client())] == ["connections", "nothing"]


def test_its_own_and_other_paths_are_not_shown(api):
    requests.get(api.emulator.url + "/elsewhere", timeout=5)
    assert logged(api) == logged(api) == []


@pytest.mark.parametrize(
    ("sent", "shown"),
    [(b"7", 7), (b"{", "{"), (b"\xff", "\ufffd"), (b"NaN", "NaN"), (b"[" * 5000, "[" * 5000), (b"1e999", "1e999")],
    ids=repr,
)
def test_a_body_is_shown_parsed_or_as_text(api, sent, shown):
    api.post(data=sent)
    assert logged(api)[0]["body"] == shown


def test_repeated_headers_are_joined(api):
    """Two of the same name, which ``requests`` cannot send."""
    host = api.emulator.url.removeprefix("http://")
    connection = requests.packages.urllib3.HTTPConnectionPool(host)
    headers = requests.packages.urllib3.HTTPHeaderDict([("X-Twice", "a"), ("X-Twice", "b")])
    connection.request("GET", "/data/foundation/flowservice/connections", headers=headers)
    connection.close()
    assert logged(api)[0]["headers"]["x-twice"] == "a, b"


def test_reset_forgets_everything(api):
    api.made()
    assert requests.post(api.emulator.url + "/_emulator/reset", timeout=5).ok
    assert logged(api) == []
    assert api.names() == []


@pytest.mark.parametrize(("method", "path"), [("GET", "reset"), ("POST", "health"), ("DELETE", "requests")])
def test_wrong_methods(api, method, path):
    assert api.call(method, f"{api.emulator.url}/_emulator/{path}").status_code == 405


def test_unknown_paths(api):
    answer = api.get(api.emulator.url + "/_emulator/nothing")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
