"""Everything that leaves the process: results to standard output, the rest to standard error, reports to files.

The secret scanner checks all of it first, and also what libraries and Python write to the standard streams
(``redirected``).
"""

from __future__ import annotations

import errno
import glob
import io
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, cast

from provisioner.errors import Leak, NotWritten
from provisioner.secret_scanner import SecretScanner

_PRIVATE, _PUBLIC = 0o600, 0o666
"""Modes of new files; the user's umask applies to public ones."""


@dataclass(frozen=True, slots=True)
class Console:
    """Writes whole lines, from any thread. Raises ``Leak``, writing nothing, for a text with a sensitive value."""

    stdout: TextIO
    stderr: TextIO
    scanner: SecretScanner = field(default_factory=SecretScanner)
    lock: threading.Lock = field(default_factory=threading.Lock)
    passing: list[str] = field(default_factory=list)
    """The status line at the end of the terminal; empty where there is none."""
    lost: list[str] = field(default_factory=list)
    """Why results could not be written. A closed pipe, as with ``head``, does not count."""

    def refuse_secrets(self, words: Iterable[str]) -> None:
        """Raise ``Leak`` where a text holds a sensitive value.

        For texts before they are escaped, folded or cut: afterwards a part of a value might pass.
        """
        self.scanner.check("\n".join(words))

    def out(self, text: str) -> None:
        """Write a result to standard output."""
        self._write(self.stdout, text)

    def refuse_lost_output(self) -> None:
        """Raise ``NotWritten``, once, where a part of the result was lost."""
        if self.lost:
            message = f"standard output cannot be written: {self.lost.pop()}"
            self.lost.clear()
            raise NotWritten(message, "run it again where there is room for it")

    def err(self, text: str) -> None:
        """Write anything else, such as progress, warnings and errors, to standard error."""
        self._write(self.stderr, text)

    def ask(self, text: str) -> None:
        """Write a question; the answer follows on the same line."""
        self.status("")
        self._write(self.stderr, text, end="")

    def status(self, text: str) -> None:
        """Replace the status line at the end of a terminal; "" removes it."""
        self.scanner.check(text)
        with self.lock:
            self._clear()
            self.passing[:] = [text] if text else []
            self._put_last()

    def write_report(self, path: Path, text: str) -> None:
        """Write a new private file. Raise ``OSError``, also where the file exists."""
        self.scanner.check(text)
        _new_file(path, text, _PRIVATE)

    def write_private(self, path: Path, text: str) -> None:
        """Like ``write_public``, for a file that only the user may read."""
        self._write_file(path, text, _PRIVATE)

    def write_public(self, path: Path, text: str) -> None:
        """Write a file, whole or not at all. Raise ``OSError``.

        An existing file is replaced, also behind a link. A pipe or a device is written into, and a name of one of our
        own streams, such as ``/dev/stdout``, is written to as that stream.
        """
        self._write_file(path, text, _PUBLIC)

    def try_file(self, path: Path) -> None:
        """Raise ``OSError`` if a file certainly cannot be written. Leave nothing behind, and open no pipe or device."""
        try:
            there = os.stat(path)
        except FileNotFoundError:
            there = None
        if there is None or (stat.S_ISREG(there.st_mode) and not self._stream_of(there)):
            _try_folder(Path(os.path.realpath(path)))
        elif stat.S_ISDIR(there.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))

    def _write_file(self, path: Path, text: str, mode: int) -> None:
        self.scanner.check(text)
        try:
            there = os.stat(path)
        except FileNotFoundError:
            there = None
        if there is not None and (stream := self._stream_of(there)):
            self._put(stream, text, "\n")
        elif there is None or stat.S_ISREG(there.st_mode):
            _replace(Path(os.path.realpath(path)), text, mode)
        else:
            _write_into(path, text)

    def _stream_of(self, there: os.stat_result) -> TextIO | None:
        """Return the own stream that a file is, as with ``/dev/stdout``."""
        for stream in (self.stdout, self.stderr):
            with suppress(OSError, ValueError):
                if os.path.samestat(os.fstat(stream.fileno()), there):
                    return stream
        return None

    def append(self, path: Path, text: str) -> None:
        """Append to a file that others write to as well. Raise ``OSError``."""
        self.scanner.check(text)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)

    def create(self, path: Path, text: str) -> None:
        """Write a new file, and its folder where there is none. Raise ``OSError``, also where the file exists."""
        self.scanner.check(text)
        path.parent.mkdir(parents=True, exist_ok=True)
        _whole_new_file(path, text, _PUBLIC)

    def remove_report(self, path: Path) -> None:
        """Remove a file that an earlier run left; nothing else, such as a pipe or an own stream. Raise ``OSError``."""
        real = Path(os.path.realpath(path))
        if real.is_file() and not self._stream_of(real.stat()):
            real.unlink()

    def remove_temporary_files(self, path: Path) -> None:
        """Remove temporary files that a killed ``create`` of this file left beside it."""
        for litter in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            with suppress(OSError):
                litter.unlink()

    def err_unchecked(self, text: str) -> None:
        """Write a note that must get out: an id that nothing else recorded, or the report of a leak."""
        self._put(self.stderr, text, "\n")

    @contextmanager
    def redirected(self) -> Iterator[None]:
        """Check everything that anybody writes to the standard streams meanwhile."""
        # Nothing but write, flush, isatty and fileno is called on them.
        out, err = (cast(TextIO, _Lines(self, stream)) for stream in (self.stdout, self.stderr))
        with closing(out), closing(err), redirect_stdout(out), redirect_stderr(err):
            yield

    def _write(self, stream: TextIO, text: str, end: str = "\n") -> None:
        self.scanner.check(text)
        self._put(stream, text, end)

    def _clear(self) -> None:
        if self.passing:
            self._decorate("\r\x1b[2K")

    def _put_last(self) -> None:
        for text in tuple(self.passing):
            self._decorate(text)

    def _decorate(self, text: str) -> None:
        """Write to the terminal. A terminal that is gone must not end a run."""
        try:
            self.stderr.write(text)
            self.stderr.flush()
        except (OSError, ValueError):
            self.passing.clear()

    def _put(self, stream: TextIO, text: str, end: str) -> None:
        if not text:
            return
        with self.lock:
            try:
                self._clear()
                stream.write(text if text.endswith("\n") else f"{text}{end}")
                stream.flush()
                self._put_last()
            except OSError as error:
                _discard(stream)
                if stream is self.stdout and not isinstance(error, BrokenPipeError):
                    self.lost.append(error.strerror or type(error).__name__)


def _new_file(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _whole_new_file(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all; never replace one."""
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        _new_file(temporary, text, mode)
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        _new_file(path, text, mode)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all; leave nothing behind."""
    temporary = _temporary(path)
    try:
        _new_file(temporary, text, mode)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _try_folder(path: Path) -> None:
    """Create and remove the temporary file that ``_replace`` would write: permissions alone do not tell."""
    temporary = _temporary(path)
    try:
        _new_file(temporary, "", _PRIVATE)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.urandom(4).hex()}.tmp")


def _write_into(path: Path, text: str) -> None:
    """Write into a pipe or a device."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _discard(stream: TextIO) -> None:
    """Send the rest of a stream nowhere: its reader is gone, or there is no room.

    What is under way must still end, be recorded, and have its exit code.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Lines(io.TextIOBase):
    """A stream that passes on whole lines, since half a secret would not be found."""

    encoding = "utf-8"

    def __init__(self, console: Console, stream: TextIO) -> None:
        self._console = console
        self._stream = stream
        self._open = threading.local()

    def write(self, text: str | bytes) -> int:
        if isinstance(text, bytes):  # so click writes the answers of shell completion
            text = text.decode("utf-8", "replace")
        whole, line_end, rest = (getattr(self._open, "text", "") + text).rpartition("\n")
        self._open.text = rest
        with suppress(Leak):  # not ours to report: whoever wrote it may not expect an error
            self._console._write(self._stream, whole + line_end)
        return len(text)

    def flush(self) -> None:
        """Keep an unfinished line: standard streams are flushed at any time."""

    def close(self) -> None:
        """Write the last line, which may have no end."""
        self.write("\n" if getattr(self._open, "text", "") else "")

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
