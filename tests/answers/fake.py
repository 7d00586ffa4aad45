"""A fake of the Flow Service on raw sockets, from Adobe's documentation alone. It remembers everything.

Base connections only: create, read, list with pages, change with ``If-Match``, delete, test; and tokens. What is to go
otherwise is said by ``direct``: it gets each write, and returns when it takes effect and what is answered.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from tests.answers.clock import Clock
from tests.answers.replies import HONEST, Reply, as_json, combined, gateway, problem

ROOT = "/data/foundation/flowservice"
SPEC = {"id": "26d738e0-8963-47ea-aadf-c60de735468a", "version": "1.0"}
SECRETS = ("password", "connectionString")
Effect = Literal["now", "none", "late"]
Honest = tuple[int, bytes]
Change = Callable[[float], object]
"""What a write comes to, given when it takes effect."""

PATIENCE = 20.0
"""Real seconds until the fake itself ends an answer that does not end. No client is to need so long."""


@dataclass(slots=True)
class Base:
    """A base connection. ``made_by`` is the body of the POST, ``shows`` when lists begin to show it."""

    id: str
    name: str
    description: str | None
    auth: dict[str, Any]
    etag: str
    client: str
    created: int
    made_by: dict[str, Any]
    shows: float
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One that arrived. ``number`` counts all of them; ``id`` is of the base connection in the path, or ""."""

    number: int
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any

    @property
    def id(self) -> str:
        found = re.fullmatch(rf"{ROOT}/connections/([^/]+)/?", self.path)
        return found[1] if found else ""

    @property
    def writes(self) -> bool:
        return self.path.startswith(f"{ROOT}/connections") and self.method != "GET"


@dataclass(frozen=True, slots=True)
class Play:
    """How a request goes. ``late`` is after how many seconds an effect comes, ``lag`` how long lists hide a create."""

    effect: Effect = "now"
    reply: Reply = HONEST
    late: float = 0.0
    lag: float = 0.0


@dataclass(slots=True)
class Fake:
    """The service. ``page`` is how many objects a list shows at most; ``skew`` is added to what ``Date`` says, which is
    left out where None; ``outlasted`` counts answers without end that no client ended."""

    clock: Clock
    direct: Callable[[Request], Play] = lambda _: Play()
    page: int = 100
    skew: timedelta | None = timedelta()
    bases: dict[str, Base] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    outlasted: int = 0
    url: str = ""
    _due: list[tuple[float, Change]] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(1))
    _lock: Any = field(default_factory=threading.RLock)
    _listener: Any = None
    _open: set[socket.socket] = field(default_factory=set)

    def __enter__(self) -> Fake:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def live(self) -> list[Base]:
        """All there are now, oldest first; what is due takes effect before."""
        with self._lock:
            self._take_effect()
            return [base for base in self.bases.values() if not base.gone]

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.writes]

    def seed(self, name: str, client: str = "somebody-else") -> Base:
        """Return one that somebody else made."""
        body = {"name": name, "auth": {"specName": "Basic Authentication", "params": {"server": "theirs"}}}
        return self._make(f"foreign-{next(self._numbers)}", body, client, self.clock.now(), 0.0)

    # Sockets

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = connection.makefile("rb")
            with suppress(OSError):
                while (request := self._read(stream)) is not None:
                    with self._lock:
                        reply, data = self._answer(request)
                    if not self._write(connection, reply, data):
                        break
            stream.close()
        finally:
            self._open.discard(connection)
            connection.close()

    def _read(self, stream: Any) -> Request | None:
        line = stream.readline().decode("latin-1").split()
        headers: dict[str, str] = {}
        while (text := stream.readline().strip()) != b"":
            name, _, value = text.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if len(line) != 3:
            return None
        raw = stream.read(int(headers.get("content-length", 0)))
        url = urlsplit(line[1])
        is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        body = dict(parse_qsl(raw.decode())) if is_form else json.loads(raw) if raw else None
        return Request(next(self._numbers), line[0], url.path, url.query, headers, body)

    def _write(self, connection: socket.socket, reply: Reply, data: bytes) -> bool:
        """Return whether another request may follow on this connection."""
        if reply.drip:
            self._drip(connection, reply.drip, data)
        else:
            connection.sendall(data)
        if reply.end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if reply.end == "hang" or (reply.needs_deadline and not reply.drip):
            connection.settimeout(PATIENCE)
            try:
                connection.recv(1)
            except TimeoutError:
                self.outlasted += 1
        return reply.end == "keep" and reply.cut is None and not reply.needs_deadline

    def _drip(self, connection: socket.socket, pause: float, data: bytes) -> None:
        """Without end: what follows the answer is blanks."""
        until = time.monotonic() + PATIENCE
        rest = iter(data)
        while time.monotonic() < until:
            connection.sendall(bytes([next(rest, 32)]))
            time.sleep(pause)
        self.outlasted += 1

    # What a request comes to

    def _answer(self, request: Request) -> tuple[Reply, bytes]:
        self.requests.append(request)
        self._take_effect()
        play = self.direct(request) if request.writes else Play()
        names = self._names(request)
        honest, change = self._outcome(request, names, play)
        if change is not None and play.effect == "now":
            change(self.clock.now())
        elif change is not None and play.effect == "late":
            self._due.append((self.clock.now() + play.late, change))
        date = "" if self.skew is None else format_datetime(self.clock.wall() + self.skew, usegmt=True)
        return play.reply, play.reply.bytes(honest, names, date)

    def _take_effect(self) -> None:
        now = self.clock.now()
        ready = [(due, change) for due, change in self._due if due <= now]
        self._due = [(due, change) for due, change in self._due if due > now]
        for due, change in ready:
            change(due)

    def _names(self, request: Request) -> dict[str, str]:
        """What answers may name. A create's id is known before it takes effect."""
        ident = request.id or f"made-{request.number}"
        live = [base for base in self.bases.values() if not base.gone and base.id != ident]
        ours = [base.id for base in live if base.client == request.headers.get("x-api-key")]
        others = [base.id for base in live if base.id not in ours]
        name = request.body.get("name", "") if isinstance(request.body, dict) else ""
        first = {"OTHER": (ours or ["made-0"])[0], "FOREIGN": (others or ["foreign-0"])[0]}
        return {"ID": ident, "ETAG": f'\\"etag-{request.number}\\"', "NAME": name, **first}

    def _outcome(self, request: Request, names: dict[str, str], play: Play) -> tuple[Honest, Change | None]:
        if request.path == "/ims/token/v3":
            return (200, as_json({"access_token": "token", "token_type": "bearer", "expires_in": 86399})), None
        if not request.headers.get("authorization"):
            return (403, gateway("403010", "Oauth token is missing.")), None
        if not request.headers.get("x-api-key"):
            return (403, gateway("403000", "Api Key is required")), None
        written = (200, b'{"id": "@ID@", "etag": "@ETAG@"}')
        if request.path == f"{ROOT}/connections" and request.method == "POST":
            return (201, written[1]), lambda when: self._create(request, names, when, play.lag)
        if request.path.startswith(f"{ROOT}/connections/"):
            return self._about_one(request, written)
        if request.method == "GET" and request.path.startswith(ROOT):
            return self._list(request), None
        return (404, gateway("404000", "no such path")), None

    def _about_one(self, request: Request, written: Honest) -> tuple[Honest, Change | None]:
        ident, _, verb = request.path.removeprefix(f"{ROOT}/connections/").strip("/").partition("/")
        base = self.bases.get(ident)
        if base is None or base.gone:
            return (404, combined("FLOW-1439-404", f"connections resource {ident} not found")), None
        if verb == "test":
            return (200, as_json({"result": True})), None
        if request.method == "GET":
            return (200, as_json({"items": [_shown(base)]})), None
        if request.method == "DELETE":
            return (204, b""), lambda _: setattr(base, "gone", True)
        match = request.headers.get("if-match")
        if match is None:
            return (400, problem("FLOW-1403-400", "Header is missing: If-Match")), None
        if match != base.etag:
            return (412, combined("FLOW-1404-412", f"Supplied version {match} does not match {base.etag}")), None
        return written, lambda _: self._patch(base, request)

    def _create(self, request: Request, names: dict[str, str], when: float, lag: float) -> None:
        base = self._make(names["ID"], request.body, request.headers["x-api-key"], when, lag)
        base.etag = f'"etag-{request.number}"'
        self._look_for_twins(base)

    def _make(self, ident: str, body: dict[str, Any], client: str, when: float, lag: float) -> Base:
        created = int((self.clock.wall().timestamp() + when - self.clock.now()) * 1000)
        known = (body["name"], body.get("description"), json.loads(json.dumps(body["auth"])), f'"etag-{ident}"')
        self.bases[ident] = Base(ident, *known, client, created, body, when + lag)
        return self.bases[ident]

    def _patch(self, base: Base, request: Request) -> None:
        """``If-Match`` fences it: late, it has no effect on what was changed meanwhile."""
        if base.gone or base.etag != request.headers["if-match"]:
            return
        for step in request.body:
            path, value = step["path"], step.get("value")
            if path.startswith("/auth/"):
                base.auth[path.removeprefix("/auth/")] = value
            else:
                setattr(base, path.strip("/"), value)
        base.etag = f'"etag-{request.number}"'
        self._look_for_twins(base)

    def _look_for_twins(self, base: Base) -> None:
        bases = [one for one in self.bases.values() if one.client == base.client and not one.gone]
        if sum(one.name == base.name for one in bases) > 1:
            self.twice.append(base.name)

    def _list(self, request: Request) -> Honest:
        asked = parse_qs(request.query)
        if request.path != f"{ROOT}/connections":  # nothing depends on any base connection here
            return 200, as_json({"items": [], "_links": {}})
        shown = [_shown(base) for base in self.bases.values() if not base.gone and base.shows <= self.clock.now()]
        for wanted in asked.get("property", []):
            path, _, value = wanted.partition("==")
            shown = [one for one in shown if _at(one, path) == value.strip('"')]
        if asked.get("count") == ["true"]:
            return 200, as_json({"count": len(shown)})
        start = int(asked.get("continuationToken", ["0"])[0])
        size = min(self.page, int(asked.get("limit", ["100"])[0]))
        items, more = shown[start : start + size], len(shown) > start + size
        query = urlencode([("property", one) for one in asked.get("property", [])] + [("limit", str(size))])
        href = f"/connections?{query}&continuationToken={start + size}"
        return 200, as_json({"items": items, "_links": {"next": {"href": href}} if more else {}})


def _shown(base: Base) -> dict[str, Any]:
    """Return what a GET shows; no secret."""
    params = {name: value for name, value in base.auth.get("params", {}).items() if name not in SECRETS}
    shown = {
        "id": base.id,
        "createdAt": base.created,
        "updatedAt": base.created,
        "createdBy": "robot@techacct.adobe.com",
        "updatedBy": "robot@techacct.adobe.com",
        "createdClient": base.client,
        "updatedClient": base.client,
        "name": base.name,
        "connectionSpec": SPEC,
        "state": "enabled",
        "auth": {**base.auth, "params": params},
        "version": base.etag,
        "etag": base.etag,
    }
    return shown if base.description is None else {**shown, "description": base.description}


def _at(item: dict[str, Any], path: str) -> Any:
    found: Any = item
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
