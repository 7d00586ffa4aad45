"""One call: its token, retries, and doubtful outcomes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.errors import NotAuthenticated, OutcomeUnknown, Refused, ServiceError, Unreachable, UsageError
from provisioner.secrets import Sensitive
from provisioner.service.auth import ClientCredentials
from provisioner.service.calls import RateGate, send_with_retries
from provisioner.service.client import FlowService
from provisioner.service.messages import NOT_JSON, HttpOutcome, HttpRequest, HttpResponse
from provisioner.service.retry import Policy
from provisioner.service.transport import real_timing

from .fakes import (
    HERE,
    LOST,
    NOW,
    REFUSED,
    STALE_TOKEN,
    WRITTEN,
    Bench,
    FakeTime,
    Script,
    Tokens,
    coded,
    missing,
    status,
)

BODY = {"name": "Orders"}
EMPTY = HttpResponse(200, {}, {"items": [], "_links": {}})


def test_five_headers_and_nothing_else() -> None:
    bench = Bench(WRITTEN)
    bench.service.create(BODY)
    (call,) = bench.calls
    assert call.headers == {"x-api-key": "key", "x-gw-ims-org-id": "org@AdobeOrg", "x-sandbox-name": "prod"}
    assert (call.bearer, call.json, call.form) == ("t0", BODY, None)


@pytest.mark.parametrize("bad", ["", " prod", "a\nb", "a\r\nx-evil: 1", "ü", "\x7f"])
@pytest.mark.parametrize("place", range(3))
def test_values_that_no_header_can_carry(bad: str, place: int) -> None:
    values = ["org", "prod", "key"]
    values[place] = bad
    with pytest.raises(UsageError):
        FlowService(HERE, *values, Tokens(), Script([]), FakeTime().timing)


@pytest.mark.parametrize("method", ["create", "list"])
def test_a_refused_token_is_renewed_once_and_the_call_sent_again(method: str) -> None:
    if method == "create":
        bench = Bench(STALE_TOKEN, WRITTEN)
        bench.service.create(BODY)
    else:
        bench = Bench(STALE_TOKEN, EMPTY)
        bench.service.list_connections("spec")
    assert [call.bearer for call in bench.calls] == ["t0", "t1"]
    assert bench.tokens.renewed == ["t0"]
    assert bench.time.slept == []


def test_a_token_that_flow_service_itself_calls_invalid_is_renewed_too() -> None:
    invalid = HttpResponse(400, {}, {"type": "http://ns.adobe.com/aep/errors/FLOW-2115-400", "title": "Invalid token"})
    bench = Bench(invalid, WRITTEN)
    bench.service.create(BODY)
    assert [call.bearer for call in bench.calls] == ["t0", "t1"]


def test_a_second_refusal_is_final() -> None:
    bench = Bench(STALE_TOKEN, STALE_TOKEN)
    with pytest.raises(NotAuthenticated) as caught:
        bench.service.create(BODY)
    assert (caught.value.status, caught.value.code) == (401, "401013")
    assert len(bench.calls) == 2


def test_the_token_is_renewed_once_for_all_retries() -> None:
    bench = Bench(STALE_TOKEN, status(503), STALE_TOKEN)
    with pytest.raises(NotAuthenticated):
        bench.service.list_connections("spec")
    assert bench.tokens.renewed == ["t0"]
    assert len(bench.calls) == 3


@pytest.mark.parametrize(
    "answer",
    [
        coded("2115-400", 500),
        coded("2115-400", status=500),
        HttpResponse(400, {}, {"error_code": "401013"}),
        HttpResponse(403, {}, {"error_code": "401013"}),
        coded("2115-400", 302),
    ],
)
def test_a_token_that_is_stale_by_a_code_alone_is_no_reason_to_send_again(answer: HttpResponse) -> None:
    bench = Bench(answer)
    with pytest.raises(OutcomeUnknown):
        bench.service.create(BODY)
    assert (len(bench.calls), bench.tokens.renewed) == (1, [])


@pytest.mark.parametrize("number", [400, 403, 404, 500])
def test_other_refusals_renew_nothing(number: int) -> None:
    bench = Bench(*[status(number)] * 6)
    with pytest.raises((Refused, OutcomeUnknown)):
        bench.service.create(BODY)
    assert bench.tokens.renewed == []


def test_a_failed_renewal_gives_both_reasons() -> None:
    bench = Bench(STALE_TOKEN, tokens=Tokens(renewals=0))
    with pytest.raises(NotAuthenticated) as caught:
        bench.service.create(BODY)
    assert caught.value.message.startswith("no other token: the access token is not valid or has expired (401013)")
    assert (caught.value.status, caught.value.code, caught.value.remedy) == (401, "401013", "Get one.")


PAGE = "<html><title>Access denied</title>"
IN_BETWEEN = [
    *((HttpResponse(number, text=PAGE, defect=NOT_JSON), "a page") for number in (200, 401, 403, 404)),
    *((HttpResponse(number, text="Blocked", defect=NOT_JSON), "a text that is not JSON") for number in (200, 403)),
    *((status(number), "an empty body") for number in (401, 403, 404)),
    (HttpResponse(403, {}, ["no"]), "JSON of another form"),
]


@pytest.mark.parametrize(("answer", "what"), IN_BETWEEN)
@pytest.mark.parametrize("renewals", [0, 9])
def test_a_response_of_an_intermediary_is_not_the_services(answer: HttpResponse, what: str, renewals: int) -> None:
    with pytest.raises(ServiceError) as caught:
        Bench(*[answer] * 6, tokens=Tokens(renewals)).service.list_connections("spec")
    words = f"something between here and Adobe answered with {what} (HTTP {answer.status})"
    assert caught.value.message == f"listing base connections: {words}" or (renewals, caught.value.message) == (
        0,
        words,
    )
    assert caught.value.remedy.startswith("check the proxy")


@pytest.mark.parametrize("harmless", [REFUSED, status(429), status(429, retry_after="3")])
def test_a_create_is_retried_if_it_certainly_had_no_effect(harmless: HttpResponse) -> None:
    bench = Bench(harmless, harmless, WRITTEN)
    bench.service.create(BODY)
    assert bench.script.sent == ["POST"] * 3
    assert len(bench.time.slept) == 2


@pytest.mark.parametrize("doubtful", [LOST, status(500), status(503), status(302), HttpResponse(201, defect="cut")])
def test_a_doubtful_create_is_never_retried(doubtful: HttpResponse) -> None:
    bench = Bench(doubtful)
    with pytest.raises(OutcomeUnknown):
        bench.service.create(BODY)
    assert bench.script.sent == ["POST"]


def test_a_create_that_first_was_throttled_and_then_lost_is_unknown() -> None:
    bench = Bench(status(429), LOST)
    with pytest.raises(OutcomeUnknown):
        bench.service.create(BODY)
    assert len(bench.calls) == 2


def test_attempts_are_bounded() -> None:
    bench = Bench(*[REFUSED] * 6)
    with pytest.raises(Unreachable):
        bench.service.create(BODY)
    assert len(bench.calls) == 6


def test_429s_are_counted_apart() -> None:
    bench = Bench(*[status(429, retry_after="0"), REFUSED] * 5, *[status(429, retry_after="0")] * 9, WRITTEN)
    bench.service.create(BODY)
    assert len(bench.calls) == 20


def test_429s_are_bounded_too() -> None:
    bench = Bench(*[status(429, retry_after="0")] * 20)
    with pytest.raises(Refused):
        bench.service.create(BODY)
    assert len(bench.calls) == 20


def test_total_time_is_bounded() -> None:
    bench = Bench(*[status(429, retry_after="60")] * 4)
    with pytest.raises(Refused) as caught:
        bench.service.create(BODY)
    assert caught.value.status == 429
    assert bench.time.slept == [60, 60, 60]
    assert bench.calls


def test_a_token_is_asked_for_before_each_attempt() -> None:
    bench = Bench(lambda _: bench.tokens.renew("t0") and status(503), EMPTY)
    bench.service.list_connections("spec")
    assert [call.bearer for call in bench.calls] == ["t0", "t1"]


@pytest.mark.parametrize("earlier", [LOST, status(500), status(408)])
def test_a_retried_delete_that_finds_nothing_is_unknown(earlier: HttpResponse) -> None:
    bench = Bench(earlier, missing("x"))
    with pytest.raises(OutcomeUnknown):
        bench.service.delete("x")
    assert bench.script.sent == ["DELETE"] * 2


@pytest.mark.parametrize("later", [LOST, status(403), status(400), status(503), status(429)])
def test_a_doubtful_delete_stays_doubtful(later: HttpResponse) -> None:
    bench = Bench(LOST, *[later] * 20)
    with pytest.raises(OutcomeUnknown):
        bench.service.delete("x")


def test_no_token_for_a_retry_leaves_the_outcome_unknown() -> None:
    bench = Bench(LOST, STALE_TOKEN, tokens=Tokens(renewals=0))
    with pytest.raises(OutcomeUnknown):
        bench.service.delete("x")


def test_no_token_for_the_first_attempt_is_certain() -> None:
    bench = Bench(STALE_TOKEN, tokens=Tokens(renewals=0))
    with pytest.raises(NotAuthenticated):
        bench.service.delete("x")


def test_the_services_time_is_its_last_date_and_what_passed_since() -> None:
    theirs = NOW + timedelta(hours=1)
    bench = Bench(HttpResponse(200, {}, {"items": []}, theirs), status(404))
    bench.time.seconds = 5
    assert bench.service.service_time() == NOW + timedelta(seconds=5)
    bench.service.list_connections("spec")
    bench.time.seconds = 12
    assert bench.service.service_time() == theirs + timedelta(seconds=7)


def test_refusals_set_the_clock_too() -> None:
    theirs = NOW - timedelta(days=1)
    bench = Bench(HttpResponse(403, date=theirs))
    with pytest.raises(Refused):
        bench.service.get("x")
    assert bench.service.service_time() == theirs


CREATE = "create"
DELETE = "delete"
LIST = "list"
ACTIONS: dict[str, Callable[[FlowService], object]] = {
    CREATE: lambda service: service.create(BODY),
    DELETE: lambda service: service.delete("x"),
    LIST: lambda service: service.list_connections("spec"),
}


@pytest.mark.parametrize(
    ("action", "first", "kind", "says"),
    [
        (LIST, status(503), Refused, "503"),
        (LIST, LOST, Unreachable, "no response came in time"),
        (CREATE, REFUSED, Unreachable, "refused"),
        (CREATE, status(429, retry_after="50"), Refused, "429"),
        (DELETE, status(429, retry_after="50"), Refused, "429"),
        (DELETE, LOST, OutcomeUnknown, "no response came in time"),
        (DELETE, status(503), OutcomeUnknown, "503"),
    ],
)
def test_an_interruption_ends_the_retries_with_the_last_result(
    action: str, first: HttpOutcome, kind: type[ServiceError], says: str
) -> None:
    bench = Bench(first, stop_at=0.125)
    with pytest.raises(ServiceError, match=says) as caught:
        ACTIONS[action](bench.service)
    assert type(caught.value) is kind
    assert (len(bench.calls), bench.time.slept) == (1, [0.125])


def test_an_earlier_doubt_outlives_the_interruption() -> None:
    bench = Bench(LOST, status(429, retry_after="50"), stop_at=1)
    with pytest.raises(OutcomeUnknown):
        bench.service.delete("x")
    assert len(bench.calls) == 2


@pytest.mark.parametrize("action", ACTIONS)
def test_a_call_begun_after_the_interruption_is_not_sent(action: str) -> None:
    bench = Bench(stop_at=0)
    with pytest.raises(Unreachable, match=r": interrupted before it was sent$") as caught:
        ACTIONS[action](bench.service)
    assert caught.value.remedy == "run again"
    assert bench.calls == []


def test_an_interruption_while_the_token_is_renewed_had_no_effect() -> None:
    def interrupted(_: HttpRequest) -> HttpOutcome:
        bench.time.stop_at = 0
        return STALE_TOKEN

    bench = Bench(interrupted)
    with pytest.raises(Unreachable, match="interrupted before it was sent"):
        bench.service.create(BODY)
    assert len(bench.calls) == 1


class Ims:
    """IMS and the Flow Service in one; only the second token is accepted. Slow enough for the workers to meet."""

    def __init__(self, workers: int) -> None:
        self.together = threading.Barrier(workers)
        self.fetched = 0
        self.bearers: Counter[str] = Counter()
        self.lock = threading.Lock()

    def send(self, call: HttpRequest) -> HttpOutcome:
        with self.lock:
            self.bearers[call.bearer] += 1
            if call.form is not None:
                self.fetched += 1
                return HttpResponse(200, {}, {"access_token": f"t{self.fetched}", "expires_in": 9999})
        if call.bearer == "t1":
            self.together.wait(60)
            return STALE_TOKEN
        return WRITTEN


def test_a_401_renews_the_token_once_for_all_workers() -> None:
    ims = Ims(16)
    timing = real_timing()
    tokens = ClientCredentials(HERE, "client", Sensitive("p8e-hunter22", "env(X)"), ims, timing)
    service = FlowService(HERE, "org", "prod", "key", tokens, ims, timing)
    with ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(lambda _: service.create(BODY), range(16)))) == 16
    assert (ims.fetched, ims.bearers) == (2, {"": 2, "t1": 16, "t2": 16})


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (status(503, x_request_id="r-1"), "the service answered with status 503"),
        (status(429, retry_after="15"), "the service asked to wait 15 s (429)"),
        (status(429, retry_after="0"), "the service asked to wait 0 s (429)"),
        (status(429), "the service receives too many requests (429)"),
        (status(429, retry_after="soon"), "the service receives too many requests (429)"),
        (status(503), "the service answered with status 503"),
        (status(408), "the service answered with status 408"),
        (REFUSED, "connection refused"),
        (LOST, "no response came in time"),
    ],
)
def test_each_wait_gives_its_reason(outcome: HttpOutcome, why: str) -> None:
    said: list[tuple[float, str, str]] = []
    clock = FakeTime()

    @contextmanager
    def waiting(seconds: float, words: str, waited: float, request_id: str) -> Iterator[None]:
        said.append((seconds, words, request_id))
        before = len(clock.slept)
        yield
        assert clock.slept[before:] == [seconds]
        assert waited == 0

    timing = replace(clock.timing, waiting=waiting)
    outcomes = [outcome, EMPTY]
    send_with_retries("GET", lambda: outcomes.pop(0), Policy(), timing)
    assert said == [(clock.slept[0], why, outcome.request_id if isinstance(outcome, HttpResponse) else "")]


def test_a_wait_for_the_gate_gives_its_reason() -> None:
    said: list[tuple[float, str, float]] = []
    clock = FakeTime()

    def waiting(seconds: float, words: str, waited: float, _: str) -> AbstractContextManager[None]:
        said.append((seconds, words, waited))
        return nullcontext()

    gate = RateGate(replace(clock.timing, waiting=waiting))
    gate.hold(15)
    assert gate.wait(99) is None
    assert said == [(15, "the service receives too many requests (429)", 0)]
