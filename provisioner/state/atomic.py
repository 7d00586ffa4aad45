"""Writing so that it is there after a power cut: bytes, then fsync, then the name, then fsync of the directory.

Everything here raises ``OSError``; the callers know what to say about it.
"""

from __future__ import annotations

import errno
import glob
import os
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600


def beside(path: Path, suffix: str) -> Path:
    """The file that accompanies another: ``prod.json``, ``.lock`` -> ``prod.json.lock``."""
    return path.with_name(path.name + suffix)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; one call of the system may take only some of them."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace_file(path: Path, data: bytes) -> None:
    """The file has either its old content or the new one, whatever happens. The mode stays; a new file is private.

    The caller is the only writer of ``path``: the temporary name is always the same, so that a crash leaves no litter.
    """
    temporary = beside(path, ".tmp")
    try:
        _write_new(temporary, data, _mode_of(path))
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def keep_aside(path: Path) -> Path:
    """A durable copy of the file under a name that was free, ``prod.json.kept-1`` and so on."""
    data, number = path.read_bytes(), 1
    while (copy := beside(path, f".kept-{number}")).exists():
        number += 1
    replace_file(copy, data)
    return copy


def remove_file(path: Path) -> None:
    """The file is gone, durably. Not an error where there is none."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync_directory(path.parent)


def remove_litter(path: Path) -> None:
    """What a killed run left half-written beside the file. For its only writer."""
    for litter in path.parent.glob(f"{glob.escape(path.name)}*.tmp"):
        with suppress(OSError):
            litter.unlink()


def sync_directory(path: Path) -> None:
    """Make names that were added, changed or removed durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that keep names durable by themselves
            raise
    finally:
        os.close(descriptor)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    try:
        with suppress(PermissionError):  # file systems without modes: who may read is theirs to say
            os.fchmod(descriptor, mode)
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mode_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return PRIVATE
