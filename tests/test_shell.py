"""How a command ends: its exit code, and what is said of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from provisioner.egress import Egress
from provisioner.errors import StateError
from provisioner.secret_scanner import SecretScanner
from provisioner.shell import Shell, guarded


def raising(error: BaseException) -> Callable[[], Any]:
    def run() -> Any:
        raise error

    return run


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
    "a bug": (raising(ZeroDivisionError("hunter2")), 3, "bug in provisioner"),
}


@pytest.mark.parametrize(("run", "code", "said"), ENDS.values(), ids=ENDS)
def test_how_a_command_ends(
    run: Callable[[], Any], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out, err = io.StringIO(), io.StringIO()
    assert guarded(Shell({}, None, Egress(out, err, SecretScanner())), run) == code
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
        guarded(Shell({}, None, Egress(io.StringIO(), err, SecretScanner())), raising(ZeroDivisionError("hunter2")))
        == 3
    )
    assert "the report could not be written" in err.getvalue()
    assert "ZeroDivisionError" in err.getvalue()
    assert "hunter2" not in err.getvalue()
    monkeypatch.chdir(tmp_path)
