"""How many creates a second the emulator sustains, asked by sockets: ``requests`` is the bottleneck near 900."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.data import ORG
from provisioner.model import MYSQL_SPEC_ID, MYSQL_SPEC_VERSION
from provisioner.service.client import BASE_PATH

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 8


def creates_a_second(number: int) -> float:
    """That many creates over connections that stay open, to an emulator in a process of its own."""
    with _emulator() as address:
        token = token_of(address)
        each = number // CONNECTIONS
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            begun = time.perf_counter()
            for created in [pool.submit(_create, address, token, first, each) for first in range(CONNECTIONS)]:
                created.result()
            return each * CONNECTIONS / (time.perf_counter() - begun)


@contextmanager
def _emulator() -> Iterator[tuple[str, int]]:
    words = [sys.executable, "-m", "provisioner", "emulator", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True) as process:
        try:
            assert process.stdout is not None
            yield address_of(next(found[0] for line in process.stdout if (found := re.search(r"http://[\d.:]+", line))))
        finally:
            process.terminate()


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


def token_of(address: tuple[str, int]) -> str:
    form = b"grant_type=client_credentials&client_id=bench&client_secret=bench-secret-bench"
    with socket.create_connection(address) as connection:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = json.loads(_exchange(connection, _request("/ims/token/v3", form, kind), 200))
        return str(answer["access_token"])


def _create(address: tuple[str, int], token: str, first: int, number: int) -> None:
    sent = headers(token)
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for one in range(number):
            data = json.dumps(body(f"Shop {first}-{one}")).encode()
            _exchange(connection, _request(f"{BASE_PATH}/connections", data, sent), 201)


def headers(token: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token}",
        "x-api-key": "bench",
        "x-gw-ims-org-id": ORG,
        "x-sandbox-name": "prod",
        "Content-Type": "application/json",
    }


def body(name: str) -> dict[str, object]:
    params = {
        "server": "db.example.com",
        "port": "3306",
        "database": "shop",
        "username": "svc",
        "password": "secret-123",
    }
    return {
        "name": name,
        "auth": {"specName": "Basic Authentication", "params": {**params, "sslMode": "REQUIRED"}},
        "connectionSpec": {"id": MYSQL_SPEC_ID, "version": MYSQL_SPEC_VERSION},
    }


def _request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _exchange(connection: socket.socket, request: bytes, expected: int) -> bytes:
    """One request and the body of its answer. Raises ``ValueError`` for another status than the one expected."""
    connection.sendall(request)
    read = b""
    while (end := read.find(b"\r\n\r\n")) < 0:
        read += _received(connection)
    length = re.search(rb"content-length: (\d+)", read[:end], re.IGNORECASE)
    whole = end + 4 + (int(length[1]) if length else 0)
    while len(read) < whole:
        read += _received(connection)
    if not read.startswith(b"HTTP/1.1 %d " % expected):
        raise ValueError(f"expected {expected}: {read.decode('utf-8', 'replace')}")
    return read[end + 4 : whole]


def _received(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ValueError("the emulator closed the connection")
    return received
