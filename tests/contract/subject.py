"""The service under test and what the tests need to know of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from provisioner.definitions.project import DEFAULT_ENDPOINT, DEFAULT_IMS_ENDPOINT
from provisioner.errors import NotFound
from provisioner.model import MYSQL_SPEC_ID, MYSQL_SPEC_VERSION, Cloud, Json
from provisioner.secrets import Sensitive
from provisioner.service.auth import DEFAULT_SCOPES, ClientCredentials, FixedToken
from provisioner.service.calls import TokenSource
from provisioner.service.client import LARGEST_PAGE, FlowService, WriteResult
from provisioner.service.origin import Origin, check_origin
from provisioner.service.transport import HttpTransport, real_timing

_TIMING = real_timing()
_NEEDED = ("AEP_ORG_ID", "AEP_SANDBOX_NAME", "AEP_API_KEY")
_PATIENCE = {True: 10.0, False: 300.0}
"""Seconds until a new base connection is enabled, on loopback and elsewhere. One sample of AWS took 88 s."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One organization and sandbox, for one test. ``made`` are the ids to delete when the test is over."""

    origin: Origin
    transport: HttpTransport
    tokens: TokenSource
    org: str
    sandbox: str
    api_key: str
    cloud: Cloud = Cloud.AZURE
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    prefix: str = field(default_factory=lambda: f"contract-{uuid4().hex[:12]}")
    made: list[str] = field(default_factory=list)

    @property
    def service(self) -> FlowService:
        return self.flow_service()

    def flow_service(
        self, *, sandbox: str | None = None, tokens: TokenSource | None = None, page: int = LARGEST_PAGE
    ) -> FlowService:
        return FlowService(
            self.origin,
            self.org,
            sandbox or self.sandbox,
            self.api_key,
            tokens or self.tokens,
            self.transport,
            _TIMING,
            page=page,
        )

    def body(self, name: str = "", **changes: Any) -> Json:
        """A definition's body; the name gets this test's prefix."""
        auth = {"specName": "Basic Authentication", "params": self.all_params()}
        spec = {"id": MYSQL_SPEC_ID, "version": MYSQL_SPEC_VERSION}
        return {
            "name": self.prefix + name,
            "description": "made by a test",
            "auth": auth,
            "connectionSpec": spec,
        } | changes

    def all_params(self, **changes: str) -> Json:
        ssl_mode = "false" if self.cloud is Cloud.AWS else "DISABLED"
        sample = {"server": "localhost", "port": "3306", "database": "acme", "username": "acme", "sslMode": ssl_mode}
        return sample | {"password": "sample-secret"} | dict(self.params) | changes

    def create(self, name: str = "", **changes: Any) -> WriteResult:
        written = self.service.create(self.body(name, **changes))
        self.made.append(written.id)
        return written

    def enabled(self, connection_id: str) -> Json:
        """The base connection once it can be changed: on AWS it has no etag before."""
        until = time.monotonic() + _PATIENCE[self.origin.loopback]
        while True:
            found = self.service.get(connection_id)
            if found["state"] == "enabled" and "etag" in found:
                return found
            assert time.monotonic() < until, f"still {found['state']}"
            time.sleep(0.02 if self.origin.loopback else 5)

    def ready(self, name: str = "", **changes: Any) -> Json:
        return self.enabled(self.create(name, **changes).id)

    def mine(self, found: tuple[Json, ...]) -> list[str]:
        """The ids among ``found`` that this test made, in that order; a real sandbox has others."""
        return [item["id"] for item in found if item["id"] in self.made]

    def named(self, name: str) -> list[Json]:
        """Those of exactly this name, of all that there are."""
        return [item for item in self.service.list_connections(MYSQL_SPEC_ID) if item["name"] == name]

    def clean(self) -> None:
        for connection_id in self.made:
            with suppress(NotFound):
                self.enabled(connection_id)
                self.service.delete(connection_id)

    def fresh(self) -> Subject:
        """The same place for another test: on an emulator an organization of its own."""
        org = f"{uuid4().hex[:24].upper()}@AdobeOrg" if self.origin.loopback else self.org
        return replace(self, org=org, prefix=f"contract-{uuid4().hex[:12]}", made=[])


def emulated(url: str, cloud: Cloud, transport: HttpTransport) -> Subject:
    origin = check_origin(url)
    secret = Sensitive("sample-secret", "a test")
    tokens = ClientCredentials(origin, "sample-key", secret, transport, _TIMING)
    return Subject(origin, transport, tokens, "", "prod", "sample-key", cloud)


def why_not_real(environ: Mapping[str, str]) -> str:
    """Why the suite does not run against a real sandbox; "" where it does."""
    if environ.get("PROVISIONER_CONTRACT") != "sandbox":
        return "NOT PROVED AGAINST THE REAL SERVICE: set PROVISIONER_CONTRACT=sandbox and credentials (tests/contract)"
    missing = [name for name in _NEEDED if not environ.get(name)]
    if not (environ.get("AEP_CLIENT_SECRET") or environ.get("AEP_ACCESS_TOKEN")):
        missing.append("AEP_CLIENT_SECRET or AEP_ACCESS_TOKEN")
    return f"NOT PROVED AGAINST THE REAL SERVICE: {', '.join(missing)} not set" if missing else ""


def real(environ: Mapping[str, str], transport: HttpTransport) -> Subject:
    return Subject(
        check_origin(DEFAULT_ENDPOINT),
        transport,
        _real_tokens(environ, transport),
        environ["AEP_ORG_ID"],
        environ["AEP_SANDBOX_NAME"],
        environ["AEP_API_KEY"],
        Cloud(environ.get("PROVISIONER_CONTRACT_CLOUD", "azure")),
        json.loads(environ.get("PROVISIONER_CONTRACT_PARAMS", "{}")),
    )


def _real_tokens(environ: Mapping[str, str], transport: HttpTransport) -> TokenSource:
    if ready := environ.get("AEP_ACCESS_TOKEN"):
        return FixedToken(ready)
    secret = Sensitive(environ["AEP_CLIENT_SECRET"], "env(AEP_CLIENT_SECRET)")
    ims, scopes = check_origin(DEFAULT_IMS_ENDPOINT), environ.get("AEP_SCOPES", DEFAULT_SCOPES)
    return ClientCredentials(ims, environ["AEP_API_KEY"], secret, transport, _TIMING, scopes=scopes)
