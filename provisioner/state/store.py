"""The state of one target: the port that commands use, and its implementation on local files.

Beside ``prod.json`` lie ``prod.json.journal`` (what happened since it was written), ``prod.json.backup`` (what it was
before), and ``prod.json.lock`` with ``prod.json.lock.info``. State and journal are safe to commit; the rest is local.
A ``prod.json.rescue`` is of an earlier version: outcomes that its journal could not take. It is read and folded.
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
from provisioner.state.atomic import beside, keep_aside, remove_file, remove_litter, replace_file, sync_directory
from provisioner.state.codec import entry_to_json, state_from_bytes, state_to_bytes
from provisioner.state.journal import Journal, JournalContents
from provisioner.state.lock import Holder, hold, nobody
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
from provisioner.state.replay import contains, replay

_ROOM = 8192
"""Bytes that recording one step may take, generously: two lines of the journal, and its record in state and backup."""


class Store(Protocol):
    """What commands need of a place that keeps a state. Shaped in batches, so that it may be far away.

    Raise ``StateError``. ``begin``, ``settle``, ``adopt``, ``forget``, ``repair`` and ``compact`` need the lock.
    """

    def load(self) -> State:
        """What is remembered now, all that was recorded so far included. Writes nothing."""
        ...

    def check_room(self, steps: int) -> None:
        """Raises ``StateError`` where so many steps could not be recorded: before the first call, not after it."""
        ...

    def begin(self, intents: Iterable[Intent]) -> None:
        """Durable before it returns: these calls are about to be made. For any number of threads, like the next three.

        Raises ``StaleError`` before the first call if the state has moved since ``load``.
        """
        ...

    def remember_ids(self, ids: Iterable[str]) -> None:
        """Durable before it returns: these ids were there before the calls that follow."""
        ...

    def settle(self, settled: Iterable[Completed]) -> None:
        """Durable before it returns: what became of intents."""
        ...

    def reopen(self, intent: Intent) -> None:
        """Durable before it returns: the record of its key is given up, and what became of this call is open again."""
        ...

    def adopt(self, records: Iterable[Record]) -> None:
        """Durable before it returns: these are records without any call. An id under another key moves to this one."""
        ...

    def forget(self, keys: Iterable[Key]) -> None:
        """Durable before it returns: there is no record of these keys any more, without any call."""
        ...

    def repair(self) -> tuple[State, tuple[str, ...]]:
        """The state, mended where its files cannot be read or do not belong together, and what was done about them.

        What stood there before is kept beside it. Raises ``StateError`` for a state of another target.
        """
        ...

    def compact(self) -> State:
        """Make one state of the last one and all that was recorded since. Not while other threads record.

        Raises ``StaleError`` if the state was replaced since ``load``; then nothing is written and nothing lost.
        """
        ...

    def hold(
        self, holder: Holder, timeout: float = 0.0, waiting: Callable[[str], None] = nobody
    ) -> AbstractContextManager[None]:
        """Be the only writer. ``timeout`` in seconds; ``waiting`` is told who has it. Raises ``LockedError``."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    """What the files held: ``data`` of the state file (None: no file), the state in it, the journal, and the outcomes
    in a rescue file."""

    data: bytes | None
    state: State
    journal: JournalContents
    rescued: tuple[Completed, ...] = ()

    @property
    def folded(self) -> State:
        return replay(replay(self.state, self.journal.entries), self.rescued)


class FileStore:
    """A ``Store`` in the file ``path``, for ``target``. ``lineage`` is the one to begin with without a state;
    ``tell`` is told ids that could not be recorded; ``check`` raises for a text that must not be written."""

    def __init__(
        self,
        path: Path,
        target: TargetIdentity,
        lineage: str | None = None,
        tell: Callable[[str], None] = nobody,
        check: Callable[[str], None] = nobody,
    ) -> None:
        # Through a link, so that both names share one lock and a replacement by rename does not cut the link.
        self._path = path.resolve() if path.is_symlink() else path
        self._journal_path = beside(self._path, ".journal")
        self._rescue_path = beside(self._path, ".rescue")
        self._target = target
        self._tell = tell
        self._check = check
        self._new_lineage = lineage or os.urandom(16).hex()
        self._loaded: _Found | None = None
        self._journal: Journal | None = None
        self._journal_id = ""  # of the one that we appended to last
        self._mutex = threading.Lock()
        self._held = False

    def load(self) -> State:
        try:
            found = self._look()
            state = found.folded
        except StateError:
            # Without the lock, another run may have folded between our reading the one file and the other.
            found = self._look()
            state = found.folded
        if found.journal.torn and self._loaded is None:
            self._tell(f"{self._journal_path}: the last line was cut short when a run died, and is left out")
        self._loaded = found
        return state

    def check_room(self, steps: int) -> None:
        import shutil

        with _saying_why(self._path.parent):
            needed, free = steps * _ROOM, shutil.disk_usage(self._path.parent).free
        if free < needed:
            message = f"{self._path.parent} has room for {free:,} bytes; to record {steps} steps may take {needed:,}"
            raise StateError(message, "free space, then run again; nothing was done")

    def begin(self, intents: Iterable[Intent]) -> None:
        self._append_checked(intents)

    def remember_ids(self, ids: Iterable[str]) -> None:
        self._append((PriorIds(tuple(ids)),))

    def reopen(self, intent: Intent) -> None:
        self._append_checked((intent, Removed(intent.key)))

    def settle(self, settled: Iterable[Completed]) -> None:
        outcomes = tuple(settled)
        try:
            # Never refused: ids and etags are all that it adds to what was checked before the call.
            self._append(outcomes)
        except BaseException:
            # Whatever fails after this: the next run may need the id, and nobody else knows it.
            for one in outcomes:
                if one.id is not None:
                    self._tell(f"not recorded: {one.id}")
            raise

    def repair(self) -> tuple[State, tuple[str, ...]]:
        self._check_held()
        try:
            return self.load(), ()
        except StateError:
            found = repair(self._path, State.empty(self._new_lineage, self._target))
        self._check_target(found.state.target)
        with _saying_why(self._path):
            kept = [keep_aside(file) for file in (self._path, self._journal_path) if file.exists()]
            replace_file(self._path, state_to_bytes(replace(found.state, target=self._target)))
            remove_file(self._journal_path)
        return self.load(), (*found.notes, *(f"what stood there before is in {path}" for path in kept))

    def adopt(self, records: Iterable[Record]) -> None:
        self._append_checked([Recorded(record) for record in records])

    def forget(self, keys: Iterable[Key]) -> None:
        self._append([Removed(key) for key in keys])

    @contextmanager
    def hold(self, holder: Holder, timeout: float = 0.0, waiting: Callable[[str], None] = nobody) -> Iterator[None]:
        with _saying_why(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with hold(self._path, holder, timeout, waiting):
            self._held = True
            remove_litter(self._path)
            try:
                yield
            finally:
                self._held = False
                self._close_journal()

    def compact(self) -> State:
        self._check_held()
        with self._mutex:
            found = self._unmoved()
            if self._journal is not None and not self._journal.is_whole(found.journal):
                raise self._moved(self._journal_path)
            self._close_journal()
            state = found.folded
            if state != found.state:
                state = replace(state, target=self._target)
                found = self._write(state, found)
            self._loaded = found
            self._remove_journal()
            self._remove_rescued(found, state)
            self._loaded = self._look()
            return state

    def _append_checked(self, entries: Iterable[JournalEntry]) -> None:
        checked = tuple(entries)
        self._check(json.dumps([entry_to_json(entry) for entry in checked]))
        self._append(checked)

    def _append(self, entries: Iterable[JournalEntry]) -> None:
        self._check_held()
        with self._mutex:
            self._journal = self._journal or self._opened_journal()
        self._journal.append(entries)

    def _check_held(self) -> None:
        if not self._held:
            raise RuntimeError("a state is written only within hold()")

    def _opened_journal(self) -> Journal:
        """The journal to append to: the one that is there, or a new one on the state as it was loaded."""
        found = self._unmoved()
        state, so_far = found.state, found.journal
        ours = so_far.opened is not None and so_far.opened.journal == self._journal_id
        if not ours and self._loaded is not None and so_far.entries != self._loaded.journal.entries:
            raise self._moved(self._journal_path)
        if so_far.opened and contains(state, so_far.opened):
            with _saying_why(self._journal_path):
                remove_file(self._journal_path)
            so_far = JournalContents()
        opened = so_far.opened or Header(os.urandom(8).hex(), state.lineage, state.serial, self._target)
        self._journal_id = opened.journal
        return Journal(self._journal_path, opened, so_far)

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal = None

    def _look(self) -> _Found:
        # The journal first: if another run folds it before we read the state, the state says that it contains it.
        so_far = journal.read(self._journal_path)
        data = self._read()
        state = self._begun(so_far.opened) if data is None else self._understood(data)
        self._check_target(state.target)
        return _Found(data, state, so_far, journal.rescued(self._rescue_path))

    def _understood(self, data: bytes) -> State:
        # Parsing ten thousand records takes a third of a second; most looks find what the last one found.
        known = self._loaded
        return known.state if known and known.data == data else state_from_bytes(data, str(self._path))

    def _read(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self._path} cannot be read: {error.strerror}", "check its permissions") from error

    def _begun(self, opened: Header | None) -> State:
        """The empty state where there is no file; a journal that began without one knows its lineage."""
        if opened is None:
            return State.empty(self._new_lineage, self._target)
        if opened.serial > 0:
            raise StateError(
                f"{self._path} is gone, but its journal is there and continues serial {opened.serial}",
                "put the state file back (version control, or the backup beside it), or: provisioner state rebuild",
            )
        return State.empty(opened.lineage, opened.target)

    def _check_target(self, described: TargetIdentity | None) -> None:
        if described is not None and described != self._target:
            raise StateError(
                f"{self._path} describes another target: {described}; this run is for {self._target}",
                "name the target that the state belongs to, or give this one a state of its own",
            )

    def _unmoved(self) -> _Found:
        """The files as they are now, the state still being the one that was loaded, or made of it by ourselves."""
        if self._loaded is None:
            self.load()
        before, found = self._loaded, self._look()
        if before is None or found.data == before.data or found.state == before.state:
            return found
        # A fold of ours that failed after the rename: the file is the new one already.
        if self._journal_id and found.state.journal == self._journal_id:
            self._loaded = found
            return found
        raise self._moved(self._path)

    def _moved(self, path: Path) -> StaleError:
        return StaleError(
            f"{path} has changed since this run read it; nothing was overwritten",
            "run plan again; what this run recorded is in the journal beside the state",
        )

    def _write(self, state: State, before: _Found) -> _Found:
        data = state_to_bytes(state)
        if state_from_bytes(data, str(self._path)) != state:
            raise StateError(f"{self._path} would not read back as it was written", "keep the journal and report this")
        with _saying_why(self._path):
            if before.data is not None:
                replace_file(beside(self._path, ".backup"), before.data)
            replace_file(self._path, data)
        return _Found(data, state, before.journal, before.rescued)

    def _remove_journal(self) -> None:
        # Left behind it does no harm: the state says that it contains it, and the next run takes it away.
        with suppress(OSError):
            sync_directory(self._path.parent)
            remove_file(self._journal_path)

    def _remove_rescued(self, found: _Found, state: State) -> None:
        if found.rescued and not {one.intent_id for one in found.rescued} & {one.intent_id for one in state.intents}:
            with suppress(OSError):
                remove_file(self._rescue_path)


@contextmanager
def _saying_why(path: Path) -> Iterator[None]:
    """What the system says becomes a ``StateError`` about ``path``."""
    try:
        yield
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}",
            "free space or mend permissions, then run again; what was recorded before is kept",
        ) from error
