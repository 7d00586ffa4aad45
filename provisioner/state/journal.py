"""Entries appended to a file, each durable before its call returns; and reading them back.

A line is what one fsync made durable: ``{"seal":"...","entries":[...]}``. Several threads that append at once share a
line, so that whatever a crash tears is the last line and nothing else. The seal is a checksum over the entries and
the seal before it; a line that was cut short, altered, lost or put elsewhere does not pass.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from provisioner.errors import StateError
from provisioner.state.atomic import PRIVATE, sync_directory, write_all
from provisioner.state.codec import entries_from_line, entry_to_json
from provisioner.state.records import Completed, Header, JournalEntry

_START, _MIDDLE, _END = b'{"seal":"', b'","entries":', b"}\n"
_SEAL = 16
_DISTURBED = "somebody else has replaced or changed it during the run"
_HEAD = len(_START) + _SEAL + len(_MIDDLE)


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What a journal says. ``length`` counts the bytes that hold; ``torn`` those of a last line that does not.

    ``seal`` is the one of the last line that holds. Without entries there is no journal, whatever its file holds.
    """

    entries: tuple[JournalEntry, ...] = ()
    length: int = 0
    torn: int = 0
    seal: str = ""

    @property
    def opened(self) -> Header | None:
        """What the journal stands on; None without entries."""
        first = self.entries[0] if self.entries else None
        return first if isinstance(first, Header) else None


def read(path: Path) -> JournalContents:
    """What the journal at ``path`` says; nothing where there is none.

    A last line that does not hold was being written when a process died: nobody was told that it was durable, and it
    is left out. Raises ``StateError`` for any other line that does not hold, and for a file that cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return JournalContents()
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error
    return journal_contents(data, str(path))


def journal_contents(data: bytes, file: str) -> JournalContents:
    """The same for the bytes of the file. Pure."""
    entries: list[JournalEntry] = []
    length, seal = 0, ""
    lines = _lines(data)
    for number, line in enumerate(lines, 1):
        if not _is_sealed(line, seal):
            if number == len(lines) and _is_torn(line):
                break
            raise _corrupt(f"{file}:{number}")
        try:
            entries += entries_from_line(line, f"{file}:{number}")
        except ValueError as error:  # a right seal over wrong JSON: made by hand, or by something that is not ours
            raise _corrupt(f"{file}:{number}") from error
        length, seal = length + len(line), line[len(_START) : len(_START) + _SEAL].decode()
    _check_first(entries, file)
    return JournalContents(tuple(entries), length, len(data) - length, seal)


def rescued(path: Path) -> tuple[Completed, ...]:
    """Return the outcomes in a rescue file: an earlier version wrote it where its journal could take no more.

    A line is one outcome without a seal; a last line that was cut short is left out. Raise ``StateError`` for a file
    that cannot be read or holds anything else.
    """
    try:
        *lines, _cut = path.read_bytes().split(b"\n")
        entries = entries_from_line(b'{"entries":[%b]}' % b",".join(filter(None, lines)), str(path))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise StateError(f"{path} cannot be read", "check its permissions, put it back as it was") from error
    outcomes = tuple(entry for entry in entries if isinstance(entry, Completed))
    if len(outcomes) < len(entries):
        raise StateError(f"{path} holds something else than outcomes", "put it back as it was")
    return outcomes


def _is_torn(line: bytes) -> bool:
    """Whether a crash can have made this of the last line: its end is missing, or blocks that never reached the disk.

    Anything else was whole once, and somebody relies on it.
    """
    return not line.endswith(b"\n") or b"\x00" in line


def _lines(data: bytes) -> list[bytes]:
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _line(entries: Iterable[JournalEntry], before: str) -> bytes:
    payload = json.dumps([entry_to_json(entry) for entry in entries], sort_keys=True, separators=(",", ":")).encode()
    return _START + _seal(payload, before) + _MIDDLE + payload + _END


def _seal(payload: bytes, before: str) -> bytes:
    return hashlib.sha256(before.encode() + payload).hexdigest()[:_SEAL].encode()


def _is_sealed(line: bytes, before: str) -> bool:
    payload = line[_HEAD : -len(_END)]
    return line == _START + _seal(payload, before) + _MIDDLE + payload + _END


def _check_first(entries: list[JournalEntry], file: str) -> None:
    if any(isinstance(entry, Header) != (number == 0) for number, entry in enumerate(entries)):
        raise _corrupt(f"{file}:1")


def _corrupt(where: str) -> StateError:
    return StateError(
        f"{where}: the journal is damaged here",
        "put the file back as the last run left it (version control or a backup, whole, not merged); "
        "if that is lost: provisioner state rebuild",
    )


class _Batch:
    """Entries that will share one line and one fsync, and what became of them."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.finished = False
        self.failure: BaseException | None = None


class Journal:
    """The journal at ``path``, for appending. ``opened`` begins it if it is new; else it is the one that is there.

    For any number of threads. ``so_far`` is what was read of the file; a torn line at its end is cut off.
    """

    def __init__(self, path: Path, opened: Header, so_far: JournalContents) -> None:
        self._path = path
        self._first: tuple[JournalEntry, ...] = () if so_far.entries else (opened,)
        self._length, self._seal = so_far.length, so_far.seal
        self._descriptor: int | None = None
        self._whole = False  # whether the file is known to end where the last durable line ends
        self._disturbed = False  # whether somebody else was seen to write: then it is not ours to repair
        self._condition = threading.Condition()
        self._open_batch = _Batch()
        self._writing = False

    def append(self, entries: Iterable[JournalEntry]) -> None:
        """The entries are durable, together, once this returns.

        Raises ``StateError`` where that cannot be had; then they may or may not be there at the next start.
        """
        added = list(entries)
        if not added:
            return
        batch = self._join(added)
        if not batch.finished:
            self._lead(batch)
        if batch.failure is not None:
            raise _not_written(self._path, batch.failure) from batch.failure

    def is_whole(self, found: JournalContents) -> bool:
        """Whether what was read of the file now is all that was ever appended."""
        return (found.length, found.seal) == (self._length, self._seal)

    def close(self) -> None:
        """Give the file up. No thread is appending any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._whole = False

    def _join(self, entries: list[JournalEntry]) -> _Batch:
        """Wait while others write. The batch returned is finished, or ours to write."""
        with self._condition:
            batch = self._open_batch
            batch.entries += entries
            self._condition.wait_for(lambda: batch.finished or not self._writing)
            if not batch.finished:
                self._writing = True
                self._open_batch = _Batch()
            return batch

    def _lead(self, batch: _Batch) -> None:
        try:
            self._write(batch.entries)
        except OSError as error:
            batch.failure = error
        except BaseException as error:  # an interrupt: those who share the batch must not wait for ever
            batch.failure = error
            raise
        finally:
            with self._condition:
                batch.finished = True
                self._writing = False
                self._condition.notify_all()

    def _write(self, entries: list[JournalEntry]) -> None:
        descriptor = self._ready()
        line = _line((*self._first, *entries), self._seal)
        self._whole = False
        try:
            write_all(descriptor, line)
            os.fsync(descriptor)
            self._check_in_place(descriptor, self._length + len(line))
        except BaseException:
            if not self._disturbed:
                with suppress(OSError):
                    os.ftruncate(descriptor, self._length)
            raise
        self._first, self._whole = (), True
        self._length, self._seal = self._length + len(line), line[len(_START) : len(_START) + _SEAL].decode()

    def _ready(self) -> int:
        """The file, open, ending where the last durable line ends."""
        if self._disturbed:
            raise OSError(0, _DISTURBED)
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, PRIVATE)
        if not self._whole:
            # Also after a failed fsync: a line that the disk may not hold must not come before one that it does.
            os.ftruncate(self._descriptor, self._length)
            sync_directory(self._path.parent)
            self._whole = True
        return self._descriptor

    def _check_in_place(self, descriptor: int, length: int) -> None:
        """What was written is in the file of that name, and nobody else writes there."""
        ours, there = os.fstat(descriptor), os.stat(self._path)
        if (ours.st_dev, ours.st_ino, ours.st_size) != (there.st_dev, there.st_ino, length):
            self._disturbed = True
            raise OSError(0, _DISTURBED)


def _not_written(path: Path, cause: BaseException) -> StateError:
    reason = cause.strerror if isinstance(cause, OSError) else "interrupted"
    return StateError(
        f"{path} cannot be written: {reason}",
        "free space or mend permissions, then run again; what was recorded before is kept",
    )
