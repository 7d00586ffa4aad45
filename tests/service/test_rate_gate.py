"""The rate gate: free without a 429; after one, no worker sends before the longest wait is over."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from math import inf

import pytest

from provisioner.errors import Refused, ServiceError, Unreachable
from provisioner.service.calls import TOO_LATE, RateGate
from provisioner.service.messages import (
    INTERRUPTED,
    HeldBack,
    HttpOutcome,
    HttpRequest,
    HttpResponse,
    NoResponse,
    Timing,
)

from .fakes import LOST, NO_CONTENT, REFUSED, WRITTEN, Bench, FakeTime, status

THROTTLED = status(429)


@pytest.mark.parametrize(
    ("holds", "opens"),
    [([], 0), ([7], 7), ([7, 3], 7), ([3, 7], 7), ([7] * 32, 7), ([-3], 0)],
)
def test_no_worker_sends_before_the_longest_hold_ends(holds: list[float], opens: float) -> None:
    clock = FakeTime()
    gate = RateGate(clock.timing)
    for seconds in holds:
        gate.hold(seconds)
    for _ in range(3):
        assert gate.wait(inf) is None
        assert clock.seconds == opens


@pytest.mark.parametrize(
    ("held", "until", "result"), [(60, 59, TOO_LATE), (60, 60, None), (0, -1, TOO_LATE), (0, 1, None)]
)
def test_a_wait_that_would_end_too_late_is_refused_at_once(held: float, until: float, result: HeldBack | None) -> None:
    clock = FakeTime()
    gate = RateGate(clock.timing)
    gate.hold(held)
    assert gate.wait(until) is result
    assert clock.seconds == (held if result is None else 0)


def test_a_429_during_a_wait_prolongs_it() -> None:
    clock = FakeTime()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        slept.append(seconds)
        if len(slept) == 1:
            gate.hold(20)

    gate = RateGate(Timing(lambda: clock.seconds, clock.timing.now, sleep, lambda: 0))
    gate.hold(5)
    assert gate.wait(inf) is None
    assert slept == [5, 20]


@pytest.mark.parametrize("stop_at", [0, 3])
def test_an_interruption_ends_the_wait(stop_at: float) -> None:
    clock = FakeTime(stop_at)
    gate = RateGate(clock.timing)
    gate.hold(60)
    assert gate.wait(inf) is INTERRUPTED
    assert clock.seconds == stop_at


EMPTY = HttpResponse(200, {}, {"items": []})


@pytest.mark.parametrize(
    ("throttled", "slept"),
    [
        ([status(429, retry_after="7")], [7]),
        ([status(429, retry_after="3600")], [60]),
        ([status(429, retry_after="0")] * 3, [0, 0, 0]),
        ([THROTTLED], [1]),
        ([THROTTLED] * 7, [1, 2, 4, 8, 16, 30, 30]),
    ],
)
def test_a_429_is_waited_for_once(throttled: list[HttpResponse], slept: list[float]) -> None:
    bench = Bench(*throttled, EMPTY)
    bench.service.list_connections("spec")
    assert bench.time.slept == pytest.approx(slept)
    assert len(bench.calls) == len(throttled) + 1


def test_a_call_that_gave_up_leaves_its_pause_to_the_next() -> None:
    bench = Bench(*[status(429, retry_after="60")] * 4, EMPTY)
    with pytest.raises(Refused):
        bench.service.create({})
    bench.service.list_connections("spec")
    assert bench.time.slept == [60] * 4
    assert len(bench.calls) == 5


def test_a_call_that_would_wait_beyond_its_bound_for_the_gate_is_not_sent() -> None:
    bench = Bench(EMPTY)
    bench.service._caller._gate.hold(181)
    with pytest.raises(Unreachable, match="longer pauses") as caught:
        bench.service.list_connections("spec")
    assert "--parallelism" in caught.value.remedy
    assert bench.script.calls == []


def test_a_retry_that_would_wait_too_long_ends_with_the_last_result() -> None:
    def busy(_: HttpRequest) -> NoResponse:
        bench.service._caller._gate.hold(181)
        return REFUSED

    bench = Bench(busy)
    with pytest.raises(Unreachable, match="refused"):
        bench.service.create({})
    assert len(bench.calls) == 1


# what one worker's call came to; when another worker may send, in seconds
@pytest.mark.parametrize(
    ("outcome", "opens"),
    [
        (THROTTLED, 1),
        (status(429, retry_after="7"), 7),
        *((outcome, 0) for outcome in (NO_CONTENT, WRITTEN, LOST, REFUSED, status(503), status(404), status(401))),
    ],
)
def test_a_429_holds_all_workers_and_nothing_else_does(outcome: HttpOutcome, opens: float) -> None:
    """The other worker asks while the first one waits to send again."""
    bench = Bench(outcome, *[NO_CONTENT] * 9)
    gate, sleep, opened = bench.service._caller._gate, bench.time.sleep, list[float]()

    def begins_to_wait(seconds: float) -> None:
        if not opened:
            opened.append(max(0.0, gate._opens))
        sleep(seconds)

    bench.service._caller._timing = replace(bench.time.timing, sleep=begins_to_wait)
    with suppress(ServiceError):
        bench.service.delete("id-1")
    assert (opened or [0.0]) == [opens]
