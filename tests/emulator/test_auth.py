"""Requests refused before a handler sees them, in the gateway's codes and shapes."""

import re

import pytest

from .support import body, code


@pytest.mark.parametrize(
    ("headers", "status", "expected"),
    [
        ({"Authorization": None}, 403, {"error_code": "403010", "message": "Oauth token is missing."}),
        ({"Authorization": "Bearer "}, 403, {"error_code": "403010", "message": "Oauth token is missing."}),
        ({"Authorization": "Basic abc"}, 401, {"error_code": "401013", "message": "Oauth token is not valid"}),
        ({"Authorization": "Bearer emulator-0"}, 401, {"error_code": "401013", "message": "Oauth token is not valid"}),
        ({"x_api_key": None}, 403, {"error_code": "403000", "message": "Api Key is required"}),
        ({"x_gw_ims_org_id": None}, 400, {"error_code": "400003", "message": "Missing header"}),
    ],
)
def test_gateway_refusals(client, headers, status, expected):
    answer = client(**headers).get("/connections")
    assert (answer.status_code, answer.json()) == (status, expected)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x_sandbox_name": None}, "2105-400"),
        ({"x_sandbox_name": "Prod"}, "2100-404"),
        ({"x_sandbox_name": "a_b"}, "2100-404"),
        ({"x_sandbox_name": "*"}, "2111-403"),
        ({"x_sandbox_id": "7"}, "2110-400"),
    ],
)
def test_sandbox_refusals(client, headers, expected):
    answer = client(**headers).get("/connections")
    assert code(answer) == expected
    assert answer.status_code == int(expected[-3:])


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", ";"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/connections"), ("PATCH", "/connections/1")])
def test_a_body_needs_a_content_type(client, method, path, kind):
    answer = client(Content_Type=kind).call(method, path, data=b"{}")
    expected = {"status": 400, "title": "BadRequestError", "detail": "A valid content-type must be specified"}
    assert answer.json() == {"type": "/placeholder/type/uri", **expected}
    assert answer.status_code == 400


def test_a_content_type_may_have_parameters(client):
    caller = client(Content_Type="Application/JSON; charset=utf-8")
    assert caller.post(body()).status_code == 201


def test_a_missing_sandbox_is_prod_when_so_told(start):
    caller = start(missing_sandbox="prod")
    caller.made("Seen")
    del caller.session.headers["x-sandbox-name"]
    assert caller.names() == ["Seen"]


def test_only_named_sandboxes_exist_when_so_told(start):
    caller = start(sandboxes=frozenset({"dev"}))
    assert code(caller.get("/connections")) == "2100-404"
    assert caller.get("/connections", headers={"x-sandbox-name": "dev"}).status_code == 200


def test_an_api_key_must_be_a_known_client_when_so_told(start):
    caller = start(clients={"client-b": "secret"})
    assert code(caller.get("/connections")) == "403003"
    assert caller.get("/connections", headers={"x-api-key": "client-b"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "", 404),
        ("GET", "/", 404),
        ("GET", "/targetConnections", 404),
        ("GET", "/connections//", 404),
        ("GET", "/connections/1/nothing", 404),
        ("GET", "/connections/a%2Fb/c", 404),
        ("DELETE", "/connections", 405),
        ("PUT", "/connections/1", 405),
        ("OPTIONS", "/connections", 405),
        ("POST", "/connections/1/test", 405),
    ],
)
def test_paths_and_methods_that_do_not_exist_get_json(client, method, path, status):
    answer = client(Content_Type="application/json").call(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert ("Allow" in answer.headers) == (status == 405)


def test_every_answer_has_a_date_and_a_request_id(api):
    for answer in (api.get("/connections"), api.get("/nothing"), api.post(body())):
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", answer.headers["Date"])
        assert answer.headers["x-request-id"]
