"""The scanner at work: a bug that is about to show a secret stops the run, shows nothing, and costs no id."""

from __future__ import annotations

import io
import stat
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from provisioner import cli
from provisioner.cli.console import Console
from provisioner.report import apply_json, outcomes, plan_json, plan_text
from provisioner.state import codec
from tests.acceptance.support import CLIENT_SECRET, ORDERS, ORG, STOCK, Project, Service, basic, between
from tests.leaks import holds

SPOKEN = "what was about to be written holds the value of env(MYSQL_ORDERS_PASSWORD); nothing of it was written"


def inside(project: Project, *args: str, more: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run within this process, where a bug can be made."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(project.folder):
        code = cli.run(args, project.environment(more), None, Console(out, err))
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
    (outcomes, "as_summary", ("apply", "--yes")),
    (apply_json, "as_json", ("apply", "--yes", "--format", "json")),
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
        patched.setattr(outcomes, "as_line", showing(outcomes.as_line, ORDERS))
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
    made = codec.entry_to_json
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


def test_what_libraries_write_is_checked_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
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
    monkeypatch.setattr("provisioner.service.auth._valid_token", lambda raw: tokens.append(raw) or raw)
    made = plan_text.as_text
    monkeypatch.setattr(plan_text, "as_text", lambda *args: f"{made(*args)} {tokens[0]}")
    code, out, err = inside(project, "plan")
    assert code == 3
    assert tokens[0] not in out + err


# --- secrets that stand in files


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (
            {"connections/orders.yaml": basic("Orders", description=f"signs in with {ORDERS}")},
            "connections/orders.yaml:2:1",
        ),
        ({"connections/orders.yaml": basic(ORDERS)}, "connections/orders.yaml:1:1"),
        ({"connections/orders.yaml": f"# {ORDERS}\n{basic('Orders')}"}, "connections/orders.yaml:1:1"),
        ({"connections/other.yaml": f"nonsense: {ORDERS}\n"}, "connections/other.yaml:1:1"),
        ({f"connections/{ORDERS}.yaml": basic("Other")}, "connections:1:1"),
    ],
    ids=["description", "name", "comment", "another file, unsound", "name of a file"],
)
@pytest.mark.parametrize("command", ["plan", "plan --offline", "apply --yes", "plan --format json", "state rebuild"])
def test_a_secret_in_a_definition_stops_the_run(
    project: Project, service: Service, files: dict[str, str], place: str, command: str
) -> None:
    project.define("orders", basic("Orders"))
    for path, text in files.items():
        project.write(path, text)
    stopped = project.run(*command.split())
    assert stopped.code == 1
    said = stopped.out + stopped.err
    assert "secret.exposed" in said
    assert "env(MYSQL_ORDERS_PASSWORD) appears" in said
    assert place in said or "json" in command
    assert service.seen() == []


def test_a_secret_in_the_project_file_stops_the_run(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    project.target(service.url, vars={"note": ORDERS})
    stopped = project.run("plan")
    assert (stopped.code, service.seen()) == (1, [])
    assert "provisioner.yaml:1:1: the value of env(MYSQL_ORDERS_PASSWORD) appears here" in stopped.err


def test_a_secret_of_the_tool_in_a_definition_stops_the_run(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders", description=CLIENT_SECRET))
    stopped = project.run("apply", "--yes")
    assert (stopped.code, service.seen()) == (1, [])
    assert "the value of env(AEP_CLIENT_SECRET) appears here" in stopped.err


def test_a_line_that_allows_it_may_hold_a_secret(project: Project) -> None:
    allowed = "  # provisioner: allow secret.literal"
    project.define("orders", basic("Orders", description=f"{ORDERS}{allowed}"))
    stopped = project.run("plan", "--offline")
    assert "secret.exposed" not in stopped.err
    assert stopped.code == 3, "what would show it is still held back"


def test_a_secret_in_the_state_stops_the_run(project: Project, service: Service) -> None:
    """A definition said it before anybody used it as a password."""
    project.define("orders", basic("Orders", description="tomorrows-pa55word"))
    assert project.run("apply", "--yes").code == 0
    project.define("orders", basic("Orders"))
    project.environ["MYSQL_ORDERS_PASSWORD"] = "tomorrows-pa55word"
    writes = len(service.writes())
    stopped = project.run("apply", "--yes")
    assert (stopped.code, len(service.writes())) == (1, writes)
    assert "stands in the state in plain text: orders, description" in stopped.err
    assert "tomorrows-pa55word" not in stopped.out + stopped.err


@pytest.mark.usefixtures("service")
def test_a_secret_of_two_lines_does_not_stand_in_two_fields(project: Project) -> None:
    project.environ["MYSQL_ORDERS_PASSWORD"] = "1b3d\n5f7h"
    project.define("orders", basic("5f7h", description="1b3d"))
    assert project.run("apply", "--yes").code == 0
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_samples_of_an_emulator_are_no_secrets_there_and_secrets_elsewhere(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders", description=f"as in {STOCK}", secret="MYSQL_SAMPLE"))
    real = {"org_id": ORG, "sandbox": "prod", "endpoint": service.url, "ims_endpoint": service.url}
    project.project_file({"here": {"emulator": True, "env": {"MYSQL_SAMPLE": STOCK}}, "real": real})
    project.environ.pop("MYSQL_STOCK_PASSWORD")
    sample = project.run("plan", "--target", "here")
    assert (sample.code, STOCK in sample.out) == (0, True)
    project.environ["MYSQL_SAMPLE"] = STOCK
    assert project.run("plan", "--target", "here").code == 0
    stopped = project.run("plan", "--target", "real")
    assert stopped.code == 1
    assert stopped.err.count("the value of env(MYSQL_SAMPLE) appears here") == 2
    project.results.clear()  # which showed the sample
    project.state_file.unlink(missing_ok=True)


def test_what_cannot_be_looked_for_is_said_by_name(project: Project) -> None:
    project.define("orders", basic("Orders"))
    result = project.run("plan", environ={"MYSQL_ORDERS_PASSWORD": "s3cr3t"})
    assert (
        "MYSQL_ORDERS_PASSWORD is shorter than 8 characters, so the output of this run cannot be scanned for it"
        in result.err
    )
    assert "s3cr3t" not in result.err + result.out


AWKWARD = [
    "Zq9##kT7-longsecret",
    "#kT7-longsecret9",
    "::kT7-longsecret9",
    "kT7 longsecret 99 with blanks in it",
    "a_b*c@d kT7 long",
    "p@ss-kT7-long!?",
    "kT7`long`secret`9",
    "kT7<long>&\"secret'9",
    "kT7\u3164longsecret9",
    "kT7.long.secret.9",
    "\u00e4kT7longsecret9",
]
SURROUNDED = ["{}", "see #{}", "#{}#", '"{}"', "x:{}:x", "{}!", "({})", "a@{}", "`{}`", " {} ", "{}##", "\u202e{}"]


@pytest.mark.parametrize("around", SURROUNDED)
@pytest.mark.parametrize("password", AWKWARD)
def test_whatever_stands_around_it_no_form_shows_a_secret_that_the_service_says(
    project: Project, service: Service, around: str, password: str
) -> None:
    """Escapes, folding and cutting make another text of it; so it is looked for before as well."""
    environ = {"MYSQL_ORDERS_PASSWORD": password}
    project.define("orders", basic("Orders"))
    assert project.run("apply", "--yes", environ=environ).code == 0
    (item,) = service.items()
    service.edit(item["id"], "/description", around.format(password))
    for args in (("plan",), ("plan", "--format", "json"), ("plan", "--report", "markdown=r", "--report", "html=r")):
        code, out, err = inside(project, *args, more=environ)
        assert (code, out) == (3, "")
        assert not holds(err, password)
    assert not (project.folder / "r").exists()
