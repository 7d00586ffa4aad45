"""The guards hold: a test that reaches out, or that sees the developer's own things, would fail."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import requests

from tests.conftest import NetworkForbidden, is_loopback, removed

ELSEWHERE = "192.0.2.1"  # reserved for documentation (RFC 5737): nobody is there


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, (ELSEWHERE, 443)), (socket.AF_INET6, ("2001:db8::1", 443))]
)
def test_nothing_beyond_this_machine_is_connected_to(
    family: socket.AddressFamily, address: tuple[str, int], method: str
) -> None:
    with socket.socket(family) as one, pytest.raises(NetworkForbidden, match=address[0]):
        getattr(one, method)(address)


def test_no_name_is_looked_up() -> None:
    with pytest.raises(NetworkForbidden, match=r"platform\.adobe\.io"):
        socket.getaddrinfo("platform.adobe.io", 443)
    with pytest.raises(NetworkForbidden):
        requests.get("https://platform.adobe.io", timeout=1)


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            pass
        with socket.create_connection(("localhost", port), timeout=1):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", b"localhost", "", None])
def test_loopback_is_recognized(host: object) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0", "::"])
def test_what_only_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_home_is_an_empty_folder_of_the_tests() -> None:
    assert Path.home() == Path(os.environ["HOME"])
    assert list(Path.home().iterdir()) == []


def test_no_credential_proxy_or_sign_of_a_pipeline_is_in_the_environment() -> None:
    assert removed(os.environ) == ()


def test_what_is_removed() -> None:
    gone = {"AEP_CLIENT_SECRET": "", "MYSQL_X": "", "PROVISIONER_ALLOW_HOSTS": "", "CI": "", "https_proxy": ""}
    assert removed({**gone, "PATH": "", "LANG": "", "CIRCLE": ""}) == tuple(gone)
