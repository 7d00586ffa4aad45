"""The journal: durable lines, shared lines, torn ends, damage."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import StateError
from provisioner.state import journal as module
from provisioner.state.journal import Journal, JournalContents, parse, read, read_rescue_file
from provisioner.state.records import JournalEntry, Removed, State

from .examples import create, done, happenings, opened_on, patch, record

OPENED = opened_on(State.empty("l"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prod.json.journal"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    made = Journal(path, OPENED, JournalContents())
    yield made
    made.close()


def reopened(path: Path) -> Journal:
    return Journal(path, OPENED, read(path))


def test_appended_entries_are_read_back(path: Path, journal: Journal) -> None:
    journal.append([create()])
    journal.append([])
    journal.append([done("i1", "id-9", '"e9"'), patch(record())])
    found = read(path)
    assert found.entries == (OPENED, create(), done("i1", "id-9", '"e9"'), patch(record()))
    assert (found.length, found.torn, found.header) == (path.stat().st_size, 0, OPENED)
    assert path.read_bytes().count(b"\n") == 2


def test_no_file_is_created_before_the_first_entry(path: Path, journal: Journal) -> None:
    assert not path.exists()
    assert read(path) == JournalContents()
    journal.close()


def test_only_the_owner_can_read_it(path: Path, journal: Journal) -> None:
    journal.append([create()])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_later_run_continues_the_journal(path: Path, journal: Journal) -> None:
    journal.append([create()])
    journal.close()
    later = reopened(path)
    later.append([done("i1", "id-9")])
    later.close()
    assert read(path).entries == (OPENED, create(), done("i1", "id-9"))


def test_a_torn_last_line_is_left_out_and_overwritten(path: Path, journal: Journal) -> None:
    journal.append([create()])
    whole = path.stat().st_size
    journal.append([done("i1", "id-9", '"e9"')])
    journal.close()
    data = path.read_bytes()
    for cut in range(whole, len(data)):
        found = parse(data[:cut], "f")
        assert (found.entries, found.torn) == ((OPENED, create()), cut - whole)
        path.write_bytes(data[:cut])
        later = reopened(path)
        later.append([done("i1", "id-7")])
        later.close()
        assert read(path).entries == (OPENED, create(), done("i1", "id-7"))


def test_a_torn_first_line_is_no_journal(path: Path, journal: Journal) -> None:
    journal.append([create()])
    data = path.read_bytes()
    assert all(parse(data[:cut], "f") == JournalContents(torn=cut) for cut in range(len(data)))


def lines(*batches: list[JournalEntry]) -> list[bytes]:
    made: list[bytes] = []
    for batch in batches:
        made.append(module._line(batch, made[-1][9:25].decode() if made else ""))
    return made


A, B, C, D = lines([OPENED, create()], [done("i1", "id-9")], [patch(record())], [done("i2")])


@given(st.data())
def test_a_missing_block_of_the_last_line_is_noticed(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(B) - 1))
    end = data.draw(st.integers(start + 1, len(B)))
    found = parse(A + B[:start] + bytes(end - start) + B[end:], "f")
    assert (found.entries, found.torn) == ((OPENED, create()), len(B))


@given(st.data())
def test_a_changed_byte_is_damage(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(B) - 2))
    other = data.draw(st.integers(1, 255).filter(lambda byte: byte not in (B[place], 10)))
    with pytest.raises(StateError, match="f:2: the journal is damaged"):
        parse(A + B[:place] + bytes([other]) + B[place + 1 :], "f")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (A + B[:-1] + C, "f:2"),
        (A + B[: len(B) // 2] + b"\n" + C, "f:2"),
        (A + b"\n" + B, "f:2"),
        (A + b"<<<<<<< HEAD\n" + B, "f:2"),
        (A + B.replace(b"id-9", b"id-8") + C, "f:2"),
        (A + C + D, "f:2"),
        (A + C + B + D, "f:2"),
        (A + B + B + C, "f:3"),
        (B + C, "f:1"),
        (b"\n" + A, "f:1"),
        (module._line([create()], ""), "f:1"),
        (module._line([OPENED, OPENED], ""), "f:1"),
    ],
)
def test_damage_before_the_end_is_reported_with_its_line(data: bytes, place: str) -> None:
    with pytest.raises(StateError) as caught:
        parse(data, "f")
    assert caught.value.message == f"{place}: the journal is damaged here"
    assert caught.value.remedy


def test_a_sealed_line_of_something_else_is_damage() -> None:
    payload = b"[{]"
    line = module._START + module._seal(payload, "") + module._MIDDLE + payload + module._END
    with pytest.raises(StateError, match="f:1: the journal is damaged"):
        parse(line + A, "f")


@given(st.lists(st.sampled_from([A, B, C, D, b"\n", b"{}", A[:30], b"\x00" * 9])).map(b"".join) | st.binary())
def test_reading_raises_only_state_error(data: bytes) -> None:
    try:
        found = parse(data, "f")
    except StateError:
        return
    assert found.length + found.torn == len(data)


@given(st.lists(st.lists(happenings, min_size=1, max_size=3), max_size=4))
def test_every_entry_round_trips(batches: list[list[JournalEntry]]) -> None:
    data = b"".join(lines([OPENED], *batches))
    assert parse(data, "f").entries == (OPENED, *(entry for batch in batches for entry in batch))


RESCUED = b'{"etag": null, "id": "id-9", "intent_id": "i1", "kind": "settled", "verdict": "done"}\n'


@pytest.mark.parametrize(
    ("data", "outcomes"),
    [(b"", 0), (RESCUED, 1), (RESCUED + b"\n" + RESCUED, 2), (RESCUED + RESCUED[:20], 1), (RESCUED[:-1], 0)],
)
def test_a_rescue_file_is_read_without_a_cut_last_line(path: Path, data: bytes, outcomes: int) -> None:
    path.write_bytes(data)
    assert read_rescue_file(path) == (done("i1", "id-9"),) * outcomes


@pytest.mark.parametrize(
    "data", [b"{\n", b"[]\n", b"\xff\n", b'{"kind": "forgotten", "key": "k"}\n', b"[" * 10_000 + b"\n"]
)
def test_anything_else_is_no_rescue_file(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(StateError, match=r"prod\.json\.journal"):
        read_rescue_file(path)


def test_a_journal_that_cannot_be_read_is_a_state_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        read(tmp_path)


def test_threads_that_finish_together_share_one_fsync(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append([Removed("first")])
    real, entered, release, synced = os.fsync, threading.Event(), threading.Event(), []

    def slow(descriptor: int) -> None:
        synced.append(descriptor)
        entered.set()
        assert release.wait(60)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    with ThreadPoolExecutor(8) as pool:
        leader = pool.submit(journal.append, [Removed("leader")])
        assert entered.wait(60)
        followers = [pool.submit(journal.append, [Removed(f"k{number}")]) for number in range(7)]
        while len(journal._open_batch.entries) < 7:
            pass
        assert not any(one.done() for one in (leader, *followers))
        release.set()
    assert all(one.exception() is None for one in (leader, *followers))
    assert len(synced) == 2
    assert path.read_bytes().count(b"\n") == 3
    assert {one.key for one in read(path).entries[2:] if isinstance(one, Removed)} == {
        "leader",
        *(f"k{number}" for number in range(7)),
    }


def test_nothing_is_lost_or_doubled_between_many_threads(path: Path, journal: Journal) -> None:
    def work(worker: int) -> None:
        for number in range(25):
            journal.append([Removed(f"{worker}/{number}")])
            assert f'"{worker}/{number}"'.encode() in path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    keys = [one.key for one in read(path).entries if isinstance(one, Removed)]
    assert sorted(keys) == sorted(f"{worker}/{number}" for worker in range(8) for number in range(25))
    assert all(
        [key for key in keys if key.startswith(f"{worker}/")] == [f"{worker}/{number}" for number in range(25)]
        for worker in range(8)
    )


def no_space(*_: object) -> int:
    raise OSError(28, "No space left on device")


def test_every_thread_of_a_failed_batch_gets_the_error(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append([create()])
    monkeypatch.setattr(os, "fsync", no_space)
    with ThreadPoolExecutor(4) as pool:
        appended = [pool.submit(journal.append, [Removed("k")]) for _ in range(4)]
    assert all(isinstance(one.exception(), StateError) for one in appended)


@pytest.mark.parametrize("broken", ["write", "fsync"])
def test_after_a_failure_the_file_continues_at_its_last_durable_line(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    journal.append([create()])
    real = os.write

    def half(descriptor: int, data: bytes) -> int:
        real(descriptor, data[:10])
        return no_space()

    with monkeypatch.context() as patched:
        patched.setattr(os, broken, half if broken == "write" else no_space)
        patched.setattr(os, "ftruncate", no_space)
        with pytest.raises(StateError, match="cannot be written: No space left on device"):
            journal.append([Removed("lost")])
        with pytest.raises(StateError):
            journal.append([Removed("lost too")])
    journal.append([done("i1", "id-9")])
    assert read(path).entries == (OPENED, create(), done("i1", "id-9"))


def test_short_writes_are_completed(path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    journal.append([create()])
    assert read(path).entries == (OPENED, create())


def test_an_interrupted_writer_leaves_no_thread_waiting(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            journal.append([create()])
    journal.append([patch(record())])
    assert read(path).entries == (OPENED, patch(record()))


def test_threads_of_an_interrupted_batch_get_the_error(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, entered, release = os.fsync, threading.Event(), threading.Event()

    def first_slow_then_interrupted(descriptor: int) -> None:
        if entered.is_set():
            raise KeyboardInterrupt
        entered.set()
        assert release.wait(60)
        real(descriptor)

    with ThreadPoolExecutor(3) as pool:
        journal.append([create()])
        monkeypatch.setattr(os, "fsync", first_slow_then_interrupted)
        first = pool.submit(journal.append, [Removed("first")])
        assert entered.wait(60)
        shared = [pool.submit(journal.append, [Removed("shared")]) for _ in range(2)]
        while len(journal._open_batch.entries) < 2:
            pass
        release.set()
    assert first.exception() is None
    assert {type(one.exception()) for one in shared} == {KeyboardInterrupt, StateError}
    assert read(path).entries == (OPENED, create(), Removed("first"))


@pytest.mark.parametrize("how", ["removed", "replaced", "appended to"])
def test_a_journal_changed_by_others_is_noticed_and_not_truncated(path: Path, journal: Journal, how: str) -> None:
    journal.append([create()])
    if how == "appended to":
        path.write_bytes(path.read_bytes() + B)
    else:
        path.unlink()
    if how == "replaced":
        path.write_bytes(A)
    before = path.read_bytes() if path.exists() else b""
    for _ in range(2):
        with pytest.raises(StateError, match="cannot be written"):
            journal.append([Removed("k")])
    if how != "removed":
        assert path.read_bytes().startswith(before)
