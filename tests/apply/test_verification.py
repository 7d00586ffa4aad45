"""Waits, tests and probes with each possible end: the record is true after all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event

import pytest

from provisioner.apply.id_checks import KnownIds
from provisioner.apply.verification import NotPassed, StepResult, Verifier
from provisioner.errors import NotFound, OutcomeUnknown, Refused, ServiceError, StateError, Unreachable
from provisioner.model import Json, Key
from provisioner.planning.plan import Action, Change
from provisioner.planning.steps import Await, Create, Patch, Step
from provisioner.service.client import WriteResult
from provisioner.service.responses import Reachability
from provisioner.state.records import Completed, Intent, Record
from tests.planning.examples import desired, record

REACHABLE, UNREACHABLE = Reachability(True), Reachability(False, "no route to it")


class World:
    """A service and a ledger whose answers a test chooses: a value, or an error that is raised."""

    def __init__(self, **answers: object) -> None:
        self._answers = answers
        self.story: list[str] = []
        self.adopted: list[Record] = []
        self.told: list[str] = []
        self.probe = self.rename_once_tested = ""
        self.stop = Event()
        self.verifier = Verifier(self, self, KnownIds({"live"}), lambda: "1" * 32, self.stop, self.told.append)

    def _answer(self, call: str, otherwise: object) -> object:
        self.story.append(call)
        answer = self._answers.get(call, otherwise)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def test(self, _: str) -> Reachability:
        answer = self._answer("test", REACHABLE)
        self.probe = self.rename_once_tested or self.probe
        assert isinstance(answer, Reachability)
        return answer

    def get(self, connection_id: str) -> Json:
        probe = {"id": connection_id, "name": self.probe, "state": "enabled", "etag": '"e7"'}
        answer = self._answer("get", probe)
        assert isinstance(answer, dict)
        return answer

    def create(self, body: Json) -> WriteResult:
        self.probe = body["name"]
        ident = self._answer("create", "id-of-probe")
        assert isinstance(ident, str)
        return WriteResult(ident, '"p1"', None)

    def patch(self, *_: object) -> WriteResult:
        raise AssertionError("nothing here changes a live object")

    def delete(self, _: str) -> None:
        self._answer("delete", None)

    def confirm_gone(self, _: str) -> None:
        self._answer("confirm", None)

    def service_time(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def begin(self, _: tuple[Intent, ...]) -> None:
        self._answer("begin", None)

    def settle(self, settled: tuple[Completed, ...]) -> None:
        self._answer("settle", None)
        assert [one.verdict for one in settled] == ["failed"], "of a probe nothing is recorded"

    def adopt(self, records: tuple[Record, ...]) -> None:
        self._answer("adopt", None)
        self.adopted += records

    def forget(self, keys: tuple[Key, ...]) -> None:
        raise AssertionError(keys)


def change(*steps: Step) -> Change:
    return Change("a", "A", Action.CREATE, "", steps=steps, desired=desired(), record=record())


def reached(untested: bool = True) -> StepResult:
    known = record()
    return StepResult(
        known.id, Record(known.key, known.id, known.etag, known.texts, known.secrets, known.salt, untested)
    )


def test_what_passes_is_recorded_as_tested() -> None:
    world = World()
    done = world.verifier.test(reached())
    assert done.record is not None
    assert not done.record.untested
    assert done.record.tested_at == "2026-01-01T00:00:00+00:00"
    assert world.adopted == [done.record]


NOT_PASSED = {
    "no way to it": (UNREACHABLE, "does not reach its database: no route to it"),
    "no answer": (Unreachable("no network", ""), "could not be tested: no network"),
    "an answer that says nothing": (ServiceError("holds no result", ""), "could not be tested: holds no result"),
}


@pytest.mark.parametrize(("answer", "said"), NOT_PASSED.values(), ids=NOT_PASSED)
def test_what_does_not_pass_stays_untested(answer: object, said: str) -> None:
    world = World(test=answer)
    with pytest.raises(NotPassed, match=said):
        world.verifier.test(reached())
    assert world.adopted == []


def test_a_test_whose_result_cannot_be_recorded_counts_as_none() -> None:
    with pytest.raises(NotPassed, match="could not be tested: disk full"):
        World(adopt=StateError("disk full", "")).verifier.test(reached())


def test_after_an_interrupt_nothing_is_tested() -> None:
    world = World()
    world.stop.set()
    with pytest.raises(NotPassed, match="stopped before its test"):
        world.verifier.test(reached())
    assert world.story == []


def test_what_is_enabled_is_recorded_with_its_etag_of_then() -> None:
    world = World()
    done = world.verifier.wait_until_enabled(change(Create(), Await()), reached())
    assert done.etag == '"e7"'
    assert [one.etag for one in world.adopted] == ['"e7"']


UNKNOWN: dict[str, Callable[[], World]] = {
    "it cannot be read": lambda: World(get=ServiceError("no answer", "")),
    "it cannot be recorded": lambda: World(adopt=StateError("disk full", "")),
    "interrupted": lambda: _stopped(World(get={"id": "id-a", "state": "initializing"})),
}


def _stopped(world: World) -> World:
    world.stop.set()
    return world


@pytest.mark.parametrize("made", UNKNOWN.values(), ids=UNKNOWN)
def test_what_was_created_is_kept_where_it_is_not_known_to_be_enabled(made: Callable[[], World]) -> None:
    world, before = made(), reached()
    assert world.verifier.wait_until_enabled(change(Create(), Await()), before) == before
    assert "is recorded; whether it is enabled is not known" in world.told[-1]


def test_nothing_is_done_to_what_is_not_enabled() -> None:
    world = _stopped(World(get={"id": "id-a", "state": "initializing"}))
    with pytest.raises(Refused, match="still initializing"):
        world.verifier.wait_until_enabled(change(Await(), Patch("id-a", '"e1"', ())), StepResult("", record()))


def test_a_probe_is_begun_made_tested_and_deleted() -> None:
    world = World()
    assert world.verifier.prove(change()) == "2026-01-01T00:00:00+00:00"
    assert world.story == ["begin", "create", "get", "get", "test", "get", "delete", "confirm", "settle"]


REFUSED = {
    "no probe can be made": (
        {"create": Refused("the spec is not known", "")},
        "cannot create a probe for the new credentials: the spec is not known",
        ["begin", "create", "settle"],
    ),
    "no answer about the probe": (
        {"test": Unreachable("no network", "")},
        "could not be proved: no network",
        ["begin", "create", "get", "get", "test", "get", "delete", "confirm", "settle"],
    ),
    "they are wrong": (
        {"test": UNREACHABLE},
        "the new credentials do not reach the database: no route to it",
        ["begin", "create", "get", "get", "test", "get", "delete", "confirm", "settle"],
    ),
    "they are wrong, and the probe stays": (
        {"test": UNREACHABLE, "delete": Unreachable("no network", "")},
        "the new credentials do not reach the database",
        ["begin", "create", "get", "get", "test", "get", "delete"],
    ),
}


@pytest.mark.parametrize(("answers", "said", "story"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_proved_changes_nothing(answers: dict[str, object], said: str, story: list[str]) -> None:
    world = World(**answers)
    with pytest.raises(Refused, match=f"not changed: .*{said}"):
        world.verifier.prove(change())
    assert world.story == story
    left = "settle" not in story
    assert (
        any("the probe id-of-probe may be left over; the next apply deletes it then" in one for one in world.told)
        == left
    )


def test_a_probe_of_which_nothing_is_known_stays_open_for_the_next_run() -> None:
    world = World(create=OutcomeUnknown("the answer was lost", ""))
    with pytest.raises(OutcomeUnknown):
        world.verifier.prove(change())
    assert world.story == ["begin", "create"]


def test_what_answers_with_a_live_id_is_neither_tested_nor_deleted() -> None:
    world = World(create="live")
    with pytest.raises(OutcomeUnknown, match="the id of another base connection, live"):
        world.verifier.prove(change())
    assert world.story == ["begin", "create"]


NOT_THE_PROBE = {
    "another one": (
        {"id": "id-of-probe", "name": "Orders", "state": "enabled", "etag": '"e7"'},
        "is not that of the probe",
    ),
    "none": (NotFound("there is no such object", ""), "the probe cannot be read: there is no such object"),
}


@pytest.mark.parametrize(("read", "said"), NOT_THE_PROBE.values(), ids=NOT_THE_PROBE)
def test_what_is_not_the_probe_is_neither_tested_nor_deleted(read: object, said: str) -> None:
    """Also where the id that was answered was not known to be anybody's."""
    world = World(get=read)
    with pytest.raises(OutcomeUnknown, match=said):
        world.verifier.prove(change())
    assert world.story == ["begin", "create", "get"]


def test_what_is_not_the_probe_any_more_is_left_alone() -> None:
    world = World()
    world.rename_once_tested = "Orders"
    world.verifier.prove(change())
    assert world.story == ["begin", "create", "get", "get", "test", "get"]
    assert "does not carry the name of the probe, and is left alone" in world.told[-1]
