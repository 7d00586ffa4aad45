"""The pace of all workers: no cost without a 429; slower together, and faster again without anybody's doing."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from math import inf

import pytest

from provisioner.errors import Refused, Unreachable
from provisioner.service.exchange import INTERRUPTED, Answer, Call, Failure, Outcome, Timing
from provisioner.service.flow_service import FlowService
from provisioner.service.pace import TOO_LATE, Pace, Speed, Turn

from .fakes import HERE, LOST, NO_CONTENT, REFUSED, WRITTEN, Bench, FakeTime, Tokens, status

THROTTLED = status(429)


@pytest.mark.parametrize(
    ("rate", "slowed", "sped_up"),
    [
        (inf, 10, inf),
        (10, 5, 10.25),
        (19.75, 9.875, inf),
        (1, 0.5, 1.25),
        (0.75, 0.5, 1),
        (0.5, 0.5, 0.75),
    ],
)
def test_half_as_fast_with_a_429_a_step_faster_with_a_success(rate: float, slowed: float, sped_up: float) -> None:
    assert Speed(rate).slowed().rate == pytest.approx(slowed)
    assert Speed(rate).sped_up().rate == pytest.approx(sped_up)


def test_from_the_slowest_it_comes_back_to_full_speed() -> None:
    speed = Speed(0.5)
    for _ in range(78):
        speed = speed.sped_up()
    assert speed == Speed()
    assert speed.interval == 0


def enter(pace: Pace, until: float = inf) -> Turn:
    turn = pace.enter(until)
    assert isinstance(turn, Turn)
    return turn


def times(clock: FakeTime, pace: Pace, number: int) -> list[float]:
    """When so many calls are sent that all want to go now."""
    found = []
    for _ in range(number):
        enter(pace)
        found.append(clock.seconds)
    return found


@pytest.mark.parametrize("outcome", [NO_CONTENT, WRITTEN, LOST, REFUSED, status(503), status(404), status(401)])
def test_without_a_429_nobody_waits(outcome: Outcome) -> None:
    clock = FakeTime()
    pace = Pace(clock.timing)
    for _ in range(100):
        pace.learn(enter(pace), outcome)
    assert clock.slept == []


# what came back, one after the other; how far apart calls are then, in seconds
@pytest.mark.parametrize(
    ("outcomes", "apart"),
    [
        ([THROTTLED], 0.1),
        ([THROTTLED, THROTTLED], 0.2),
        ([THROTTLED] * 3, 0.4),
        ([THROTTLED] * 99, 2.0),
        ([THROTTLED, LOST, REFUSED, status(503), status(404)], 0.1),
        ([THROTTLED, *[NO_CONTENT] * 5], 1 / 11.25),
        ([THROTTLED, *[NO_CONTENT] * 40], 0.0),
        ([THROTTLED, *[NO_CONTENT] * 40, THROTTLED], 0.1),
    ],
)
def test_how_far_apart_calls_are_sent(outcomes: list[Outcome], apart: float) -> None:
    clock = FakeTime()
    pace = Pace(clock.timing)
    for outcome in outcomes:
        pace.learn(enter(pace), outcome)
    sent = times(clock, pace, 6)[1:]
    assert [later - earlier for earlier, later in pairwise(sent)] == pytest.approx([apart] * 4)


def test_a_burst_counts_once() -> None:
    clock = FakeTime()
    pace = Pace(clock.timing)
    for turn in [enter(pace) for _ in range(32)]:
        pace.learn(turn, THROTTLED)
    assert times(clock, pace, 3) == pytest.approx([0.1, 0.2, 0.3])


def test_late_successes_from_before_the_slowdown_speed_nothing_up() -> None:
    clock = FakeTime()
    pace = Pace(clock.timing)
    first, *others = [enter(pace) for _ in range(60)]
    pace.learn(first, THROTTLED)
    for turn in others:
        pace.learn(turn, NO_CONTENT)
    assert times(clock, pace, 3) == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("holds", "first"), [([7.0], 7), ([7.0, 3.0], 7), ([3.0, 7.0], 7), ([7.0] * 32, 7), ([0.01], 0.1), ([], 0.1)]
)
def test_nobody_sends_before_the_longest_hold_is_over(holds: list[float], first: float) -> None:
    clock = FakeTime()
    pace = Pace(clock.timing)
    pace.learn(enter(pace), THROTTLED)
    for seconds in holds:
        pace.hold(seconds)
    assert times(clock, pace, 3) == pytest.approx([first, first + 0.1, first + 0.2])


@pytest.mark.parametrize(
    ("held", "until", "result"), [(60, 59, TOO_LATE), (60, 60, Turn), (0, -1, TOO_LATE), (0, 1, Turn)]
)
def test_who_would_come_too_late_is_told_at_once(held: float, until: float, result: object) -> None:
    clock = FakeTime()
    pace = Pace(clock.timing)
    pace.hold(held)
    found = pace.enter(until)
    assert found is result or type(found) is result
    assert clock.slept == ([] if found is TOO_LATE or not held else [held])


def test_who_gives_up_takes_nobodys_place() -> None:
    clock = FakeTime()
    pace = Pace(clock.timing)
    pace.learn(enter(pace), THROTTLED)
    pace.hold(10)
    assert {pace.enter(5) for _ in range(100)} == {TOO_LATE}
    assert times(clock, pace, 2) == pytest.approx([10, 10.1])


def test_a_429_while_waiting_moves_the_turn() -> None:
    clock = FakeTime()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        slept.append(seconds)
        if len(slept) == 1:
            pace.hold(20)
            pace.hold(-3)

    pace = Pace(Timing(lambda: clock.seconds, clock.timing.now, sleep, lambda: 0))
    pace.hold(5)
    assert enter(pace).at == 25
    assert slept == [5, 20]


@pytest.mark.parametrize("stop_at", [0, 3])
def test_an_interruption_ends_the_wait_for_a_turn(stop_at: float) -> None:
    clock = FakeTime(stop_at)
    pace = Pace(clock.timing)
    pace.hold(60)
    assert pace.enter(inf) is INTERRUPTED
    assert clock.seconds == stop_at


EMPTY = Answer(200, {}, {"items": []})


@pytest.mark.parametrize(
    ("throttled", "slept"),
    [
        ([status(429, retry_after="7")], [7]),
        ([status(429, retry_after="3600")], [60]),
        ([THROTTLED], [0.25]),
        ([THROTTLED] * 3, [0.25, 0.5, 1]),
        # The service says "at once" and does not mean it: spaced all the same.
        ([status(429, retry_after="0")] * 3, [0, 0.1, 0, 0.2, 0, 0.4]),
    ],
)
def test_who_got_the_429_waits_once(throttled: list[Answer], slept: list[float]) -> None:
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


def test_a_call_that_would_wait_beyond_its_bound_for_the_pace_is_not_sent() -> None:
    bench = Bench(EMPTY)
    bench.service._caller._pace.hold(181)
    with pytest.raises(Unreachable, match="longer pauses") as caught:
        bench.service.list_connections("spec")
    assert "--parallelism" in caught.value.remedy
    assert bench.script.calls == []


def test_a_repetition_that_would_is_not_sent_either_and_what_stands_is_told() -> None:
    def busy(_: Call) -> Failure:
        bench.service._caller._pace.hold(181)
        return REFUSED

    bench = Bench(busy)
    with pytest.raises(Unreachable, match="refused"):
        bench.service.create({})
    assert len(bench.calls) == 1


class Crowd:
    """Throttles the first call of each worker, all at once, for a second; ``again`` is when the later ones come, in
    seconds of a clock that runs 20 times as fast as ours."""

    def __init__(self, workers: int) -> None:
        self.together = threading.Barrier(workers, action=lambda: self.throttled.append(self.now()))
        self.throttled: list[float] = []
        self.again: list[float] = []

    def now(self) -> float:
        return time.monotonic() * 20

    def send(self, call: Call) -> Outcome:  # noqa: ARG002
        if not self.throttled:
            self.together.wait(10)
            return status(429, retry_after="1")
        self.again.append(self.now())
        return NO_CONTENT


def test_eight_workers_throttled_at_once_come_back_one_after_the_other() -> None:
    crowd = Crowd(8)
    timing = Timing(crowd.now, lambda: datetime.now(UTC), lambda seconds: time.sleep(seconds / 20), lambda: 0)
    service = FlowService(HERE, "org", "prod", "key", Tokens(), crowd, timing)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(service.delete, [f"id-{number}" for number in range(8)]))
    waits = sorted(at - crowd.throttled[0] for at in crowd.again)
    assert len(waits) == 8
    assert waits[0] >= 1
    assert waits[-1] >= 1 + 7 / 12, "spaced as after one slowdown, with a step back for each success"


class Limited:
    """A service that admits so many calls in each second of a clock that runs ``haste`` times as fast as ours."""

    def __init__(self, admitted: int, retry_after: str | None, haste: float) -> None:
        self.admitted = admitted
        self.retry_after = retry_after
        self.haste = haste
        self.lock = threading.Lock()
        self.recent: list[float] = []
        self.sent: list[tuple[float, int]] = []

    def now(self) -> float:
        return time.monotonic() * self.haste

    def timing(self) -> Timing:
        return Timing(
            self.now, lambda: datetime.now(UTC), lambda seconds: time.sleep(seconds / self.haste), random.random
        )

    def send(self, call: Call) -> Outcome:  # noqa: ARG002
        time.sleep(0.2 / self.haste)
        with self.lock:
            now = self.now()
            self.recent = [at for at in self.recent if at > now - 1]
            admitted = len(self.recent) < self.admitted
            if admitted:
                self.recent.append(now)
            self.sent.append((now, 204 if admitted else 429))
        if admitted:
            return NO_CONTENT
        return status(429, **({"retry_after": self.retry_after} if self.retry_after else {}))


@pytest.mark.parametrize("retry_after", ["1", "0", None])
def test_workers_get_through_a_service_that_admits_few(retry_after: str | None) -> None:
    limited = Limited(4, retry_after, haste=50)
    service = FlowService(HERE, "org", "prod", "key", Tokens(), limited, limited.timing())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(service.delete, [f"id-{number}" for number in range(60)]))
    answers = [answer for _, answer in limited.sent]
    assert answers.count(204) == 60
    assert answers.count(429) < 60, "the workers slow down instead of asking again and again"
