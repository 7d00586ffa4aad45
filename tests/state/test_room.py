"""Checks before the first call: room for every step, and a torn journal line."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from provisioner.errors import StateError
from provisioner.model import TargetIdentity
from provisioner.state.lock import Holder
from provisioner.state.records import Record
from provisioner.state.store import FileStore

TARGET = TargetIdentity("https://platform.adobe.io", "ORG@AdobeOrg", "prod")
HOLDER = Holder("somebody", "here", 1, "apply", "2026-01-01T00:00:00+00:00")


@pytest.mark.parametrize(("free", "steps", "enough"), [(10_000, 1, True), (10_000, 2, False), (0, 0, True)])
def test_room_for_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, steps: int, enough: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    store = FileStore(tmp_path / "prod.json", TARGET)
    with nullcontext() if enough else pytest.raises(StateError, match="has room for 10,000 bytes"):
        store.check_room(steps)


def test_a_torn_line_is_reported_once(tmp_path: Path) -> None:
    told: list[str] = []
    first = FileStore(tmp_path / "prod.json", TARGET)
    with first.hold(HOLDER):
        first.adopt([Record("orders", "id-1", '"e1"', {}, (), "ab" * 16)])
    journal = tmp_path / "prod.json.journal"
    journal.write_bytes(journal.read_bytes() + b'{"seal":"0123')
    second = FileStore(tmp_path / "prod.json", TARGET, tell=told.append)
    for _ in range(2):
        assert second.load().by_key.keys() == {"orders"}
    assert told == [f"{journal}: the last line was cut short when a run died, and is left out"]
