"""Starting, stopping, sharing a port, surviving: the emulator as a process among others."""

import os
import signal
import socket
import stat
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from provisioner.emulator.server import Emulator

from .support import Api

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
        assert emulator.base_url == url + "/data/foundation/flowservice"
        assert requests.get(url + "/_emulator/health", timeout=5).json() == {"status": "ok", "cloud": "azure"}
    with pytest.raises(requests.ConnectionError):
        requests.get(url + "/_emulator/health", timeout=5)


def test_it_starts_and_stops_quickly():
    """Embedded, it is part of every command's start."""
    before = time.perf_counter()
    with Emulator():
        started = time.perf_counter()
    assert started - before < 0.3
    assert time.perf_counter() - started < 1


def test_an_idle_connection_does_not_delay_the_end():
    with ExitStack() as client, ExitStack() as server:
        api = client.enter_context(Api(server.enter_context(Emulator())))
        api.names()
        before = time.perf_counter()
        server.close()
        assert time.perf_counter() - before < 1


def test_answers_are_not_held_back(start):
    """Nagle's algorithm would add 40 ms to each."""
    caller = start()
    taken = []
    for number in range(15):
        before = time.perf_counter()
        caller.made(f"n-{number}")
        taken.append(time.perf_counter() - before)
    assert statistics.median(taken) < 0.03


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
        requests.get(emulator.base_url + "/connections", timeout=5)
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
