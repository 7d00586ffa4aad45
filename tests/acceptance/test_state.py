"""``state``: what is recorded can be read, and what was lost is made anew, without a guess."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from provisioner.cli import run
from provisioner.cli.console import Console
from provisioner.state.journal import Journal, JournalContents
from provisioner.state.records import Completed, Header
from tests.acceptance.support import CONNECTIONS, ORDERS, Project, Service, basic, between


@pytest.fixture
def applied(project: Project) -> Project:
    for key in ("orders", "stock"):
        project.define(key, basic(key.capitalize(), secret=f"MYSQL_{key.upper()}_PASSWORD"))
    assert project.run("apply", "--yes").code == 0
    return project


def test_list_and_show(applied: Project) -> None:
    listed = applied.run("state", "list")
    assert (listed.code, listed.out.splitlines()) == (
        0,
        [f'orders  {applied.id("orders")}  "Orders"', f'stock   {applied.id("stock")}  "Stock"'],
    )
    shown = applied.run("state", "show", "orders")
    assert "auth.params.password    env(MYSQL_ORDERS_PASSWORD), fingerprint by scrypt" in shown.out
    assert applied.run("state", "show", "orders", "--format", "json").json["entries"][0]["id"] == applied.id("orders")
    missing = applied.run("state", "show", "nothing")
    assert (missing.code, "nothing is recorded under nothing" in missing.err) == (64, True)


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
