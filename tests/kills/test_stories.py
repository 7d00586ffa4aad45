"""Any story of edits, faults, kills and foreign hands ends well: against a model that only knows what was declared."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.acceptance.support import Service
from tests.kills.world import KILLED, World, world

KEYS = st.sampled_from(["apples", "bread", "cheese"])
TEXTS = st.sampled_from(["A", "B", "C"])
WRITE = st.sampled_from([("POST", "*/connections"), ("PATCH", "*/connections/*"), ("DELETE", "*/connections/*")])
KINDS = st.sampled_from(
    [
        {"kind": "reset", "when": "before"},
        {"kind": "reset", "when": "after"},
        {"kind": "status", "status": 503, "when": "before"},
        {"kind": "status", "status": 500, "when": "after"},
        {"kind": "status", "status": 403, "when": "before"},
        {"kind": "truncate"},
        {"kind": "expire-tokens"},
        {"kind": "foreign-edit"},
        {"kind": "foreign-delete"},
    ]
)


class Story(RuleBasedStateMachine):
    """``declared``: key -> description. The secret of a key is rotated with each of its edits."""

    subject: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.declared: dict[str, str] = {}
        self.versions = 0
        shutil.rmtree(self.subject.project.state_file.parent, ignore_errors=True)
        shutil.rmtree(self.subject.project.folder / "connections", ignore_errors=True)
        self.subject.define("always", "A", "secret-of-always")
        self.declared["always"] = "A"
        self.service = Service(self.subject.url)
        self.service.reset()
        self.quiet()

    def quiet(self) -> None:
        requests.delete(f"{self.subject.url}/_emulator/faults", timeout=5)

    @rule(key=KEYS, text=TEXTS)
    def declare(self, key: str, text: str) -> None:
        self.versions += 1
        self.declared[key] = text
        self.subject.define(key, text, f"secret-{self.versions}")

    @precondition(lambda self: len(self.declared) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(set(self.declared) - {"always"})))
        del self.declared[key]
        self.subject.forget(key)

    @rule(kinds=st.lists(st.tuples(KINDS, WRITE, st.integers(1, 3)), max_size=3), kill=st.integers(0, 60))
    def apply(self, kinds: list[tuple[dict[str, Any], tuple[str, str], int]], kill: int) -> None:
        faults = [{**kind, "method": method, "path": path, "nth": nth} for kind, (method, path), nth in kinds]
        requests.put(f"{self.subject.url}/_emulator/faults", json=faults, timeout=5).raise_for_status()
        assert self.subject.apply(kill=kill)["code"] in (0, 1, 4, 5, KILLED), self.subject.said()
        self.quiet()

    @rule()
    def somebody_deletes_one(self) -> None:
        for item in self.service.items()[:1]:
            self.service.delete(item["id"])

    @rule(text=TEXTS)
    def somebody_edits_one(self, text: str) -> None:
        for item in self.service.items()[:1]:
            self.service.edit(item["id"], "/description", text)

    @rule()
    def peace(self) -> None:
        """Two quiet applies: what others edited is put back, everything is as declared and known, nothing is left."""
        for _ in range(2):
            assert self.subject.apply(more=("--overwrite-drift",))["code"] == 0, self.subject.said()
        self.subject.check_end(self.declared, touched=True)
        writes = len(self.service.writes())
        assert self.subject.apply()["code"] == 0
        assert len(self.service.writes()) == writes
        self.check_live_secrets()

    def check_live_secrets(self) -> None:
        """What the service was last sent for each base connection is what is declared now."""
        live: dict[str, str] = {}
        ids = {one.id: one.declared.name for one in self.subject.connections()}
        for call in self.service.seen():
            if call["method"] == "POST":
                live[call["body"]["name"]] = call["body"]["auth"]["params"]["password"]
            elif call["method"] == "PATCH" and (name := ids.get(call["path"].rpartition("/")[2])):
                sent = [one["value"]["password"] for one in call["body"] if one["path"] == "/auth/params"]
                live[name] = sent[-1] if sent else live[name]
        declared = {key: self.subject.secrets[f"MYSQL_{key.upper()}"] for key in self.declared}
        assert {name: live[name] for name in declared} == declared

    @invariant()
    def nothing_is_there_twice(self) -> None:
        self.subject.check_always()

    def teardown(self) -> None:
        if hasattr(self, "service"):
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
    quietly = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=25, stateful_step_count=8, deadline=None, derandomize=True, suppress_health_check=quietly
        ),
    )
