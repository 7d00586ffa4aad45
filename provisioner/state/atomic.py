"""Durable, atomic file operations: write, fsync, rename, then fsync of the directory.

All functions raise ``OSError``; the callers turn it into messages.
"""

from __future__ import annotations

import errno
import glob
import os
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600


def beside(path: Path, suffix: str) -> Path:
    """Return the path of an accompanying file: ``prod.json``, ``.lock`` -> ``prod.json.lock``."""
    return path.with_name(path.name + suffix)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes; one system call may write only some of them."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace_file(path: Path, data: bytes) -> None:
    """Replace the content of a file atomically and durably. Its mode stays; a new file is private.

    The caller is the only writer of ``path``: the temporary name is fixed, so that crashes leave at most one such file.
    """
    temporary = beside(path, ".tmp")
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = PRIVATE
    try:
        _write_new(temporary, data, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def keep_aside(path: Path) -> Path:
    """Make a durable copy of the file under the first free name of ``prod.json.kept-1`` and so on, and return it."""
    data, number = path.read_bytes(), 1
    while (copy := beside(path, f".kept-{number}")).exists():
        number += 1
    replace_file(copy, data)
    return copy


def remove_file(path: Path) -> None:
    """Remove the file durably. Not an error if there is none."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync_directory(path.parent)


def remove_temporary_files(path: Path) -> None:
    """Remove temporary files that a killed run left beside the file. Only for its only writer."""
    for temporary in path.parent.glob(f"{glob.escape(path.name)}*.tmp"):
        with suppress(OSError):
            temporary.unlink()


def sync_directory(path: Path) -> None:
    """Make added, changed and removed names of a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems whose names are always durable
            raise
    finally:
        os.close(descriptor)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    try:
        with suppress(PermissionError):  # file systems without modes
            os.fchmod(descriptor, mode)
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
