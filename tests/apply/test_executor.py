"""Intent, call, record, in this order, for every outcome of a call."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provisioner.apply.executor import Executor
from provisioner.apply.id_checks import KnownIds
from provisioner.apply.outcome import Applied, Outcome, Verdict
from provisioner.definitions.desired import Desired
from provisioner.errors import (
    NotAuthenticated,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    Refused,
    StaleError,
    StateError,
    Unreachable,
)
from provisioner.model import Json
from provisioner.planning.plan import Plan
from provisioner.planning.verification_steps import with_tests
from provisioner.secrets import Sensitive
from provisioner.service.client import WriteResult
from provisioner.service.responses import Reachability
from provisioner.state.records import Completed, Intent, Record
from tests.planning.examples import FINGERPRINTER, desired, item, observation, planned, record, secret, state


class Recorder:
    """A service and a ledger in one, so that the order of everything is one list."""

    def __init__(
        self,
        answer: Callable[[str], WriteResult],
        durable: Callable[[str], None] = lambda _: None,
        shown: Json | None = None,
    ) -> None:
        self.shown = shown
        self.story: list[str] = []
        self.intents: list[Intent] = []
        self.settled: list[Completed] = []
        self.adopted: list[Record] = []
        self._answer = answer
        self._durable = durable
        self._lock = threading.Lock()

    def begin(self, intents: Iterable[Intent]) -> None:
        for intent in intents:
            self._note(f"intent {intent.step} {intent.key}")
            self.intents.append(intent)
            self._durable("begin")

    def settle(self, settled: Iterable[Completed]) -> None:
        for one in settled:
            self._durable("settle")
            self._note(f"{one.verdict}")
            self.settled.append(one)

    def adopt(self, records: Iterable[Record]) -> None:
        self.adopted += records

    def test(self, _: str) -> Reachability:
        return Reachability(True)

    def create(self, body: Json) -> WriteResult:
        self._note(f"POST {body['name']}")
        return self._answer(body["name"])

    def patch(self, connection_id: str, etag: str, operations: list[Json]) -> WriteResult:
        self._note(f"PATCH {connection_id} {etag} {[one['path'] for one in operations]}")
        return self._answer(connection_id)

    def confirm_gone(self, connection_id: str) -> None:
        self._note(f"confirm {connection_id}")

    def delete(self, connection_id: str) -> None:
        self._note(f"DELETE {connection_id}")
        self._answer(connection_id)

    def get(self, connection_id: str) -> Json:
        self._note(f"GET {connection_id}")
        if self.shown is None:
            raise NotFound("gone")
        return self.shown

    def service_time(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def _note(self, line: str) -> None:
        with self._lock:
            self.story.append(line)


def made(name: str) -> WriteResult:
    return WriteResult(f"id-of-{name}", '"e9"', None)


def raising(error: Exception) -> Callable[[str], WriteResult]:
    def answer(_: str) -> WriteResult:
        raise error

    return answer


def run(
    recorder: Recorder, plan: Plan, parallelism: int = 1, interrupted: threading.Event | None = None
) -> tuple[Applied, list[Outcome]]:
    told: list[Outcome] = []
    numbers = itertools.count()
    new_id, stop = (lambda: f"{next(numbers):032x}"), interrupted or threading.Event()
    executor = Executor(recorder, recorder, KnownIds({"taken"}), FINGERPRINTER, new_id, told.append, parallelism, stop)
    return executor.send(plan), told


CREATE = planned([desired()], state(), None)
PATCH = planned([desired(name="New")], state(record()), None)


@pytest.mark.parametrize(
    ("plan", "story"),
    [
        (CREATE, ["intent create orders", "POST Orders", "done"]),
        (PATCH, ["intent patch orders", "PATCH id-1 \"e1\" ['/name']", "done"]),
    ],
)
def test_intent_then_call_then_record(plan: Plan, story: list[str]) -> None:
    recorder = Recorder(made)
    applied, told = run(recorder, plan)
    assert recorder.story == story
    assert [outcome.verdict for outcome in applied.outcomes] == [Verdict.DONE]
    assert tuple(told) == applied.outcomes


ERRORS: list[tuple[Exception, Verdict, list[str]]] = [
    (Refused("no"), Verdict.FAILED, ["failed"]),
    (NotFound("gone"), Verdict.FAILED, ["failed"]),
    (Unreachable("down"), Verdict.FAILED, ["failed"]),
    (NotAuthenticated("who"), Verdict.FAILED, ["failed"]),
    (PreconditionFailed("moved"), Verdict.STALE, ["failed"]),
    (OutcomeUnknown("lost"), Verdict.UNKNOWN, []),
]


@pytest.mark.parametrize(("error", "verdict", "settled"), ERRORS, ids=lambda value: type(value).__name__)
def test_only_a_certain_outcome_is_settled(error: Exception, verdict: Verdict, settled: list[str]) -> None:
    """After an unknown one the intent stands."""
    recorder = Recorder(raising(error))
    applied, _ = run(recorder, CREATE)
    assert [outcome.verdict for outcome in applied.outcomes] == [verdict]
    assert [one.verdict for one in recorder.settled] == settled


@pytest.mark.parametrize("answers", [["taken"], ["x", "x"]], ids=["known before", "answered to two"])
def test_an_id_that_something_else_has_settles_nothing(answers: list[str]) -> None:
    """The outcome of such a create is unknown: its intent stands."""
    plan = planned([desired(str(number), name=str(number)) for number in range(len(answers))], state(), None)
    recorder = Recorder(lambda name: WriteResult(answers[int(name)], None, None))
    applied, _ = run(recorder, plan)
    assert [outcome.verdict for outcome in applied.outcomes] == [Verdict.DONE] * (len(answers) - 1) + [Verdict.UNKNOWN]
    assert len(recorder.settled) == len(answers) - 1
    assert f"the id of another base connection, {answers[-1]}" in applied.outcomes[-1].message


def test_what_fails_does_not_stop_the_others() -> None:
    def answer(name: str) -> WriteResult:
        if name == "b":
            raise Refused("no")
        return made(name)

    plan = planned([desired(key, name=key) for key in "abc"], state(), None)
    applied, _ = run(Recorder(answer), plan, parallelism=3)
    assert [outcome.verdict for outcome in applied.outcomes] == [Verdict.DONE, Verdict.FAILED, Verdict.DONE]


@pytest.mark.parametrize("error", [NotAuthenticated("who")])
def test_what_dooms_all_stops_the_run(error: Exception) -> None:
    plan = planned([desired(key, name=key) for key in "abc"], state(), None)
    recorder = Recorder(raising(error))
    applied, _ = run(recorder, plan)
    assert [outcome.verdict for outcome in applied.outcomes] == [Verdict.FAILED, *[Verdict.NOT_ATTEMPTED] * 2]
    assert sum(line.startswith("POST") for line in recorder.story) == 1


@pytest.mark.parametrize(
    ("error", "verdict"), [(StateError("disk full"), Verdict.FAILED), (StaleError("moved"), Verdict.STALE)]
)
def test_without_a_durable_intent_there_is_no_call(error: Exception, verdict: Verdict) -> None:
    def durable(_: str) -> None:
        raise error

    recorder = Recorder(made, durable)
    applied, _ = run(recorder, CREATE)
    assert applied.outcomes[0].verdict is verdict
    assert recorder.story == ["intent create orders"]


def test_an_id_that_could_not_be_recorded_is_told() -> None:
    def durable(when: str) -> None:
        if when == "settle":
            raise StateError("disk full")

    applied, told = run(Recorder(made, durable), CREATE)
    assert applied.outcomes[0].verdict is Verdict.UNKNOWN
    assert "id-of-Orders" in told[0].message
    assert told[0].remedy.endswith("run apply again: it determines what was done and records it")


DELETE = planned([], state(record()), observation(item()), allow_delete=True)


@pytest.mark.parametrize(
    ("shown", "answer", "verdict", "story"),
    [
        (item(), made, Verdict.DONE, ["GET id-1", "intent delete orders", "DELETE id-1", "confirm id-1", "done"]),
        (None, made, Verdict.DONE, ["GET id-1", "intent delete orders", "DELETE id-1", "confirm id-1", "done"]),
        (
            item(),
            raising(NotFound("gone")),
            Verdict.DONE,
            ["GET id-1", "intent delete orders", "DELETE id-1", "confirm id-1", "done"],
        ),
        (item(etag='"e2"'), made, Verdict.STALE, ["GET id-1"]),
        (
            item(),
            raising(Refused("in use")),
            Verdict.FAILED,
            ["GET id-1", "intent delete orders", "DELETE id-1", "failed"],
        ),
        (item(), raising(OutcomeUnknown("?")), Verdict.UNKNOWN, ["GET id-1", "intent delete orders", "DELETE id-1"]),
    ],
    ids=["there", "gone before", "gone meanwhile", "changed since the plan", "refused", "answer lost"],
)
def test_a_delete(shown: Json | None, answer: Callable[[str], WriteResult], verdict: Verdict, story: list[str]) -> None:
    """Only what the plan saw is deleted, and that it is gone is confirmed whatever the answer was."""
    recorder = Recorder(answer, shown=shown)
    applied, _ = run(recorder, DELETE)
    assert applied.outcomes[0].verdict is verdict
    assert recorder.story == story
    assert all(intent.record is None and intent.id == "id-1" for intent in recorder.intents)


def test_who_came_between_is_named() -> None:
    recorder = Recorder(raising(PreconditionFailed("moved")), shown=item(etag='"e2"'))
    _, told = run(recorder, PATCH)
    assert told[0].verdict is Verdict.STALE
    assert "moved; last changed by jane@example.com" in told[0].message


def test_the_intent_holds_the_record_to_be_and_no_secret() -> None:
    recorder = Recorder(made)
    run(recorder, CREATE)
    (intent,) = recorder.intents
    assert (intent.step, intent.name, intent.id, intent.sent_at) == (
        "create",
        "Orders",
        None,
        "2026-01-01T00:00:00+00:00",
    )
    assert intent.record is not None
    assert intent.record.texts["auth.params.server"] == "db1"
    assert "first-secret" not in repr(intent)


NOW, EARLIER = "2026-01-01T00:00:00+00:00", "2025-01-01T00:00:00+00:00"
TESTED = replace(record(), applied_at=EARLIER, tested_at=EARLIER)
NOT_PASSED = replace(record(), applied_at=EARLIER, untested=True)
RENAMED = Sensitive("first-secret", "env(OTHER)", ("OTHER",))

TIMES = {
    "a create": (None, desired(), (), (NOW, "", False)),
    "a create that was tested": (None, desired(), {"test"}, (NOW, NOW, False)),
    "another field": (TESTED, desired(name="New"), (), (NOW, EARLIER, False)),
    "another field and origin": (
        TESTED,
        desired(name="New", auth__params__password=RENAMED),
        (),
        (NOW, EARLIER, False),
    ),
    "another server": (TESTED, desired(auth__params__server="db2"), (), (NOW, "", False)),
    "another secret": (TESTED, desired(auth__params__password=secret("second")), (), (NOW, "", False)),
    "another secret that was tested": (
        TESTED,
        desired(auth__params__password=secret("second")),
        {"test"},
        (NOW, NOW, False),
    ),
    "the same secret, sent again": (TESTED, desired(), {"resend"}, (NOW, "", False)),
    "only another origin": (TESTED, desired(auth__params__password=RENAMED), (), (EARLIER, EARLIER, False)),
    "none, and tested": (NOT_PASSED, desired(), {"test"}, (EARLIER, NOW, False)),
    "another field of what did not pass": (NOT_PASSED, desired(name="New"), (), (NOW, "", True)),
    "another field and origin of what did not pass": (
        NOT_PASSED,
        desired(name="New", auth__params__password=RENAMED),
        (),
        (NOW, "", True),
    ),
    "another secret of what did not pass": (
        NOT_PASSED,
        desired(auth__params__password=secret("second")),
        (),
        (NOW, "", False),
    ),
}


@pytest.mark.parametrize(("known", "wanted", "options", "times"), TIMES.values(), ids=TIMES)
def test_when_it_was_applied_and_tested(
    known: Record | None, wanted: Desired, options: Collection[str], times: tuple[str, str, bool]
) -> None:
    """A time of a test outlives every change but one of the credentials."""
    recorder = Recorder(made)
    plan = planned([wanted], state(*[known] if known else []), None, resend="resend" in options)
    run(recorder, with_tests(plan) if "test" in options else plan)
    (after,) = recorder.adopted or [intent.record for intent in recorder.intents]
    assert after is not None
    assert (after.applied_at, after.tested_at, after.untested) == times


def test_a_patched_record_keeps_its_salt() -> None:
    recorder = Recorder(made)
    run(recorder, PATCH)
    (intent,) = recorder.intents
    assert intent.record is not None
    assert intent.record.salt == record().salt


@pytest.mark.parametrize("workers", [1, 8])
def test_no_more_calls_at_a_time_than_asked_for(workers: int) -> None:
    under_way, most = 0, 0
    lock = threading.Lock()
    together = threading.Barrier(workers)

    def answer(name: str) -> WriteResult:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait(timeout=60)
        with lock:
            under_way -= 1
        return made(name)

    plan = planned([desired(f"k{n}", name=f"n{n}") for n in range(workers * 2)], state(), None)
    run(Recorder(answer), plan, parallelism=workers)
    assert most == workers


def test_once_interrupted_nothing_new_begins() -> None:
    """What is under way ends and is recorded; the rest is named as not attempted."""
    interrupted = threading.Event()
    calls = itertools.count(1)

    def answer(name: str) -> WriteResult:
        if next(calls) == 3:
            interrupted.set()
        return made(name)

    plan = planned([desired(f"k{n:02}", name=f"n{n}") for n in range(20)], state(), None)
    recorder = Recorder(answer)
    applied, _ = run(recorder, plan, interrupted=interrupted)
    verdicts = [outcome.verdict for outcome in applied.outcomes]
    assert applied.interrupted
    assert verdicts == [Verdict.DONE] * 3 + [Verdict.NOT_ATTEMPTED] * 17
    assert len(recorder.settled) == len(recorder.intents) == 3
