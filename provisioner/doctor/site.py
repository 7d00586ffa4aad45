"""Looking: everything that lines judge, looked up when a line first needs it, and once.

Nothing is written, and no lock is taken.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from provisioner import json_schema
from provisioner.definitions.check import open_project
from provisioner.definitions.desired import Desired
from provisioner.definitions.project import Project
from provisioner.errors import ProblemsFound, ServiceError
from provisioner.model import MYSQL_SPEC_ID, Json
from provisioner.planning.target_context import TargetContext
from provisioner.service import messages
from provisioner.service.auth import TOKEN_PATH, ClientCredentials
from provisioner.service.calls import TokenSource
from provisioner.service.channel import Channel
from provisioner.service.client import BASE_PATH, FlowReader
from provisioner.service.messages import HttpOutcome, HttpRequest
from provisioner.service.origin import Origin
from provisioner.service.transport import proxy_variable
from provisioner.state.atomic import beside
from provisioner.state.lock import current_holder
from provisioner.state.records import Record, State

_RESOLVING = 10.0
"""Seconds to wait for the name of a host, as long as for each step of connecting."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the command line supplies: the environment of the run, and ways to open what a target consists of.

    Each raises ``ProvisionerError`` where something is missing or cannot be read. ``environ`` has only variables that
    are set. ``check_identity`` raises if the target's organization or sandbox is missing or ambiguous.
    """

    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    target_of: Callable[[Project], TargetContext]
    check_identity: Callable[[TargetContext], None]
    definitions_of: Callable[[TargetContext], tuple[Desired, ...]]
    state_of: Callable[[TargetContext], State]
    channel_of: Callable[[TargetContext], Channel]
    tokens_of: Callable[[TargetContext, Channel], TokenSource]
    service_of: Callable[[TargetContext, Channel, TokenSource], FlowReader]


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one call without a token, how long it took, and this machine's time when it ended."""

    origin: Origin
    outcome: HttpOutcome
    seconds: float
    ended: datetime


@dataclass(frozen=True, slots=True)
class Resolution:
    """The addresses of a host's name, or why there are none. ``proxy`` is the variable of a proxy that resolves it."""

    addresses: tuple[str, ...] = ()
    seconds: float = 0.0
    problem: str = ""
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, without itself: the text is used to read its claims from, and for calls."""

    text: str = field(repr=False)
    seconds: float
    lifetime: float
    at: datetime


@dataclass(frozen=True, slots=True)
class StateFiles:
    """The files of a state: whether they exist, and who is writing now."""

    state: bool
    journal: bool
    holder: str


class Site:
    """The place that is examined: project, target, state, the way to the service, and the service."""

    def __init__(self, access: Access) -> None:
        self.access = access

    @cached_property
    def project(self) -> Project:
        return open_project(self.access.folder)

    @cached_property
    def schemas(self) -> Mapping[str, bool | None]:
        """The schemas in the project: whether each is the tool's; None for one that cannot be read."""
        found = {}
        for name in ("connection", "project"):
            path = self.access.folder / "schemas" / f"{name}.schema.json"
            if path.exists():
                found[name] = _same_schema(path, name)
        return found

    @cached_property
    def target(self) -> TargetContext:
        return self.access.target_of(self.project)

    @cached_property
    def desired(self) -> tuple[Desired, ...]:
        return self.access.definitions_of(self.target)

    @property
    def sound_definitions(self) -> tuple[Desired, ...]:
        """The definitions; none where they have problems, which a line of their own tells."""
        try:
            return self.desired
        except ProblemsFound:
            return ()

    @cached_property
    def state(self) -> State:
        return self.access.state_of(self.target)

    @cached_property
    def records(self) -> Mapping[str, Record]:
        """The records of the state, by id."""
        return {record.id: record for record in self.state.records}

    @cached_property
    def files(self) -> StateFiles:
        path = self.project.folder / self.target.target.state
        return StateFiles(path.exists(), beside(path, ".journal").exists(), current_holder(path))

    @cached_property
    def channel(self) -> Channel:
        return self.access.channel_of(self.target)

    @cached_property
    def flow_name(self) -> Resolution:
        return self._resolved(self.channel.flow)

    @cached_property
    def ims_name(self) -> Resolution:
        return self._resolved(self.channel.ims)

    @cached_property
    def flow_answer(self) -> Answer:
        return self._answer(self.channel.flow, f"{BASE_PATH}/connections?limit=1")

    @cached_property
    def ims_answer(self) -> Answer:
        return self._answer(self.channel.ims, TOKEN_PATH)

    @cached_property
    def tokens(self) -> TokenSource:
        return self.access.tokens_of(self.target, self.channel)

    @cached_property
    def token(self) -> Token:
        timing = self.channel.timing
        started = timing.monotonic()
        text = self.tokens.token()
        lifetime = self.tokens.lifetime if isinstance(self.tokens, ClientCredentials) else 0.0
        return Token(text, timing.monotonic() - started, lifetime, timing.now())

    @cached_property
    def service(self) -> FlowReader:
        return self.access.service_of(self.target, self.channel, self.tokens)

    @cached_property
    def sandboxes(self) -> tuple[Json, ...] | ServiceError:
        try:
            return self.service.sandboxes()
        except ServiceError as error:
            return error

    @cached_property
    def spec(self) -> Json:
        return self.service.connection_spec(MYSQL_SPEC_ID)

    @cached_property
    def items(self) -> tuple[Json, ...]:
        return self.service.list_connections(MYSQL_SPEC_ID)

    def _answer(self, origin: Origin, path: str) -> Answer:
        """Return the answer to a call without a token, on a connection of its own, sent once."""
        timing = self.channel.timing
        started = timing.monotonic()
        within = (messages.LOOPBACK if origin.loopback else messages.REMOTE).attempt
        outcome = self.channel.transport.send(HttpRequest("GET", origin, path, within=within))
        return Answer(origin, outcome, timing.monotonic() - started, timing.now())

    def _resolved(self, origin: Origin) -> Resolution:
        """Return the addresses of a host. The resolver has no deadline of its own, so a thread waits for it."""
        if proxy := proxy_variable(origin, self.access.environ):
            return Resolution(proxy=proxy)
        timing = self.channel.timing
        started = timing.monotonic()
        found: list[Resolution] = []

        def resolve() -> None:
            try:
                infos = socket.getaddrinfo(origin.host.strip("[]"), origin.port, type=socket.SOCK_STREAM)
                found.append(Resolution(tuple(dict.fromkeys(str(info[4][0]) for info in infos))))
            except (OSError, UnicodeError):
                found.append(Resolution(problem="the name cannot be resolved"))

        thread = threading.Thread(target=resolve, name="doctor-resolver", daemon=True)
        thread.start()
        thread.join(_RESOLVING)
        resolution = found[0] if found else Resolution(problem="the resolver does not answer")
        return replace(resolution, seconds=timing.monotonic() - started)


def _same_schema(path: Path, name: str) -> bool | None:
    try:
        document: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return bool(document == json_schema.load(name))
