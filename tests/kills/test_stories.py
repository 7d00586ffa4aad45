"""Any story of edits, renames, faults, kills, foreign hands, other checkouts and wrong clocks ends well.

It is held against a model that only knows what was declared. A story is the same each time that its seed is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.emulator.connection_model import Connection
from tests.kills.advice import come_to_rest
from tests.kills.kinds import FOREIGN, LIES, ODD, PLAIN, REFUSED, WRITES, Fault, at
from tests.kills.world import KILLED, Definition, World, world

STEPS = 12
STORIES = 16
"""In each of the parts that the stories are dealt out to."""
PARTS = 3

AHEAD = (0.0, 0.0, 600.0, -600.0, 9000 * 86400.0)
"""Seconds by which one clock is ahead of another."""


def some_faults(dice: random.Random) -> Iterator[Fault]:
    """Yield up to three, each of the first, second or third request of its kind."""
    for _ in range(dice.randrange(4)):
        kinds = dice.choice((PLAIN, ODD, ODD, REFUSED, FOREIGN, LIES))
        fault, place = dice.choice(LIES) if kinds is LIES else (dice.choice(kinds), dice.choice(WRITES))
        yield at(fault, place, nth=dice.randrange(1, 4))


class Story:
    """The secret of a definition is rotated with each of its edits.

    ``colleague`` is a checkout that has the same state, ``stranger`` one that has none; both may have the definitions
    of another day.
    """

    def __init__(self, subject: World, seed: int) -> None:
        self.subject, self.dice = subject, random.Random(seed)
        self.colleague = subject.another(f"colleague-{seed}", shares_state=True)
        self.stranger = subject.another(f"stranger-{seed}", shares_state=False)
        self.versions = 0

    def tell(self) -> None:
        steps: tuple[Callable[[], None], ...] = (
            *(self.declare, self.declare, self.remove, self.rename, self.rename, self.a_dataflow_begins),
            *(self.the_service_has_another_time, self.somebody_deletes_one, self.somebody_edits_one),
            *(self.apply, self.apply, self.apply, self.a_colleague_applies, self.a_stranger_applies),
        )
        self.begin()
        for _ in range(STEPS):
            self.dice.choice(steps)()
            self.subject.check_always()
        self.peace()

    def begin(self) -> None:
        self.subject.begin()
        for root in ("always", "apples", "bread"):
            self.subject.define(root, "A", self._secret(root))
        assert self.subject.apply()["code"] == 0, self.subject.said()
        for other in (self.colleague, self.stranger):
            other.pull(self.subject)

    def _secret(self, root: str) -> str:
        self.versions += 1
        return f"password-{self.versions}-of-{root}"

    def _declared(self) -> list[Definition]:
        """Return one of those that may be renamed or removed, if there is any."""
        found = [one for one in self.subject.declared.values() if one.root != "always"]
        return self.dice.sample(found, min(1, len(found)))

    def declare(self) -> None:
        root, text = self.dice.choice(("apples", "bread", "cheese")), self.dice.choice("ABC")
        found = next((one for one in self.subject.declared.values() if one.root == root), None)
        self.subject.write(replace(found or Definition(root, root, root, text), text=text), self._secret(root))

    def remove(self) -> None:
        for one in self._declared():
            self.subject.forget(one.key)

    def rename(self) -> None:
        """Of the name, of the file, or of both; a file is said to be moved, or that is forgotten."""
        for before in self._declared():
            self.versions += 1
            after, of = f"{before.root}-{self.versions}", self.dice.choice(("name", "key", "both"))
            key = before.key if of == "name" else after
            told = before.moved_from if of == "name" else self.subject.moved_from(before)
            moved = told if of == "name" or self.dice.random() < 0.5 else ""
            name = before.name if of == "key" else after
            self.subject.rename(before.key, replace(before, key=key, name=name, moved_from=moved))

    def a_dataflow_begins(self) -> None:
        if ours := self.subject.ours():
            self.subject.flows.begin(self.dice.choice(sorted(ours, key=lambda one: one.declared.name)).id)

    def the_service_has_another_time(self) -> None:
        self.subject.clock.ahead = self.dice.choice(AHEAD)

    def apply(self) -> None:
        self._apply(self.subject)

    def a_colleague_applies(self) -> None:
        if self.dice.random() < 0.5:
            self.colleague.pull(self.subject)
        self._apply(self.colleague)

    def a_stranger_applies(self) -> None:
        """Without a state it makes what is not there, and touches nothing that is."""
        if self.dice.random() < 0.7:
            self.stranger.pull(self.subject)
        before = {one.id: one for one in self.subject.connections()}
        self.stranger.forget_state()
        self._apply(self.stranger)
        after = {one.id: one for one in self.subject.connections()}
        assert {ident: after.get(ident) for ident in before} == before, self.stranger.said()
        self.subject.known.orphans |= after.keys() - before.keys()

    def _apply(self, subject: World) -> None:
        service, dice = self.subject.service, self.dice
        service.faults(*some_faults(dice))
        kill = dice.randrange(1, 60) if dice.random() < 0.5 else 0
        declared = {one.name for one in subject.declared.values()}
        kept = {one.id for one in self.subject.ours() if one.declared.name in declared}
        calls = len(service.writes())
        assert subject.apply(kill=kill, ahead=dice.choice(AHEAD))["code"] in (0, 1, 4, 5, KILLED), subject.said()
        service.faults()
        deleted = {call["path"].rpartition("/")[2] for call in service.writes()[calls:] if call["method"] == "DELETE"}
        assert not kept & deleted, "deleted under a name that is declared"
        subject.check_output()

    def _first(self) -> Iterator[Connection]:
        yield from sorted(self.subject.ours(), key=lambda one: one.declared.name)[:1]

    def somebody_deletes_one(self) -> None:
        for one in self._first():
            self.subject.flows.end({one.id})
            self.subject.service.delete(one.id)

    def somebody_edits_one(self) -> None:
        for one in self._first():
            self.subject.service.edit(one.id, "/description", self.dice.choice("ABC"))

    def peace(self) -> None:
        """Quiet applies: what others edited is put back, everything is as declared and known, nothing is left."""
        come_to_rest(self.subject)
        self.subject.check_end(touched=True)
        writes = len(self.subject.service.writes())
        assert self.subject.apply()["code"] == 0
        assert len(self.subject.service.writes()) == writes
        live = self.subject.live_secrets()
        declared = {one.name: self.subject.known.secrets[one.variable] for one in self.subject.declared.values()}
        assert live == declared


@pytest.mark.parametrize("part", range(PARTS))
def test_any_story_ends_well(tmp_path: Path, part: int) -> None:
    with world(tmp_path / "project") as subject:
        for seed in range(part, PARTS * STORIES, PARTS):
            try:
                Story(subject, seed).tell()
            except AssertionError as error:
                error.add_note(f"the story of seed {seed}")
                raise
