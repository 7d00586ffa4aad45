"""The one reader of files: which definitions lie below a folder, and each as text or as a problem.

Files that are not where they are looked for: the project file, and definitions that nobody reads.
"""

from __future__ import annotations

import codecs
import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from provisioner.definitions.hints import closest
from provisioner.errors import UsageError
from provisioner.model import Location, Problem, Severity

MAX_BYTES = 1024 * 1024
SUFFIXES = (".yaml", ".yml")


class FoundFile(NamedTuple):
    """A file that is there. ``file`` is its path as shown; ``stem`` its path below the folder, without extension, by
    ``/``; ``odd`` says that it is a link, a pipe, or whatever else is not simply a file."""

    path: str
    file: str
    stem: str
    odd: bool


def list_tree(folder: Path, shown_as: str) -> tuple[tuple[FoundFile, ...], tuple[Problem, ...]]:
    """Every definition below ``folder``, by path. Files and folders that start with a dot are passed over."""
    problems: list[Problem] = []
    entries = tuple(
        FoundFile(entry.path, shown, shown.removeprefix(f"{shown_as}/").rpartition(".")[0], _is_odd(entry))
        for entry, shown in _walk(str(folder), (os.path.realpath(folder),), shown_as, problems)
    )
    if not entries and not problems:
        problems.append(_nothing_found(folder, shown_as))
    return entries, tuple(problems)


def read_entry(entry: FoundFile, folder: Path) -> str | Problem:
    """The text of a file that was listed below ``folder``."""
    # Only a link leads elsewhere; what is none, in a folder that was looked at, needs no second look.
    return read_text(Path(entry.path), entry.file, folder) if entry.odd else _read(entry.path, entry.file)


NO_DEFINITION = "files.none"
NO_FOLDER = "files.no-folder"
"""Not excused where an empty folder is: what is absent may have been lost, and everything would be to be deleted."""


def _nothing_found(folder: Path, shown_as: str) -> Problem:
    if folder.is_dir():
        remedy = f"put the first one into {shown_as}/, as a file that ends in .yaml"
        return Problem(Location(shown_as), NO_DEFINITION, "the folder holds no definition", remedy)
    if os.path.lexists(folder):
        remedy = f"make {shown_as}/ a folder, and put the definitions there"
        return Problem(Location(shown_as), NO_FOLDER, "it is not a folder", remedy)
    meant = _named_alike(folder)
    remedy = f"rename `{meant}/` to `{shown_as}/`" if meant else f"git keeps no empty folder: add `{shown_as}/.gitkeep`"
    return Problem(Location(shown_as), NO_FOLDER, "the folder does not exist", remedy)


def _named_alike(folder: Path) -> str:
    """Return the name of the folder beside it that is likely meant, "" where there is none."""
    try:
        names = {entry.name.lower(): entry.name for entry in os.scandir(folder.parent) if entry.is_dir()}
    except OSError:
        return ""
    return names.get(closest(folder.name, names), "")


def _walk(
    folder: str, above: tuple[str, ...], shown_as: str, problems: list[Problem]
) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Definitions in the order of their paths. ``above`` holds the real paths of the folders that led here."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        if len(above) > 1 or os.path.isdir(folder):
            problems.append(_unreadable(shown_as, error))
        return
    for entry in entries:
        path, shown = entry.path, f"{shown_as}/{entry.name}"
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            real = os.path.realpath(path)
            problem = _stray(real, above, shown)
            if problem:
                problems.append(problem)
            else:
                yield from _walk(path, (*above, real), shown, problems)
        elif entry.name.lower().endswith(SUFFIXES):
            yield entry, shown


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Of a link, whether it leads to one; asked in the way that never raises."""
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir(follow_symlinks=False)


def _is_odd(entry: os.DirEntry[str]) -> bool:
    return not entry.is_file(follow_symlinks=False)


def _stray(real: str, above: tuple[str, ...], shown_as: str) -> Problem | None:
    """A linked folder that must not be walked."""
    if real in above:
        return Problem(Location(shown_as), "files.loop", "the link leads back to a folder above it", "remove the link")
    return None if Path(real).is_relative_to(above[0]) else _outside(shown_as)


def _outside(shown_as: str) -> Problem:
    remedy = "copy what it leads to, or link inside the folder"
    return Problem(Location(shown_as), "files.outside", "the link leads out of the folder of definitions", remedy)


def read_text(path: Path, shown_as: str, root: Path) -> str | Problem:
    """The text of one file, or the problem with it. ``root`` is where a link may lead to."""
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(root.resolve()):
            return _outside(shown_as)
        if not real.is_file():  # a pipe would be waited for
            return _unreadable(shown_as, OSError(errno.EINVAL, "it is not a regular file"))
    except (OSError, RuntimeError) as error:
        return _unreadable(shown_as, error)
    return _read(str(real), shown_as)


def _read(path: str, shown_as: str) -> str | Problem:
    try:
        file = os.open(path, os.O_RDONLY)
        try:
            # What grows meanwhile is read as far as it went: a file that is read is not one that is written.
            content = os.read(file, min(os.fstat(file).st_size, MAX_BYTES) + 1)
        finally:
            os.close(file)
    except OSError as error:
        return _unreadable(shown_as, error)
    if len(content) > MAX_BYTES:
        return Problem(
            Location(shown_as), "files.too-large", "larger than 1 MiB", "a definition is one small YAML document"
        )
    return _decode(content, shown_as)


def _unreadable(shown_as: str, error: Exception) -> Problem:
    if isinstance(error, RuntimeError) or getattr(error, "errno", None) == errno.ELOOP:
        return Problem(Location(shown_as), "files.loop", "the link leads back to itself", "remove the link")
    reason = getattr(error, "strerror", None) or type(error).__name__
    return Problem(
        Location(shown_as), "files.unreadable", f"cannot be read: {reason}", "check the file and its permissions"
    )


def _decode(content: bytes, shown_as: str) -> str | Problem:
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        return Problem(Location(shown_as, line, column), "files.encoding", "not UTF-8", "save the file as UTF-8")


_NAMED_LIKE_IT = re.compile(r"\.?provisioner\.ya?ml(\.(txt|ya?ml))?", re.IGNORECASE)
_MOST = 200
"""Entries of a folder that are looked at to find what is meant."""


def no_project_file(folder: Path, name: str) -> UsageError:
    """Return the error for a folder without a project file, with the file that is likely meant."""
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        return UsageError(
            f"there is no {name} in {folder}: the folder {what}", f"name the folder of {name} with --project"
        )
    entries = _entries(folder)
    for entry in entries:
        if _NAMED_LIKE_IT.fullmatch(entry.name) and entry.name != name:
            return UsageError(f"there is no {name} in {folder}, but {entry.name}", f"rename {entry.name} to {name}")
    if (folder / name).is_dir():
        return UsageError(f"{folder / name} is a folder", f"make {name} a file: `provisioner init` makes a new project")
    above = next((one for one in folder.parents if (one / name).is_file()), None)
    below = next((entry for entry in entries if not entry.name.startswith(".") and (entry / name).is_file()), None)
    for found in (above, below):
        if found:
            where = os.path.relpath(found, folder)
            return UsageError(f"there is no {name} in {folder}, but in {where}", f"run it there, or: --project {where}")
    remedy = "run in the folder of the project, or name it with --project; `provisioner init` makes a new one"
    return UsageError(f"there is no {name} in {folder}", remedy)


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(islice(folder.iterdir(), _MOST))
    return []


_DEFINITION_ELSEWHERE = re.compile(r"(?=.*^name:)(?=.*^auth:)", re.MULTILINE | re.DOTALL)
_MEANT = re.compile(r".+\.(ya?ml\.(txt|j2|jinja2?|tmpl|template|json)|yam|yml?a|ymal|json|jsonc|toml)", re.IGNORECASE)
"""Names of files that were meant to be read. A backup, or what was renamed to be left out, is not."""


def not_read(project: Path, connections: str) -> Iterator[Problem]:
    """Yield a warning for each file that looks like a definition and is none for its name or its place."""
    for above, folders, names in os.walk(project / connections):
        shown = os.path.relpath(above, project).replace(os.sep, "/")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if name.lower().endswith(SUFFIXES):
                message = "a folder that is named like a definition; the files in it are read"
                yield _warning(f"{shown}/{name}", message, "rename the folder, or move its content into a file")
        for name in _meant(names):
            yield _warning(f"{shown}/{name}", "not read: definitions end in .yaml or .yml", "rename the file")
    for path in _entries(project):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and _holds_a_definition(path):
            message = f"not read: definitions lie below {connections}/"
            yield _warning(path.name, message, f"move the file to {connections}/{path.name}")


def _meant(names: Iterable[str]) -> Iterator[str]:
    for name in sorted(names):
        if not name.lower().endswith(SUFFIXES) and not name.startswith(".") and _MEANT.fullmatch(name):
            yield name


def _holds_a_definition(path: Path) -> bool:
    try:
        return path.is_file() and bool(_DEFINITION_ELSEWHERE.match(path.read_text("utf-8")[:10_000]))
    except (OSError, UnicodeError):
        return False


def _warning(file: str, message: str, remedy: str) -> Problem:
    return Problem(Location(file), "files.not-read", message, remedy, severity=Severity.WARNING)
