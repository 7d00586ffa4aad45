"""The client: documented requests, and documented and undocumented responses."""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Any, get_type_hints
from urllib.parse import parse_qsl, urlsplit

import pytest

from provisioner.errors import (
    NotAuthenticated,
    NotFound,
    NotFoundUnclear,
    OutcomeUnknown,
    PreconditionFailed,
    Refused,
    ServiceError,
    Unreachable,
)
from provisioner.model import MYSQL_SPEC_ID
from provisioner.service.client import FlowReader, FlowService, WriteResult
from provisioner.service.messages import LOOPBACK, HttpRequest, HttpResponse
from tests.test_progress import each_second

from .fakes import (
    ETAG,
    HTML,
    LOST,
    NEW_ID,
    NO_CONTENT,
    NOW,
    REFUSED,
    WRITTEN,
    Bench,
    coded,
    legacy,
    missing,
    status,
)

BASE = "/data/foundation/flowservice"
BODY = {"name": "Orders", "connectionSpec": {"id": MYSQL_SPEC_ID, "version": "1.0"}}


def item(number: int, name: str = "Orders", spec: str = MYSQL_SPEC_ID) -> dict[str, Any]:
    return {"id": f"id-{number}", "name": name, "connectionSpec": {"id": spec, "version": "1.0"}}


def page(*items: Any, following: str | None = None) -> HttpResponse:
    links = {"next": {"href": following}} if following else {}
    return HttpResponse(200, {}, {"items": list(items), "_links": links})


def query(call: HttpRequest) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(call.path).query, strict_parsing=True)


# --- listing


def test_a_list_is_read_to_its_end() -> None:
    bench = Bench(
        page(item(1), item(2), following="/connections?continuationToken=a"),
        page(item(3), item(4), following="/connections?continuationToken=b"),
        page(item(5)),
    )
    found = bench.service.list_connections(MYSQL_SPEC_ID)
    assert [each["id"] for each in found] == ["id-1", "id-2", "id-3", "id-4", "id-5"]
    first, second, third = bench.calls
    assert first.path.startswith(f"{BASE}/connections?")
    assert query(first) == [("property", f"connectionSpec.id=={MYSQL_SPEC_ID}"), ("limit", "2")]
    assert second.path == f"{BASE}/connections?continuationToken=a"
    assert third.path == f"{BASE}/connections?continuationToken=b"
    assert {call.method for call in bench.calls} == {"GET"}


def test_listing_reports_progress() -> None:
    heard: list[str] = []
    bench = Bench(page(item(1), item(2), following="?a=b"), page(item(3)), progress=each_second(heard))
    bench.service.reading().list_connections(MYSQL_SPEC_ID)
    assert heard == [f"listing base connections: {seen} so far, 2 a second" for seen in (2, 3)] + ["end"]


def test_an_id_on_two_pages_counts_once_as_read_last() -> None:
    later = item(1, "Renamed")
    bench = Bench(page(item(1), item(2), following="?a=b"), page(later, item(3)))
    assert bench.service.list_connections(MYSQL_SPEC_ID) == (later, item(2), item(3))


def test_another_spec_is_left_out_though_a_page_has_it() -> None:
    bench = Bench(page(item(1, spec="other"), item(2), {"id": "bare"}))
    assert bench.service.list_connections(MYSQL_SPEC_ID) == (item(2), {"id": "bare"})


def test_a_cycle_of_pages_is_noticed() -> None:
    bench = Bench(page(following="?p=1"), page(following="?p=2"), page(following="/connections?p=1"))
    with pytest.raises(ServiceError, match="do not end"):
        bench.service.list_connections(MYSQL_SPEC_ID)
    assert len(bench.calls) == 3


def test_a_list_without_end_is_given_up() -> None:
    bench = Bench()
    bench.script.send = lambda call: page(following=f"?p={hash(call.path)}")  # type: ignore[method-assign]
    with pytest.raises(ServiceError, match="do not end"):
        bench.service.list_connections(MYSQL_SPEC_ID)


def test_no_token_is_sent_to_another_origin() -> None:
    bench = Bench(page(item(1), following=f"https://evil.com{BASE}/connections?a=b"))
    with pytest.raises(ServiceError, match="continues at another address"):
        bench.service.list_connections(MYSQL_SPEC_ID)
    assert len(bench.calls) == 1


@pytest.mark.parametrize("answer", [HttpResponse(200, {}, []), HttpResponse(200, {}, {}), HttpResponse(204), page({})])
def test_a_response_without_a_list_is_an_error(answer: HttpResponse) -> None:
    with pytest.raises(ServiceError):
        Bench(answer).service.list_connections(MYSQL_SPEC_ID)


def test_a_missing_sandbox_is_no_missing_object() -> None:
    with pytest.raises(Refused) as caught:
        Bench(HttpResponse(404, {}, {"type": "x/FLOW-2100-404"})).service.list_connections(MYSQL_SPEC_ID)
    assert not isinstance(caught.value, NotFound)
    assert caught.value.code == "2100-404"


@pytest.mark.parametrize("answer", [status(404), missing("x"), coded("1101-404")])
def test_a_404_for_a_list_is_no_missing_object(answer: HttpResponse) -> None:
    with pytest.raises(Refused) as caught:
        Bench(answer).service.list_connections(MYSQL_SPEC_ID)
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(206, {}, page(item(1)).body),
        HttpResponse(203, {}, page(item(1)).body),
        HttpResponse(200, {"link": '</connections?a=b>; rel="next"'}, page(item(1)).body),
        HttpResponse(200, {}, {"items": [item(1)], "total": 2}),
    ],
    ids=["206", "203", "a link in a header", "fewer than the total"],
)
def test_a_list_marked_as_incomplete_is_an_error(answer: HttpResponse) -> None:
    for read in (
        lambda service: service.list_connections(MYSQL_SPEC_ID),
        lambda service: service.flows_of(["id-1"]),
    ):
        with pytest.raises(ServiceError, match="the list may be incomplete"):
            read(Bench(answer).service)


def test_an_unknown_continuation_is_an_error_in_every_list() -> None:
    unclear = HttpResponse(200, {}, {"items": [], "_links": {"next": "/connections?a=b"}})
    for outcomes in ([unclear], [page(item(1)), unclear]):
        with pytest.raises(ServiceError, match="the list may be incomplete"):
            Bench(*outcomes).service.flows_of(["id-1"])


# --- one object


def test_get_unwraps_the_list_of_one() -> None:
    bench = Bench(page(item(1)))
    assert bench.service.get("id-1") == item(1)
    assert bench.calls[0].path == f"{BASE}/connections/id-1"


def test_get_takes_the_bare_object_too() -> None:
    assert Bench(HttpResponse(200, {}, item(1))).service.get("id-1") == item(1)


@pytest.mark.parametrize("answer", [missing("id-1"), coded("1101-404"), coded("1439-404"), coded("1439-400")])
def test_get_of_a_missing_object(answer: HttpResponse) -> None:
    with pytest.raises(NotFound):
        Bench(answer).service.get("id-1")


OTHER_WORDS = [
    status(404),
    page(),
    missing("id-2"),
    coded("1602-404"),
    coded("2100-404"),
    coded("1439-400", 404),
    HttpResponse(404, {}, {"message": "Not Found"}),
    HttpResponse(404, text="<html>", defect="the body is not JSON"),
]


@pytest.mark.parametrize("answer", OTHER_WORDS)
def test_get_with_an_undocumented_404_is_unclear(answer: HttpResponse) -> None:
    with pytest.raises(NotFoundUnclear) as caught:
        Bench(answer).service.get("id-1")
    assert caught.value.message.startswith("reading base connection id-1: answers ")
    assert caught.value.message.count("reading base connection") == 1
    assert caught.value.remedy == "if it is gone: `state rm KEY`"


ERRORS = [coded("1101-404", 400), coded("1101-404", 403), coded("1101-400"), coded("1101-500"), coded("1439-503")]


@pytest.mark.parametrize("answer", ERRORS)
def test_get_that_fails_with_the_number_of_a_missing_object(answer: HttpResponse) -> None:
    with pytest.raises(ServiceError) as caught:
        Bench(*[answer] * (6 if answer.status >= 500 else 1)).service.get("id-1")
    assert not isinstance(caught.value, NotFound | NotFoundUnclear)


@pytest.mark.parametrize("call", ["test", "tables"])
def test_exploring_a_database_never_reports_a_missing_object(call: str) -> None:
    with pytest.raises(Refused) as caught:
        getattr(Bench(coded("1101-404")).service, call)("id-1")
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize(
    "answer", [page(item(2)), page(item(1), item(2)), HttpResponse(200, {}, item(2)), HttpResponse(200)]
)
def test_get_that_returns_another_object(answer: HttpResponse) -> None:
    with pytest.raises(ServiceError) as caught:
        Bench(answer).service.get("id-1")
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize("answer", [HTML, status(500), LOST, HttpResponse(200, defect="the body was cut")])
def test_reading_that_fails_for_good_has_changed_nothing(answer: HttpResponse) -> None:
    bench = Bench(*[answer] * 6)
    with pytest.raises(ServiceError) as caught:
        bench.service.get("id-1")
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(bench.calls) == 6


@pytest.mark.parametrize(
    "connection_id",
    ["", ".", "..", "...", " ", " a", "a\n", "a\x00b", "x" * 129, "\ud800", "a/b", "../x", "a?b#c", "a%2fb", "ü"],
)
def test_an_invalid_id_is_not_sent(connection_id: str) -> None:
    bench = Bench()
    for call in (
        lambda: bench.service.get(connection_id),
        lambda: bench.service.delete(connection_id),
        lambda: bench.service.patch(connection_id, ETAG, []),
    ):
        with pytest.raises(Refused):
            call()
    assert bench.calls == []


# --- creating


def test_create() -> None:
    bench = Bench(WRITTEN)
    assert bench.service.create(BODY) == WriteResult(NEW_ID, ETAG, NOW)
    (call,) = bench.calls
    assert (call.method, call.path, call.json) == ("POST", f"{BASE}/connections", BODY)


@pytest.mark.parametrize("etag", [None, 5, ""])
def test_create_without_an_etag_yet(etag: Any) -> None:
    assert Bench(HttpResponse(201, {}, {"id": NEW_ID, "etag": etag})).service.create(BODY) == WriteResult(
        NEW_ID, None, None
    )


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {},
        {"id": None},
        {"id": 5},
        {"id": ""},
        {"id": ".."},
        {"id": "a\nb"},
        {"id": "$(touch x)"},
        {"id": "##vso[a]"},
        {"items": [{"id": 1}]},
    ],
)
def test_create_without_a_usable_id_is_unknown(body: Any) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        Bench(HttpResponse(201, {"x-request-id": "r1"}, body)).service.create(BODY)
    assert (caught.value.status, caught.value.request_id) == (201, "r1")


def test_create_refused() -> None:
    fault = {"type": "http://ns.adobe.com/aep/errors/FLOW-1415-400", "title": "Invalid request", "detail": "no such"}
    with pytest.raises(Refused) as caught:
        Bench(HttpResponse(400, {"x-request-id": "r1"}, fault)).service.create(BODY)
    error = caught.value
    assert type(error) is Refused
    assert error.message == (
        "creating a base connection: the connection spec has no auth spec of this name (1415-400; request r1); "
        'the service says: "no such"'
    )
    assert (error.status, error.code, error.request_id) == (400, "1415-400", "r1")
    assert "auth.specName" in error.remedy


def test_create_unreachable() -> None:
    with pytest.raises(Unreachable, match="refused"):
        Bench(*[REFUSED] * 6).service.create(BODY)


def test_a_strange_request_id_is_dropped() -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        Bench(status(400, x_request_id="a\x1b[31m")).service.create(BODY)
    assert caught.value.request_id == ""


@pytest.mark.parametrize(
    "answer",
    [
        status(400),
        status(404),
        status(409),
        HttpResponse(403, text="<html>", defect="the body is not JSON"),
        coded("1-400"),
    ],
)
def test_an_undocumented_refusal_leaves_the_outcome_unknown(answer: HttpResponse) -> None:
    with pytest.raises(OutcomeUnknown, match="refused, but perhaps after it was done: ") as caught:
        Bench(answer).service.create(BODY)
    assert caught.value.status == answer.status
    assert f"HTTP {answer.status}" in caught.value.message


# --- changing

OPERATIONS = [{"op": "replace", "path": "/name", "value": "New"}]


def test_patch() -> None:
    bench = Bench(HttpResponse(200, {}, {"id": "id-1", "etag": '"new"'}, NOW))
    assert bench.service.patch("id-1", ETAG, OPERATIONS) == WriteResult("id-1", '"new"', NOW)
    (call,) = bench.calls
    assert (call.method, call.path, call.json) == ("PATCH", f"{BASE}/connections/id-1", OPERATIONS)
    assert call.headers["If-Match"] == ETAG


def test_patch_without_content() -> None:
    assert Bench(NO_CONTENT).service.patch("id-1", ETAG, OPERATIONS) == WriteResult("id-1", None, None)


@pytest.mark.parametrize(
    "answer", [HttpResponse(200), HttpResponse(200, {}, []), HttpResponse(200, {}, {"id": "id-2"}), LOST, HTML]
)
def test_patch_in_doubt(answer: HttpResponse) -> None:
    bench = Bench(answer)
    with pytest.raises(OutcomeUnknown):
        bench.service.patch("id-1", ETAG, OPERATIONS)
    assert len(bench.calls) == 1


@pytest.mark.parametrize("etag", ["", " ", '"a"\n', '"a"\r\nx: y', '"ü"', ' "a"'])
def test_an_etag_that_no_header_can_carry_is_not_sent(etag: str) -> None:
    bench = Bench()
    with pytest.raises(Refused):
        bench.service.patch("id-1", etag, OPERATIONS)
    assert bench.calls == []


KINDS = [
    (coded("1404-412"), PreconditionFailed),
    (legacy("Supplied version=[..] does not match", 412), PreconditionFailed),
    (missing("id-1"), NotFound),
    (coded("1101-404"), NotFound),
    (missing("id-2"), Refused),
    (coded("2100-404"), Refused),
    (HttpResponse(403, {}, {"error_code": "403010"}), NotAuthenticated),
    (coded("2114-400"), NotAuthenticated),
    (status(401), NotAuthenticated),
    (coded("2001-401"), Refused),
    (HttpResponse(403, {}, {"error_code": 403025}), Refused),
    (coded("1417-400"), Refused),
    (status(429), Refused),
    (status(412), OutcomeUnknown),
    (status(404), OutcomeUnknown),
    (coded("1101-404", 500), OutcomeUnknown),
]


@pytest.mark.parametrize(("answer", "kind"), KINDS)
def test_types_of_refusals(answer: HttpResponse, kind: type[ServiceError]) -> None:
    with pytest.raises(ServiceError) as caught:
        Bench(*[answer] * 20).service.patch("id-1", ETAG, OPERATIONS)
    assert type(caught.value) is kind
    assert caught.value.status == answer.status


# --- deleting


@pytest.mark.parametrize("answer", [NO_CONTENT, status(202), status(200), HttpResponse(200, {}, {})])
def test_delete(answer: HttpResponse) -> None:
    bench = Bench(answer)
    bench.service.delete("id-1")
    (call,) = bench.calls
    assert (call.method, call.path, call.json) == ("DELETE", f"{BASE}/connections/id-1", None)


@pytest.mark.parametrize("earlier", [(), (status(429),), (REFUSED,)])
def test_delete_of_a_missing_object(earlier: tuple[Any, ...]) -> None:
    with pytest.raises(NotFound):
        Bench(*earlier, missing("id-1")).service.delete("id-1")


@pytest.mark.parametrize("answer", [status(404), coded("1439-400", 404), status(403), status(302)])
def test_delete_with_an_undocumented_refusal_is_unknown(answer: HttpResponse) -> None:
    with pytest.raises(OutcomeUnknown):
        Bench(answer).service.delete("id-1")


def test_only_a_documented_response_confirms_a_deletion() -> None:
    Bench(page(item(1)), missing("id-1")).service.confirm_gone("id-1")
    for answer in OTHER_WORDS:
        with pytest.raises(OutcomeUnknown):
            Bench(answer).service.confirm_gone("id-1")


def test_delete_in_use() -> None:
    with pytest.raises(Refused) as caught:
        Bench(HttpResponse(400, {}, {"type": "x/FLOW-1418-400"})).service.delete("id-1")
    assert "dataflows" in caught.value.message


# --- looking only


def methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_the_reader_has_no_method_that_writes() -> None:
    looking = {"list_connections", "get", "test", "tables", "contents", "flows_of", "service_time"}
    looking |= {"connection_spec", "check_listing", "sandboxes"}
    assert methods(FlowReader) == looking
    assert methods(FlowService) - looking == {"create", "patch", "delete", "confirm_gone", "reading"}
    reader = Bench().service.reading()
    assert type(reader) is FlowReader
    assert get_type_hints(FlowReader.service_time)["return"] is datetime


def test_the_reader_reads_the_same() -> None:
    bench = Bench(page(item(1)))
    reader: FlowReader = bench.service.reading()
    assert reader.list_connections(MYSQL_SPEC_ID) == (item(1),)
    assert bench.script.sent == ["GET"]


# --- deadlines


@pytest.mark.parametrize(
    ("call", "answers", "within"),
    [
        (lambda service: service.list_connections(MYSQL_SPEC_ID), [page()], 3),
        (lambda service: service.get("id-1"), [page(item(1))], 3),
        (lambda service: service.create(BODY), [WRITTEN], 3),
        (lambda service: service.patch("id-1", ETAG, []), [NO_CONTENT], 3),
        (lambda service: service.delete("id-1"), [NO_CONTENT], 3),
        (lambda service: service.flows_of(["id-1"]), [page(), page()], 3),
        (lambda service: service.test("id-1"), [HttpResponse(200, {}, {"result": True})], 90),
        (lambda service: service.tables("id-1"), [HttpResponse(200, {}, [])], 90),
        (lambda service: service.contents("id-1", "t"), [HttpResponse(200, {}, {"schema": {"columns": []}})], 90),
    ],
)
def test_each_attempt_has_a_deadline(call: Any, answers: list[HttpResponse], within: float) -> None:
    bench = Bench(*answers, deadlines=LOOPBACK)
    call(bench.service)
    bench.script.outcomes.clear()
    assert {each.within for each in bench.calls} == {within}
