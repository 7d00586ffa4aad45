"""What becomes of a write for each answer in the table: of this apply, and of the two after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.answers import fake, table
from tests.answers.fake import Effect, Play, Request
from tests.answers.replies import CLOSED, HONEST, Reply
from tests.answers.world import HURRIED, PATIENT, World, world

LATE, LAG = 25.0, 20.0
"""Seconds: within what is assumed, and later than a look without a wait."""


@dataclass(frozen=True)
class Expected:
    """``codes``: how three applies end; the first meets the answer. ``sent``: how often it was sent in all of them."""

    codes: tuple[int, int, int]
    sent: int


Sent = Expected((0, 0, 0), 1)
SentAgain = Expected((0, 0, 0), 2)
Refused = Expected((1, 0, 0), 2)
LostAgain = Expected((4, 0, 0), 3)


class Director:
    """Gives the answer to the first ``times`` writes of a method; all others are answered honestly."""

    def __init__(self, method: str, play: Play, times: int = 1) -> None:
        self.method, self.play, self.left = method, play, times

    def __call__(self, request: Request) -> Play:
        if request.method != self.method or not self.left:
            return Play()
        self.left -= 1
        return self.play


def rows(replies: dict[str, Reply], *effects: Effect) -> Iterable[Any]:
    return [pytest.param(reply, effect, id=f"{name}-{effect}") for name, reply in replies.items() for effect in effects]


def times_for(reply: Reply) -> Any:
    return HURRIED if reply.needs_deadline else PATIENT


UNKNOWN = {**table.UNKNOWN_ANYWHERE, **table.UNKNOWN_SUCCESS, **table.UNKNOWN_CREATE}
LOST = {"now": Sent, "late": Sent, "none": SentAgain}
"""What becomes of a call whose answer says nothing: found, found late, or sent once more; all by the same apply."""


def applied(subject: World, *more: str) -> tuple[int, int, int]:
    """Return how three applies end."""
    codes = [subject.apply(*more).code for _ in range(3)]
    assert subject.wrong == []
    assert subject.fake.outlasted == 0
    return codes[0], codes[1], codes[2]


def check(subject: World, method: str, expected: Expected, *more: str) -> None:
    before = len(subject.fake.writes)
    codes = applied(subject, *more)
    sent = sum(request.method == method for request in subject.fake.writes[before:])
    assert Expected(codes, sent) == expected, subject.project.results[-3].out + subject.project.results[-3].err
    assert subject.converged


@pytest.mark.parametrize(("reply", "effect"), rows(UNKNOWN, "now", "late", "none"))
def test_a_create_whose_answer_says_nothing(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p", times_for(reply)) as subject:
        subject.define("beta")
        assert subject.apply().code == 0
        subject.define("alpha")
        late = min(LATE, times_for(reply).attempt)
        subject.fake.direct = Director("POST", Play(effect, reply, late=late, lag=LAG))
        check(subject, "POST", LOST[effect])


@pytest.mark.parametrize(("reply", "effect"), rows(table.INTERIM, "now", "none"))
def test_an_interim_answer_is_never_that_of_another_create(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    """Also where what follows it lies in the connection when the next request is sent."""
    with world(tmp_path / "p") as subject:
        for owner in ("alpha", "beta", "gamma"):
            subject.define(owner)
        subject.fake.direct = Director("POST", Play(effect, reply, lag=LAG))
        assert applied(subject)[1:] == (0, 0)
        assert subject.converged


@pytest.mark.parametrize("reply", [CLOSED, HONEST], ids=["lost", "answered"])
def test_a_create_that_is_shown_under_another_name(
    reply: Reply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell whether it is ours: the apply that made it says so, and what to do."""
    honest = fake._shown
    monkeypatch.setattr(fake, "_shown", lambda base: {**honest(base), "name": f"{base.name} & more"})
    with world(tmp_path / "p") as subject:
        subject.define("alpha")
        subject.fake.direct = Director("POST", Play("now", reply))
        first = subject.apply()
        assert (first.code, ("its record was removed" in first.out)) == (4, reply is HONEST)
        (made,) = subject.ours
        assert f"{made.id} may or may not be its result" in first.out
        assert "if it is yours, `import alpha ID`" in first.out
        assert subject.apply().code == 1
        assert (subject.ours, subject.wrong) == ([made], [])


@pytest.mark.parametrize(("reply", "effect"), rows(table.UNKNOWN_FEW, "none"))
def test_a_create_that_is_lost_again_stays_open(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p", times_for(reply)) as subject:
        subject.define("beta")
        assert subject.apply().code == 0
        subject.define("alpha")
        subject.fake.direct = Director("POST", Play(effect, reply), times=2)
        check(subject, "POST", LostAgain)


@pytest.mark.parametrize(("reply", "effect"), rows(table.REFUSED, "none"))
def test_a_create_that_is_refused(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p") as subject:
        subject.define("alpha")
        subject.fake.direct = Director("POST", Play(effect, reply))
        check(subject, "POST", Refused)


@pytest.mark.parametrize(("reply", "effect"), rows(table.DONE_CREATE, "now"))
def test_a_create_that_is_done(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p") as subject:
        subject.define("alpha")
        subject.fake.direct = Director("POST", Play(effect, reply, lag=LAG))
        check(subject, "POST", Sent)


@pytest.mark.parametrize(("reply", "effect"), rows(table.UNKNOWN_FEW, "now", "none"))
def test_without_a_wait_it_stays_open_until_the_next_apply(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p", times_for(reply)) as subject:
        subject.define("alpha")
        subject.fake.direct = Director("POST", Play(effect, reply, lag=LAG))
        assert subject.apply("--no-wait").code == 4
        assert len(subject.fake.writes) == 1
        assert applied(subject) == (0, 0, 0)
        assert subject.converged
        assert len(subject.fake.writes) == (1 if effect == "now" else 2)


UNKNOWN_CHANGE = {**table.UNKNOWN_FEW, **table.UNKNOWN_SUCCESS}


@pytest.mark.parametrize(("reply", "effect"), rows(UNKNOWN_CHANGE, "now", "late", "none"))
def test_a_change_whose_answer_says_nothing(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    """A change is sent again: its secret cannot be seen, and ``If-Match`` fences it."""
    with world(tmp_path / "p", times_for(reply)) as subject:
        for owner in ("alpha", "beta"):
            subject.define(owner)
        assert subject.apply().code == 0
        subject.define("alpha", "2")
        late = min(LATE, times_for(reply).attempt)
        subject.fake.direct = Director("PATCH", Play(effect, reply, late=late))
        assert applied(subject) == (0, 0, 0)
        assert subject.converged
        assert len([one for one in subject.fake.writes if one.method == "PATCH"]) in (1, 2)


@pytest.mark.parametrize(("reply", "effect"), rows(table.REFUSED, "none"))
def test_a_change_that_is_refused(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p") as subject:
        subject.define("alpha")
        assert subject.apply().code == 0
        subject.define("alpha", "2")
        subject.fake.direct = Director("PATCH", Play(effect, reply))
        check(subject, "PATCH", Refused)


def deleting(subject: World, play: Play, times: int = 1) -> None:
    """Bring about one object that is to be deleted, and one that stays."""
    for owner in ("alpha", "beta"):
        subject.define(owner)
    assert subject.apply().code == 0
    subject.forget("alpha")
    subject.fake.direct = Director("DELETE", play, times)


@pytest.mark.parametrize(("reply", "effect"), rows(table.UNKNOWN_FEW, "now", "late", "none"))
def test_a_delete_whose_answer_says_nothing(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p", times_for(reply)) as subject:
        late = min(LATE, times_for(reply).attempt)
        deleting(subject, Play(effect, reply, late=late))
        assert applied(subject, "--allow-delete") == (0, 0, 0)
        assert subject.converged


@pytest.mark.parametrize(("reply", "effect"), rows({**table.DONE_DELETE, **table.GONE}, "now", "late", "none"))
def test_a_delete_is_believed_once_the_object_is_gone(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p") as subject:
        deleting(subject, Play(effect, reply, late=5.0))
        assert applied(subject, "--allow-delete")[1:] == (0, 0)
        assert subject.converged


REFUSED_DELETE = {name: reply for name, reply in table.REFUSED.items() if reply.status != 404}


@pytest.mark.parametrize(("reply", "effect"), rows(REFUSED_DELETE, "none"))
def test_a_delete_that_is_refused(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    with world(tmp_path / "p") as subject:
        deleting(subject, Play(effect, reply))
        assert applied(subject, "--allow-delete") == (1, 0, 0)
        assert subject.converged


PROBED = {
    **table.UNKNOWN_SUCCESS,
    "the id of the live object, in a 200": Reply(200, b'{"id": "@OTHER@", "etag": "x"}'),
    "closed without an answer": table.UNKNOWN_ANYWHERE["closed without an answer"],
    "404 in HTML": table.UNKNOWN_ANYWHERE["404 in HTML"],
    "500 with 1101-500": table.UNKNOWN_ANYWHERE["500 with 1101-500"],
}


@pytest.mark.parametrize(("reply", "effect"), rows(PROBED, "now", "late", "none"))
def test_a_probe_whose_answer_says_nothing(reply: Reply, effect: Effect, tmp_path: Path) -> None:
    """What is left of it goes, and nothing else: the live object above all."""
    with world(tmp_path / "p", times_for(reply)) as subject:
        subject.define("alpha")
        assert subject.apply().code == 0
        (live,) = subject.ours
        late = min(LATE, times_for(reply).attempt)
        subject.fake.direct = Director("POST", Play(effect, reply, late=late, lag=LAG))
        subject.run("rotate", "alpha", "--yes")
        assert applied(subject)[1:] == (0, 0)
        assert subject.ours == [live]
        assert subject.converged


@pytest.mark.parametrize(("effect", "lost"), [("now", 9), ("late", 1), ("none", 9)])
@pytest.mark.parametrize("flags", [(), ("--no-wait",)], ids=["waits", "no wait"])
def test_the_end_of_a_probe_that_is_not_seen(effect: Effect, lost: int, flags: tuple[str, ...], tmp_path: Path) -> None:
    """It is settled at the end of the apply that lost the answer; lost again, the next one has it to do."""
    with world(tmp_path / "p") as subject:
        subject.define("alpha")
        assert subject.apply().code == 0
        (live,) = subject.ours
        subject.fake.direct = Director("DELETE", Play(effect, Reply(500, b""), late=LATE), lost * 6)
        rotated = subject.run("rotate", "alpha", "--yes", *flags)
        assert rotated.code == (4 if flags or effect == "none" else 0), rotated.out + rotated.err
        assert "alpha#probe" in rotated.out
        assert bool(subject.state.intents) is (rotated.code == 4)
        subject.fake.direct = lambda _: Play()
        assert applied(subject) == (0, 0, 0)
        assert (subject.ours, subject.converged) == ([live], True)


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [401, 429])
def test_what_is_assumed_to_have_no_effect_is_sent_again(method: str, status: int, tmp_path: Path) -> None:
    with world(tmp_path / "p") as subject:
        for owner in ("alpha", "beta"):
            subject.define(owner)
        assert method == "POST" or subject.apply().code == 0
        if method == "PATCH":
            subject.define("alpha", "2")
        if method == "DELETE":
            subject.forget("alpha")
        subject.fake.direct = Director(method, Play("none", Reply(status, table.HTML)))
        assert applied(subject, "--allow-delete") == (0, 0, 0)
        assert subject.converged
