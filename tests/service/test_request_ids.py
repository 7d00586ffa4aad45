"""Every error that follows from a response names its request id, once: Adobe's support asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from provisioner.apply.id_checks import KnownIds, check_new
from provisioner.errors import NotAuthenticated, ServiceError
from provisioner.planning.lookup import look_for
from provisioner.secrets import Sensitive
from provisioner.service.auth import ClientCredentials
from provisioner.service.client import FlowService
from provisioner.service.messages import HttpResponse
from provisioner.service.transport import RedactingTransport

from .fakes import (
    HERE,
    HTML,
    LOST,
    NEW_ID,
    STALE_TOKEN,
    Bench,
    FakeTime,
    Script,
    Tokens,
    coded,
    legacy,
    missing,
    status,
)

ID = "8b1f-0"
Call = Callable[[FlowService], Any]


def named(response: HttpResponse, ident: str = ID) -> HttpResponse:
    return replace(response, headers={**response.headers, "x-request-id": ident})


def ok(body: Any, number: int = 200) -> HttpResponse:
    return named(HttpResponse(number, {}, body))


def create(service: FlowService) -> Any:
    return service.create({"name": "Orders"})


def patch(service: FlowService) -> Any:
    return service.patch(NEW_ID, '"1"', [])


def delete(service: FlowService) -> Any:
    return service.delete(NEW_ID)


def get(service: FlowService) -> Any:
    return service.get(NEW_ID)


def list_all(service: FlowService) -> Any:
    return service.list_connections("spec")


def create_known(service: FlowService) -> None:
    check_new(KnownIds((NEW_ID,)), create(service))


REPORT = {"detailed-message": f"see {ID} for more", "request-id": ID}
IN_BODY = coded("1400-400", title="Bad", report={"detailed-message": "no", "request-id": ID})
ERRORS: Mapping[str, tuple[Call, tuple[Any, ...]]] = {
    "refused": (create, (named(coded("1415-400", detail="no such")),)),
    "refused in the older form": (create, (named(legacy("no", 400)),)),
    "refused, the id in the body": (create, (IN_BODY,)),
    "refused, the id in both": (create, (named(IN_BODY),)),
    "refused, the id in the text": (create, (named(coded("1400-400", report=REPORT)),)),
    "gone": (delete, (named(missing(NEW_ID)),)),
    "changed": (patch, (named(coded("1013-412", 412)),)),
    "may be gone": (get, (named(status(404)),)),
    "may be gone, an empty list": (get, (ok({"items": []}),)),
    "another object": (get, (ok({"items": [{"id": "other"}]}),)),
    "not authenticated": (get, (STALE_TOKEN, named(STALE_TOKEN))),
    "something in between": (get, (named(replace(HTML, status=403)),)),
    "busy": (get, (named(status(503)),) * 6),
    "unknown": (create, (named(status(500)),)),
    "unknown, refused in no form": (create, (named(status(409)),)),
    "unknown, without an id": (create, (ok({}, 201),)),
    "unknown, an id that exists": (create_known, (ok({"id": NEW_ID}, 201),)),
    "unknown, the body was cut": (create, (named(HttpResponse(201, defect="the body was cut")),)),
    "unknown, another id": (patch, (ok({"id": "other"}),)),
    "no list": (list_all, (ok({}),)),
    "no list of one": (get, (ok([]),)),
    "a list with another status": (list_all, (ok({"items": []}, 206),)),
    "an item without an id": (list_all, (ok({"items": [{}]}),)),
    "a list that goes on elsewhere": (list_all, (ok({"items": [], "_links": {"next": {"href": "https://x/y?z"}}}),)),
    "a list that does not end": (
        list_all,
        (ok({"items": [], "_links": {"next": {"href": "?property=connectionSpec.id%3D%3Dspec&limit=2"}}}),),
    ),
    "a test without a result": (lambda service: service.test(NEW_ID), (ok({}),)),
    "no tables": (lambda service: service.tables(NEW_ID), (ok({}),)),
    "no columns": (lambda service: service.contents(NEW_ID, "t"), (ok({}),)),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_name_the_request(kind: str) -> None:
    call, responses = ERRORS[kind]
    bench = Bench(*responses, tokens=Tokens(1))
    with pytest.raises(ServiceError) as caught:
        call(bench.service)
    assert bench.calls
    assert caught.value.request_id == ID
    assert caught.value.message.count(ID) == 1, caught.value.message


def test_a_request_id_stands_beside_the_code() -> None:
    with pytest.raises(ServiceError, match=r"name \(1415-400; request 8b1f-0\); the service says: \"no such\""):
        create(Bench(named(coded("1415-400", detail="no such"))).service)


def test_a_short_request_id_is_not_taken_for_part_of_a_word() -> None:
    assert ServiceError("the request failed", request_id="q").message == "the request failed (request q)"


def test_an_unknown_outcome_keeps_the_id_of_the_error_that_ended_the_retries() -> None:
    """A delete whose answer was lost is repeated; then the token is refused."""
    bench = Bench(LOST, named(STALE_TOKEN), tokens=Tokens(0))
    with pytest.raises(ServiceError) as caught:
        delete(bench.service)
    assert (caught.value.request_id, caught.value.message.count(ID)) == (ID, 1)


@pytest.mark.parametrize(
    "response",
    [
        named(HttpResponse(400, {}, {"error": "invalid_client", "error_description": "no"})),
        named(HttpResponse(503, {}, None)),
        ok({"nothing": 1}),
    ],
)
def test_sign_in_errors_name_the_request(response: HttpResponse) -> None:
    tokens = ClientCredentials(HERE, "id", Sensitive("s", "a test"), Script([response] * 9), FakeTime().timing)
    with pytest.raises(NotAuthenticated) as caught:
        tokens.token()
    assert (caught.value.request_id, caught.value.message.count(ID)) == (ID, 1)


def test_a_plan_quotes_the_id_of_an_answer_that_leaves_open_whether_an_object_is_gone() -> None:
    bench = Bench(ok({"items": []}), named(status(404)))
    assert look_for(bench.service, [NEW_ID]).unclear[NEW_ID].count(ID) == 1


def test_a_test_that_the_provider_rejects_names_the_request_in_its_reason() -> None:
    reached = Bench(named(coded("1100-400", detail="no login"))).service.test(NEW_ID)
    assert reached.reason.count(ID) == 1


@pytest.mark.parametrize("response", [ok({}), named(status(404))])
def test_a_request_id_that_repeats_a_secret_is_withheld(response: HttpResponse) -> None:
    outcome = RedactingTransport(Script([response]), lambda text: ID in text).send(None)  # type: ignore[arg-type]
    assert isinstance(outcome, HttpResponse)
    assert outcome.request_id == ""
