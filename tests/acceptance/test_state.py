"""``state``: what is recorded can be read, and what was lost is made anew, without a guess."""

from __future__ import annotations

import errno
import io
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from provisioner.cli import run
from provisioner.cli.console import Console
from provisioner.state.journal import Journal, JournalContents
from provisioner.state.records import Completed, Header
from tests.acceptance.support import CONNECTIONS, CREDENTIALS, ORDERS, ORG, PASSWORDS, Project, Service, basic, between


@pytest.fixture
def applied(project: Project) -> Project:
    for key in ("orders", "stock"):
        project.define(key, basic(key.capitalize(), secret=f"MYSQL_{key.upper()}_PASSWORD"))
    assert project.run("apply", "--yes").code == 0
    return project


def test_list_and_show(applied: Project) -> None:
    listed = applied.run("state", "list")
    assert (listed.code, listed.err) == (0, "")
    head, *rows = [re.split(" {2,}", line) for line in listed.out.splitlines()]
    assert head == ["KEY", "NAME", "ID", "SERVER", "TESTED (UTC)", "LAST APPLIED (UTC)"]
    assert [row[:-1] for row in rows] == [
        ["orders", "Orders", applied.id("orders"), "db.example.com", "never"],
        ["stock", "Stock", applied.id("stock"), "db.example.com", "never"],
    ]
    for row in rows:
        applied_at = datetime.fromisoformat(applied.state["records"][row[0]]["applied_at"])
        assert row[-1] == f"{applied_at:%Y-%m-%d %H:%M}"
        assert abs(datetime.now(UTC) - applied_at) < timedelta(minutes=10)
    shown = applied.run("state", "show", "orders")
    assert "auth.params.password    env(MYSQL_ORDERS_PASSWORD), fingerprint by scrypt" in shown.out
    assert applied.run("state", "show", "orders", "--format", "json").json["entries"][0]["id"] == applied.id("orders")
    missing = applied.run("state", "show", "nothing")
    assert (missing.code, "nothing is recorded under nothing" in missing.err) == (64, True)


def test_list_needs_no_credentials_and_no_definitions(applied: Project) -> None:
    listed = applied.run("state", "list")
    applied.define("orders", "no: definition")
    without = dict.fromkeys((*CREDENTIALS, *PASSWORDS))
    assert applied.run("state", "list", environ=without) == listed


LOCAL = {"emulator": True}
NAMED = {"org_id": ORG, "sandbox": "dev", "state": "state/sub dir/é.json"}


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ([], "state/here.json"),
        (["--target", "here"], "state/here.json"),
        (["--target", "named"], "state/sub dir/é.json"),
        (["--target", "local"], ".provisioner/local/state.json"),
        (["--target", "bare"], "state/bare.json"),
    ],
)
def test_the_path_of_the_state_needs_nothing_but_the_project_file(bare: Project, words: list[str], path: str) -> None:
    bare.project_file({"here": {"org_id": ORG, "sandbox": "prod"}, "named": NAMED, "local": LOCAL, "bare": {}})
    bare.define("orders", "no: definition")
    without = dict.fromkeys((*CREDENTIALS, *PASSWORDS))
    for more in ([], ["--project", str(bare.folder)]):
        printed = bare.run("state", "path", *words, *more, environ=without)
        assert (printed.code, printed.out, printed.err) == (0, f"{path}\n", "")
    assert not (bare.folder / path).exists()
    unknown = bare.run("state", "path", "--target", "no")
    assert (unknown.code, unknown.out) == (64, "")


@pytest.mark.parametrize("change", ["mv", "refresh", "another origin", "adopted by rebuild"])
def test_what_sends_nothing_keeps_when_it_was_applied_and_tested(
    applied: Project, service: Service, change: str
) -> None:
    before = {"applied_at": "2025-01-02T03:04:05+00:00", "tested_at": "2025-01-02T03:04:06+00:00"}
    state = applied.state
    state["records"]["orders"] |= before
    applied.state_file.write_text(json.dumps(state))
    key, again = "orders", {"MYSQL_AGAIN": ORDERS}
    if change == "mv":
        key = "moved"
        assert applied.run("state", "mv", "orders", key).code == 0
    elif change == "refresh":
        service.edit(applied.id("orders"), "/description", "edited")
        assert applied.run("apply", "--yes", "--refresh-only").code == 0
        assert applied.state["records"]["orders"]["fields"]["description"] == "edited"
    elif change == "another origin":
        applied.define("orders", basic("Orders", secret="MYSQL_AGAIN"))
        assert applied.run("apply", "--yes", environ=again).code == 0
        assert "MYSQL_AGAIN" in str(applied.state["records"]["orders"])
    else:
        applied.state_file.unlink()
        assert applied.run("state", "rebuild").code == 0
        before = {}
    record = applied.state["records"][key]
    assert {name: value for name, value in record.items() if name.endswith("_at")} == before


@pytest.mark.parametrize("damage", ["gone", "not JSON", "merge conflict", "older than the journal"])
def test_a_lost_state_is_made_anew(applied: Project, service: Service, tmp_path: Path, damage: str) -> None:
    """Ids come back, nothing is made twice, and the secrets that nobody can compare are sent again."""
    ids = {applied.id("orders"), applied.id("stock")}
    whole = applied.state_file.read_text()
    if damage == "gone":
        applied.state_file.unlink()
    elif damage == "older than the journal":
        applied.state_file.with_name("here.json.journal").write_bytes(foreign_journal(tmp_path))
    else:
        text = "{" if damage == "not JSON" else f"<<<<<<< ours\n{whole}=======\n{whole}>>>>>>> theirs\n"
        applied.state_file.write_text(text)
        refused = applied.run("plan")
        assert (refused.code, "provisioner state rebuild" in refused.err) == (1, True)
    rebuilt = applied.run("state", "rebuild")
    assert (rebuilt.code, rebuilt.err) == (0, "")
    assert {applied.id("orders"), applied.id("stock")} == ids
    again = applied.run("apply", "--yes")
    assert again.code == 0
    assert "0 added" in again.last
    assert len(service.items()) == 2
    assert applied.run("plan", "--detailed-exitcode").code == 0
    assert not applied.leaks()


def foreign_journal(folder: Path) -> bytes:
    """One that continues another state."""
    journal = Journal(folder / "j", Header("ab" * 8, "cd" * 16, 7, None), JournalContents())
    journal.append([Completed("unheard-of", "failed", None, None)])
    journal.close()
    return (folder / "j").read_bytes()


def test_what_cannot_be_decided_is_said(applied: Project, service: Service) -> None:
    """Somebody else's object of that name is not taken for ours."""
    service.edit(applied.id("orders"), "/description", "edited")
    applied.state_file.unlink()
    rebuilt = applied.run("state", "rebuild")
    assert rebuilt.code == 1
    assert "and differs in description" in rebuilt.out
    assert "State rebuilt: 0 records kept, 1 adopted, 1 open." in rebuilt.out


def create(project: Project) -> None:
    project.define("orders", basic("Orders"))


def change(project: Project) -> None:
    project.define("stock", basic("Stock", server="db2.example.com"))


def delete(project: Project) -> None:
    (project.folder / "connections/spare.yaml").unlink()


@pytest.mark.parametrize(
    ("method", "edit", "key", "sent_again"),
    [("POST", create, "orders", 0), ("PATCH", change, "stock", 1), ("DELETE", delete, "spare", 0)],
)
def test_what_a_full_disk_did_not_take_is_found_by_the_next_apply(
    project: Project,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    edit: Callable[[Project], None],
    key: str,
    sent_again: int,
) -> None:
    """The intent was durable before the call. Only a change is sent again, to the same end."""
    apply = ("apply", "--yes", "--allow-delete")
    sync, full = os.fsync, Event()

    def fsync(descriptor: int) -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    def fill(sent: str, path: str, _: object) -> None:
        if editing.is_set() and sent == method and CONNECTIONS in path:
            full.set()

    editing = Event()
    with between(service, fill) as url, monkeypatch.context() as patched:
        project.target(url)
        for one in ("stock", "spare"):
            project.define(one, basic(one.capitalize()))
        assert project.run(*apply).code == 0
        spare = project.id("spare")
        edit(project)
        editing.set()
        patched.setattr(os, "fsync", fsync)
        out, err = io.StringIO(), io.StringIO()
        arguments = [*apply, "--project", str(project.folder)]
        assert run(arguments, project.environment(), None, Console(out, err)) == 4
        full.clear()
        editing.clear()
        written = len(service.writes())
        assert project.run(*apply).code == 0
        assert len(service.writes()) == written + sent_again
        assert project.run("plan", "--detailed-exitcode").code == 0
    id_of = {item["name"].lower(): item["id"] for item in service.items()}
    assert {one: project.id(one) for one in project.state["records"]} == id_of
    (told,) = [line for line in err.getvalue().splitlines() if line.startswith("not recorded: ")]
    assert told == f"not recorded: {id_of.get(key, spare)}"
    assert "run apply again: it determines what was done and records it" in out.getvalue()
    assert ORDERS not in out.getvalue() + err.getvalue()
