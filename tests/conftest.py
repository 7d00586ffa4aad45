"""Guards of every test: no network but loopback, no real home, no credentials, no proxies.

A run of the contract suite that asks for the real sandbox (``PROVISIONER_CONTRACT=sandbox``) keeps its network.
"""

from __future__ import annotations

import fnmatch
import os
import socket
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

import pytest

REMOVED = (
    "AEP_*",
    "MYSQL_*",
    "PROVISIONER_*",
    "CI",
    "CI_*",
    "GITHUB_*",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "REQUESTS_CA_BUNDLE",
    "*_PROXY",
)


class NetworkForbidden(AssertionError):
    """A test reached for something beyond this machine. No ``OSError``: no code takes it for a network that is down."""


def removed(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that no test may see."""
    return tuple(name for name in environ if any(fnmatch.fnmatchcase(name.upper(), pattern) for pattern in REMOVED))


def is_loopback(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def guards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("PROVISIONER_CONTRACT") != "sandbox":
            _forbid_network(patch)
        for name in removed(os.environ):
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


def _forbid_network(patch: pytest.MonkeyPatch) -> None:
    def guarded(method: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
                raise NetworkForbidden(f"a test connects to {address[0]}")
            return method(self, address)

        return connect

    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).encode("idna").endswith(b".invalid"):  # nothing is ever there (RFC 6761), so nobody is asked
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not is_loopback(host):
            raise NetworkForbidden(f"a test resolves {host}")
        return resolve(host, *args, **options)

    patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    patch.setattr(socket, "getaddrinfo", getaddrinfo)
