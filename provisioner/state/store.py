"""The store of a target's state: the ``Store`` port that commands use, and its implementation on local files.

Beside ``prod.json`` are ``prod.json.journal`` (entries since it was written), ``prod.json.backup`` (its previous
version), and ``prod.json.lock`` with ``prod.json.lock.info``. State and journal are safe to commit; the rest is local.
A ``prod.json.rescue`` was written by an older version: outcomes that its journal could not take. It is replayed too.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from provisioner.errors import StaleError, StateError
from provisioner.model import Key, TargetIdentity
from provisioner.state import journal
from provisioner.state.atomic import (
    beside,
    keep_aside,
    remove_file,
    remove_temporary_files,
    replace_file,
    sync_directory,
)
from provisioner.state.codec import entry_to_json, state_from_bytes, state_to_bytes
from provisioner.state.journal import Journal, JournalContents
from provisioner.state.lock import Holder, hold, ignore
from provisioner.state.records import (
    Completed,
    Header,
    Intent,
    JournalEntry,
    PriorIds,
    Record,
    Recorded,
    Removed,
    State,
)
from provisioner.state.repair import repair
from provisioner.state.replay import is_replayed, replay

_BYTES_PER_STEP = 8192
"""Generous estimate for recording one step: two lines of the journal, and its record in state and backup."""


class Store(Protocol):
    """A place that keeps the state of a target. Methods take batches, so that it may be remote.

    All methods raise ``StateError``. ``begin``, ``remember_ids``, ``settle``, ``reopen``, ``adopt`` and ``forget`` make
    their entries durable before they return, and may be called by any number of threads. They, ``repair`` and
    ``compact`` need the lock.
    """

    def load(self) -> State:
        """Return the current state, including everything recorded so far. Writes nothing."""
        ...

    def check_room(self, steps: int) -> None:
        """Raise ``StateError`` if there is no room to record so many steps; called before the first call."""
        ...

    def begin(self, intents: Iterable[Intent]) -> None:
        """Record that these calls are about to be made. Raise ``StaleError`` if the state has changed since ``load``
        and nothing was recorded yet."""
        ...

    def remember_ids(self, ids: Iterable[str]) -> None:
        """Record the ids that the service listed before the following calls."""
        ...

    def settle(self, outcomes: Iterable[Completed]) -> None:
        """Record the outcomes of intents."""
        ...

    def reopen(self, intent: Intent) -> None:
        """Remove the record of the intent's key and make the intent pending again."""
        ...

    def adopt(self, records: Iterable[Record]) -> None:
        """Add or replace records without any call. A record whose id has another key moves to the new key."""
        ...

    def forget(self, keys: Iterable[Key]) -> None:
        """Remove the records of these keys without any call."""
        ...

    def repair(self) -> tuple[State, tuple[str, ...]]:
        """Return the state, repaired if its files cannot be read or do not belong together, and notes on the repair.

        The original files are kept. Raise ``StateError`` for a state of another target.
        """
        ...

    def compact(self) -> State:
        """Write one state from the last one and all entries since, and return it. No other thread may be recording.

        Raise ``StaleError`` if the state was replaced since ``load``; then nothing is written and nothing lost.
        """
        ...

    def hold(
        self, holder: Holder, timeout: float = 0.0, waiting: Callable[[str], None] = ignore
    ) -> AbstractContextManager[None]:
        """Hold the lock. Wait up to ``timeout`` seconds, after calling ``waiting`` with the current holder. Raise
        ``LockedError``."""
        ...


@dataclass(frozen=True, slots=True)
class _Files:
    """The files as read: the bytes of the state file (None if there is none), the state in them, the journal, and the
    outcomes in a rescue file."""

    data: bytes | None
    state: State
    journal: JournalContents
    rescued: tuple[Completed, ...] = ()

    def replay(self) -> State:
        return replay(replay(self.state, self.journal.entries), self.rescued)


class FileStore:
    """A ``Store`` in the file ``path``, for ``target``.

    ``lineage`` is used if there is no state yet; ``tell`` is called with warnings and ids that could not be recorded;
    ``check`` raises for a text that must not be written.
    """

    def __init__(
        self,
        path: Path,
        target: TargetIdentity,
        lineage: str | None = None,
        tell: Callable[[str], None] = ignore,
        check: Callable[[str], None] = ignore,
    ) -> None:
        # Links are resolved so that both names share one lock, and a replacement by rename does not break the link.
        self._path = path.resolve() if path.is_symlink() else path
        self._journal_path = beside(self._path, ".journal")
        self._rescue_path = beside(self._path, ".rescue")
        self._target = target
        self._tell = tell
        self._check = check
        self._new_lineage = lineage or os.urandom(16).hex()
        self._loaded: _Files | None = None
        self._journal: Journal | None = None
        self._journal_id = ""  # of the journal that this store appended to last
        self._mutex = threading.Lock()
        self._held = False

    def load(self) -> State:
        try:
            snapshot = self._read_files()
            state = snapshot.replay()
        except StateError:
            # Without the lock, another run may have compacted between reading one file and the other.
            snapshot = self._read_files()
            state = snapshot.replay()
        if snapshot.journal.torn and self._loaded is None:
            self._tell(f"{self._journal_path}: the last line was cut short when a run died, and is left out")
        self._loaded = snapshot
        return state

    def check_room(self, steps: int) -> None:
        import shutil

        with _as_state_error(self._path.parent):
            needed, free = steps * _BYTES_PER_STEP, shutil.disk_usage(self._path.parent).free
        if free < needed:
            message = f"{self._path.parent} has room for {free:,} bytes; recording {steps} steps may take {needed:,}"
            raise StateError(message, "free space, then run again; nothing was sent")

    def begin(self, intents: Iterable[Intent]) -> None:
        self._append_checked(intents)

    def remember_ids(self, ids: Iterable[str]) -> None:
        self._append((PriorIds(tuple(ids)),))

    def settle(self, outcomes: Iterable[Completed]) -> None:
        outcomes = tuple(outcomes)
        try:
            # Not checked, so never refused: it adds only ids and etags to what was checked before the call.
            self._append(outcomes)
        except BaseException:
            # Even if the process is interrupted: the next run may need the id, and nobody else knows it.
            for outcome in outcomes:
                if outcome.id is not None:
                    self._tell(f"not recorded: {outcome.id}")
            raise

    def reopen(self, intent: Intent) -> None:
        self._append_checked((intent, Removed(intent.key)))

    def adopt(self, records: Iterable[Record]) -> None:
        self._append_checked([Recorded(record) for record in records])

    def forget(self, keys: Iterable[Key]) -> None:
        self._append([Removed(key) for key in keys])

    def repair(self) -> tuple[State, tuple[str, ...]]:
        self._check_held()
        try:
            return self.load(), ()
        except StateError:
            repaired = repair(self._path, State.empty(self._new_lineage, self._target))
        self._check_target(repaired.state.target)
        with _as_state_error(self._path):
            copies = [keep_aside(file) for file in (self._path, self._journal_path) if file.exists()]
            replace_file(self._path, state_to_bytes(replace(repaired.state, target=self._target)))
            remove_file(self._journal_path)
        return self.load(), (*repaired.notes, *(f"the original file is kept as {path}" for path in copies))

    def compact(self) -> State:
        self._check_held()
        with self._mutex:
            snapshot = self._read_unmoved()
            if self._journal is not None and not self._journal.matches(snapshot.journal):
                raise self._stale(self._journal_path)
            self._close_journal()
            state = snapshot.replay()
            if state != snapshot.state:
                state = replace(state, target=self._target)
                snapshot = self._write(state, snapshot)
            self._loaded = snapshot
            with suppress(OSError):
                # A journal left behind does no harm: the state says that it includes it, and the next run removes it.
                sync_directory(self._path.parent)
                remove_file(self._journal_path)
            pending = {intent.intent_id for intent in state.intents}
            if snapshot.rescued and not any(outcome.intent_id in pending for outcome in snapshot.rescued):
                with suppress(OSError):
                    remove_file(self._rescue_path)
            self._loaded = self._read_files()
            return state

    @contextmanager
    def hold(self, holder: Holder, timeout: float = 0.0, waiting: Callable[[str], None] = ignore) -> Iterator[None]:
        with _as_state_error(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with hold(self._path, holder, timeout, waiting):
            self._held = True
            remove_temporary_files(self._path)
            try:
                yield
            finally:
                self._held = False
                self._close_journal()

    def _append_checked(self, entries: Iterable[JournalEntry]) -> None:
        entries = tuple(entries)
        self._check(json.dumps([entry_to_json(entry) for entry in entries]))
        self._append(entries)

    def _append(self, entries: Iterable[JournalEntry]) -> None:
        self._check_held()
        with self._mutex:
            self._journal = self._journal or self._open_journal()
        self._journal.append(entries)

    def _check_held(self) -> None:
        if not self._held:
            raise RuntimeError("a state is written only within hold()")

    def _open_journal(self) -> Journal:
        """Return the existing journal, or a new one that continues the loaded state."""
        snapshot = self._read_unmoved()
        state, contents = snapshot.state, snapshot.journal
        is_ours = contents.header is not None and contents.header.journal == self._journal_id
        if not is_ours and self._loaded is not None and contents.entries != self._loaded.journal.entries:
            raise self._stale(self._journal_path)
        if contents.header and is_replayed(state, contents.header):
            with _as_state_error(self._journal_path):
                remove_file(self._journal_path)
            contents = JournalContents()
        header = contents.header or Header(os.urandom(8).hex(), state.lineage, state.serial, self._target)
        self._journal_id = header.journal
        return Journal(self._journal_path, header, contents)

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal = None

    def _read_files(self) -> _Files:
        # The journal first: if another run compacts before the state is read, the state says that it includes it.
        contents = journal.read(self._journal_path)
        data = self._read_state_file()
        if data is None:
            state = self._initial_state(contents.header)
        elif self._loaded and self._loaded.data == data:
            state = self._loaded.state  # parsing ten thousand records takes a third of a second
        else:
            state = state_from_bytes(data, str(self._path))
        self._check_target(state.target)
        return _Files(data, state, contents, journal.read_rescue_file(self._rescue_path))

    def _read_state_file(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self._path} cannot be read: {error.strerror}", "check its permissions") from error

    def _initial_state(self, header: Header | None) -> State:
        """Return an empty state; a journal that began without a state file determines its lineage."""
        if header is None:
            return State.empty(self._new_lineage, self._target)
        if header.serial > 0:
            raise StateError(
                f"{self._path} is missing, but its journal exists and continues serial {header.serial}",
                "put the state file back (version control, or the backup beside it), or: provisioner state rebuild",
            )
        return State.empty(header.lineage, header.target)

    def _check_target(self, target: TargetIdentity | None) -> None:
        if target is not None and target != self._target:
            raise StateError(
                f"{self._path} describes another target: {target}; this run is for {self._target}",
                "name the target that the state belongs to, or give this one a state of its own",
            )

    def _read_unmoved(self) -> _Files:
        """Return the files as they are now. Raise ``StaleError`` if the state is neither the loaded one nor made from
        it by this store."""
        if self._loaded is None:
            self.load()
        before, snapshot = self._loaded, self._read_files()
        if before is None or snapshot.data == before.data or snapshot.state == before.state:
            return snapshot
        if self._journal_id and snapshot.state.journal == self._journal_id:
            # An earlier ``compact`` of this store failed after the rename: the file is the new one already.
            self._loaded = snapshot
            return snapshot
        raise self._stale(self._path)

    def _stale(self, path: Path) -> StaleError:
        return StaleError(
            f"{path} has changed since this run read it; nothing was overwritten",
            "run plan again; the entries of this run are in the journal beside the state",
        )

    def _write(self, state: State, before: _Files) -> _Files:
        data = state_to_bytes(state)
        if state_from_bytes(data, str(self._path)) != state:
            raise StateError(f"{self._path} would not read back as it was written", "keep the journal and report this")
        with _as_state_error(self._path):
            if before.data is not None:
                replace_file(beside(self._path, ".backup"), before.data)
            replace_file(self._path, data)
        return _Files(data, state, before.journal, before.rescued)


@contextmanager
def _as_state_error(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a ``StateError`` about ``path``."""
    try:
        yield
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}",
            "free space or fix permissions, then run again; what was recorded before is kept",
        ) from error
