"""PATCH: the required etag, and the operations."""

import pytest

from .support import BASIC, STRING, code


def op(path, value=None, kind="replace"):
    return {"op": kind, "path": path, "value": value}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_patch_changes_the_field_the_etag_and_the_stamp(api, client, slash):
    id_, etag = api.made()
    before = api.item(id_)
    answer = client(x_api_key="client-b").patch(id_ + slash, [op("/name", "Renamed")], etag)
    after = api.item(id_)
    assert (answer.status_code, answer.json()) == (200, {"id": id_, "etag": after["etag"]})
    assert after["etag"] != etag
    assert after["version"] == after["etag"]
    assert (after["name"], after["updatedClient"], after["createdClient"]) == ("Renamed", "client-b", "client-a")
    assert after["createdAt"] == before["createdAt"] <= after["updatedAt"]


def test_without_if_match_it_is_400(api):
    id_, _ = api.made()
    answer = api.patch(id_, [op("/name", "x")])
    assert (answer.status_code, code(answer)) == (400, "1403-400")


@pytest.mark.parametrize("wrong", ["*", "nonsense", "W/{etag}", "{bare}", '"{etag}"', "'{bare}'"])
def test_any_other_etag_is_412_and_quotes_matter(api, wrong):
    id_, etag = api.made()
    supplied = wrong.format(etag=etag, bare=etag.strip('"'))
    answer = api.patch(id_, [op("/name", "x")], supplied)
    assert (answer.status_code, code(answer)) == (412, "1404-412")
    assert f"'{supplied}' is not the current version '{etag}'" in answer.json()["errorMessage"]
    assert api.item(id_)["etag"] == etag


def test_a_star_matches_when_so_told(start):
    caller = start(if_match_star="accept")
    id_, _ = caller.made()
    assert caller.patch(id_, [op("/name", "x")], "*").status_code == 200


def test_an_etag_serves_once(api):
    id_, etag = api.made()
    assert api.patch(id_, [op("/name", "x")], etag).status_code == 200
    assert api.patch(id_, [op("/name", "y")], etag).status_code == 412


@pytest.mark.parametrize("kind", ["add", "ADD", "Add", "replace", "REPLACE"])
def test_an_operation_may_be_in_any_case(api, kind):
    id_, etag = api.made()
    assert api.patch(id_, [op("/description", "new", kind)], etag).status_code == 200
    assert api.item(id_)["description"] == "new"


@pytest.mark.parametrize("operation", [{"op": "remove", "path": "/description"}, op("/description", "", "REMOVE")])
def test_remove_with_or_without_a_value(api, operation):
    id_, etag = api.made()
    assert api.patch(id_, [operation], etag).status_code == 200
    assert "description" not in api.item(id_)


def test_parameters_are_replaced_whole(api):
    id_, etag = api.made()
    fewer = {key: value for key, value in BASIC.items() if key not in ("port", "sslMode")} | {"server": "elsewhere"}
    assert api.patch(id_, [op("/auth/params", fewer)], etag).status_code == 200
    shown = {"server": "elsewhere", "database": "mysql-acme", "username": "acme"}
    assert api.item(id_)["auth"]["params"] == shown


def test_parameters_without_the_secret_are_refused(api):
    id_, etag = api.made()
    fewer = {key: value for key, value in BASIC.items() if key != "password"}
    assert code(api.patch(id_, [op("/auth/params", fewer)], etag)) == "1304-400"


def test_one_parameter_can_be_replaced_and_the_secret_stays(api):
    id_, etag = api.made()
    assert api.patch(id_, [op("/auth/params/server", "elsewhere")], etag).status_code == 200
    shown = api.item(id_)["auth"]["params"]
    assert (shown["server"], shown["port"]) == ("elsewhere", BASIC["port"])


def test_one_parameter_is_refused_when_so_told(start):
    caller = start(patch_single_param="reject")
    id_, etag = caller.made()
    assert code(caller.patch(id_, [op("/auth/params/server", "x")], etag)) == "1455-400"


def test_auth_spec_and_parameters_change_together(api):
    id_, etag = api.made()
    name = "Connection String Based Authentication"
    assert code(api.patch(id_, [op("/auth/specName", name)], etag)) == "1304-400"
    assert api.patch(id_, [op("/auth/specName", name), op("/auth/params", STRING)], etag).status_code == 200
    assert api.item(id_)["auth"] == {"specName": name, "params": {}}


def test_the_auth_spec_cannot_change_when_so_told(start):
    caller = start(patch_spec_name="reject")
    id_, etag = caller.made()
    operations = [op("/auth/specName", "Connection String Based Authentication"), op("/auth/params", STRING)]
    assert code(caller.patch(id_, operations, etag)) == "1455-400"


@pytest.mark.parametrize("state", ["disabled", "enabled"])
def test_the_state_can_be_set(api, state):
    id_, etag = api.made()
    assert api.patch(id_, [op("/state", state)], etag).status_code == 200
    assert api.item(id_)["state"] == state


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([op("/connectionSpec/id", "x")], "1414-400"),
        ([op("/connectionSpec", {})], "1414-400"),
        ([op("/state", "delete-finalizing")], "1456-400"),
        ([op("/name", "x", "move")], "1434-400"),
        ([op("/name", "x", "copy")], "1434-400"),
        ([op("/name", "x", "test")], "1434-400"),
        ([op("/name", "x", "")], "1434-400"),
        ([op("/keyWhichDoesNotExist", "x")], "1455-400"),
        ([op("/etag", "x")], "1455-400"),
        ([op("/auth", {})], "1455-400"),
        ([op("/auth/params/server/deep", "x")], "1455-400"),
        ([op("/auth/params/unknown", "x")], "1455-400"),
        ([op("", "x")], "1455-400"),
        ([op("name", "x")], "1455-400"),
        ([op(7, "x")], "1455-400"),
        ([{"op": "replace", "path": "/name"}], "1455-400"),
        ([{"path": "/name", "value": "x"}], "1455-400"),
        ([{"op": [], "path": "/name", "value": "x"}], "1455-400"),
        (["x"], "1455-400"),
        ([op("/name", "", "remove")], "1304-400"),
        ([op("/name", "")], "1304-400"),
        ([op("/name", None)], "1304-400"),
        ([op("/auth/params", None)], "1304-400"),
        ([op("/auth/params", "x"), op("/auth/params/server", "x")], "1455-400"),
        ([], "1405-400"),
        ({"op": "replace", "path": "/name", "value": "x"}, "1000-400"),
        ("x", "1000-400"),
    ],
    ids=repr,
)
def test_patches_that_are_refused_change_nothing(api, operations, expected):
    """A patch is applied whole or not at all: the operation before the bad one has no effect either."""
    id_, etag = api.made()
    before = api.item(id_)
    if isinstance(operations, list) and operations:
        operations = [op("/description", "half done"), *operations]
    answer = api.patch(id_, operations, etag)
    assert (answer.status_code, code(answer)) == (400, expected)
    assert api.item(id_) == before


@pytest.mark.parametrize("kind", ["replace", "remove"])
def test_an_absent_description_must_be_added(api, kind):
    id_, etag = api.made(description=None)
    assert code(api.patch(id_, [op("/description", "x", kind)], etag)) == "1455-400"
    assert api.patch(id_, [op("/description", "x", "add")], etag).status_code == 200


@pytest.mark.parametrize(("noop_patch", "moves"), [("new-etag", True), ("same-etag", False)])
def test_whether_a_patch_without_change_moves_the_etag(start, noop_patch, moves):
    caller = start(noop_patch=noop_patch)
    id_, etag = caller.made()
    answer = caller.patch(id_, [op("/name", "Orders")], etag)
    assert answer.status_code == 200
    assert (answer.json()["etag"] != etag, caller.item(id_)["etag"] != etag) == (moves, moves)


def test_a_patch_that_carries_a_secret_always_moves_the_etag(start):
    """The emulator does not keep secrets, so it cannot know that nothing changed."""
    caller = start(noop_patch="same-etag")
    id_, etag = caller.made()
    assert caller.patch(id_, [op("/auth/params", BASIC)], etag).json()["etag"] != etag


def test_a_missing_connection_is_404(api):
    assert api.patch("nobody", [op("/name", "x")], '"any"').status_code == 404
