"""Make one call of a file fail: each function of ``os`` that names a file or a descriptor, and ``open``."""

from __future__ import annotations

import io
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMED = (
    *("open", "stat", "lstat", "statvfs", "access", "listdir", "scandir", "readlink"),
    *("mkdir", "replace", "rename", "unlink", "remove", "rmdir", "link", "chmod"),
)
OPENED = ("fsync", "fstat", "fchmod", "write", "read", "ftruncate")


class Calls:
    """Counts the calls on files below ``folder``, and makes number ``failing`` (from 0) end with ``code``."""

    def __init__(self, folder: Path, failing: int | None = None, code: int = 0) -> None:
        self.folder, self.failing, self.code = str(folder), failing, code
        self.number = 0
        self.what, self.path = "", Path()
        self.opened: dict[int, Any] = {}

    def count(self, what: str, path: Any) -> None:
        mine, self.number = self.number, self.number + 1
        if mine == self.failing:
            self.what, self.path = f"{what} {path}", Path(os.fsdecode(path))
            error = OSError(self.code, os.strerror(self.code), str(path))
            raise sqlite3.OperationalError(str(error)) if what == "sqlite3.connect" else error

    def is_below(self, path: object) -> bool:
        try:
            return os.path.abspath(os.fsdecode(path)).startswith(self.folder)  # type: ignore[arg-type]
        except (TypeError, ValueError, OSError):
            return False


_ACTIVE: list[Calls] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """What is written in C and opens files: ``open`` (with a mode; ``os.open`` has none) and databases."""
    if _ACTIVE and (event == "sqlite3.connect" or (event == "open" and arguments[1] is not None)):
        calls = _ACTIVE[-1]
        if calls.is_below(arguments[0]):
            calls.count(event, arguments[0])


sys.addaudithook(_hook)


@contextmanager
def counting(calls: Calls) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMED:
            patch.setattr(os, name, _named(name, getattr(os, name), calls))
        for name in OPENED:
            patch.setattr(os, name, _opened(name, getattr(os, name), calls))
        _ACTIVE.append(calls)
        try:
            yield
        finally:
            _ACTIVE.pop()


def _named(name: str, real: Callable[..., Any], calls: Calls) -> Callable[..., Any]:
    def called(path: Any = ".", *more: Any, **options: Any) -> Any:
        if isinstance(path, int) or not calls.is_below(path):
            return real(path, *more, **options)
        calls.count(name, path)
        result = real(path, *more, **options)
        if name == "open":
            calls.opened[result] = path
        return result

    return called


def _opened(name: str, real: Callable[..., Any], calls: Calls) -> Callable[..., Any]:
    def called(descriptor: Any, *more: Any) -> Any:
        if descriptor in calls.opened:
            calls.count(name, calls.opened[descriptor])
        return real(descriptor, *more)

    return called


class Screen(io.StringIO):
    """A stream that is no terminal and has no descriptor."""
