"""The journal file: appending entries, each durable before the call returns, and reading them back.

One fsync makes one line durable: ``{"seal":"...","entries":[...]}``. Threads that append at the same time share a line,
so a crash can tear only the last line. The seal is a checksum over the entries and the previous seal; a line that was
cut, changed, lost or moved does not match it.
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
_SEAL_LENGTH = 16
_HEAD_LENGTH = len(_START) + _SEAL_LENGTH + len(_MIDDLE)
_CHANGED_BY_OTHERS = "another process replaced or changed it during the run"


@dataclass(frozen=True, slots=True)
class JournalContents:
    """The contents of a journal file.

    ``length`` counts the bytes of its valid lines, ``torn`` those of an invalid last line; ``seal`` is that of the last
    valid line. Without entries there is no journal, whatever the file holds.
    """

    entries: tuple[JournalEntry, ...] = ()
    length: int = 0
    torn: int = 0
    seal: str = ""

    @property
    def header(self) -> Header | None:
        """The first entry; None without entries."""
        first = self.entries[0] if self.entries else None
        return first if isinstance(first, Header) else None


def read(path: Path) -> JournalContents:
    """Return the contents of the journal at ``path``; empty if there is no file.

    An invalid last line was being written when a process died: nobody was told that it was durable, so it is left out.
    Raise ``StateError`` for any other invalid line, and for a file that cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return JournalContents()
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error
    return parse(data, str(path))


def parse(data: bytes, file: str) -> JournalContents:
    """Return the contents of a journal from its bytes, like ``read``; ``file`` is its name, for messages."""
    entries: list[JournalEntry] = []
    length, seal = 0, ""
    *whole_lines, rest = data.split(b"\n")
    lines = [line + b"\n" for line in whole_lines] + ([rest] if rest else [])
    for number, line in enumerate(lines, 1):
        if not _is_sealed(line, seal):
            # A crash cuts the end of the last line, or leaves blocks in it that never reached the disk. Anything else
            # was valid once, and somebody relies on it.
            if number == len(lines) and (not line.endswith(b"\n") or b"\x00" in line):
                break
            raise _damaged(f"{file}:{number}")
        try:
            entries += entries_from_line(line, f"{file}:{number}")
        except ValueError as error:  # a valid seal over invalid JSON: not written by this program
            raise _damaged(f"{file}:{number}") from error
        length, seal = length + len(line), _seal_of(line)
    if any(isinstance(entry, Header) != (index == 0) for index, entry in enumerate(entries)):
        raise _damaged(f"{file}:1")
    return JournalContents(tuple(entries), length, len(data) - length, seal)


def read_rescue_file(path: Path) -> tuple[Completed, ...]:
    """Return the outcomes in a rescue file, which older versions wrote if they could not append to the journal.

    A line is one outcome without a seal; a last line that was cut is left out. Raise ``StateError`` for a file that
    cannot be read or holds anything else.
    """
    try:
        *lines, _cut = path.read_bytes().split(b"\n")
        entries = entries_from_line(b'{"entries":[%b]}' % b",".join(filter(None, lines)), str(path))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise StateError(f"{path} cannot be read", "check its permissions, or put back its original content") from error
    outcomes = tuple(entry for entry in entries if isinstance(entry, Completed))
    if len(outcomes) < len(entries):
        raise StateError(f"{path} holds something else than outcomes", "put back its original content")
    return outcomes


class Journal:
    """The journal at ``path``, open for appending. For any number of threads.

    ``contents`` is what was read from the file. ``header`` begins the journal if it is new. A torn line at the end of
    the file is cut off.
    """

    def __init__(self, path: Path, header: Header, contents: JournalContents) -> None:
        self._path = path
        self._pending_header: tuple[JournalEntry, ...] = () if contents.entries else (header,)
        self._length, self._seal = contents.length, contents.seal
        self._descriptor: int | None = None
        self._is_clean = False  # the file is known to end where the last durable line ends
        self._is_foreign = False  # another process was seen to write: then the file must not be truncated
        self._condition = threading.Condition()
        self._open_batch = _Batch()
        self._writing = False

    def append(self, entries: Iterable[JournalEntry]) -> None:
        """Append the entries together; they are durable once this returns.

        Raise ``StateError`` if they cannot be written; they may then still be there at the next start.
        """
        added = list(entries)
        if not added:
            return
        with self._condition:
            batch = self._open_batch
            batch.entries += added
            self._condition.wait_for(lambda: batch.finished or not self._writing)
            is_writer = not batch.finished
            if is_writer:
                self._writing = True
                self._open_batch = _Batch()
        if is_writer:
            self._write_batch(batch)
        if batch.failure is not None:
            failure = batch.failure
            reason = failure.strerror if isinstance(failure, OSError) else "interrupted"
            raise StateError(
                f"{self._path} cannot be written: {reason}",
                "free space or fix permissions, then run again; what was recorded before is kept",
            ) from failure

    def matches(self, contents: JournalContents) -> bool:
        """Return whether the contents of the file are exactly what was appended."""
        return (contents.length, contents.seal) == (self._length, self._seal)

    def close(self) -> None:
        """Close the file. No thread may be appending."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._is_clean = False

    def _write_batch(self, batch: _Batch) -> None:
        try:
            self._write(batch.entries)
        except OSError as error:
            batch.failure = error
        except BaseException as error:  # an interrupt: the other threads of the batch must not wait for ever
            batch.failure = error
            raise
        finally:
            with self._condition:
                batch.finished = True
                self._writing = False
                self._condition.notify_all()

    def _write(self, entries: list[JournalEntry]) -> None:
        descriptor = self._prepare()
        line = _line((*self._pending_header, *entries), self._seal)
        self._is_clean = False
        try:
            write_all(descriptor, line)
            os.fsync(descriptor)
            self._check_in_place(descriptor, self._length + len(line))
        except BaseException:
            if not self._is_foreign:
                with suppress(OSError):
                    os.ftruncate(descriptor, self._length)
            raise
        self._pending_header, self._is_clean = (), True
        self._length, self._seal = self._length + len(line), _seal_of(line)

    def _prepare(self) -> int:
        """Return the descriptor of the file, which ends where the last durable line ends."""
        if self._is_foreign:
            raise OSError(0, _CHANGED_BY_OTHERS)
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, PRIVATE)
        if not self._is_clean:
            # Also after a failed fsync: a line that the disk may not hold must not come before one that it does.
            os.ftruncate(self._descriptor, self._length)
            sync_directory(self._path.parent)
            self._is_clean = True
        return self._descriptor

    def _check_in_place(self, descriptor: int, length: int) -> None:
        """Raise ``OSError`` if the path is another file by now, or another process has written to it."""
        ours, current = os.fstat(descriptor), os.stat(self._path)
        if (ours.st_dev, ours.st_ino, ours.st_size) != (current.st_dev, current.st_ino, length):
            self._is_foreign = True
            raise OSError(0, _CHANGED_BY_OTHERS)


class _Batch:
    """Entries that share one line and one fsync, and the result of writing them."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.finished = False
        self.failure: BaseException | None = None


def _line(entries: Iterable[JournalEntry], previous_seal: str) -> bytes:
    payload = json.dumps([entry_to_json(entry) for entry in entries], sort_keys=True, separators=(",", ":")).encode()
    return _START + _seal(payload, previous_seal) + _MIDDLE + payload + _END


def _is_sealed(line: bytes, previous_seal: str) -> bool:
    payload = line[_HEAD_LENGTH : -len(_END)]
    return line == _START + _seal(payload, previous_seal) + _MIDDLE + payload + _END


def _seal(payload: bytes, previous_seal: str) -> bytes:
    return hashlib.sha256(previous_seal.encode() + payload).hexdigest()[:_SEAL_LENGTH].encode()


def _seal_of(line: bytes) -> str:
    return line[len(_START) : len(_START) + _SEAL_LENGTH].decode()


def _damaged(where: str) -> StateError:
    return StateError(
        f"{where}: the journal is damaged here",
        "put the file back as the last run left it (version control or a backup, whole, not merged); "
        "if that is lost: provisioner state rebuild",
    )
