"""The emulated service's state: everything that handlers read and write, and the values of one call.

``App`` bundles the switches, the store, the clock and the in-memory parts: access tokens, the objects that depend on
base connections, credentials, and the request log.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Literal

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.databases import CredentialStore
from provisioner.emulator.fault_config import Faults
from provisioner.emulator.messages import JsonObject, Request
from provisioner.emulator.store import ConnectionStore

DependentType = Literal["sourceConnections", "flows"]
Tenant = tuple[str, str]
"""Organization and sandbox."""

# Bounds the memory of a long run: the oldest requests are dropped first.
LOG_LENGTH = 50_000

# Marks the tokens issued here, so that one from before a reset is refused rather than taken for a foreign token.
_TOKEN_PREFIX = "emulator-"  # noqa: S105


class Tokens:
    """The access tokens issued so far, in memory only."""

    def __init__(self) -> None:
        self._expiry: dict[str, float] = {}

    def issue(self, unique: str, now: float, seconds: int) -> str:
        """Return a new token that is valid for ``seconds``."""
        if len(self._expiry) > 10_000:
            self._expiry = {token: expiry for token, expiry in self._expiry.items() if expiry > now}
        token = _TOKEN_PREFIX + unique
        self._expiry[token] = now + seconds
        return token

    def is_valid(self, token: str, now: float, behaviour: Behaviour) -> bool:
        """Return whether the gateway accepts the token."""
        if token.startswith(_TOKEN_PREFIX) or behaviour.foreign_tokens == "reject":
            return now < self._expiry.get(token, 0)
        return True

    def clear(self) -> None:
        """Remove, and so invalidate, all tokens."""
        self._expiry.clear()


@dataclass(slots=True)
class Dependents:
    """The objects that depend on base connections: source connections and flows, oldest first, as a GET shows them."""

    items: dict[DependentType, list[tuple[Tenant, JsonObject]]] = field(default_factory=dict)

    def of(self, kind: DependentType, tenant: Tenant) -> list[JsonObject]:
        """Return the objects in a sandbox."""
        return [item for owner, item in self.items.get(kind, []) if owner == tenant]

    def add(self, kind: DependentType, tenant: Tenant, item: JsonObject) -> None:
        self.items.setdefault(kind, []).append((tenant, item))

    def remove(self, kind: DependentType, id: str) -> bool:  # noqa: A002
        """Remove an object. Return False if there was none."""
        before = self.items.get(kind, [])
        self.items[kind] = [entry for entry in before if entry[1]["id"] != id]
        return len(self.items[kind]) < len(before)

    def clear(self) -> None:
        self.items.clear()


@dataclass(frozen=True, slots=True)
class DatabaseTimeouts:
    """Seconds that a database has in total, from connecting to the last byte of its answer; assumed.

    ``explore``: for ``/test`` and ``/explore``. ``credential_check``: for the check before a create or an update,
    which is not carried out when the check takes longer.
    """

    explore: float = 15.0
    credential_check: float = 2.0


@dataclass(frozen=True, slots=True)
class App:
    """One emulated service. The clock (epoch seconds) and new ids (32 hex digits) are parameters, for tests to fix."""

    behaviour: Behaviour
    store: ConnectionStore
    clock: Callable[[], float]
    new_id: Callable[[], str]
    tokens: Tokens = field(default_factory=Tokens)
    dependents: Dependents = field(default_factory=Dependents)
    credentials: CredentialStore = field(default_factory=CredentialStore)
    log: deque[Request] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    faults: Faults = field(default_factory=Faults)
    timeouts: DatabaseTimeouts = DatabaseTimeouts()
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while a request is handled, so that handlers never run concurrently."""
    shutdown: Future[None] = field(default_factory=Future)
    """Done once the emulator is to stop."""

    def wait(self, seconds: float, *awaited: Future[Any]) -> bool:
        """Release the lock until ``awaited`` is done, the emulator is to stop, or the time is over.

        Return whether ``awaited`` was done in time.
        """
        self.lock.release()
        try:
            return not wait((self.shutdown, *awaited), seconds, FIRST_COMPLETED).done.isdisjoint(awaited)
        finally:
            self.lock.acquire()

    def now(self) -> int:
        """Return epoch milliseconds, the unit of the API (UPD)."""
        return int(self.clock() * 1000)

    def etag(self) -> str:
        """Return a new etag, including its double quotes (documented; the form per cloud SEED, SF-AWS)."""
        unique = self.new_id()
        if self.behaviour.cloud == "aws":
            return f'"{as_uuid(unique)}"'
        return f'"{unique[:8]}-0000-0200-0000-{int(self.clock()) & 0xFFFFFFFF:08x}0000"'


@dataclass(frozen=True, slots=True)
class Client:
    """The caller of a request and the sandbox it addresses, from the headers."""

    client: str
    org: str
    sandbox: str

    @property
    def tenant(self) -> Tenant:
        return self.org, self.sandbox

    @property
    def account(self) -> str:
        """The technical account. Inferred (SF-AWS): the form of createdBy for server-to-server callers."""
        return f"{self.client}@techacct.adobe.com"


@dataclass(frozen=True, slots=True)
class AdmittedRequest:
    """A request that passed the gateway. ``id`` is the one in the path, empty where the route has none."""

    request: Request
    caller: Client
    id: str = ""


def as_uuid(unique: str) -> str:
    """Return 32 hex digits in the form of a UUID."""
    return "-".join((unique[:8], unique[8:12], unique[12:16], unique[16:20], unique[20:32]))
