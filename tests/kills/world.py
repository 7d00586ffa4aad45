"""A project, its state and the service, which can be put back to an earlier moment; and what must hold of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from provisioner.emulator.connection import Connection
from provisioner.emulator.server import Emulator
from provisioner.model import TargetIdentity
from provisioner.state.records import State
from provisioner.state.store import FileStore
from tests.acceptance.support import COVERAGE, CREDENTIALS, ORG, Project, basic

FINGERPRINTS = {"PROVISIONER_FINGERPRINT_KEY": "0123456789abcdef" * 4}
ENVIRON = {"PATH": os.defpath, "HOME": os.environ["HOME"], "LANG": "C.UTF-8", **COVERAGE, **CREDENTIALS, **FINGERPRINTS}
APPLY = ("apply", "--yes", "--allow-delete", "--allow-mass-delete", "--allow-mass-recreate", "--parallelism")
KILLED = -9

Look: TypeAlias = tuple[object, ...]


@dataclass(frozen=True)
class Moment:
    """All that outlives a process: the files of the state, and what the service holds."""

    files: dict[str, bytes]
    connections: tuple[Connection, ...]


class Zygote:
    """The process that runs the command."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def run(self, **request: Any) -> dict[str, int]:
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, int] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate()


class World:
    """One project against one emulator. ``secrets`` are the variables of the environment."""

    def __init__(self, folder: Path, emulator: Emulator, zygote: Zygote) -> None:
        self.project = Project(folder)
        folder.mkdir(parents=True)
        self.project.target(emulator.url)
        self._store = emulator._store
        self.url = emulator.url
        self._zygote = zygote
        self.secrets: dict[str, str] = {}

    def define(self, key: str, description: str, secret: str) -> None:
        variable = f"MYSQL_{key.upper()}"
        self.secrets[variable] = secret
        self.project.define(key, basic(key, secret=variable, description=description))

    def forget(self, key: str) -> None:
        (self.project.folder / "connections" / f"{key}.yaml").unlink()

    def apply(self, kill: int = 0, workers: int = 1, more: tuple[str, ...] = ()) -> dict[str, int]:
        return self.run(*APPLY, str(workers), *more, kill=kill)

    def run(self, *args: str, kill: int = 0) -> dict[str, int]:
        environ = {**ENVIRON, **self.secrets}
        return self._zygote.run(folder=str(self.project.folder), environ=environ, args=args, kill=kill)

    @property
    def _state_folder(self) -> Path:
        return self.project.state_file.parent

    def connections(self) -> tuple[Connection, ...]:
        return tuple(one for _, one in self._store.newest_first(ORG, "prod", None))

    def moment(self) -> Moment:
        found = self._state_folder.iterdir() if self._state_folder.exists() else ()
        return Moment({path.name: path.read_bytes() for path in found}, self.connections())

    def put_back(self, moment: Moment) -> None:
        shutil.rmtree(self._state_folder, ignore_errors=True)
        self._state_folder.mkdir()
        for name, data in moment.files.items():
            (self._state_folder / name).write_bytes(data)
        self._store.clear()
        self.hold(moment.connections)

    def hold(self, connections: tuple[Connection, ...]) -> None:
        """Let the empty service hold these, newest first."""
        for connection in reversed(connections):
            self._store.add(connection)

    def look(self, before: Moment) -> Look:
        """What tells two moments apart after the same beginning: names and sizes of files, and what the service holds.

        Random ids differ from run to run and have one length each, so that sizes tell what was written.
        """
        now = self.moment()
        etags = {one.etag for one in before.connections}
        files = sorted((name, len(data)) for name, data in now.files.items() if ".lock" not in name)
        held = sorted((one.declared.name, one.declared.description or "", one.etag in etags) for one in now.connections)
        return (tuple(files), tuple(held))

    def state(self) -> State:
        identity = TargetIdentity(self.url, ORG, "prod")
        return FileStore(self.project.state_file, identity).load()

    def check_always(self) -> None:
        """At any instant: the state can be read, and no base connection is there twice."""
        self.state()
        names = Counter(one.declared.name for one in self.connections())
        assert not [name for name, number in names.items() if number > 1]

    def check_end(self, expected: dict[str, str], touched: bool = False) -> None:
        """One base connection a definition, as declared, known by its id; nothing open, nothing left behind.

        ``touched``: somebody else may have moved an etag without a visible change, which the plan only notes.
        """
        held = {one.declared.name: one for one in self.connections()}
        assert len(held) == len(self.connections())
        assert {name: one.declared.description for name, one in held.items()} == expected
        state = self.state()
        assert {record.key: record.id for record in state.records} == {name: one.id for name, one in held.items()}
        if not touched:
            etags = {name: one.etag for name, one in held.items()}
            assert {record.key: record.etag for record in state.records} == etags
        assert all(record.secrets for record in state.records)
        assert state.intents == ()
        left = {path.name for path in self._state_folder.iterdir()}
        assert left <= {"here.json", "here.json.backup", "here.json.lock"}

    def said(self) -> str:
        """What the command wrote so far, for a failing test."""
        return (self.project.folder / "output.txt").read_text()[-3000:]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    zygote = Zygote()
    with Emulator() as emulator:
        try:
            yield World(folder, emulator, zygote)
        finally:
            zygote.close()
