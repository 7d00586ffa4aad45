"""A project, the fake that it applies to, and what has to hold of both, whatever is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.model import TargetIdentity
from provisioner.service.messages import Deadlines
from provisioner.state.records import State
from provisioner.state.store import FileStore
from tests.acceptance.support import CREDENTIALS, KEY, ORG, PASSWORDS, Project, Result, basic
from tests.answers.clock import Clock, put_in_place
from tests.answers.fake import Base, Fake, Request

PATIENT = Deadlines(attempt=30.0, lag=30.0)
"""Where every answer ends. All of it is skipped, none of it waited for."""

HURRIED = Deadlines(attempt=0.5, lag=30.0)
"""Where an answer does not end: the attempt takes this much real time."""


class World:
    """``declared`` maps the owner of a definition, which stays while key and name change, to its key and name;
    ``moved`` to the key that its ``movedFrom`` names."""

    def __init__(self, folder: Path, fake: Fake, clock: Clock) -> None:
        team_key = {"PROVISIONER_FINGERPRINT_KEY": "sample-team-key-" * 4}  # else each secret costs 40 ms
        self.project = Project(folder, {**CREDENTIALS, **PASSWORDS, **team_key})
        folder.mkdir(exist_ok=True)
        (folder / "connections").mkdir(exist_ok=True)
        self.project.target(fake.url)
        self.fake, self.clock = fake, clock
        self.declared: dict[str, tuple[str, str]] = {}
        self.texts: dict[str, str] = {}
        self.moved: dict[str, str] = {}
        self.foreign = [fake.seed("Theirs"), fake.seed("Alpha of theirs")]
        self._etags = {base.id: base.etag for base in self.foreign}
        self.wrong: list[str] = []
        self._checked = 0
        self._keys: dict[str, str] = {}

    def define(self, owner: str, text: str = "1", *, key: str = "", name: str = "", secret: str = "") -> None:
        """Write a definition. A ``key`` other than before moves it."""
        before = self.declared.get(owner, (key or owner, name or owner.title()))
        now = (key or before[0], name or before[1])
        if now[0] != before[0]:
            (self.project.folder / f"connections/{before[0]}.yaml").unlink()
            if before[0] in self._known_keys().values():  # else it was moved before, and that is still to be recorded
                self.moved[owner] = before[0]
        moved = f"movedFrom: {self.moved[owner]}\n" if owner in self.moved else ""
        variable = secret or "MYSQL_ORDERS_PASSWORD"
        server, described = f"{owner}.example.com", f"{owner} in version {text}"
        self.project.define(now[0], moved + basic(now[1], secret=variable, server=server, description=described))
        self.declared[owner], self.texts[owner] = now, described

    def forget(self, owner: str) -> None:
        """Remove a definition."""
        key, _ = self.declared.pop(owner)
        self.moved.pop(owner, None)
        del self.texts[owner]
        (self.project.folder / f"connections/{key}.yaml").unlink()

    def apply(self, *more: str, environ: Mapping[str, str] | None = None) -> Result:
        return self.run("apply", "--yes", "--parallelism", "1", *more, environ=environ)

    def run(self, *args: str, environ: Mapping[str, str] | None = None) -> Result:
        """Run a command, and look at once whether a promise was broken."""
        self._keys = self._known_keys()
        result = self.project.run(*args, environ=environ)
        self.wrong += [f"after {args}: {words}" for words in self._broken(result)]
        return result

    @property
    def state(self) -> State:
        return FileStore(self.project.state_file, TargetIdentity(self.fake.url, ORG, "prod")).load()

    @property
    def ours(self) -> list[Base]:
        """The objects of ours that there are now."""
        return [base for base in self.fake.live if base.client == KEY]

    @property
    def converged(self) -> bool:
        """Whether there is exactly what is declared, and all of it is known."""
        there = sorted((base.name, base.description) for base in self.ours)
        wanted = sorted((name, self.texts[owner]) for owner, (_, name) in self.declared.items())
        known = {record.key: record.id for record in self.state.records}
        owned = {self.declared[owner][0]: base.id for base in self.ours if (owner := owner_of(base)) in self.declared}
        return there == wanted and known == owned and not self.state.intents

    def _broken(self, result: Result) -> Iterator[str]:
        """Yield what must never be: a second object, a lost one, one of somebody else's that was touched, a write to
        another object than the definition's own."""
        if result.code not in (0, 1, 4, 5):
            yield f"exit {result.code}: {result.err[-300:]}"
        live = self.fake.live
        if self.fake.twice:
            yield f"made twice: {self.fake.twice}"
            self.fake.twice.clear()
        state = self.state
        known = {record.id for record in state.records} | {intent.id for intent in state.intents}
        known_names = {intent.name for intent in state.intents}
        for base in live:
            told = base.id in result.out + result.err
            if base.client == KEY and base.id not in known and base.name not in known_names and not told:
                yield f"lost: {base.id} {base.name}"
        for base in self.foreign:
            if base.gone or base.etag != self._etags[base.id]:
                yield f"somebody else's was changed: {base.id}"
        sent, self._checked = self.fake.writes[self._checked :], len(self.fake.writes)
        for request in sent:
            if words := self._astray(request):
                yield words

    def _astray(self, request: Request) -> str:
        """Say of a PATCH or DELETE which object it should not have gone to; "" where all is well."""
        base = self.fake.bases.get(request.id)
        if request.method == "POST" or base is None:
            return ""
        owner = owner_of(base)
        if base.client != KEY:
            return f"{request.method} to somebody else's {base.id}"
        if request.method == "PATCH" and f"{owner}.example.com" not in json.dumps(request.body):
            texts = [str(step.get("value")) for step in request.body]
            if not any(owner in text.lower() for text in texts):
                return f"PATCH of another definition to {base.id} of {owner}: {texts}"
        if request.method == "DELETE" and not is_probe(base) and owner in self.declared:
            key = self._keys.get(base.id) or self._keys.get(base.name) or self.declared[owner][0]
            if key in (self.declared[owner][0], self.moved.get(owner)):
                return f"DELETE of {base.id}, which {owner} still declares"
        return ""

    def _known_keys(self) -> dict[str, str]:
        """Return the keys that records and open calls have, by id and by name: a removed one may be declared anew."""
        state = self.state
        return {intent.name: intent.key for intent in state.intents} | {one.id: one.key for one in state.records}


def owner_of(base: Base) -> str:
    """Return which definition an object was made for, by its server; that of a probe as well."""
    return str(base.made_by["auth"]["params"].get("server", "")).partition(".")[0]


def is_probe(base: Base) -> bool:
    return owner_of(base) not in str(base.made_by.get("description"))


@contextmanager
def world(
    folder: Path, times: Deadlines = PATIENT, *, page: int = 100, skew: timedelta | None = timedelta()
) -> Iterator[World]:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch, Fake(clock, page=page, skew=skew) as fake:
        put_in_place(patch, clock, times)
        yield World(folder, fake, clock)
