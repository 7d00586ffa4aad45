"""What is written to where it is told to: files whole or not at all, and nothing else is ever replaced."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest

from provisioner.cli.console import Console

WRITERS = {"private": Console.write_private, "public": Console.write_public}
Write = Callable[[Console, Path, str], None]


@pytest.fixture(params=WRITERS.values(), ids=WRITERS)
def write(request: pytest.FixtureRequest) -> Write:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def console() -> Console:
    return Console(io.StringIO(), io.StringIO())


def test_a_new_file_and_one_that_is_there(write: Write, console: Console, tmp_path: Path) -> None:
    for text in ("first", "second"):
        write(console, tmp_path / "out", text)
        assert (tmp_path / "out").read_text() == text
    assert os.listdir(tmp_path) == ["out"]


def test_a_private_file_is_private(console: Console, tmp_path: Path) -> None:
    console.write_private(tmp_path / "out", "text")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


@pytest.mark.parametrize("dangling", [True, False], ids=["dangling", "leading to a file"])
def test_a_link_is_followed_and_stays(write: Write, console: Console, tmp_path: Path, dangling: bool) -> None:
    (tmp_path / "folder").mkdir()
    link, real = tmp_path / "link", tmp_path / "folder/real"
    if not dangling:
        real.write_text("before")
    link.symlink_to("folder/real")
    write(console, link, "after")
    assert link.is_symlink()
    assert real.read_text() == "after"


def test_a_device_stays_one(write: Write, console: Console, tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    write(console, link, "text")
    assert link.is_symlink()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_pipe_is_written_into(write: Write, console: Console, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write(console, pipe, "text")
    reader.join(60)
    assert read == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("is_file", [True, False], ids=["a file", "a pipe"])
def test_our_own_streams_are_written_to_as_such(write: Write, tmp_path: Path, name: str, is_file: bool) -> None:
    """As `--report markdown=/dev/stdout >file`: what was written before, and what comes after, stays."""
    out = tmp_path / "out"
    reading, writing = os.pipe()
    stream: TextIO = out.open("w") if is_file else os.fdopen(writing, "w")
    if is_file:
        os.close(writing)
    other = io.StringIO()
    console = Console(stream, other) if name == "stdout" else Console(other, stream)
    link = tmp_path / "own"
    link.symlink_to(f"/proc/self/fd/{stream.fileno()}")
    say = console.out if name == "stdout" else console.err
    say("before")
    write(console, link, "between")
    say("after")
    stream.close()
    with os.fdopen(reading) as pipe:
        assert (out.read_text() if is_file else pipe.read()) == "before\nbetween\nafter\n"
    assert link.is_symlink()


def test_a_folder_is_an_error(write: Write, console: Console, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write(console, tmp_path, "text")
