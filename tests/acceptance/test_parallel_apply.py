"""Many workers: which connections they open."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.data import make
from provisioner.cli import run
from provisioner.cli.console import Console
from provisioner.emulator import server
from provisioner.emulator.server import Emulator
from provisioner.state.records import State
from provisioner.state.store import FileStore

CREATES, WORKERS = 96, 8


def test_reads_share_a_connection_and_each_write_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    converse = server._Server._serve_connection

    def counted(self: Any, link: Any) -> None:
        opened.append(link)
        converse(self, link)

    monkeypatch.setattr(server._Server, "_serve_connection", counted)
    loads: list[object] = []
    load = FileStore.load

    def loading(self: FileStore) -> State:
        loads.append(self)
        return load(self)

    monkeypatch.setattr(FileStore, "load", loading)
    with Emulator() as emulator:
        project = make(tmp_path, CREATES, emulator.url, recorded=False)
        out = io.StringIO()
        words = ("apply", "--project", str(tmp_path), "--yes", "--parallelism", str(WORKERS))
        assert run(words, project.environ, None, Console(out, out)) == 0, out.getvalue()
        log = requests.get(f"{emulator.url}/_emulator/requests", timeout=10).json()
    created = [one for one in log if one["method"] == "POST" and one["path"].endswith("/connections")]
    assert len(created) == CREATES
    assert len(loads) < 20, "the state is read a few times, however many base connections are created"
    # Beside the creates: who plans, who asks for a token, the list at the end, this test, and what wakes the emulator.
    assert CREATES <= len(opened) <= CREATES + 5
