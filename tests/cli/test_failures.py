"""How a command ends: its exit code, and what is said of it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from provisioner.cli.console import Console
from provisioner.cli.context import Context
from provisioner.cli.failures import run_command
from provisioner.errors import StateError
from provisioner.secret_scanner import SecretScanner


def raising(error: BaseException) -> Callable[[], Any]:
    def run() -> Any:
        raise error

    return run


class PanicException(BaseException):
    """As extensions written in Rust raise it."""


NO_EXCEPTION = (
    PanicException("called unwrap on hunter2"),
    SystemExit("the password is hunter2"),
    SystemExit(ValueError("hunter2")),
    BaseException("hunter2"),
    GeneratorExit("hunter2"),
    BaseExceptionGroup("hunter2", [PanicException("hunter2")]),
    ExceptionGroup("hunter2", [ValueError("hunter2")]),
    RecursionError("hunter2"),
    MemoryError("hunter2"),
    asyncio.CancelledError("hunter2"),
    UnicodeEncodeError("utf-8", "hunter2", 0, 1, "hunter2"),
)

ENDS: dict[str, tuple[Callable[[], Any], int, str]] = {
    "well": (lambda: 0, 0, ""),
    "with a code": (lambda: 2, 2, ""),
    "without one": (lambda: None, 0, ""),
    "by click's own hand": (raising(click.exceptions.Exit(5)), 5, ""),
    "Ctrl-C where click reads": (raising(click.Abort()), 130, "interrupted; whatever was finished by then is recorded"),
    "Ctrl-C": (raising(KeyboardInterrupt()), 130, "interrupted; whatever was finished by then is recorded"),
    "wrongly called": (raising(click.UsageError("no such flag")), 64, "error: no such flag"),
    "expected": (
        raising(StateError("damaged", "fetch it")),
        StateError.exit_code,
        "error: damaged\n    remedy: fetch it",
    ),
    "a file that cannot be used": (
        raising(PermissionError(13, "hunter2", "state/prod.json")),
        1,
        "error: state/prod.json: Permission denied\n    remedy: check its owner",
    ),
    "a full disk": (raising(OSError(28, "hunter2")), 1, "error: No space left on device\n    remedy: free space"),
    "a bug": (raising(ZeroDivisionError("hunter2")), 3, "bug in provisioner"),
    "an exit": (raising(SystemExit(7)), 7, ""),
    "an exit without a code": (raising(SystemExit()), 0, ""),
    **{f"{error!r:.20}": (raising(error), 3, f"bug in provisioner ({type(error).__name__})") for error in NO_EXCEPTION},
}


@pytest.mark.parametrize(("run", "code", "said"), ENDS.values(), ids=ENDS)
def test_how_a_command_ends(
    run: Callable[[], Any], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out, err = io.StringIO(), io.StringIO()
    assert run_command(Context({}, None, Console(out, err, SecretScanner())), run) == code
    assert out.getvalue() == ""
    assert said in err.getvalue() if said else err.getvalue() == ""
    assert "hunter2" not in err.getvalue()
    assert all("hunter2" not in file.read_text("utf-8") for file in tmp_path.iterdir())


def test_a_report_that_cannot_be_written_is_said_instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    err = io.StringIO()
    assert (
        run_command(
            Context({}, None, Console(io.StringIO(), err, SecretScanner())), raising(ZeroDivisionError("hunter2"))
        )
        == 3
    )
    assert "the report could not be written" in err.getvalue()
    assert "ZeroDivisionError" in err.getvalue()
    assert "hunter2" not in err.getvalue()
    monkeypatch.chdir(tmp_path)


def test_two_bugs_in_one_second_have_a_report_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(5):
        err = io.StringIO()
        assert run_command(Context({}, None, Console(io.StringIO(), err, SecretScanner())), raising(ValueError())) == 3
        assert "the report is in" in err.getvalue()
    assert len(list(tmp_path.glob("provisioner-report-*.txt"))) == 5
