"""The token service."""

import pytest
import requests

GOOD = {"client_id": "client-a", "client_secret": "s", "grant_type": "client_credentials", "scope": "openid"}


def ask(caller, **changed):
    """A token request; None leaves a field out."""
    form = {key: value for key, value in (GOOD | changed).items() if value is not None}
    return requests.post(caller.emulator.url + "/ims/token/v3", data=form, timeout=10)


def test_any_client_gets_a_token_that_works(api):
    answer = ask(api)
    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in ("token_type", "expires_in")} == {
        "token_type": "bearer",
        "expires_in": 86399,
    }
    assert api.get("/connections", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}).ok


def test_the_query_serves_as_well(api):
    answer = requests.post(api.emulator.url + "/ims/token/v3", params=GOOD, timeout=10)
    assert answer.json()["access_token"]


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_id": None}, 400, "bad_request"),
        ({"client_secret": ""}, 400, "bad_request"),
        ({"grant_type": None}, 400, "bad_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_refusals(api, changed, status, error):
    answer = ask(api, **changed)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_only_known_clients_when_so_told(start):
    caller = start(clients={"client-a": "s"})
    answers = [ask(caller), ask(caller, client_id="other"), ask(caller, client_secret="wrong")]
    assert [each.status_code for each in answers] == [200, 400, 401]
    assert {each.json()["error"] for each in answers[1:]} == {"invalid_client"}


def test_an_expired_token_is_refused(start):
    caller = start(token_seconds=0)
    token = ask(caller).json()["access_token"]
    answer = caller.get("/connections", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error_code"]) == (401, "401013")


def test_foreign_tokens_are_refused_when_so_told(start):
    caller = start(foreign_tokens="reject")
    assert caller.get("/connections").status_code == 401
    token = ask(caller).json()["access_token"]
    assert caller.get("/connections", headers={"Authorization": f"Bearer {token}"}).ok


def test_a_reset_invalidates_tokens(api):
    token = ask(api).json()["access_token"]
    api.call("POST", api.emulator.url + "/_emulator/reset")
    assert api.get("/connections", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_only_post(api):
    answer = api.get(api.emulator.url + "/ims/token/v3")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
