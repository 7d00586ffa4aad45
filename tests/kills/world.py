"""A project, its state and the service, which can be put back to an earlier moment; and what must hold of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from provisioner.emulator.connection_model import Connection
from provisioner.emulator.server import Emulator
from provisioner.model import TargetIdentity
from provisioner.state.records import State
from provisioner.state.store import FileStore
from tests.acceptance.support import COVERAGE, CREDENTIALS, KEY, ORG, Project, Service, basic
from tests.kills.dependants import Dataflows
from tests.leaks import holds

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


@dataclass
class Clock:
    """The service's: that of this machine, and so many seconds ``ahead`` of it."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass(frozen=True)
class Definition:
    """One file. ``root`` stays while key and name change; it is in the server, which says whose an object is."""

    root: str
    key: str
    name: str
    text: str
    moved_from: str = ""

    @property
    def variable(self) -> str:
        return f"MYSQL_{self.root.upper()}"


@dataclass
class Known:
    """What all checkouts share: the values of variables, and what was seen of the service.

    ``theirs`` are the objects of somebody else, ``orphans`` those that a checkout without our state made, ``servers``
    and ``first_names`` those of every object of ours when it was first seen, by its id. ``secrets`` are the variables
    of the environment, ``ever`` all values that they ever had.
    """

    theirs: dict[str, Connection] = field(default_factory=dict)
    orphans: set[str] = field(default_factory=set)
    servers: dict[str, str] = field(default_factory=dict)
    first_names: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    ever: set[str] = field(default_factory=lambda: {CREDENTIALS["AEP_CLIENT_SECRET"]})


class World:
    """A checkout of a project against one emulator. ``declared`` are its definitions by key."""

    def __init__(self, folder: Path, emulator: Emulator, zygote: Zygote, clock: Clock) -> None:
        self.project = Project(folder)
        folder.mkdir(parents=True)
        (folder / "connections").mkdir()
        self.project.target(emulator.url)
        self._emulator, self._zygote, self.clock = emulator, zygote, clock
        self._store = emulator._store
        self.url = emulator.url
        self.service = Service(emulator.url)
        self.flows = Dataflows(self.service)
        self.known = Known()
        self.declared: dict[str, Definition] = {}
        self._read = self._began = 0

    def another(self, name: str, zygote: Zygote | None = None, *, shares_state: bool) -> World:
        """Return another checkout of the same project, without definitions yet; with the same state, or one of its
        own."""
        other = World(self.project.folder.parent / name, self._emulator, zygote or self._zygote, self.clock)
        other.known = self.known
        if shares_state:
            self._state_folder.mkdir(exist_ok=True)
            other._state_folder.symlink_to(self._state_folder)
        return other

    def begin(self) -> None:
        """Forget everything, the service as well; but for what belongs to somebody else."""
        self.service.reset()
        self.known.orphans.clear()
        for key in tuple(self.declared):
            self.forget(key)
        self.forget_state()
        self.clock.ahead = 0.0
        self.add_theirs()

    def forget_state(self) -> None:
        shutil.rmtree(self._state_folder, ignore_errors=True)
        self._state_folder.mkdir()

    def add_theirs(self) -> None:
        """Let the service hold objects of somebody else, one of them of a name that looks like ours."""
        for name in ("theirs", "apples of theirs"):
            self.service.create(name)
        self.known.theirs = {one.id: one for one in self.connections() if one.created.client != KEY}

    def define(self, key: str, text: str, secret: str) -> None:
        """Write a definition that has never had another key or name."""
        self.write(Definition(key, key, key, text), secret)

    def write(self, definition: Definition, secret: str = "") -> None:
        """Write a definition; without ``secret`` it keeps the one that it has."""
        if secret:
            self.known.secrets[definition.variable] = secret
            self.known.ever.add(secret)
        self.declared[definition.key] = definition
        moved = f"movedFrom: {definition.moved_from}\n" if definition.moved_from else ""
        server = f"{definition.root}.example.com"
        made = basic(definition.name, secret=definition.variable, server=server, description=definition.text)
        self.project.define(definition.key, moved + made)

    def moved_from(self, definition: Definition) -> str:
        """Return the key that a person names who gives a file another one: the last that the state knows."""
        state = self.state()
        known = {record.key for record in state.records} | {intent.key for intent in state.intents}
        return definition.key if definition.key in known else definition.moved_from

    def rename(self, key: str, new: Definition, secret: str = "") -> None:
        """Write a definition in the place of another one."""
        if key != new.key:
            self.forget(key)
        self.write(new, secret)

    def pull(self, other: World) -> None:
        """Take the definitions of another checkout."""
        for key in tuple(self.declared):
            self.forget(key)
        for definition in other.declared.values():
            self.write(definition)

    def forget(self, key: str) -> None:
        del self.declared[key]
        (self.project.folder / "connections" / f"{key}.yaml").unlink()

    def apply(self, kill: int = 0, workers: int = 1, more: tuple[str, ...] = (), ahead: float = 0.0) -> dict[str, int]:
        return self.run(*APPLY, str(workers), *more, kill=kill, ahead=ahead)

    def run(self, *args: str, kill: int = 0, ahead: float = 0.0) -> dict[str, int]:
        environ = {**ENVIRON, **self.known.secrets}
        output = self.project.folder / "output.txt"
        self._began = output.stat().st_size if output.exists() else 0
        folder = str(self.project.folder)
        return self._zygote.run(folder=folder, environ=environ, args=args, kill=kill, ahead=ahead)

    @property
    def _state_folder(self) -> Path:
        return self.project.state_file.parent

    def connections(self) -> tuple[Connection, ...]:
        return tuple(one for _, one in self._store.newest_first(ORG, "prod", None))

    def ours(self) -> tuple[Connection, ...]:
        return tuple(one for one in self.connections() if one.id not in self.known.theirs)

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

    def lost(self) -> list[Connection]:
        """Return what is ours, is known to nobody, and is not told by a plan either; what is told becomes an orphan."""
        unknown = self._unknown()
        if unknown:
            for _ in range(10):  # reading may meet a fault as well
                if self.run("plan")["code"] == 0:
                    break
            text = self.told()
            self.known.orphans |= {one.id for one in unknown if one.id in text or " more; `import`" in text}
        return [one for one in unknown if one.id not in self.known.orphans]

    def _unknown(self) -> list[Connection]:
        state, held = self.state(), {one.id for one in self.connections()}
        known = {record.id for record in state.records} | self.known.orphans
        known |= {ident for intent in state.intents for ident in (intent.id, intent.name) if ident}
        # Recorded under an id that nothing has: the answer gave another one, and the process ended before it looked.
        known |= {record.texts["name"] for record in state.records if record.id not in held}
        return [one for one in self.ours() if not {one.id, one.declared.name} & known]

    def told(self) -> str:
        """Return what the last command wrote."""
        with (self.project.folder / "output.txt").open("rb") as output:
            output.seek(self._began)
            return output.read().decode()

    def check_always(self) -> None:
        """At any instant: the state can be read; no base connection is there twice, lost, another one's, or changed
        where it is not ours; no secret was shown."""
        ours = self.ours()
        names = Counter(one.declared.name for one in ours)
        assert not [name for name, number in names.items() if number > 1]
        assert not self.lost()
        held = {one.id: one for one in self.connections()}
        assert {ident: held.get(ident) for ident in self.known.theirs} == self.known.theirs
        for one in ours:
            server = str(one.declared.params["server"])
            assert self.known.servers.setdefault(one.id, server) == server, "changed into another one"
            self.known.first_names.setdefault(one.id, one.declared.name)
        self.check_output()

    def check_output(self) -> None:
        """What the command wrote since this was asked for last holds no secret."""
        path = self.project.folder / "output.txt"
        if not path.exists():
            return
        with path.open("rb") as output:
            output.seek(self._read)
            new = output.read()
        self._read += len(new)
        assert not holds("\n".join(dict.fromkeys(new.decode().splitlines())), *self.known.ever)

    def check_end(self, touched: bool = False) -> None:
        """One base connection a definition, as declared, known by its id; nothing open, nothing left behind.

        ``touched``: somebody else may have moved an etag without a visible change, which the plan only notes.
        """
        held = {one.declared.name: one for one in self.ours()}
        assert len(held) == len(self.ours())
        wanted = self.declared.values()
        assert {name: one.declared.description for name, one in held.items()} == {one.name: one.text for one in wanted}
        state = self.state()
        assert {record.key: record.id for record in state.records} == {one.key: held[one.name].id for one in wanted}
        if not touched:
            etags = {one.key: held[one.name].etag for one in wanted}
            assert {record.key: record.etag for record in state.records} == etags
        assert all(record.secrets for record in state.records)
        assert state.intents == ()
        left = {path.name: path.read_bytes().decode() for path in self._state_folder.iterdir()}
        assert left.keys() <= {"here.json", "here.json.backup", "here.json.lock"}
        assert not [name for name, text in left.items() for secret in self.known.ever if secret in text]

    def live_secrets(self) -> dict[str, str]:
        """Return the password that the service was last sent for each base connection of ours, by its name now."""
        names = {one.id: one.declared.name for one in self.ours()}
        live: dict[str, str] = {}
        for call in self.service.seen():
            if call["method"] == "POST":
                made = call["body"]["name"]
                ids = [ident for ident in names if self.known.first_names.get(ident) == made]
                live |= {names[ident]: call["body"]["auth"]["params"]["password"] for ident in ids}
            elif call["method"] == "PATCH" and (name := names.get(call["path"].rpartition("/")[2])):
                sent = [one["value"]["password"] for one in call["body"] if one["path"] == "/auth/params"]
                live[name] = sent[-1] if sent else live[name]
        return live

    def said(self) -> str:
        """What the command wrote so far, for a failing test."""
        return (self.project.folder / "output.txt").read_text()[-3000:]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    zygote = Zygote()
    clock = Clock()
    with Emulator(clock=clock) as emulator:
        try:
            yield World(folder, emulator, zygote, clock)
        finally:
            zygote.close()
