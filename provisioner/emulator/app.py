"""What the handlers act on, and what one call carries.

Access tokens: issued, remembered, expired.

What depends on base connections, kept in memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Literal

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.databases import StoredCredentials
from provisioner.emulator.faults import Faults
from provisioner.emulator.messages import JsonObject, Request
from provisioner.emulator.store import ConnectionStore

Sort = Literal["sourceConnections", "flows"]
Tenant = tuple[str, str]
"""Organization and sandbox."""


@dataclass(slots=True)
class Related:
    """Source connections and flows, oldest first, each with its place and what a GET shows."""

    found: dict[Sort, list[tuple[Tenant, JsonObject]]] = field(default_factory=dict)

    def of(self, sort: Sort, place: Tenant) -> list[JsonObject]:
        """What a sandbox holds."""
        return [item for where, item in self.found.get(sort, []) if where == place]

    def add(self, sort: Sort, place: Tenant, item: JsonObject) -> None:
        """One more."""
        self.found.setdefault(sort, []).append((place, item))

    def remove(self, sort: Sort, identity: str) -> bool:
        """Whether there was one."""
        before = self.found.get(sort, [])
        self.found[sort] = [one for one in before if one[1]["id"] != identity]
        return len(self.found[sort]) < len(before)

    def clear(self) -> None:
        """Forget all."""
        self.found.clear()


# Makes our own recognisable, so that one from before a reset is refused rather than taken for somebody else's.
_OURS = "emulator-"


class Tokens:
    """The tokens issued so far, in memory only."""

    def __init__(self) -> None:
        """None issued."""
        self._expiry: dict[str, float] = {}

    def issue(self, unique: str, now: float, seconds: int) -> str:
        """A new token, good for so many seconds."""
        if len(self._expiry) > 10_000:
            self._expiry = {token: expiry for token, expiry in self._expiry.items() if expiry > now}
        token = _OURS + unique
        self._expiry[token] = now + seconds
        return token

    def good(self, token: str, now: float, behaviour: Behaviour) -> bool:
        """Whether the gateway lets it pass."""
        if token.startswith(_OURS) or behaviour.foreign_tokens == "reject":
            return now < self._expiry.get(token, 0)
        return True

    def clear(self) -> None:
        """Forget, and so invalidate, all."""
        self._expiry.clear()


# Bounds what a long run keeps: the oldest are forgotten first.
LOG_LENGTH = 50_000


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a database has in all, from connecting to the last byte of its answer; assumed.

    ``looking``: for ``/test`` and ``/explore``. ``writing``: for the check of credentials before a create or a change,
    which has no effect any later than that.
    """

    looking: float = 15.0
    writing: float = 2.0


@dataclass(frozen=True, slots=True)
class App:
    """One emulated service. Clock (epoch seconds) and unique names (32 hex digits) are ports, for tests to fix."""

    behaviour: Behaviour
    store: ConnectionStore
    clock: Callable[[], float]
    unique: Callable[[], str]
    tokens: Tokens = field(default_factory=Tokens)
    related: Related = field(default_factory=Related)
    credentials: StoredCredentials = field(default_factory=StoredCredentials)
    log: deque[Request] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    faults: Faults = field(default_factory=Faults)
    patience: Patience = Patience()
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while a request is handled, so that every handler is alone with what it reads and writes."""
    ending: Future[None] = field(default_factory=Future)
    """Done once the emulator is to end."""

    def wait(self, seconds: float, *awaited: Future[Any]) -> bool:
        """Let other requests be handled until ``awaited`` is there, the emulator is to end, or the time is over.

        Return whether ``awaited`` was there in time.
        """
        self.lock.release()
        try:
            return not wait((self.ending, *awaited), seconds, FIRST_COMPLETED).done.isdisjoint(awaited)
        finally:
            self.lock.acquire()

    def now(self) -> int:
        """Epoch milliseconds, as the API counts (UPD)."""
        return int(self.clock() * 1000)

    def etag(self) -> str:
        """A new etag, its double quotes included (documented; the form per cloud SEED, SF-AWS)."""
        unique = self.unique()
        if self.behaviour.cloud == "aws":
            return f'"{hyphenated(unique)}"'
        return f'"{unique[:8]}-0000-0200-0000-{int(self.clock()) & 0xFFFFFFFF:08x}0000"'


@dataclass(frozen=True, slots=True)
class Client:
    """Who calls, and where: what the headers said."""

    client: str
    org: str
    sandbox: str

    @property
    def account(self) -> str:
        """The technical account. Inferred (SF-AWS): the form of createdBy for server-to-server callers."""
        return f"{self.client}@techacct.adobe.com"


@dataclass(frozen=True, slots=True)
class AdmittedRequest:
    """One admitted request; ``id`` is the path's, empty where the route has none."""

    request: Request
    caller: Client
    id: str = ""


def hyphenated(unique: str) -> str:
    """32 hex digits in the form of a UUID."""
    return "-".join((unique[:8], unique[8:12], unique[12:16], unique[16:20], unique[20:32]))
