"""Seeded stories of definitions that are applied while writes are answered oddly.

    python -m tests.answers.fuzz --answers 100000 --seed 1     # ends with counts; exit 1 where a promise was broken
    python -m tests.answers.fuzz --seed 1 --case 17            # one story again, with what was said

A story edits up to four definitions and applies them while each write gets an answer drawn from a grammar, after its
effect, before it or without it; then it applies up to three times in peace. Within what is assumed: a refusal in the
service's own words, 401 and 429 have no effect; an effect comes at most D after the request, a list W after that; a
plain success has its effect at once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

from tests.acceptance.support import Result
from tests.answers.fake import Effect, Play, Request
from tests.answers.replies import (
    CLOSED,
    CREATED,
    HONEST,
    HTML,
    MISSING,
    NO_ROUTE,
    RESET,
    SPRING,
    Reply,
    as_json,
    combined,
    gateway,
    interim,
    legacy,
    problem,
)
from tests.answers.world import PATIENT, World, world

OWNERS = ("alpha", "beta", "gamma", "delta")
NUMBERS = (1003, 1100, 1101, 1102, 1304, 1312, 1400, 1403, 1404, 1413, 1415, 1418, 1439, 1457, 1602, 2001, 2100, 2120)
STATUSES = (100, 101, 102, 103, 199, 200, 201, 202, 204, 207, 226, 300, 301, 302, 303, 304, 307, 308)
STATUSES += (400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 422, 425, 429, 451, 460, 499)
STATUSES += (500, 501, 502, 503, 504, 520, 599, 999)
HEADERS = (
    ("Content-Length", "7"),
    ("Content-Length", "many"),
    ("Content-Type", "text/html"),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "none"),
    ("Location", "/data/foundation/flowservice/connections/@OTHER@"),
    ("Location", "http://[::1"),
    ("Retry-After", "2"),
    ("Retry-After", "soon"),
    ("Set-Cookie", "a=b"),
    ("ETag", "@ETAG@"),
    ("X-\u00e9", "\u2100"),
    ("Date", "Fri, 31 Dec 2099 23:59:59 GMT"),
    ("", "no name"),
)
SKEWS = (timedelta(), timedelta(), timedelta(minutes=10), timedelta(minutes=-10), timedelta(days=9000), None)


def body_of(dice: random.Random, status: int) -> bytes | None:
    """Return the body of an odd answer; None for the honest one."""
    code = f"{dice.choice(NUMBERS)}-{dice.choice((status % 1000, 400, 404, 500, 503)):03}"
    words = dice.choice(("Something is wrong.", MISSING, MISSING.replace("@ID@", "@OTHER@"), "sandbox not found"))
    return dice.choice(
        (
            None,
            None,
            b"",
            b"{}",
            b"null",
            HTML,
            NO_ROUTE,
            SPRING,
            CREATED,
            as_json({"id": "@OTHER@", "etag": "@ETAG@"}),
            as_json({"id": "@FOREIGN@"}),
            as_json({"id": dice.choice(("", "..", "a/b", "a\nb", 7, None, ["@ID@"])), "etag": "x"}),
            as_json({"items": [{"id": "@ID@"}]}),
            combined(f"FLOW-{code}", words),
            problem(f"FLOW-{code}", words),
            legacy(words),
            gateway(dice.choice((f"{status}050", "403010", 401013, "429050")), words),
            as_json({"code": code, "message": words}),
        )
    )


def reply_of(dice: random.Random) -> Reply:
    """Draw an answer: about a third is honest but for one thing, a third has any status and body."""
    kind = dice.random()
    if kind < 0.08:
        return dice.choice((CLOSED, RESET))
    if kind < 0.16:
        return dice.choice((HONEST, Reply(cut=-dice.randrange(1, 120)), Reply(cut=dice.randrange(1, 60), end="close")))
    if kind < 0.26:
        return Reply(first=interim(dice.choice((100, 102, 103, 199))) * dice.randrange(1, 3))
    if kind < 0.36:
        end = dice.choice(("close", "reset"))
        return Reply(headers=(dice.choice(HEADERS),), stretch=dice.choice((0, 0, None, -7, 9)), end=end)
    status = dice.choice(STATUSES) if dice.random() < 0.8 else dice.randrange(100, 600)
    reply = Reply(status, body_of(dice, status), end=dice.choice(("keep", "keep", "close")))
    if dice.random() < 0.2:
        reply = replace(reply, headers=(dice.choice(HEADERS),), end="close")
    if dice.random() < 0.1:
        reply = replace(reply, cut=-dice.randrange(1, 80), end="close")
    if status < 200:  # what follows such a one is another answer, if anything
        reply = replace(reply, end="close")
    return reply


def play_of(dice: random.Random, method: str) -> Play:
    """Draw an answer, and an effect that goes with it."""
    reply = reply_of(dice)
    effects: tuple[Effect, ...] = ("now", "none", "late")
    if reply.may_refuse:
        effects = ("none",)
    elif reply.succeeds:
        effects = ("now",) if method == "PATCH" or dice.random() < 0.9 else ("now", "none")
    late = dice.choice((0.2, 3.0, PATIENT.attempt * 0.9))
    return Play(dice.choice(effects), reply, late, dice.choice((0.0, 0.0, 2.0, PATIENT.lag * 0.9)))


@dataclass
class Story:
    """One case. It is the same each time that seed and number are; ``said`` tells it, one line a step."""

    seed: int
    case: int
    said: list[str] = field(default_factory=list)
    answers: int = 0
    blocked: bool = False

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.seed}/{self.case}")

    def tell(self, folder: Path) -> list[str]:
        """Return the promises that were broken."""
        dice = self.dice
        with world(folder, PATIENT, page=dice.choice((1, 3, 100)), skew=dice.choice(SKEWS)) as subject:
            owners = OWNERS[: dice.choice((1, 2, 3, 4, 4, 4))]
            for owner in owners:
                if dice.random() < 0.5:
                    subject.define(owner)
            self._apply(subject)
            subject.fake.direct = self._direct
            for step in range(3):
                self._edit(subject, owners, step)
                self._apply(subject, *dice.choice(((), ("--no-wait",), ("--prove",))))
            subject.fake.direct = lambda _: Play()
            return self._in_peace(subject)

    def _in_peace(self, subject: World) -> list[str]:
        for _ in range(3):
            result = self._apply(subject, "--allow-delete", "--overwrite-drift")
            if result.code == 0 and subject.converged:
                break
        self.blocked = bool(subject.state.intents) or "blocked" in result.out
        if not subject.converged and not self.blocked:
            there = [(base.id, base.name, base.description) for base in subject.ours]
            subject.wrong.append(f"not as declared: {there}, {subject.texts}, exit {result.code}")
        return subject.wrong

    def _direct(self, request: Request) -> Play:
        play = play_of(self.dice, request.method)
        self.answers += 1
        self.said.append(f"  {request.number} {request.method} {request.id or request.body.get('name')}: {play}")
        return play

    def _edit(self, subject: World, owners: tuple[str, ...], step: int) -> None:
        dice = self.dice
        for owner in owners:
            if owner not in subject.declared:
                subject.define(owner)
                continue
            what = dice.choice(("edit", "edit", "forget", "rename", "move", "secret", "leave"))
            key, name = subject.declared[owner]
            self.said.append(f"{what} {owner}")
            if what == "edit":
                subject.define(owner, f"{step}-{dice.randrange(100)}")
            elif what == "forget":
                subject.forget(owner)
            elif what == "rename":
                subject.define(owner, name=f"{name} again")
            elif what == "move":
                subject.define(owner, f"{step}-moved", key=f"{key}-{step}")
            elif what == "secret":
                subject.define(owner, secret="MYSQL_STOCK_PASSWORD")

    def _apply(self, subject: World, *more: str) -> Result:
        if self.dice.random() < 0.15 and subject.declared:
            key, _ = self.dice.choice(sorted(subject.declared.values()))
            self.said.append(f"rotate {key}: exit {subject.run('rotate', key, '--yes').code}")
        flags = ("--allow-delete", *more) if "--allow-delete" not in more else more
        result = subject.apply(*flags)
        self.said.append(f"apply {' '.join(flags)}: exit {result.code}\n{result.out}{result.err}")
        return result


def run(seed: int, case: int) -> tuple[Story, list[str]]:
    """Return a story that was told, and the promises that it broke."""
    story = Story(seed, case)
    with tempfile.TemporaryDirectory() as folder:
        return story, story.tell(Path(folder) / "project")


def ended(wanted: tuple[int, int]) -> tuple[int, int, bool, list[str]]:
    """Return the case, how many answers it took, whether it ended blocked, and the promises that it broke."""
    story, wrong = run(*wanted)
    return wanted[1], story.answers, story.blocked, wrong


def soak(seed: int, answers: int) -> int:
    """Return the exit code after so many answers, given on all cores."""
    given = blocked = 0
    broken: list[int] = []
    cases = count()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(ended, (seed, next(cases))) for _ in range(2 * (os.cpu_count() or 1))}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for case, number, held, wrong in (future.result() for future in done):
                given, blocked = given + number, blocked + held
                if wrong:
                    broken.append(case)
                    sys.stderr.write(f"\n{wrong}\n  python -m tests.answers.fuzz --seed {seed} --case {case}\n")
                if given < answers:
                    running.add(pool.submit(ended, (seed, next(cases))))
            sys.stderr.write(f"\r{given:,} odd answers ")
    sys.stdout.write(f"\n{given:,} odd answers, {blocked:,} stories ended blocked, {len(broken):,} broke a promise\n")
    return 1 if broken else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int)
    wanted = parser.parse_args()
    if wanted.case is None:
        return soak(wanted.seed, wanted.answers)
    story, wrong = run(wanted.seed, wanted.case)
    sys.stdout.write("\n".join([*story.said, *wrong, ""]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
