"""Many workers: a connection each that stays open, and outcomes that are made durable together."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.data import make
from provisioner.cli import run
from provisioner.egress import Egress
from provisioner.emulator import server
from provisioner.emulator.server import Emulator

CREATES, WORKERS = 96, 8


def test_a_worker_keeps_its_connection_and_many_outcomes_share_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    synced: list[int] = []
    made, sync = server._Protocol.connection_made, os.fsync

    def connection_made(protocol: Any, transport: Any) -> None:
        opened.append(transport)
        made(protocol, transport)

    def slow(descriptor: int) -> None:
        synced.append(descriptor)
        time.sleep(0.01)
        sync(descriptor)

    monkeypatch.setattr(server._Protocol, "connection_made", connection_made)
    monkeypatch.setattr(os, "fsync", slow)
    with Emulator() as emulator:
        project = make(tmp_path, CREATES, emulator.url, recorded=False)
        out = io.StringIO()
        words = ("apply", "--project", str(tmp_path), "--yes", "--parallelism", str(WORKERS))
        assert run(words, project.environ, None, Egress(out, out)) == 0, out.getvalue()
        log = requests.get(f"{emulator.url}/_emulator/requests", timeout=10).json()
    created = [one for one in log if one["method"] == "POST" and one["path"].endswith("/connections")]
    assert len(created) == CREATES
    assert len(opened) <= WORKERS + 3, "the workers, who plans, who asks for a token, and this test"
    assert len(synced) < CREATES, "of an intent and an outcome for each"
