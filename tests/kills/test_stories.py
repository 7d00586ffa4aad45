"""Any story of edits, renames, faults, kills, foreign hands, other checkouts and wrong clocks ends well.

It is held against a model that only knows what was declared.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from provisioner.emulator.connection import Connection
from tests.kills.advice import come_to_rest
from tests.kills.kinds import FOREIGN, LIES, ODD, PLAIN, REFUSED, WRITES, at
from tests.kills.world import KILLED, Definition, World, world

ROOTS = st.sampled_from(["apples", "bread", "cheese"])
TEXTS = st.sampled_from(["A", "B", "C"])
FAULTS = st.one_of(
    *(st.tuples(st.sampled_from(kinds), st.sampled_from(WRITES)) for kinds in (PLAIN, ODD, ODD, REFUSED + FOREIGN)),
    st.sampled_from(LIES),
)
SOME_FAULTS = st.lists(st.tuples(FAULTS, st.integers(1, 3)), max_size=3)
KILL = st.integers(0, 60)
AHEAD = st.sampled_from([0.0, 0.0, 600.0, -600.0, 9000 * 86400.0])
"""Seconds by which one clock is ahead of another."""


class Story(RuleBasedStateMachine):
    """The secret of a definition is rotated with each of its edits.

    ``colleague`` is a checkout that has the same state, ``stranger`` one that has none; both may have the definitions
    of another day.
    """

    subject: ClassVar[World]
    colleague: ClassVar[World]
    stranger: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.versions = 0
        self.subject.begin()
        self.subject.define("always", "A", "password-0-of-always")
        for other in (self.colleague, self.stranger):
            other.pull(self.subject)

    def _secret(self, root: str) -> str:
        self.versions += 1
        return f"password-{self.versions}-of-{root}"

    def _declared(self, data: st.DataObject) -> Definition:
        return data.draw(st.sampled_from([one for one in self.subject.declared.values() if one.root != "always"]))

    @rule(root=ROOTS, text=TEXTS)
    def declare(self, root: str, text: str) -> None:
        found = next((one for one in self.subject.declared.values() if one.root == root), None)
        self.subject.write(replace(found or Definition(root, root, root, text), text=text), self._secret(root))

    @precondition(lambda self: len(self.subject.declared) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        self.subject.forget(self._declared(data).key)

    @precondition(lambda self: len(self.subject.declared) > 1)
    @rule(data=st.data(), of=st.sampled_from(["name", "key", "both"]), tells=st.booleans())
    def rename(self, data: st.DataObject, of: str, tells: bool) -> None:
        """Of the name, of the file, or of both; a file is said to be moved, or that is forgotten."""
        before = self._declared(data)
        self.versions += 1
        after = f"{before.root}-{self.versions}"
        key = before.key if of == "name" else after
        moved = before.moved_from if of == "name" else self.subject.moved_from(before) if tells else ""
        name = before.name if of == "key" else after
        self.subject.rename(before.key, replace(before, key=key, name=name, moved_from=moved))

    @rule(data=st.data())
    def a_dataflow_begins(self, data: st.DataObject) -> None:
        if ours := self.subject.ours():
            self.subject.flows.begin(data.draw(st.sampled_from(sorted(one.id for one in ours))))

    @rule(service=AHEAD)
    def the_service_has_another_time(self, service: float) -> None:
        self.subject.clock.ahead = service

    @rule(faults=SOME_FAULTS, kill=KILL, ahead=AHEAD)
    def apply(self, faults: list[tuple[Any, int]], kill: int, ahead: float) -> None:
        self._apply(self.subject, faults, kill, ahead)

    @rule(faults=SOME_FAULTS, kill=KILL, ahead=AHEAD)
    def a_colleague_applies(self, faults: list[tuple[Any, int]], kill: int, ahead: float) -> None:
        self._apply(self.colleague, faults, kill, ahead)

    @rule(faults=SOME_FAULTS, kill=KILL, ahead=AHEAD)
    def a_stranger_applies(self, faults: list[tuple[Any, int]], kill: int, ahead: float) -> None:
        """Without a state it makes what is not there, and touches nothing that is."""
        before = {one.id: one for one in self.subject.connections()}
        self.stranger.forget_state()
        self._apply(self.stranger, faults, kill, ahead)
        after = {one.id: one for one in self.subject.connections()}
        assert {ident: after.get(ident) for ident in before} == before, self.stranger.said()
        self.subject.known.orphans |= after.keys() - before.keys()

    def _apply(self, subject: World, faults: list[tuple[Any, int]], kill: int, ahead: float) -> None:
        service = self.subject.service
        service.faults(*(at(fault, place, nth=nth) for (fault, place), nth in faults))
        declared = {one.name for one in subject.declared.values()}
        kept = {one.id for one in self.subject.ours() if one.declared.name in declared}
        calls = len(service.writes())
        assert subject.apply(kill=kill, ahead=ahead)["code"] in (0, 1, 4, 5, KILLED), subject.said()
        service.faults()
        deleted = {call["path"].rpartition("/")[2] for call in service.writes()[calls:] if call["method"] == "DELETE"}
        assert not kept & deleted, "deleted under a name that is declared"
        subject.check_output()

    @rule()
    def others_pull(self) -> None:
        for other in (self.colleague, self.stranger):
            other.pull(self.subject)

    def _first(self) -> Iterator[Connection]:
        yield from sorted(self.subject.ours(), key=lambda one: one.declared.name)[:1]

    @rule()
    def somebody_deletes_one(self) -> None:
        for one in self._first():
            self.subject.flows.end({one.id})
            self.subject.service.delete(one.id)

    @rule(text=TEXTS)
    def somebody_edits_one(self, text: str) -> None:
        for one in self._first():
            self.subject.service.edit(one.id, "/description", text)

    @rule()
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

    @invariant()
    def nothing_is_there_twice_or_lost(self) -> None:
        self.subject.check_always()

    def teardown(self) -> None:
        if hasattr(self, "versions"):
            self.peace()


@pytest.fixture
def subject() -> Iterator[World]:
    folder = tempfile.mkdtemp()
    with world(Path(folder) / "project") as made:
        yield made
    shutil.rmtree(folder)


def test_any_story_ends_well(subject: World) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Story.subject = subject
    Story.colleague = subject.another("colleague", shares_state=True)
    Story.stranger = subject.another("stranger", shares_state=False)
    quietly = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=25, stateful_step_count=8, deadline=None, derandomize=True, suppress_health_check=quietly
        ),
    )
