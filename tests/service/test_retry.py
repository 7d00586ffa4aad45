"""Retry decisions: a table for each method, and properties for any outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.service.messages import INTERRUPTED, HttpOutcome, HttpResponse, NoResponse
from provisioner.service.retry import (
    GiveUp,
    Policy,
    Retry,
    RetryDecision,
    UnknownEffect,
    decide,
    is_throttled,
    retry_after,
    wait_before,
)

from .fakes import LOST, NOW, REFUSED, coded, status

CUT = HttpResponse(200, text="{", defect="the body was cut")

# outcome, GET, DELETE, POST and PATCH
TABLE: list[tuple[str, HttpOutcome, type[RetryDecision], type[RetryDecision], type[RetryDecision]]] = [
    ("never connected", REFUSED, Retry, Retry, Retry),
    ("429", status(429), Retry, Retry, Retry),
    ("lost after sending", LOST, Retry, Retry, UnknownEffect),
    ("408", status(408), Retry, Retry, UnknownEffect),
    ("500", status(500), Retry, Retry, UnknownEffect),
    ("502", status(502), Retry, Retry, UnknownEffect),
    ("503", status(503), Retry, Retry, UnknownEffect),
    ("503 with Retry-After", status(503, retry_after="1"), Retry, Retry, UnknownEffect),
    ("504", status(504), Retry, Retry, UnknownEffect),
    ("599", status(599), Retry, Retry, UnknownEffect),
    ("200 cut", CUT, Retry, Retry, UnknownEffect),
    ("401", status(401), GiveUp, GiveUp, GiveUp),
    ("400 in the service's words", coded("1415-400"), GiveUp, GiveUp, GiveUp),
    ("400", status(400), GiveUp, UnknownEffect, UnknownEffect),
    ("403", status(403), GiveUp, UnknownEffect, UnknownEffect),
    ("404", status(404), GiveUp, UnknownEffect, UnknownEffect),
    ("409", status(409), GiveUp, UnknownEffect, UnknownEffect),
    ("412", status(412), GiveUp, UnknownEffect, UnknownEffect),
    ("422", status(422), GiveUp, UnknownEffect, UnknownEffect),
    ("499", status(499), GiveUp, UnknownEffect, UnknownEffect),
    ("101", status(101), GiveUp, UnknownEffect, UnknownEffect),
    ("102", status(102), GiveUp, UnknownEffect, UnknownEffect),
    ("103", status(103), GiveUp, UnknownEffect, UnknownEffect),
    ("302", status(302), GiveUp, UnknownEffect, UnknownEffect),
    ("303", status(303), GiveUp, UnknownEffect, UnknownEffect),
    ("307", status(307), GiveUp, UnknownEffect, UnknownEffect),
    ("308", status(308), GiveUp, UnknownEffect, UnknownEffect),
    ("408 in the service's words", coded("1006-408"), Retry, Retry, UnknownEffect),
]
ROWS = [
    (name, method, outcome, expected)
    for name, outcome, get, delete, write in TABLE
    for method, expected in (("GET", get), ("DELETE", delete), ("POST", write), ("PATCH", write))
]


@pytest.mark.parametrize(("name", "method", "outcome", "expected"), ROWS, ids=[f"{r[1]} {r[0]}" for r in ROWS])
def test_decision(name: str, method: str, outcome: HttpOutcome, expected: type[RetryDecision]) -> None:
    assert isinstance(decide(method, outcome, 1, 0, Policy(), 0), expected), name


@pytest.mark.parametrize(
    ("method", "outcome", "expected"),
    [
        ("GET", LOST, GiveUp),
        ("GET", status(503), GiveUp),
        ("DELETE", LOST, UnknownEffect),
        ("DELETE", status(503), UnknownEffect),
        ("DELETE", status(429), GiveUp),
        ("POST", status(429), GiveUp),
        ("POST", REFUSED, GiveUp),
    ],
)
def test_at_the_bound_a_certain_outcome_stays_certain(
    method: str, outcome: HttpOutcome, expected: type[RetryDecision]
) -> None:
    assert isinstance(decide(method, outcome, 6, 0, Policy(attempts=6, throttled_attempts=6), 0), expected)
    assert isinstance(decide(method, outcome, 1, 180, Policy(total=180), 0), expected)


def test_waits_double_up_to_the_longest() -> None:
    waits = [wait_before(LOST, attempt, Policy(), 1) for attempt in (1, 2, 3, 4, 5, 6, 7, 99, 10**6)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 20, 20, 20]
    assert wait_before(LOST, 3, Policy(), 0) == 1


DATE = "Fri, 02 Jan 2026 03:04:35 GMT"


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("9" * 400, 999999999),
        (DATE, 30),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0),
        ("Friday, 02-Jan-26 03:04:35 GMT", 30),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٧", None),
        ("soon", None),
        ("Fri, 99 Jan 2026 03:04:35 GMT", None),
        ("Fri, 02 Jan 99999999999999999999 03:04:35 GMT", None),
    ],
)
def test_retry_after(raw: str, seconds: float | None) -> None:
    assert retry_after(HttpResponse(429, {"retry-after": raw}, date=NOW)) == seconds


def test_a_retry_after_date_needs_the_servers_date() -> None:
    assert retry_after(HttpResponse(429, {"retry-after": DATE})) is None


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("59", 59),
        ("3600", 60),
        ("9" * 400, 60),
        (DATE, 30),
        ("Fri, 02 Jan 2026 05:04:05 GMT", 60),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60),
    ],
)
@pytest.mark.parametrize(("method", "number"), [("POST", 429), ("PATCH", 429), ("GET", 503), ("DELETE", 503)])
def test_retry_after_is_capped_in_both_its_forms(method: str, number: int, raw: str, seconds: float) -> None:
    answer = HttpResponse(number, {"retry-after": raw}, date=NOW)
    assert decide(method, answer, 1, 0, Policy(longest_retry_after=60), 0) == Retry(seconds)
    assert decide(method, answer, 1, 0, Policy(longest_retry_after=60, total=29), 0) != Retry(seconds)


@pytest.mark.parametrize(
    ("outcome", "attempt", "expected"),
    [
        (REFUSED, 5, Retry),
        (REFUSED, 6, GiveUp),
        (status(503), 5, Retry),
        (status(503), 6, GiveUp),
        (status(429), 6, Retry),
        (status(429), 19, Retry),
        (status(429), 20, GiveUp),
    ],
)
def test_a_429_has_a_larger_bound_of_its_own(outcome: HttpOutcome, attempt: int, expected: type[RetryDecision]) -> None:
    assert isinstance(decide("GET", outcome, attempt, 0, Policy(), 0), expected)


UNCERTAIN = [name for name, _, _, _, write in TABLE if write is UnknownEffect]


@pytest.mark.parametrize("attempt", [1, 2, 5, 6, 99])
@pytest.mark.parametrize("elapsed", [0, 179, 10_000])
@pytest.mark.parametrize("retry_after", [{}, {"retry-after": "0"}])
@pytest.mark.parametrize("name", UNCERTAIN)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_doubtful_write_is_never_retried(
    method: str, name: str, retry_after: dict[str, str], elapsed: float, attempt: int
) -> None:
    outcome = next(row[1] for row in TABLE if row[0] == name)
    if isinstance(outcome, HttpResponse):
        outcome = replace(outcome, headers=retry_after)
    assert decide(method, outcome, attempt, elapsed, Policy(attempts=1000, total=1e9), 0) == UnknownEffect()


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PATCH"])
def test_a_held_back_call_is_not_retried(method: str) -> None:
    assert decide(method, INTERRUPTED, 1, 0, Policy(), 0) == GiveUp()


outcomes = st.one_of(
    st.builds(NoResponse, st.booleans(), st.just("because")),
    st.builds(
        HttpResponse,
        st.one_of(st.integers(300, 599), st.sampled_from([401, 404, 408, 412, 429, 503])),
        st.dictionaries(st.just("retry-after"), st.one_of(st.text(max_size=12), st.integers(0, 10**6).map(str))),
        date=st.none() | st.integers(-9999, 9999).map(lambda n: NOW + timedelta(seconds=n)),
    ),
    st.builds(HttpResponse, st.integers(200, 299), defect=st.just("the body was cut")),
)
policies = st.builds(
    Policy,
    st.integers(1, 20),
    st.floats(0, 600),
    st.floats(0.01, 5),
    st.floats(5, 60),
    throttled_attempts=st.integers(1, 40),
)
jitters = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 100)
elapsed = st.floats(0, 10_000)


@given(st.sampled_from(["POST", "PATCH"]), outcomes, attempts, elapsed, policies, jitters)
def test_a_write_is_retried_only_if_it_certainly_had_no_effect(
    method: str, outcome: HttpOutcome, attempt: int, seconds: float, policy: Policy, jitter: float
) -> None:
    if isinstance(decide(method, outcome, attempt, seconds, policy, jitter), Retry):
        assert outcome.status == 429 if isinstance(outcome, HttpResponse) else not outcome.sent


@given(st.sampled_from(["GET", "DELETE", "POST", "PATCH"]), outcomes, attempts, elapsed, policies, jitters)
def test_both_bounds_hold(
    method: str, outcome: HttpOutcome, attempt: int, seconds: float, policy: Policy, jitter: float
) -> None:
    decision = decide(method, outcome, attempt, seconds, policy, jitter)
    if isinstance(decision, Retry):
        assert attempt < (policy.throttled_attempts if is_throttled(outcome) else policy.attempts)
        assert decision.after >= 0
        assert seconds + decision.after <= policy.total


@given(st.sampled_from(["DELETE", "POST", "PATCH"]), outcomes, attempts, elapsed, policies, jitters)
def test_giving_up_is_certain(
    method: str, outcome: HttpOutcome, attempt: int, seconds: float, policy: Policy, jitter: float
) -> None:
    if isinstance(decide(method, outcome, attempt, seconds, policy, jitter), GiveUp):
        assert outcome.status in (401, 429) if isinstance(outcome, HttpResponse) else not outcome.sent


@given(outcomes, attempts, elapsed, policies, jitters)
def test_a_read_is_never_doubtful(
    outcome: HttpOutcome, attempt: int, seconds: float, policy: Policy, jitter: float
) -> None:
    assert not isinstance(decide("GET", outcome, attempt, seconds, policy, jitter), UnknownEffect)
