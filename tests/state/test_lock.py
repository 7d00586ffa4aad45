"""The lock: one writer, a description of its holder, and release when its process dies."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from provisioner.errors import LockedError, StateError
from provisioner.state import lock as module
from provisioner.state.atomic import beside
from provisioner.state.lock import current_holder, describe_holder, hold

from .examples import HOLDER

PROCESS = """
import sys
from pathlib import Path
from provisioner.state.lock import Holder, hold
with hold(Path(sys.argv[1]), Holder("eve", "runner-9", 99, "apply", "2025-01-02T03:04:05Z")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prod.json"


def output_of(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert output_of(process).readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_holder_is_described_while_the_lock_is_held(path: Path) -> None:
    with hold(path, HOLDER):
        assert describe_holder(path) == (
            "ana on runner-7, pid 4711: apply, since 2025-01-02T03:04:05Z (https://ci.example/run/9)"
        )
        assert sorted(os.listdir(path.parent)) == ["prod.json.lock", "prod.json.lock.info"]
    assert os.listdir(path.parent) == ["prod.json.lock"]
    with hold(path, replace(HOLDER, run_url="")):
        assert describe_holder(path).endswith("since 2025-01-02T03:04:05Z")


def test_a_second_holder_in_one_process_is_refused(path: Path) -> None:
    with hold(path, HOLDER):
        with pytest.raises(LockedError, match="locked by ana on runner-7") as caught, hold(path, HOLDER):
            pass
        assert caught.value.exit_code == 6
        assert "--lock-timeout" in caught.value.remedy
        assert describe_holder(path).startswith("ana")
    with hold(path, HOLDER):
        pass


def test_a_lock_of_another_process_is_released_when_it_dies(path: Path) -> None:
    with another_process(path) as process:
        with pytest.raises(LockedError, match="locked by eve on runner-9, pid 99"), hold(path, HOLDER):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert describe_holder(path).startswith("eve")  # what it left behind; nobody holds the lock
        with hold(path, HOLDER):
            assert describe_holder(path).startswith("ana")


def test_waiting_names_the_holder_and_ends_with_its_release(path: Path) -> None:
    told: list[str] = []
    with another_process(path) as process:
        assert process.stdin is not None

        def end(holder: str) -> None:
            told.append(holder)
            threading.Timer(0.05, process.stdin.close).start()  # type: ignore[union-attr]

        with hold(path, HOLDER, timeout=5, waiting=end):
            assert describe_holder(path).startswith("ana")
    assert told == ["eve on runner-9, pid 99: apply, since 2025-01-02T03:04:05Z"]


def test_waiting_times_out(path: Path) -> None:
    told: list[str] = []
    with hold(path, HOLDER), pytest.raises(LockedError), hold(path, HOLDER, timeout=0.1, waiting=told.append):
        pass
    assert len(told) == 1


def test_an_exception_releases_the_lock(path: Path) -> None:
    with pytest.raises(KeyError), hold(path, HOLDER):
        raise KeyError
    with hold(path, HOLDER):
        pass


@pytest.mark.parametrize("left", ["", "{", "[]", "{}", json.dumps({"user": 1}), "\xff"])
def test_a_damaged_description_is_no_error(path: Path, left: str) -> None:
    (path.parent / "prod.json.lock.info").write_text(left, encoding="latin-1")
    assert describe_holder(path) == "an unknown process"


def test_a_lock_whose_holder_cannot_be_written_is_released(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module, "replace_file", full)
        with pytest.raises(StateError, match="No space left"), hold(path, HOLDER):
            pass
    with hold(path, HOLDER):
        pass


def test_a_path_that_cannot_be_locked_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be locked"), hold(tmp_path / "file" / "prod.json", HOLDER):
        pass


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP], ids=errno.errorcode.get)
def test_a_file_system_without_locks_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Where the kernel says so, as on some network folders; the library itself is the real one."""

    def flock(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", flock)
        with pytest.raises(StateError, match="its file system does not support locks"), hold(path, HOLDER):
            pass
    with hold(path, HOLDER):
        assert "ana on runner-7" in describe_holder(path)


def test_the_writer_is_described_while_it_holds_the_lock(path: Path) -> None:
    assert current_holder(path) == ""
    with hold(path, HOLDER):
        assert current_holder(path) == str(HOLDER)
        with pytest.raises(LockedError), hold(path, HOLDER):
            pass
    assert current_holder(path) == ""


@pytest.mark.parametrize("lock", [True, False])
def test_a_description_left_by_a_crash_is_ignored(path: Path, lock: bool) -> None:
    with hold(path, HOLDER):
        info = beside(path, ".lock.info").read_bytes()
    beside(path, ".lock.info").write_bytes(info)
    if not lock:
        beside(path, ".lock").unlink(missing_ok=True)
    assert current_holder(path) == ""
    with hold(path, HOLDER):
        assert current_holder(path) == str(HOLDER), "looking has kept nobody out"


def test_an_unreadable_lock_has_no_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    with hold(path, HOLDER):
        monkeypatch.setattr("fcntl.flock", no_locks)
        assert current_holder(path) == ""
        monkeypatch.undo()
