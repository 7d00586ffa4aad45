"""The fake does what Adobe documents, and breaks what it is told to, byte for byte."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests

from tests.answers.clock import Clock
from tests.answers.fake import ROOT, Fake, Play
from tests.answers.replies import CREATED, HUNG, RESET, Reply, combined, interim

HEADERS = {"Authorization": "Bearer token", "x-api-key": "me"}
BODY = {"name": "A", "auth": {"specName": "Basic Authentication", "params": {"server": "h", "password": "p"}}}


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake(Clock()) as fake:
        yield fake


def call(fake: Fake, method: str, path: str = "", **more: object) -> requests.Response:
    headers = {**HEADERS, **more.pop("headers", {})}
    return requests.request(method, f"{fake.url}{ROOT}/connections{path}", headers=headers, timeout=5, **more)


def test_a_whole_life(fake: Fake) -> None:
    made = call(fake, "POST", json=BODY)
    assert made.status_code == 201
    ident, etag = made.json()["id"], made.json()["etag"]
    (shown,) = call(fake, "GET", f"/{ident}").json()["items"]
    assert shown["etag"] == etag
    assert shown["auth"]["params"] == {"server": "h"}
    change = [{"op": "replace", "path": "/description", "value": "B"}]
    assert call(fake, "PATCH", f"/{ident}", json=change).status_code == 400
    assert call(fake, "PATCH", f"/{ident}", json=change, headers={"If-Match": '"x"'}).status_code == 412
    assert call(fake, "PATCH", f"/{ident}", json=change, headers={"If-Match": etag}).json()["id"] == ident
    assert fake.bases[ident].description == "B"
    assert call(fake, "DELETE", f"/{ident}").status_code == 204
    assert call(fake, "GET", f"/{ident}").json()["type"].endswith("FLOW-1439-404")
    assert [request.method for request in fake.writes] == ["POST", "PATCH", "PATCH", "PATCH", "DELETE"]


def test_a_list_has_pages_and_filters(fake: Fake) -> None:
    for name in "ABCAB":
        fake.seed(name)
    fake.page = 2
    query: str | None = "?property=name==A&limit=1"
    found = []
    while query:
        page = call(fake, "GET", query).json()
        found += [one["name"] for one in page["items"]]
        query = page["_links"].get("next", {}).get("href", "").removeprefix("/connections")
    assert found == ["A", "A"]
    assert len(call(fake, "GET").json()["items"]) == 2


@pytest.mark.parametrize(
    ("play", "now", "later"), [(Play(), 1, 1), (Play("none"), 0, 0), (Play("late", late=5), 0, 1), (Play(lag=5), 0, 1)]
)
def test_effects_and_lists_come_when_they_are_to(fake: Fake, play: Play, now: int, later: int) -> None:
    fake.direct = lambda _: play
    assert call(fake, "POST", json=BODY).status_code == 201
    assert len(call(fake, "GET").json()["items"]) == now
    fake.clock.skip(5)
    assert len(call(fake, "GET").json()["items"]) == later


def test_a_second_object_of_a_name_is_remembered(fake: Fake) -> None:
    for _ in range(2):
        call(fake, "POST", json=BODY)
    assert fake.twice == ["A"]


def exchange(fake: Fake, reply: Reply) -> bytes:
    """Return all that comes until the connection ends."""
    fake.direct = lambda _: Play(reply=reply)
    head = f"POST {ROOT}/connections HTTP/1.1\r\nAuthorization: x\r\nx-api-key: me\r\nContent-Length: %d\r\n\r\n"
    body = b'{"name": "A", "auth": {}}'
    with socket.create_connection(fake.url.removeprefix("http://").split(":"), timeout=5) as client:
        client.sendall((head % len(body)).encode() + body)
        client.settimeout(0.5)
        got = b""
        try:
            while part := client.recv(4096):
                got += part
        except TimeoutError:
            pass
        return got


def test_answers_are_written_byte_for_byte(fake: Fake) -> None:
    fake.skew = None
    two = Reply(headers=(("Content-Length", "7"),), end="close")
    assert exchange(fake, two).startswith(b"HTTP/1.1 201 Answer\r\nContent-Length: 38\r\nConnection: close\r\n")
    assert b"\r\nContent-Length: 7\r\n\r\n" in exchange(fake, two)
    assert exchange(fake, Reply(200, CREATED, end="close")).endswith(b'{"id": "made-3", "etag": "\\"etag-3\\""}')
    assert exchange(fake, Reply(first=interim(103), end="close")).startswith(b"HTTP/1.1 103 Interim\r\n")
    assert exchange(fake, Reply(500, combined("FLOW-1101-500"), cut=-5)).endswith(b"wro")
    assert b"Content-Length: 20" in exchange(fake, Reply(200, b"x" * 10, stretch=10))
    assert exchange(fake, HUNG) == b""
    with pytest.raises(ConnectionResetError):
        exchange(fake, RESET)


def test_an_answer_without_end_does_not_end(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.answers.fake.PATIENCE", 1.0)
    assert exchange(fake, Reply(drip=0.01)).startswith(b"HTTP/1.1 201")
    assert fake.outlasted == 1
