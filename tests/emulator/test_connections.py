"""Creating, reading, deleting, testing and exploring base connections."""

import re
import time

import pytest

from .support import BASIC, MYSQL, ORG, STRING, body, code

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
STRING_AUTH = {"specName": "Connection String Based Authentication", "params": STRING}


def test_create_answers_id_etag_and_location(api):
    answer = api.post(body())
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "etag"}
    assert re.fullmatch(UUID, answer.json()["id"])
    assert answer.headers["Location"] == f"/data/foundation/flowservice/connections/{answer.json()['id']}"


def test_an_etag_has_its_quotes_and_the_time_of_the_write(api):
    _, etag = api.made()
    found = re.fullmatch(r'"[0-9a-f]{8}-0000-0200-0000-([0-9a-f]{8})0000"', etag)
    assert found
    assert abs(int(found[1], 16) - time.time()) < 5


def test_on_aws_an_etag_is_a_quoted_uuid(start):
    auth = {"specName": "Basic Authentication", "params": BASIC | {"sslMode": "false"}}
    _, etag = start(cloud="aws").made(auth=auth)
    assert re.fullmatch(f'"{UUID}"', etag)


def test_a_get_shows_a_list_of_one_with_everything_but_secrets(api):
    before = int(time.time() * 1000)
    id_, etag = api.made()
    item = api.item(id_)
    assert before <= item.pop("createdAt") == item.pop("updatedAt") <= time.time() * 1000
    assert re.fullmatch(UUID, item.pop("sandboxId"))
    assert item == {
        "id": id_,
        "etag": etag,
        "version": etag,
        "name": "Orders",
        "description": "Orders database",
        "connectionSpec": MYSQL,
        "state": "enabled",
        "auth": {
            "specName": "Basic Authentication",
            "params": {key: value for key, value in BASIC.items() if key != "password"},
        },
        "createdBy": "client-a@techacct.adobe.com",
        "updatedBy": "client-a@techacct.adobe.com",
        "createdClient": "client-a",
        "updatedClient": "client-a",
        "sandboxName": "prod",
        "imsOrgId": ORG,
    }


@pytest.mark.parametrize("changed", [{"description": None}, {"description": ""}])
def test_a_description_is_shown_as_it_was_given(api, changed):
    id_, _ = api.made(**changed)
    assert api.item(id_).get("description") == changed["description"]


def test_a_connection_string_is_not_shown(api):
    id_, _ = api.made(auth=STRING_AUTH)
    assert api.item(id_)["auth"] == {"specName": STRING_AUTH["specName"], "params": {}}


def test_secrets_are_masked_when_so_told(start):
    caller = start(secrets_in_get="masked")
    id_, _ = caller.made()
    assert caller.item(id_)["auth"]["params"] == BASIC | {"password": "********"}


def test_a_parameter_that_the_spec_does_not_know_is_treated_as_a_secret(api):
    """It may be a misspelt password."""
    auth = {"specName": "Basic Authentication", "params": BASIC | {"pasword": "x"}}
    id_, _ = api.made(auth=auth)
    assert "pasword" not in api.item(id_)["auth"]["params"]


def test_names_need_not_be_unique(api):
    assert api.made("Twin")[0] != api.made("Twin")[0]
    assert api.names() == ["Twin", "Twin"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"name": None}, "1304-400"),
        ({"name": " "}, "1304-400"),
        ({"name": 7}, "1312-400"),
        ({"description": []}, "1312-400"),
        ({"auth": None}, "1304-400"),
        ({"auth": STRING["connectionString"]}, "1312-400"),
        ({"auth": {"specName": "Basic Authentication"}}, "1304-400"),
        ({"auth": {"params": BASIC}}, "1304-400"),
        ({"auth": {"specName": "basic authentication", "params": BASIC}}, "1415-400"),
        ({"auth": {"specName": "Basic Authentication", "params": BASIC | {"port": 3306}}}, "1312-400"),
        (
            {"auth": {"specName": "Basic Authentication", "params": BASIC | {"password": ["not-to-be-seen"]}}},
            "1312-400",
        ),
        ({"auth": {"specName": "Basic Authentication", "params": BASIC | {"sslMode": "true"}}}, "1312-400"),
        ({"auth": {"specName": "Basic Authentication", "params": {"server": "h"}}}, "1304-400"),
        ({"auth": {"specName": "Connection String Based Authentication", "params": BASIC}}, "1304-400"),
        ({"connectionSpec": None}, "1304-400"),
        ({"connectionSpec": {"version": "1.0"}}, "1413-400"),
        ({"connectionSpec": {"id": "nonsense", "version": "1.0"}}, "1413-400"),
        ({"connectionSpec": MYSQL | {"version": "9.9"}}, "1413-400"),
        ({"state": "enabled"}, "1410-400"),
    ],
)
def test_creates_that_are_refused(api, changed, expected):
    answer = api.post(body(**changed))
    assert (answer.status_code, code(answer)) == (400, expected)
    assert "not-to-be-seen" not in answer.text
    assert api.names() == []


@pytest.mark.parametrize("raw", [b"", b" \n", b"null", b"{}"])
def test_an_empty_body_is_refused(client, raw):
    answer = client(Content_Type="application/json").post(data=raw)
    assert (answer.status_code, code(answer)) == (400, "1405-400")


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"7",
        b'"x"',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"name": NaN}',
        b'{"name": 1e999}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"name": ' + b"[" * 150 + b"]" * 150 + b"}",
    ],
    ids=repr,
)
def test_a_body_that_is_not_a_json_object_is_refused(client, raw):
    answer = client(Content_Type="application/json").post(data=raw)
    assert (answer.status_code, code(answer)) == (400, "1000-400")


def test_a_body_without_end_is_refused(client):
    answer = client(Content_Type="application/json").post(data=b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "é☃𝄞", "'; DROP TABLE connections; --", "x" * 100_000])
def test_any_text_is_a_name_and_comes_back_as_it_was(api, name):
    id_, _ = api.made(name)
    assert api.item(id_)["name"] == name


def test_the_version_of_the_spec_is_required(start):
    """Two official documents disagree; one of them is this 422."""
    missing = body(connectionSpec={"id": MYSQL["id"]})
    answer = start().post(missing)
    assert answer.status_code == 422
    assert answer.json()["errorMessage"] == "connectionSpec.version 'version' is required for spec info"
    assert start(missing_version="latest").post(missing).status_code == 201


def test_parameters_are_not_checked_when_so_told(start):
    auth = {"specName": "Basic Authentication", "params": {"port": 3306, "sslMode": True}}
    caller = start(auth_params="any")
    id_, _ = caller.made(auth=auth)
    assert caller.item(id_)["auth"]["params"] == {"port": 3306, "sslMode": True}


def test_aws_has_one_auth_spec_and_its_own_ssl_modes(start):
    caller = start(cloud="aws")
    assert code(caller.post(body(auth=STRING_AUTH))) == "1415-400"
    assert code(caller.post(body())) == "1312-400"


def test_draft_mode_is_refused_rather_than_ignored(api):
    answer = api.call("POST", "/connections?mode=draft", json=body())
    assert code(answer) == "1451-400"


@pytest.mark.parametrize(
    "headers", [{"x_gw_ims_org_id": "other@AdobeOrg"}, {"x_sandbox_name": "dev"}], ids=["organisation", "sandbox"]
)
def test_organisations_and_sandboxes_are_isolated(api, client, headers):
    id_, etag = api.made()
    other = client(**headers)
    assert other.names() == []
    assert other.get("/connections?count=true").json() == {"count": 0}
    change = [{"op": "replace", "path": "/name", "value": "x"}]
    answers = [
        other.get(f"/connections/{id_}"),
        other.patch(id_, change, etag),
        other.call("DELETE", f"/connections/{id_}"),
    ]
    assert [each.status_code for each in answers] == [404, 404, 404]
    assert api.item(id_)["etag"] == etag


@pytest.mark.parametrize("slash", ["", "/"])
def test_delete_then_gone(api, slash):
    id_, _ = api.made()
    answer = api.call("DELETE", f"/connections/{id_}{slash}")
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE"):
        answer = api.call(method, f"/connections/{id_}{slash}")
        assert (answer.status_code, code(answer), answer.json()["report"]["id"]) == (404, "1439-404", id_)


def test_delete_answers_202_when_so_told(start):
    caller = start(delete_status=202)
    id_, _ = caller.made()
    assert caller.call("DELETE", f"/connections/{id_}").status_code == 202


@pytest.mark.parametrize("result", [True, False])
def test_test_reports_what_it_is_told_to(start, result):
    caller = start(test_result=result)
    id_, _ = caller.made()
    answer = caller.get(f"/connections/{id_}/test")
    assert (answer.status_code, answer.json()) == (200, {"result": result})
    assert caller.get("/connections/nobody/test").status_code == 404


@pytest.mark.parametrize(("switch", "codes"), [("never", (201, 200)), ("create", (400, 200)), ("write", (400, 400))])
def test_credentials_are_checked_where_that_is_switched_on(start, tmp_path, switch, codes):
    """Of an imagined database, with what ``/test`` would say."""
    data = tmp_path / "data.sqlite"
    id_, etag = start(data, check_credentials=switch).made()
    caller = start(data, check_credentials=switch, test_result=False)
    change = [{"op": "replace", "path": "/auth/params", "value": BASIC}]
    answers = caller.post(body("Another")), caller.patch(id_, change, etag)
    assert tuple(each.status_code for each in answers) == codes
    assert all(code(each) == "1100-400" for each in answers if each.status_code == 400)
    assert (caller.item(id_)["etag"] == etag) == (codes[1] == 400)
    assert len(caller.names()) == 1 + (codes[0] == 201)
    assert caller.patch(id_, [{"op": "add", "path": "/name", "value": "A"}], caller.item(id_)["etag"]).ok


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?objectType=root", 200), ("?objectType=ROOT", 200), ("?objectType=table&object=x", 400)],
)
def test_explore_has_an_empty_root_unless_told_otherwise(api, query, status):
    id_, _ = api.made()
    answer = api.get(f"/connections/{id_}/explore{query}")
    assert answer.status_code == status
    assert status == 400 or answer.json() == []
    assert api.get(f"/connections/nobody/explore{query}").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("objectType=file", "1358-400"),
        ("objectType=table", "1337-400"),
        ("objectType=table&object=", "1337-400"),
        ("objectType=table&object=shop.none", "1330-400"),
    ],
)
def test_what_cannot_be_explored(api, query, expected):
    id_, _ = api.made()
    answer = api.get(f"/connections/{id_}/explore?{query}")
    assert (answer.status_code, code(answer)) == (400, expected)


def test_explore_shows_the_tables_that_it_is_told_of(start):
    caller = start(tables={"shop.orders": {"id": "int", "placed": "datetime"}, "shop.a": {}})
    id_, _ = caller.made()
    root = caller.get(f"/connections/{id_}/explore?objectType=root").json()
    assert [one["path"] for one in root] == ["shop.a", "shop.orders"]
    table = caller.get(f"/connections/{id_}/explore?objectType=table&object=shop.orders").json()
    assert table["schema"]["columns"] == [
        {"name": "id", "type": "integer", "xdm": {"type": "integer"}},
        {
            "name": "placed",
            "type": "string",
            "meta:xdmType": "date-time",
            "xdm": {"type": "string", "format": "date-time"},
        },
    ]
    assert "data" not in table
    preview = caller.get(f"/connections/{id_}/explore?objectType=table&object=shop.orders&preview=true").json()
    assert preview["data"] == []
