"""The wall at work: a bug that is about to show a secret stops the run, shows nothing, and costs no id."""

from __future__ import annotations

import io
import re
import stat
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from provisioner import cli
from provisioner.egress import Egress
from provisioner.report import outcomes, plan_json, plan_text
from provisioner.state import encoding
from tests.acceptance.support import ORDERS, SECRETS, STOCK, Project, Service, basic, between
from tests.leaks import holds

SPOKEN = "what was about to be written holds the value of env(MYSQL_ORDERS_PASSWORD); nothing of it was written"


def inside(project: Project, *args: str, more: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run within this process, where a bug can be made."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(project.folder):
        code = cli.run(args, project.environment(more), None, Egress(out, err))
    return code, out.getvalue(), err.getvalue()


def reports(project: Project) -> list[Path]:
    return list(project.folder.glob("provisioner-report-*.txt"))


def showing(made: Callable[..., str], secret: str) -> Callable[..., str]:
    """The same face of a value with a secret in it."""
    return lambda *args: f"{made(*args)} {secret}"


FACES: list[tuple[Any, str, tuple[str, ...]]] = [
    (plan_text, "as_text", ("plan",)),
    (plan_json, "as_json", ("plan", "--format", "json")),
    (plan_text, "as_text", ("apply", "--yes")),
    (outcomes, "summary", ("apply", "--yes")),
    (outcomes, "as_json", ("apply", "--yes", "--format", "json")),
]


@pytest.mark.parametrize(("face", "name", "args"), FACES, ids=[f"{row[1]} {' '.join(row[2])}" for row in FACES])
@pytest.mark.parametrize("spelling", [ORDERS, ORDERS.upper(), "b3JkZXJzLXNlY3JldC0wODE1"])
def test_a_face_that_shows_a_secret_stops_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, face: Any, name: str, args: tuple[str, ...], spelling: str
) -> None:
    project.define("orders", basic("Orders"))
    monkeypatch.setattr(face, name, showing(getattr(face, name), spelling))
    code, out, err = inside(project, *args)
    assert code == 3
    assert not holds(out + err, ORDERS)
    assert SPOKEN in err
    (report,) = reports(project)
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "Leak" in report.read_text("utf-8")


def test_no_id_is_lost_when_the_line_about_it_is_withheld(
    project: Project, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is under way ends and is recorded; nothing new begins; the next run goes on from there."""
    for number in range(12):
        project.define(f"orders{number:02}", basic(f"Orders {number}"))
    with monkeypatch.context() as patched:
        patched.setattr(outcomes, "line", showing(outcomes.line, ORDERS))
        code, out, err = inside(project, "apply", "--yes", "--parallelism", "2")
    assert code == 3
    assert not holds(out + err, ORDERS)
    created = {item["name"] for item in service.items()}
    assert 0 < len(created) < 12
    after = project.run("apply", "--yes")
    assert (after.code, after.last) == (0, f"Apply complete: {12 - len(created)} added, 0 changed, 0 destroyed.")
    assert len(service.items()) == 12


def test_a_record_that_holds_a_secret_is_refused_before_the_call(
    project: Project, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.define("orders", basic("Orders"))
    made = encoding.entry_to_json
    with monkeypatch.context() as patched:
        patched.setattr("provisioner.state.store.entry_to_json", lambda entry: [made(entry), ORDERS])
        code, _, err = inside(project, "apply", "--yes")
    assert code == 3
    assert SPOKEN in err
    assert service.writes() == []
    assert project.run("apply", "--yes").code == 0


def test_an_outcome_is_recorded_whatever_it_holds(project: Project, service: Service) -> None:
    """Ids and etags come from the service. One that looks like a secret is not shown, and kept all the same."""
    project.define("orders", basic("Orders"))
    password = "0815-looks-like-an-id"
    created = (201, {"id": password, "etag": '"e1"'})
    with between(service, lambda method, path, _: created if (method, path[-1]) == ("POST", "s") else None) as url:
        project.target(url)
        code, out, err = inside(project, "apply", "--yes", more={"MYSQL_ORDERS_PASSWORD": password})
    assert code == 3
    assert password not in out + err
    assert password in project.state_file.with_name(f"{project.state_file.name}.journal").read_text("utf-8")


def test_what_libraries_write_passes_the_same_wall(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning, a print, an error in a thread that nobody waits for."""
    project.define("orders", basic("Orders"))
    made = plan_text.as_text

    def noisy(*args: Any) -> str:
        print("printed: harmless")  # noqa: T201
        print("printed:", ORDERS)  # noqa: T201
        print("printed:", ORDERS, file=sys.stderr)  # noqa: T201
        sys.stderr.write(ORDERS[:7])
        sys.stderr.write(ORDERS[7:] + "\n")
        sys.stderr.write(warnings.formatwarning(ORDERS, UserWarning, "x.py", 1))
        sys.stderr.write("the last line, without an end")
        return made(*args)

    monkeypatch.setattr(plan_text, "as_text", noisy)
    code, out, err = inside(project, "plan")
    assert code == 0
    assert not holds(out + err, ORDERS)
    assert "printed: harmless\n" in out
    assert "the last line, without an end\n" in err


def test_an_error_in_a_forgotten_thread(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.define("orders", basic("Orders"))
    made = plan_text.as_text

    def forgetful(*args: Any) -> str:
        thread = threading.Thread(target=lambda: int(ORDERS))
        thread.start()
        thread.join()
        return made(*args)

    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(plan_text, "as_text", forgetful)
    code, out, err = inside(project, "plan")
    assert code == 0
    assert "Traceback" in err
    assert not holds(out + err, ORDERS)


OWN = {
    "the client secret": {"AEP_CLIENT_SECRET": "p8e-very-long-client-secret"},
    "the access token": {"AEP_ACCESS_TOKEN": "eyJhbGciOi-very-long-token"},
    "the fingerprint key": {"PROVISIONER_FINGERPRINT_KEY": "k3y-" * 10},
    "the one before": {"PROVISIONER_FINGERPRINT_KEY_OLD": "k4y-" * 10},
}


@pytest.mark.parametrize("which", OWN)
def test_what_the_tool_signs_in_with_is_guarded_too(
    project: Project, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    project.define("orders", basic("Orders"))
    ((name, value),) = OWN[which].items()
    monkeypatch.setattr(plan_text, "as_text", showing(plan_text.as_text, value))
    code, out, err = inside(project, "plan", "--offline", more=OWN[which])
    assert code == 3
    assert value not in out + err
    assert f"env({name})" in err


def test_a_token_that_was_fetched_is_guarded_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.define("orders", basic("Orders"))
    tokens: list[str] = []
    monkeypatch.setattr("provisioner.service.auth._checked", lambda raw: tokens.append(raw) or raw)
    made = plan_text.as_text
    monkeypatch.setattr(plan_text, "as_text", lambda *args: f"{made(*args)} {tokens[0]}")
    code, out, err = inside(project, "plan")
    assert code == 3
    assert tokens[0] not in out + err


# --- GitHub Actions

ON_GITHUB = {"GITHUB_ACTIONS": "true"}


def on_a_runner(project: Project, *args: str, more: dict[str, str], err: Any = subprocess.PIPE) -> tuple[str, str]:
    command = [sys.executable, "-m", "provisioner.cli", *args]
    environ = project.environment({**ON_GITHUB, **more})
    done = subprocess.run(
        command, cwd=project.folder, env=environ, stdout=subprocess.PIPE, stderr=err, encoding="utf-8", timeout=30
    )
    return done.stdout, done.stderr or ""


def masked(text: str) -> list[str]:
    return re.findall(r"^::add-mask::(.*)$", text, re.MULTILINE)


def test_the_runner_is_told_what_to_hide(project: Project) -> None:
    project.define("orders", basic("Orders"))
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
    out, err = on_a_runner(project, "plan", more={"MYSQL_ORDERS_PASSWORD": "50%\nof-a-secret"})
    told = masked(err)
    assert {"50%25%0Aof-a-secret", STOCK} <= set(told)
    assert len(told) == len(set(told))
    assert masked(out) == []
    assert not [word for word in ("a", "orders", "MYSQL") if word in told]


def test_the_token_is_registered_as_well(project: Project) -> None:
    project.define("orders", basic("Orders"))
    _, err = on_a_runner(project, "plan", more={})
    assert any(len(value) > 20 and value not in SECRETS for value in masked(err))


@pytest.mark.parametrize("where", ["a file", "one pipe for both"])
def test_nothing_is_registered_where_something_else_listens(project: Project, where: str, tmp_path: Path) -> None:
    """A file or a `tee` would keep what was meant for the runner alone."""
    project.define("orders", basic("Orders"))
    if where == "a file":
        with (tmp_path / "log").open("w") as log:
            out, _ = on_a_runner(project, "plan", more={}, err=log)
        err = (tmp_path / "log").read_text("utf-8")
    else:
        out, err = on_a_runner(project, "plan", more={}, err=subprocess.STDOUT)
    assert masked(out + err) == []
    assert "secrets are not registered with the runner" in out + err


def test_elsewhere_nothing_is_registered(project: Project) -> None:
    project.define("orders", basic("Orders"))
    assert masked(project.run("plan").err) == []
    assert masked(project.run("plan", environ={"GITHUB_ACTIONS": "false"}).err) == []


def test_without_a_secret_the_runner_hears_nothing(project: Project) -> None:
    project.define("orders", basic("Orders"))
    out, err = on_a_runner(project, "validate", more={})
    assert "mask" not in out + err


def test_what_cannot_be_guarded_is_said_by_name(project: Project) -> None:
    project.define("orders", basic("Orders"))
    result = project.run("plan", environ={"MYSQL_ORDERS_PASSWORD": "s3cr3t"})
    assert "MYSQL_ORDERS_PASSWORD is too short, or stands in plain text elsewhere" in result.err
    assert "s3cr3t" not in result.err + result.out
