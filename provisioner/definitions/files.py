"""Files of a project on disk: list and read definitions, and find files that were probably misplaced or misnamed.

Nothing else in this package reads files. A file that cannot be read becomes a problem, not an exception.
"""

from __future__ import annotations

import codecs
import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from provisioner.definitions.suggestions import closest
from provisioner.errors import UsageError
from provisioner.model import Location, Problem, Severity

MAX_BYTES = 1024 * 1024
SUFFIXES = (".yaml", ".yml")

NO_DEFINITION = "files.none"
NO_FOLDER = "files.no-folder"
"""Never excused, unlike an empty folder: a missing folder may be lost, and all of its definitions would be deleted."""


class DefinitionFile(NamedTuple):
    """A file of a definition. ``file`` is the path to show; ``stem`` the path below the folder of definitions, without
    extension, separated by ``/``; ``is_regular`` is false for links, pipes and the like."""

    path: str
    file: str
    stem: str
    is_regular: bool


def list_definitions(folder: Path, shown_as: str) -> tuple[tuple[DefinitionFile, ...], tuple[Problem, ...]]:
    """Return every definition below ``folder``, by path. Files and folders that start with a dot are skipped."""
    problems: list[Problem] = []
    entries = tuple(
        DefinitionFile(
            entry.path,
            shown,
            shown.removeprefix(f"{shown_as}/").rpartition(".")[0],
            entry.is_file(follow_symlinks=False),
        )
        for entry, shown in _walk(str(folder), (os.path.realpath(folder),), shown_as, problems)
    )
    if not entries and not problems:
        problems.append(_nothing_found(folder, shown_as))
    return entries, tuple(problems)


def _walk(
    folder: str, ancestors: tuple[str, ...], shown_as: str, problems: list[Problem]
) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yield definitions by path. ``ancestors`` are the real paths of the folders that led here."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        if len(ancestors) > 1 or os.path.isdir(folder):
            problems.append(_unreadable(shown_as, error))
        return
    for entry in entries:
        shown = f"{shown_as}/{entry.name}"
        if entry.name.startswith("."):
            continue
        # For a link, the function that never raises.
        if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir(follow_symlinks=False):
            real = os.path.realpath(entry.path)
            if real in ancestors:
                message = "the link leads back to a folder above it"
                problems.append(Problem(Location(shown), "files.loop", message, "remove the link"))
            elif not Path(real).is_relative_to(ancestors[0]):
                problems.append(_outside(shown))
            else:
                yield from _walk(entry.path, (*ancestors, real), shown, problems)
        elif entry.name.lower().endswith(SUFFIXES):
            yield entry, shown


def _nothing_found(folder: Path, shown_as: str) -> Problem:
    location = Location(shown_as)
    if folder.is_dir():
        return Problem(location, NO_DEFINITION, "the folder contains no definition", f"add a .yaml file to {shown_as}/")
    if os.path.lexists(folder):
        remedy = f"replace it with a folder {shown_as}/ that contains the definitions"
        return Problem(location, NO_FOLDER, "it is not a folder", remedy)
    names: dict[str, str] = {}
    with suppress(OSError):
        names = {entry.name.lower(): entry.name for entry in os.scandir(folder.parent) if entry.is_dir()}
    similar = names.get(closest(folder.name, names), "")
    if similar:
        remedy = f"rename `{similar}/` to `{shown_as}/`"
    else:
        remedy = f"add `{shown_as}/.gitkeep`: git does not keep empty folders"
    return Problem(location, NO_FOLDER, "the folder does not exist", remedy)


def read_entry(entry: DefinitionFile, folder: Path) -> str | Problem:
    """Return the text of a file that was listed below ``folder``, or the problem with it."""
    # A regular file in a folder that was walked cannot lead outside.
    return _read(entry.path, entry.file) if entry.is_regular else read_text(Path(entry.path), entry.file, folder)


def read_text(path: Path, shown_as: str, root: Path) -> str | Problem:
    """Return the text of a file, or the problem with it. A link must not lead out of ``root``."""
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(root.resolve()):
            return _outside(shown_as)
        if not real.is_file():  # reading a pipe would block
            return _unreadable(shown_as, OSError(errno.EINVAL, "it is not a regular file"))
    except (OSError, RuntimeError) as error:
        return _unreadable(shown_as, error)
    return _read(str(real), shown_as)


def _read(path: str, shown_as: str) -> str | Problem:
    try:
        file = os.open(path, os.O_RDONLY)
        try:
            # One call: a file that grows in the meantime is cut at its present size.
            content = os.read(file, min(os.fstat(file).st_size, MAX_BYTES) + 1)
        finally:
            os.close(file)
    except OSError as error:
        return _unreadable(shown_as, error)
    if len(content) > MAX_BYTES:
        remedy = "split it: a definition is one small YAML document"
        return Problem(Location(shown_as), "files.too-large", "larger than 1 MiB", remedy)
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        return Problem(Location(shown_as, line, column), "files.encoding", "not UTF-8", "save the file as UTF-8")


def _outside(shown_as: str) -> Problem:
    message = "the link leads out of the folder of definitions"
    return Problem(Location(shown_as), "files.outside", message, "copy the linked file, or link inside the folder")


def _unreadable(shown_as: str, error: Exception) -> Problem:
    if isinstance(error, RuntimeError) or getattr(error, "errno", None) == errno.ELOOP:
        return Problem(Location(shown_as), "files.loop", "the link leads back to itself", "remove the link")
    message = f"cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}"
    return Problem(Location(shown_as), "files.unreadable", message, "check the file and its permissions")


_LIKE_PROJECT_FILE = re.compile(r"\.?provisioner\.ya?ml(\.(txt|ya?ml))?", re.IGNORECASE)
_MAX_ENTRIES = 200
"""Entries of a folder among which to look for a misplaced file."""


def no_project_file(folder: Path, name: str) -> UsageError:
    """Return the error for a folder without a project file. It names the file that was probably meant, if any."""
    if not folder.is_dir():
        reason = "is a file" if folder.is_file() else "does not exist"
        return UsageError(
            f"there is no {name} in {folder}: the folder {reason}", f"pass the folder of {name} as --project"
        )
    entries = _entries(folder)
    for entry in entries:
        if _LIKE_PROJECT_FILE.fullmatch(entry.name) and entry.name != name:
            return UsageError(f"there is no {name} in {folder}, but {entry.name}", f"rename {entry.name} to {name}")
    if (folder / name).is_dir():
        return UsageError(
            f"{folder / name} is a folder", "replace it with a file: `provisioner init` creates a new project"
        )
    above = next((parent for parent in folder.parents if (parent / name).is_file()), None)
    below = next((entry for entry in entries if not entry.name.startswith(".") and (entry / name).is_file()), None)
    if other := above or below:
        path = os.path.relpath(other, folder)
        return UsageError(
            f"there is no {name} in {folder}, but there is one in {path}",
            f"run the command there, or pass --project {path}",
        )
    remedy = "run in the folder of the project, or pass it as --project; `provisioner init` creates a new one"
    return UsageError(f"there is no {name} in {folder}", remedy)


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(islice(folder.iterdir(), _MAX_ENTRIES))
    return []


_DEFINITION_TEXT = re.compile(r"(?=.*^name:)(?=.*^auth:)", re.MULTILINE | re.DOTALL)
_LIKE_DEFINITION_FILE = re.compile(
    r".+\.(ya?ml\.(txt|j2|jinja2?|tmpl|template|json)|yam|yml?a|ymal|json|jsonc|toml)", re.IGNORECASE
)
"""Names of files that were probably meant to be read. Backups, and files renamed to be left out, are not among them."""


def overlooked_files(project: Path, connections: str) -> Iterator[Problem]:
    """Yield a warning for each file that is probably meant as a definition and is not read, because of its name or its
    folder."""
    for parent, folders, names in os.walk(project / connections):
        shown = os.path.relpath(parent, project).replace(os.sep, "/")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if name.lower().endswith(SUFFIXES):
                message = "a folder that is named like a definition; the files in it are read"
                yield _warning(f"{shown}/{name}", message, "rename the folder, or move its content into a file")
        for name in sorted(names):
            if (
                not name.lower().endswith(SUFFIXES)
                and not name.startswith(".")
                and _LIKE_DEFINITION_FILE.fullmatch(name)
            ):
                yield _warning(f"{shown}/{name}", "not read: definitions end in .yaml or .yml", "rename the file")
    for path in _entries(project):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and _contains_definition(path):
            message = f"not read: definitions lie below {connections}/"
            yield _warning(path.name, message, f"move the file to {connections}/{path.name}")


def _contains_definition(path: Path) -> bool:
    try:
        return path.is_file() and bool(_DEFINITION_TEXT.match(path.read_text("utf-8")[:10_000]))
    except (OSError, UnicodeError):
        return False


def _warning(file: str, message: str, remedy: str) -> Problem:
    return Problem(Location(file), "files.not-read", message, remedy, severity=Severity.WARNING)
