"""The emulator as a process: start, stop, port conflicts, shared data files, crashes."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from provisioner.emulator import server
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.connections import BASE
from provisioner.emulator.server import Emulator

from .support import BASIC, Api

SERVE = """
import sys
from pathlib import Path
from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import serve
serve(Path(sys.argv[1]), 0, Behaviour(), lambda url: sys.stdout.write(url + chr(10)) and sys.stdout.flush())
"""


@pytest.fixture
def served(tmp_path):
    """A foreground emulator in a process of its own, and its url."""
    command = [sys.executable, "-c", SERVE, str(tmp_path / "data.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def test_it_listens_where_it_says_and_only_inside_the_block():
    with Emulator() as emulator:
        url = emulator.url
        assert url.startswith("http://127.0.0.1:")
        assert requests.get(url + "/_emulator/health", timeout=5).json() == {"status": "ok", "cloud": "azure"}
    with pytest.raises(requests.ConnectionError):
        requests.get(url + "/_emulator/health", timeout=5)


def test_its_clock_may_be_another():
    with Emulator(clock=lambda: 1_000_000_000.0) as emulator, Api(emulator) as api:
        made, _ = api.made()
        answer = api.get(f"/connections/{made}")
        assert answer.headers["date"] == "Sun, 09 Sep 2001 01:46:40 GMT"
        assert answer.json()["items"][0]["createdAt"] == 1_000_000_000_000


def test_it_ends_whatever_its_clients_do(monkeypatch):
    """Some say nothing, one stops in the middle of a request, one never ends and never reads an answer."""
    monkeypatch.setattr(server, "_GRACE", 0.1)
    before = set(threading.enumerate())
    with ExitStack() as clients:
        with Emulator() as emulator:

            def connected(sent: bytes) -> socket.socket:
                address = ("127.0.0.1", int(emulator.url.rpartition(":")[2]))
                client = clients.enter_context(socket.create_connection(address, timeout=10))
                client.sendall(sent)
                return client

            clients.enter_context(Api(emulator)).names()
            connected(b"")
            connected(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
            connected(b"this is not HTTP\r\n\r\n").recv(10)
            never_read = connected(b"")
            never_read.settimeout(0.5)
            with suppress(TimeoutError):
                while True:
                    never_read.sendall(b"GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
            assert set(threading.enumerate()) > before
        assert set(threading.enumerate()) <= before


def test_the_end_does_not_wait_for_a_database():
    with ThreadPoolExecutor() as pool, socket.create_server(("127.0.0.1", 0)) as mute:
        with Emulator(behaviour=Behaviour(databases="real")) as emulator, Api(emulator) as api:
            server_, port = (str(each) for each in mute.getsockname())
            auth = {"specName": "Basic Authentication", "params": BASIC | {"server": server_, "port": port}}
            waiting = pool.submit(api.get, f"/connections/{api.made(auth=auth)[0]}/test")
            link, _ = mute.accept()
        assert waiting.result().status_code == 503
        link.close()


def test_answers_are_not_held_back(emulator, api):
    """Nagle's algorithm would add 40 ms to some."""
    api.names()
    links = [link for link in emulator._server._open.values() if link.fileno() >= 0]
    assert links
    assert all(link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for link in links)


def test_more_clients_than_there_may_be_open_files_are_served_later(tmp_path):
    command = ["sh", "-c", 'ulimit -n 30; exec "$0" "$@"', sys.executable, "-c", SERVE, str(tmp_path / "data.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            with ExitStack() as many, suppress(TimeoutError):
                while True:
                    address = ("127.0.0.1", int(url.rpartition(":")[2]))
                    client = many.enter_context(socket.create_connection(address, timeout=0.5))
                    client.sendall(b"GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
            assert requests.get(url + "/_emulator/health", timeout=10).ok
        finally:
            process.kill()


def test_a_port_in_use_is_an_error_that_names_it():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"), Emulator(port=port):
            pass


def test_a_file_that_is_no_database_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be taken for one" * 20)
    with pytest.raises(OSError, match=r"notes\.txt: not usable"), Emulator(path):
        pass
    with pytest.raises(OSError, match="directory"), Emulator(tmp_path):
        pass


def test_it_installs_no_signal_handlers():
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with Emulator():
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_it_says_nothing(capfd):
    with Emulator() as emulator:
        requests.get(emulator.url + BASE + "/connections", timeout=5)
        with socket.create_connection(("127.0.0.1", int(emulator.url.rpartition(":")[2]))) as rude:
            rude.sendall(b"this is not HTTP\r\n\r\n")
            assert rude.recv(100).startswith(b"HTTP/1.1 400")
    assert capfd.readouterr() == ("", "")


def test_data_in_a_file_outlives_the_emulator(tmp_path, start):
    path = tmp_path / "new" / "data.db"
    with Emulator(path) as emulator, Api(emulator) as api:
        id_, etag = api.made()
    assert start(path).item(id_)["etag"] == etag


def test_the_file_is_private_and_holds_no_secret(tmp_path, start):
    path = tmp_path / "data.db"
    start(path).made()
    found = [each for each in tmp_path.iterdir() if each.name.startswith("data.db")]
    assert len(found) == 3
    assert {stat.S_IMODE(each.stat().st_mode) for each in found} == {0o600}
    assert not any(b"not-to-be-seen" in each.read_bytes() for each in found)


def test_what_was_answered_survives_a_kill(served, tmp_path, start):
    process, url = served
    with Api(_Elsewhere(url)) as api:
        made = [api.made(f"n-{number}")[0] for number in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert sorted(each["id"] for each in start(tmp_path / "data.db").get("/connections").json()["items"]) == sorted(
        made
    )


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_ends_cleanly(served, sent):
    process, url = served
    assert requests.get(url + "/_emulator/health", timeout=5).ok
    process.send_signal(sent)
    _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")


def test_many_clients_at_once(start):
    """Every create is kept once, and of several patches with one etag exactly one wins."""
    caller = start()

    def create(number):
        with Api(caller.emulator) as mine:
            return mine.made(f"n-{number}")[0]

    def rename(etag):
        with Api(caller.emulator) as mine:
            return mine.patch(id_, [{"op": "replace", "path": "/name", "value": "won"}], etag).status_code

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(create, range(80)))
        id_, etag = caller.made("contended")
        statuses = list(pool.map(rename, [etag] * 16))
    assert caller.get("/connections?count=true").json() == {"count": 81}
    assert len(set(ids)) == 80
    assert sorted(statuses) == [200] + [412] * 15


def test_two_emulators_may_share_a_file(tmp_path, start):
    """As when a plan runs beside an apply: each sees what the other has done, and etags guard both."""
    path = tmp_path / "data.db"
    left, right = start(path), start(path)
    id_, etag = left.made()
    change = [{"op": "replace", "path": "/name", "value": "x"}]
    assert right.patch(id_, change, etag).status_code == 200
    assert left.patch(id_, change, etag).status_code == 412


def test_many_emulators_at_once(start):
    """None leaks into another."""
    one, two = start(), start()
    one.made()
    assert two.names() == []


class _Elsewhere(Emulator):
    """An emulator in another process."""

    def __init__(self, url: str, data: Path | None = None) -> None:
        super().__init__(data, port=int(url.rpartition(":")[2]))
