"""The file store: the files after each step and after each failure, and its refusals."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.errors import LockedError, StaleError, StateError
from provisioner.state.codec import state_from_bytes, state_to_bytes
from provisioner.state.fingerprint import Fingerprinter
from provisioner.state.journal import read
from provisioner.state.records import Record, SecretRecord, State
from provisioner.state.store import FileStore, Store

from .examples import HOLDER, OTHER_TARGET, SALT, TARGET, create, delete, done, failed, patch, record

NAME = "prod.json"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / NAME


@contextmanager
def held(path: Path) -> Iterator[FileStore]:
    store = FileStore(path, TARGET)
    with store.hold(HOLDER):
        yield store


def with_one_record(path: Path) -> State:
    with held(path) as store:
        store.begin([create()])
        store.settle([done("i1", "id-1", '"e1"')])
        return store.compact()


def files(path: Path) -> list[str]:
    return sorted(os.listdir(path.parent)) if path.parent.exists() else []


def test_the_file_store_is_a_store(path: Path) -> None:
    store: Store = FileStore(path, TARGET)
    assert store.load().records == ()


def test_loading_without_files_creates_none_and_keeps_its_lineage(path: Path) -> None:
    store = FileStore(path, TARGET)
    first = store.load()
    assert first == store.load()
    assert (first.serial, first.target, len(first.lineage)) == (0, TARGET, 32)
    assert first.lineage != FileStore(path, TARGET).load().lineage
    assert not path.parent.exists()


def test_a_proposed_lineage_is_used_only_where_there_is_no_state(path: Path) -> None:
    assert FileStore(path, TARGET, "proposed").load().lineage == "proposed"
    state = with_one_record(path)
    assert FileStore(path, TARGET, "proposed").load() == state


def test_the_life_of_a_record(path: Path) -> None:
    with held(path) as store:
        lineage = store.load().lineage
        store.begin([create()])
        assert files(path) == [f"{NAME}.journal", f"{NAME}.lock", f"{NAME}.lock.info"]
        assert store.load().intents == (create(),)
        store.settle([done("i1", "id-1", '"e1"')])
        made = store.compact()
        assert (made.lineage, made.serial, made.records, made.target) == (lineage, 1, (record(),), TARGET)
        assert files(path) == [NAME, f"{NAME}.lock", f"{NAME}.lock.info"]

        store.begin([patch(record())])
        store.settle([done("i2", None, '"e2"')])
        changed = store.compact()
        assert changed.record("orders") == record(etag='"e2"', server="db2")
        assert state_from_bytes((path.parent / f"{NAME}.backup").read_bytes(), "f") == made

        store.begin([delete(changed.records[0])])
        store.settle([done("i3")])
        assert store.compact().records == ()
        store.adopt([record("a", "id-7"), record("b", "id-8")])
        store.forget(["b"])
        assert [one.key for one in store.compact().records] == ["a"]
    assert FileStore(path, TARGET).load().serial == 4
    assert files(path) == [NAME, f"{NAME}.backup", f"{NAME}.lock"]


def test_a_reopened_create_has_no_record(path: Path) -> None:
    with held(path) as store:
        store.remember_ids(["before"])
        store.begin([create()])
        store.settle([done("i1", "id-1", '"e1"')])
        store.reopen(replace(create(intent_id="i2"), seen=()))
    after = FileStore(path, TARGET).load()
    assert after.records == ()
    assert [(one.intent_id, one.seen) for one in after.intents] == [("i2", ("before",))]


def test_a_run_that_dies_is_continued_by_the_next(path: Path) -> None:
    with held(path) as store:
        lineage = store.load().lineage
        store.begin([create(), create("sales", "i7")])
        store.settle([done("i1", "id-1", '"e1"')])
    with held(path) as store:
        found = store.load()
        assert (found.lineage, found.records, found.intents) == (lineage, (record(),), (create("sales", "i7"),))
        folded = store.compact()
        assert folded == found
        store.settle([failed("i7")])
        assert store.compact().intents == ()


def test_compacting_without_changes_does_not_touch_the_file(path: Path) -> None:
    state = with_one_record(path)
    before = path.stat()
    with held(path) as store:
        assert store.compact() == state
        store.begin([patch(record())])
        store.settle([failed("i2")])
        assert store.compact() == state
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert files(path) == [NAME, f"{NAME}.lock"]


def test_files_are_private_and_a_mode_that_was_set_stays(path: Path) -> None:
    with_one_record(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o664)
    with held(path) as store:
        store.forget(["orders"])
        store.compact()
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


def test_a_torn_last_line_is_left_out_and_reported(path: Path) -> None:
    with held(path) as store:
        store.begin([create()])
        store.begin([create("sales", "i7")])
    journal = path.parent / f"{NAME}.journal"
    os.truncate(journal, journal.stat().st_size - 3)
    with held(path) as store:
        assert store.load().intents == (create(),)
        store.settle([failed("i1")])
        assert store.compact().intents == ()


def test_an_id_that_cannot_be_recorded_is_reported_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    store = FileStore(path, TARGET, tell=told.append)
    with store.hold(HOLDER):
        store.begin([create(), create("sales", "i7")])
        with monkeypatch.context() as patched:
            Failing(patched, 1, stays=True)
            with pytest.raises(StateError, match="No space left on device"):
                store.settle([done("i1", "id-1", '"e1"'), failed("i7")])
    assert told == ["not recorded: id-1"]
    assert {one.intent_id for one in FileStore(path, TARGET).load().intents} == {"i1", "i7"}


def test_nothing_is_written_outside_hold(path: Path) -> None:
    store = FileStore(path, TARGET)
    for write in (lambda: store.begin([create()]), lambda: store.settle([done("i1")]), store.compact):
        with pytest.raises(RuntimeError, match="hold"):
            write()


def test_the_wrong_target_is_refused_naming_both(path: Path) -> None:
    with_one_record(path)
    with pytest.raises(StateError, match=r"sandbox prod; this run is for .*, sandbox dev"):
        FileStore(path, OTHER_TARGET).load()


def test_the_wrong_target_is_noticed_by_the_journal_alone(path: Path) -> None:
    with held(path) as store:
        store.begin([create()])
    with pytest.raises(StateError, match="another target"):
        FileStore(path, OTHER_TARGET).load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"format_version": 2}', "newer provisioner"),
        (b"<<<<<<< HEAD\n", "1: an unresolved merge conflict"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
    ],
)
def test_an_invalid_file_is_left_alone(path: Path, content: bytes, message: str) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with held(path) as store:
        for use in (store.load, store.compact, lambda: store.begin([create()])):
            with pytest.raises(StateError, match=message):
                use()
    assert path.read_bytes() == content
    assert files(path) == [NAME, f"{NAME}.lock"]


def test_a_state_that_is_a_directory_is_a_state_error(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StateError, match="cannot be read"):
        FileStore(path, TARGET).load()


def other_lineage(path: Path) -> None:
    path.write_bytes(state_to_bytes(State.empty("other", TARGET)))


def other_serial(path: Path) -> None:
    state = state_from_bytes(path.read_bytes(), "f")
    path.write_bytes(state_to_bytes(replace(state, serial=state.serial + 1)))


def edited_by_hand(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"db1", b"db7"))


REPLACEMENTS = [other_lineage, other_serial, edited_by_hand, Path.unlink]


@pytest.mark.parametrize("replaced", REPLACEMENTS)
def test_a_state_replaced_during_a_run_is_not_overwritten(path: Path, replaced: Callable[[Path], None]) -> None:
    with_one_record(path)
    with held(path) as store:
        store.load()
        store.begin([patch(record())])
        store.settle([done("i2", None, '"e2"')])
        replaced(path)
        before = path.read_bytes() if path.exists() else None
        journal = read(path.parent / f"{NAME}.journal")
        with pytest.raises((StaleError, StateError)):
            store.compact()
        assert (path.read_bytes() if path.exists() else None) == before
        assert read(path.parent / f"{NAME}.journal") == journal


@pytest.mark.parametrize("replaced", REPLACEMENTS)
def test_a_state_changed_since_it_was_loaded_stops_before_the_first_call(
    path: Path, replaced: Callable[[Path], None]
) -> None:
    with_one_record(path)
    store = FileStore(path, TARGET)
    store.load()
    replaced(path)
    with store.hold(HOLDER), pytest.raises(StaleError, match="has changed since"):
        store.begin([patch(record())])
    assert not (path.parent / f"{NAME}.journal").exists()


def test_a_reformatted_state_counts_as_unchanged(path: Path) -> None:
    with_one_record(path)
    with held(path) as store:
        store.load()
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        store.forget(["orders"])
        assert store.compact().records == ()


def test_a_run_in_between_stops_an_earlier_plan(path: Path) -> None:
    early = FileStore(path, TARGET)
    early.load()
    with held(path) as store:
        store.begin([create()])
    with early.hold(HOLDER), pytest.raises(StaleError):
        early.begin([create("sales", "i7")])


def test_a_journal_removed_during_the_run_is_noticed(path: Path) -> None:
    with held(path) as store:
        store.begin([create()])
        (path.parent / f"{NAME}.journal").unlink()
        with pytest.raises(StaleError, match="journal has changed"):
            store.compact()


def test_a_journal_without_its_state_is_an_error(path: Path) -> None:
    with_one_record(path)
    with held(path) as store:
        store.begin([patch(record())])
    path.unlink()
    with pytest.raises(StateError, match="is missing, but its journal exists and continues serial 1"):
        FileStore(path, TARGET).load()


def test_a_journal_of_another_serial_is_refused_and_kept(path: Path) -> None:
    with_one_record(path)
    with held(path) as store:
        store.begin([patch(record())])
    other_serial(path)
    with held(path) as store:
        for use in (store.load, store.compact):
            with pytest.raises(StateError, match="the journal continues serial 1"):
                use()
    assert read(path.parent / f"{NAME}.journal").entries[1:] == (patch(record()),)


def test_a_journal_left_behind_is_not_replayed_again(path: Path) -> None:
    with_one_record(path)
    with held(path) as store:
        store.begin([patch(record())])
        store.settle([done("i2", None, '"e2"')])
    journal = path.parent / f"{NAME}.journal"
    shutil.copy(journal, path.parent / "kept")
    with held(path) as store:
        state = store.compact()
        shutil.move(path.parent / "kept", journal)
        assert store.load() == state
    with held(path) as store:
        store.load()
        store.forget(["orders"])
        assert read(journal).entries[0].serial == 2  # type: ignore[union-attr]
        assert store.compact().records == ()


def test_a_symbolic_link_is_kept(path: Path, tmp_path: Path) -> None:
    with_one_record(path)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with held(link) as store:
        with pytest.raises(LockedError), FileStore(path, TARGET).hold(HOLDER):
            pass
        store.forget(["orders"])
        store.compact()
    assert link.is_symlink()
    assert FileStore(path, TARGET).load().records == ()


def test_a_reader_overtaken_by_another_run_reads_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_one_record(path)
    with held(path) as store:
        store.begin([patch(record())])
    reader, real = FileStore(path, TARGET), FileStore._read_state_file

    def overtaken(self: FileStore) -> bytes | None:
        monkeypatch.setattr(FileStore, "_read_state_file", real)
        with held(path) as writer:
            writer.compact()
            writer.settle([failed("i2")])
            writer.compact()
        return real(self)

    monkeypatch.setattr(FileStore, "_read_state_file", overtaken)
    assert reader.load().serial == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_found_when_the_lock_is_taken(path: Path) -> None:
    with_one_record(path)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(StateError, match="cannot be written"), held(path):
            pass
    finally:
        path.parent.chmod(0o700)


def test_a_directory_that_cannot_be_created_is_found_when_the_lock_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be written"), held(tmp_path / "file" / "prod.json"):
        pass


OPERATIONS = ["open", "write", "fsync", "fchmod", "replace", "unlink", "ftruncate", "close"]


class Failing:
    """The nth file operation of a kind, or of any kind, fails; the later ones too if it stays broken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, nth: int, stays: bool) -> None:
        self.count, self.nth, self.stays = 0, nth, stays
        for name in OPERATIONS:
            monkeypatch.setattr(os, name, self.wrapped(getattr(os, name)))

    def wrapped(self, real: Callable[..., object]) -> Callable[..., object]:
        def operation(*arguments: object, **named: object) -> object:
            self.count += 1
            if real.__name__ != "close" and (self.count == self.nth or (self.stays and self.count > self.nth)):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **named)

        return operation


@pytest.mark.parametrize("stays", [False, True])
def test_a_failing_file_operation_loses_no_acknowledged_entry(tmp_path: Path, stays: bool) -> None:
    messages: list[str] = []
    for nth in range(1, 200):
        path = tmp_path / str(nth) / NAME
        with_one_record(path)
        settled = folded = False
        with pytest.MonkeyPatch.context() as patched:
            failing = Failing(patched, nth, stays)
            try:
                with held(path) as store:
                    store.load()
                    store.begin([patch(record())])
                    store.settle([done("i2", None, '"e2"')])
                    settled = True
                    store.compact()
                    folded = True
            except StateError as error:
                messages.append(error.message)
            ended = failing.count < nth
        with held(path) as store:
            state = store.compact()
        new = state.record("orders") == record(etag='"e2"', server="db2")
        assert new or not settled, nth
        assert new or state.record("orders") == record(), nth
        assert not (folded and not settled)
        assert files(path) in (
            [NAME, f"{NAME}.backup", f"{NAME}.lock"],
            [NAME, f"{NAME}.lock"],
        ), nth
        if ended:
            break
    assert len(messages) > 15
    assert all("No space left on device" in message for message in messages)
    assert ended


def test_a_failed_compact_can_be_repeated_at_once(path: Path) -> None:
    for nth in range(1, 40):
        with held(path) as store:
            serial = store.load().serial
            store.adopt([record(server=f"db{nth}")])
            with pytest.MonkeyPatch.context() as patched:
                Failing(patched, nth, stays=False)
                try:
                    store.compact()
                except StateError:
                    store.adopt([record("sales", "id-2")])
                    store.forget(["sales"])
            state = store.compact()
        assert state.record("orders") == record(server=f"db{nth}")
        assert state.serial > serial


def test_a_state_that_would_not_read_back_is_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = with_one_record(path)
    with held(path) as store:
        store.forget(["orders"])
        with monkeypatch.context() as patched:
            patched.setattr("provisioner.state.store.state_to_bytes", lambda _: state_to_bytes(state))
            with pytest.raises(StateError, match="would not read back"):
                store.compact()
        assert store.compact().records == ()


def test_no_secret_is_in_any_file(path: Path) -> None:
    secret = "hunter22-ünseen"
    maker = Fingerprinter("l", b"team-key-team-key-team-key-team-k")
    for one in (maker, Fingerprinter("l", None)):
        kept = SecretRecord("auth.params.password", "env(P)", one.make("auth.params.password", secret, SALT))
        known = Record("orders", "id-1", None, {"name": "Orders"}, (kept,), SALT)
        with held(path) as store:
            store.adopt([known])
            store.begin([patch(known)])
            texts = [(path.parent / name).read_bytes() for name in files(path)]
            store.compact()
            store.settle([done("i2")])
            texts += [(path.parent / name).read_bytes() for name in files(path)]
            store.compact()
        texts += [(path.parent / name).read_bytes() for name in files(path)]
        forms = [secret.encode(), b"hunter22", secret.encode().hex().encode(), b"team-key"]
        assert not [form for form in forms for text in texts if form in text]
        assert any(b"env(P)" in text for text in texts)
