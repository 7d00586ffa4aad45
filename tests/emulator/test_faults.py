"""Faults over real sockets: each kind by its effect on a client."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, JSONDecodeError

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.fault_config import FaultError, fault_config
from provisioner.emulator.server import Emulator

from .support import ORG, Api, body, code
from .test_http import PATH, post, received, request

SOMEBODY = "somebody-else"
SCHEMA = Path(__file__).parents[2] / "schemas" / "faults.schema.json"
FAULT = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]["fault"]


@pytest.fixture
def clock():
    """What the emulators take for the time, as a list of one number of seconds; empty where it is the real one."""
    return []


@pytest.fixture
def faulty(clock):
    """Starts an emulator in which the given faults are under way, with a caller."""
    with ExitStack() as stack:

        def begin(*faults, existing=(), seed=0, **behaviour):
            wanted = fault_config({"faults": list(faults), "existing": list(existing), "seed": seed})
            now = lambda: clock[0] if clock else time.time()  # noqa: E731
            emulator = stack.enter_context(Emulator(behaviour=Behaviour(**behaviour), faults=wanted, clock=now))
            return stack.enter_context(Api(emulator))

        yield begin


def control(api, method="GET", document=None):
    return api.call(method, api.emulator.url + "/_emulator/faults", json=document)


def counts(api):
    return [(each["considered"], each["hit"]) for each in control(api).json()["faults"]]


def renamed(api, id_, etag):
    return api.patch(id_, [{"op": "replace", "path": "/name", "value": "renamed"}], etag)


def lost(api):
    """Whether the answer to a create got lost, by a connection that ended."""
    with pytest.raises(requests.ConnectionError) as caught:
        api.post(body())
    return "reset" in str(caught.value).lower()


def link(emulator):
    return socket.create_connection(("127.0.0.1", int(emulator.url.rpartition(":")[2])), timeout=30)


def sent(api, content):
    """All that comes back for these bytes."""
    with link(api.emulator) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        return received(connection)


FIXED = {"date": "", "x-request-id": ""}
"""Headers that differ otherwise from one answer to the next."""

# Kind and when -> what a client sees.


def test_status_before_has_no_effect_and_says_when_to_come_back(faulty):
    api = faulty({"kind": "status", "method": "POST", "status": 429, "retry_after": 2, "times": 1})
    answer = api.post(body())
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["status"]) == (429, "2", 429)
    assert api.names() == []
    assert api.post(body()).status_code == 201


def test_status_is_the_documented_503_unless_told(faulty):
    answer = faulty({"kind": "status"}).get("/connections")
    assert (answer.status_code, code(answer), "Retry-After" in answer.headers) == (503, "1103-503", False)


def test_retry_after_as_a_date_or_as_any_text(faulty):
    api = faulty(
        {"kind": "status", "method": "GET", "retry_after": 100, "as_date": True},
        {"kind": "status", "method": "POST", "retry_after": "soon"},
    )
    at = parsedate_to_datetime(api.get("/connections").headers["Retry-After"]).timestamp()
    assert 95 < at - time.time() <= 100
    assert api.post(body()).headers["Retry-After"] == "soon"


def test_status_after_hides_an_effect(faulty):
    api = faulty({"kind": "status", "method": "POST", "when": "after", "status": 502})
    assert api.post(body()).status_code == 502
    assert api.names() == ["Orders"]


@pytest.mark.parametrize("status", [200, 204, 304, 418, 599])
def test_status_may_be_any(faulty, status):
    answer = faulty({"kind": "status", "status": status}).get("/connections")
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("said", "kind", "content"),
    [
        ({"body": {"message": "no Route matched"}}, "application/json", b'{"message":"no Route matched"}'),
        ({"body": []}, "application/json", b"[]"),
        ({"body": False}, "application/json", b"false"),
        ({"body": "<h1>Blöcked</h1>"}, "text/html; charset=utf-8", "<h1>Blöcked</h1>".encode()),
        ({"body": "{", "headers": {"Content-Type": "application/json"}}, "application/json", b"{"),
        ({"body": ""}, None, b""),
    ],
)
@pytest.mark.parametrize(("when", "there"), [("before", []), ("after", ["Orders"])])
def test_status_has_any_body(faulty, said, kind, content, when, there):
    api = faulty({"kind": "status", "status": 404, "method": "POST", "when": when, **said})
    answer = api.post(body())
    assert (answer.status_code, answer.headers.get("Content-Type"), answer.content) == (404, kind, content)
    assert api.names() == there


def test_status_has_any_header_in_place_of_the_usual_one(faulty):
    headers = {"Location": "http://[::1", "Date": "Tue, 01 Jan 2099 00:00:00 GMT", "X-Odd": ""}
    api = faulty({"kind": "status", "status": 307, "retry_after": 1, "headers": headers | {"Retry-After": "2"}})
    lines = sent(api, post()).partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 307 Temporary Redirect"
    assert {b"location: http://[::1", b"x-odd: ", b"retry-after: 2"} <= set(lines)
    assert [line for line in lines if line.startswith(b"date")] == [b"date: Tue, 01 Jan 2099 00:00:00 GMT"]


@pytest.mark.parametrize(("when", "there"), [("before", []), ("after", ["Orders"])])
def test_reset(faulty, when, there):
    api = faulty({"kind": "reset", "method": "POST", "when": when})
    assert lost(api)
    assert api.names() == there


@pytest.mark.parametrize(("when", "there"), [("before", []), ("after", ["Orders"])])
def test_delay_holds_back_one_request_only_and_not_the_end(capfd, when, there):
    wanted = fault_config([{"kind": "delay", "method": "POST", "when": when, "seconds": 600}])
    with ThreadPoolExecutor() as pool:
        with Emulator(faults=wanted) as emulator, Api(emulator) as api, Api(emulator) as other:
            slow = pool.submit(api.post, body())
            while counts(other) == [(0, 0)]:
                pass
            assert other.names() == there
            assert not slow.done()
        assert slow.result().status_code == 201
    assert capfd.readouterr() == ("", "")


def test_truncate_ends_before_the_length_it_promised(faulty):
    api = faulty({"kind": "truncate", "method": "POST"})
    with pytest.raises((ChunkedEncodingError, requests.ConnectionError), match="IncompleteRead"):
        api.post(body())
    assert api.names() == ["Orders"]


def test_invalid_json_is_whole_as_far_as_http_goes(faulty):
    answer = (api := faulty({"kind": "invalid-json", "method": "POST"})).post(body())
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
    with pytest.raises(JSONDecodeError):
        answer.json()
    assert api.names() == ["Orders"]


def test_wrong_content_type_is_a_page_with_the_status_of_success(faulty):
    answer = (api := faulty({"kind": "wrong-content-type", "method": "POST"})).post(body())
    assert answer.status_code == 201
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert answer.headers["Location"].endswith(api.get("/connections").json()["items"][0]["id"])


@pytest.mark.parametrize(("method", "status"), [("POST", b"201"), ("DELETE", b"200")])
def test_two_lengths_that_differ(faulty, method, status):
    """After which nobody knows where the next answer begins."""
    api = faulty({"kind": "two-lengths", "method": method})
    id_, _ = ("", "") if method == "POST" else api.made()
    asked = post() if method == "POST" else request(b"DELETE", PATH + f"/{id_}".encode())
    head, _, content = sent(api, asked + request()).partition(b"\r\n\r\n")
    lengths = [int(line.partition(b": ")[2]) for line in head.split(b"\r\n") if line.startswith(b"content-length")]
    assert head.startswith(b"HTTP/1.1 " + status)
    assert lengths == [len(content), len(content) + 1]
    assert api.names() == (["Orders"] if method == "POST" else [])


def test_an_interim_answer_comes_first_and_the_connection_goes_on(faulty):
    api = faulty({"kind": "interim", "status": 103, "seconds": 0, "method": "POST"})
    got = sent(api, post() + request())
    assert got.startswith(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\n")
    assert got.count(b"HTTP/1.1 200 OK") == 1


SLOWLY = {
    "interim": ({"kind": "interim", "status": 102}, b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 201 Created\r\n"),
    "drip": ({"kind": "drip"}, b"H", b"TTP/1.1 201 Created\r\n"),
}


@pytest.mark.parametrize(("fault", "first", "then"), SLOWLY.values(), ids=SLOWLY)
def test_an_answer_in_pieces_is_after_the_effect_and_holds_back_nobody_else(fault, first, then):
    wanted = fault_config([fault | {"method": "POST", "seconds": 3600}])
    with ExitStack() as stack:
        with Emulator(faults=wanted) as emulator, Api(emulator) as other:
            connection = stack.enter_context(link(emulator))
            connection.sendall(post())
            assert connection.recv(65536) == first
            assert other.names() == ["Orders"]
        rest = received(connection)
    assert rest.startswith(then)
    assert b'"id"' in rest


@pytest.mark.parametrize("kind", ["truncate", "invalid-json", "wrong-content-type", "two-lengths", "interim", "drip"])
def test_an_answer_can_be_garbled_that_has_no_effect(faulty, kind):
    given = {"interim": {"status": 103, "seconds": 0}, "drip": {"seconds": 0}}.get(kind, {})
    whole = faulty({"kind": "status", "status": 201, "body": {"id": "none"}, "headers": FIXED})
    api = faulty(
        {"kind": kind, "method": "POST", **given},
        {"kind": "status", "status": 201, "body": {"id": "none"}, "headers": FIXED},
    )
    assert (sent(api, post()) == sent(whole, post())) == (kind == "drip")
    assert sent(api, post()).startswith(b"HTTP/1.1 103" if kind == "interim" else b"HTTP/1.1 201")
    control(api, "DELETE")
    assert api.names() == []


@pytest.mark.parametrize("kind", ["truncate", "invalid-json", "wrong-content-type"])
def test_an_answer_without_a_body_gets_one_to_garble(faulty, kind):
    api = faulty({"kind": kind, "method": "DELETE"})
    id_, _ = api.made()
    with pytest.raises((ChunkedEncodingError, requests.ConnectionError, JSONDecodeError)):
        api.call("DELETE", f"/connections/{id_}").json()
    assert api.names() == []


@pytest.mark.parametrize(("when", "first"), [("before", "401013"), ("after", None)])
def test_expire_tokens(faulty, when, first):
    api = faulty({"kind": "expire-tokens", "when": when, "path": "*/connections", "times": 1})
    asked = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}
    token = api.call("POST", api.emulator.url + "/ims/token/v3", data=asked).json()["access_token"]
    api.session.headers["Authorization"] = f"Bearer {token}"
    answer = api.get("/connections")
    assert (code(answer) if first else answer.status_code) == (first or 200)
    assert code(api.get("/connections")) == "401013"


@pytest.mark.parametrize(("visible", "description"), [(False, "Orders database"), (True, "edited by somebody-else")])
def test_foreign_edit_moves_the_etag_before_the_patch(faulty, visible, description):
    api = faulty({"kind": "foreign-edit", "visible": visible, "times": 1})
    id_, etag = api.made()
    assert renamed(api, id_, etag).status_code == 412
    found = api.item(id_)
    assert (found["updatedClient"], found["name"]) == (SOMEBODY, "Orders")
    assert found["updatedBy"] != found["createdBy"]
    assert found["description"].startswith(description)
    assert found["etag"] != etag
    assert renamed(api, id_, found["etag"]).status_code == 200


def test_foreign_edit_of_a_chosen_name_at_any_request(faulty):
    api = faulty({"kind": "foreign-edit", "method": "GET", "path": "*/connections", "connection": "Orders"})
    id_, etag = api.made()
    api.names()
    assert api.item(id_)["etag"] != etag


def test_foreign_edit_right_after_a_create(faulty):
    api = faulty({"kind": "foreign-edit", "method": "POST", "when": "after", "client": "client-b"})
    id_, etag = api.made()
    found = api.item(id_)
    assert (found["createdClient"], found["updatedClient"], found["etag"] != etag) == ("client-a", "client-b", True)


@pytest.mark.parametrize(("when", "newest"), [("before", "client-a"), ("after", SOMEBODY)])
def test_foreign_create_makes_a_second_one_of_the_name(faulty, when, newest):
    api = faulty({"kind": "foreign-create", "when": when})
    api.made()
    one, two = api.get("/connections").json()["items"]
    assert (one["name"], two["name"], one["createdClient"]) == ("Orders", "Orders", newest)
    assert one["auth"] == two["auth"]


def test_foreign_create_follows_the_service_not_the_client(faulty):
    api = faulty({"kind": "foreign-create"}, {"kind": "foreign-create", "connection": "Theirs", "method": "GET"})
    assert api.post({"name": "not whole"}).status_code == 400
    assert api.post(data=b"{").status_code == 400
    assert api.names() == ["Theirs"]


def test_foreign_delete(faulty):
    api = faulty({"kind": "foreign-delete"})
    id_, etag = api.made()
    assert renamed(api, id_, etag).status_code == 404


@pytest.mark.parametrize("kind", ["foreign-edit", "foreign-delete"])
def test_nobody_finds_what_is_not_there(faulty, kind):
    api = faulty({"kind": kind, "path": "*"})
    api.made()
    assert renamed(api, "unknown", '"x"').status_code == 404
    assert api.names() == ["Orders"]


def test_a_post_that_names_nothing_matches_no_name(faulty):
    api = faulty({"kind": "status", "method": "POST", "name": "*s"})
    for content in (b"{", b"[]", b'{"name": 1}'):
        assert api.post(data=content, headers={"Content-Type": "application/json"}).status_code == 400
    assert counts(api) == [(0, 0)]


def test_a_data_file_that_fails_under_foreign_hands_is_503(faulty):
    api = faulty({"kind": "foreign-create"})
    api.emulator._store._database.execute("DROP TABLE connections")
    assert code(api.post(body())) == "1103-503"


def test_initializing_is_for_a_while_and_without_etag(clock, faulty):
    clock.append(1_600_000_000.0)
    api = faulty({"kind": "initializing", "seconds": 5, "nth": 2}, cloud="aws")
    params = {"server": "h", "database": "d", "username": "u", "password": "not-to-be-seen", "sslMode": "true"}
    auth = {"specName": "Basic Authentication", "params": params}
    first, second = api.made("first", auth=auth)[0], api.made("second", auth=auth)[0]
    assert (api.item(first)["state"], api.item(second)["state"]) == ("enabled", "initializing")
    assert "etag" not in api.item(second)
    clock[0] += 5
    assert api.item(second)["state"] == "enabled"


def test_lag_hides_from_lists_alone(clock, faulty):
    clock.append(1_600_000_000.0)
    api = faulty({"kind": "lag", "seconds": 5})
    id_, _ = api.made()
    assert api.names() == []
    assert api.get("/connections?count=true").json() == {"count": 0}
    assert api.item(id_)["name"] == "Orders"
    clock[0] += 5
    assert api.names() == ["Orders"]


def test_existing_is_there_from_the_start(faulty):
    entry = {"name": "Orders", "org": ORG, "count": 2, "client": "client-b", "age": 60}
    api = faulty(existing=[entry | {"description": "theirs", "params": {"server": "h", "password": "p-secret"}}])
    one, two = api.get("/connections").json()["items"]
    assert (one["createdClient"], one["description"], one["name"], two["name"]) == (
        "client-b",
        "theirs",
        "Orders",
        "Orders",
    )
    assert one["auth"]["params"] == {"server": "h", "database": "elsewhere", "username": "somebody"}
    assert 59_000 < time.time() * 1000 - one["createdAt"] < 70_000
    assert one["id"] != two["id"]
    api.session.headers["x-sandbox-name"] = "dev"
    assert api.names() == []


def test_existing_adds_only_what_is_missing(faulty):
    api = faulty()
    api.made()
    wanted = {"existing": [{"name": "Orders", "org": ORG, "count": 2}]}
    for _ in range(2):
        assert control(api, "PUT", wanted).status_code == 200
    assert api.names() == ["Orders", "Orders"]


def test_every_kind_is_observed_here():
    text = Path(__file__).read_text("utf-8")
    assert all(f'"{kind}"' in text for kind in FAULT["properties"]["kind"]["enum"])


# Which requests.


@pytest.mark.parametrize(
    ("chosen", "hit"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"nth": 2}, [2]),
        ({"nth": [1, 3]}, [1, 3]),
        ({"times": 2}, [1, 2]),
        ({"nth": [2, 4, 5], "times": 2}, [2, 4]),
        ({"probability": 0}, []),
        ({"probability": 1}, [1, 2, 3, 4, 5]),
        ({"name": "Ord*"}, [1, 2, 3, 4, 5]),
        ({"name": "Other"}, []),
        ({"method": "GET"}, []),
        ({"path": "*/connections"}, [1, 2, 3, 4, 5]),
        ({"path": "*/connections/*"}, []),
        ({"path": "/ims/token/v3"}, []),
    ],
)
def test_which_requests_are_hit(faulty, chosen, hit):
    api = faulty({"kind": "status", "status": 500, **chosen})
    statuses = [api.post(body()).status_code for _ in range(5)]
    assert [number for number, status in enumerate(statuses, 1) if status == 500] == hit


def test_a_name_is_that_of_the_connection_in_the_path_too(faulty):
    api = faulty({"kind": "status", "method": "GET", "name": "Orders"})
    orders, other = api.made("Orders")[0], api.made("Other")[0]
    assert [api.get(f"/connections/{each}").status_code for each in (orders, other)] == [503, 200]
    assert api.names() == ["Other", "Orders"]


def test_the_token_path_too(faulty):
    api = faulty({"kind": "status", "path": "/ims/token/v3"})
    assert api.call("POST", api.emulator.url + "/ims/token/v3").status_code == 503
    assert api.names() == []


def test_chance_is_the_same_for_the_same_seed(faulty):
    def statuses(seed):
        api = faulty({"kind": "status", "probability": 0.4}, seed=seed)
        return [api.get("/connections").status_code for _ in range(40)]

    one, again, another = statuses(1), statuses(1), statuses(2)
    assert one == again != another
    assert 5 < one.count(503) < 30


def test_several_faults_in_one_request(faulty):
    """In their order; what never reaches the service is hidden from those that follow."""
    api = faulty(
        {"kind": "foreign-create"},
        {"kind": "invalid-json", "method": "POST"},
        {"kind": "status", "method": "POST", "nth": 2},
        {"kind": "reset", "method": "POST", "when": "after", "nth": 2},
    )
    assert api.post(body()).status_code == 201
    assert (answer := api.post(body())).status_code == 503
    assert not answer.text.endswith("}")
    assert lost(api)
    assert len(api.names()) == 5
    assert counts(api) == [(3, 3), (3, 3), (3, 1), (2, 1)]


def test_requests_that_never_got_there_are_logged(faulty):
    api = faulty({"kind": "reset", "method": "POST"}, {"kind": "status", "method": "GET"})
    assert lost(api)
    api.get("/connections")
    log = api.call("GET", api.emulator.url + "/_emulator/requests").json()
    assert [each["method"] for each in log] == ["POST", "GET"]


def test_the_emulators_own_paths_never_fail(faulty):
    api = faulty({"kind": "reset"}, {"kind": "status", "path": "*_emulator*"})
    for path in ("health", "requests", "faults"):
        assert api.call("GET", f"{api.emulator.url}/_emulator/{path}").status_code == 200
    assert api.call("GET", api.emulator.url + "/elsewhere").status_code == 404
    assert counts(api) == [(0, 0), (0, 0)]


def test_nothing_is_said_on_the_terminal(faulty, capfd):
    api = faulty({"kind": "reset", "nth": 1}, {"kind": "truncate", "nth": 1})
    for _ in range(2):
        with pytest.raises(requests.RequestException):
            api.post(body())
    assert capfd.readouterr() == ("", "")


# The control path.


def test_put_shows_counts_and_delete(faulty):
    api = faulty()
    assert control(api).json() == {"seed": 0, "injected": 0, "faults": [], "existing": []}
    put = control(api, "PUT", {"seed": 7, "faults": [{"kind": "status", "method": "GET", "nth": [2]}]})
    api.names()
    api.get("/connections")
    shown = control(api).json()
    fault = {"kind": "status", "when": "before", "method": "GET", "nth": [2]}
    assert put.json()["faults"] == [fault | {"considered": 0, "hit": 0}]
    assert shown == {
        "seed": 7,
        "injected": 1,
        "faults": [fault | {"considered": 2, "hit": 1}],
        "existing": [],
    }
    assert control(api, "POST", [{"kind": "reset"}]).json()["faults"][0]["kind"] == "reset"
    assert control(api, "DELETE").json()["faults"] == []
    assert api.names() == []


def test_a_bad_document_changes_nothing(faulty):
    api = faulty({"kind": "status"})
    refused = control(api, "PUT", [{"kind": "reset"}, {"kind": "slow"}])
    assert refused.status_code == 400
    assert refused.json()["errorMessage"].startswith("faults[1].kind: the value is none of status, reset")
    existing = {"existing": [{"name": "fine", "org": ORG}, {"name": "x", "org": ORG, "params": {"sslMode": "no"}}]}
    assert control(api, "PUT", existing).json()["errorMessage"].startswith("existing[1]: ")
    assert api.call("PUT", api.emulator.url + "/_emulator/faults", data=b"{").status_code == 400
    assert counts(api) == [(0, 0)]
    control(api, "DELETE")
    assert api.names() == []


def test_existing_that_the_service_refuses_ends_the_start():
    wanted = fault_config({"existing": [{"name": "x", "org": ORG, "params": {"sslMode": "no"}}]})
    with pytest.raises(FaultError, match=r"existing\[0\].*sslMode"), Emulator(faults=wanted):
        pass


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("reset", "the document: "),
        ({"fault": []}, "the document: there is no field 'fault' here"),
        ({"seed": "x"}, "seed: "),
        ({"seed": 1.0}, "seed: a whole number is written without a point"),
        ({"faults": {}}, "faults: "),
        (["reset"], "faults[0]: "),
        ([{}], 'faults[0]: "kind" is'),
        ([{"kind": []}], "faults[0].kind: the value is none of status, reset, delay, truncate"),
        ([{"kind": "reset"}, {"kind": "slow", "seconds": 1}], "faults[1].kind: the value is none of status, reset"),
        ([{"kind": "reset", "seconds": 1}], "faults[0]: there is no field 'seconds' here"),
        ([{"kind": "delay"}], 'faults[0]: "seconds" is'),
        ([{"kind": "delay", "seconds": -1}], "faults[0].seconds: "),
        ([{"kind": "delay", "seconds": True}], "faults[0].seconds: "),
        ([{"kind": "delay", "seconds": json.loads("NaN")}], "faults[0].seconds: "),
        ([{"kind": "truncate", "when": "before"}], 'faults[0].when: "after" was expected'),
        ([{"kind": "lag", "seconds": 1, "when": "after"}], 'faults[0].when: "before" was expected'),
        ([{"kind": "reset", "when": "during"}], "faults[0].when: the value is none of before, after"),
        ([{"kind": "reset", "method": "post"}], "faults[0].method: the value is none of GET, POST"),
        ([{"kind": "reset", "path": ""}], "faults[0].path: "),
        ([{"kind": "\ud800"}], "faults[0].kind: the value is none of status, reset"),
        ([{"kind": "reset", "nth": json.loads("[" * 300 + "]" * 300)}], "the document cannot be read: "),
        ([{"kind": "reset", "nth": 0}], "faults[0].nth: "),
        ([{"kind": "reset", "nth": []}], "faults[0].nth: "),
        ([{"kind": "reset", "nth": [1, "2"]}], "faults[0].nth[1]: "),
        ([{"kind": "reset", "nth": [1, 2.0]}], "faults[0].nth: a whole number is written without a point"),
        ([{"kind": "reset", "probability": 1.1}], "faults[0].probability: "),
        ([{"kind": "reset", "probability": 0.1, "nth": 1}], "faults[0]: nth and probability exclude each other"),
        ([{"kind": "reset", "times": 0}], "faults[0].times: "),
        ([{"kind": "status", "status": 100}], "faults[0].status: "),
        ([{"kind": "status", "status": 429.0}], "faults[0].status: a whole number is written without a point"),
        ([{"kind": "status", "retry_after": None}], "faults[0].retry_after: "),
        ([{"kind": "status", "body": None}], "faults[0].body: "),
        ([{"kind": "status", "headers": {"a b": "x"}}], "faults[0].headers: "),
        ([{"kind": "status", "headers": {"a": "x\r\nb: y"}}], "faults[0].headers.a: "),
        ([{"kind": "status", "headers": {"a": 1}}], "faults[0].headers.a: "),
        ([{"kind": "reset", "body": {}}], "faults[0]: there is no field 'body' here"),
        ([{"kind": "interim", "seconds": 1}], 'faults[0]: "status" is'),
        ([{"kind": "interim", "status": 103}], 'faults[0]: "seconds" is'),
        ([{"kind": "interim", "status": 200, "seconds": 1}], "faults[0].status: "),
        ([{"kind": "drip", "seconds": 1, "when": "before"}], 'faults[0].when: "after" was expected'),
        ([{"kind": "two-lengths", "seconds": 1}], "faults[0]: there is no field 'seconds' here"),
        ([{"kind": "foreign-edit", "visible": 1}], "faults[0].visible: "),
        ([{"kind": "foreign-create", "visible": True}], "faults[0]: there is no field 'visible' here"),
        ([{"kind": "foreign-delete", "client": "x"}], "faults[0]: there is no field 'client' here"),
        ({"existing": [{"name": "x"}]}, 'existing[0]: "org" is'),
        ({"existing": [{"name": "x", "org": "o", "kind": "y"}]}, "existing[0]: there is no field 'kind' here"),
        ({"existing": [{"name": "x", "org": "o", "count": 2.0}]}, "existing[0].count: a whole number is written"),
        ({"existing": [{"name": "x", "org": "o", "params": {"password": 12345678}}]}, "existing[0].params.password: "),
    ],
)
def test_a_document_that_cannot_be_used(document, says):
    with pytest.raises(FaultError) as caught:
        fault_config(document)
    assert str(caught.value).startswith(says)
    assert "12345678" not in str(caught.value)


def test_half_of_a_character_is_a_text_like_any():
    """JSON can spell it, and so can the name of a base connection."""
    assert fault_config([{"kind": "reset", "name": "\ud800"}]).faults[0].name == "\ud800"
