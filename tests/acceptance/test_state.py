"""``state``: what is recorded can be read, and what was lost is made anew, without a guess."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from provisioner.state.journal import Contents, Journal
from provisioner.state.records import Opened, Settled
from tests.acceptance.support import COVERAGE, Project, Service, basic, between

_LIMIT = "import resource, sys; n = int(sys.argv.pop(1)); resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)); "
LIMITED = (sys.executable, "-c", _LIMIT + "from provisioner.cli import main; main()")
"""The command on a disk that takes files up to so many bytes; the number is its first argument."""


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
    journal = Journal(folder / "j", Opened("ab" * 8, "cd" * 16, 7, None), Contents())
    journal.append([Settled("unheard-of", "failed", None, None)])
    journal.close()
    return (folder / "j").read_bytes()


def test_what_cannot_be_decided_is_said(applied: Project, service: Service) -> None:
    """Somebody else's object of that name is not taken for ours."""
    service.edit(applied.id("orders"), "/description", "edited")
    applied.state_file.unlink()
    rebuilt = applied.run("state", "rebuild")
    assert rebuilt.code == 1
    assert "and differs in description" in rebuilt.out
    assert "State rebuilt: 0 records kept, 1 taken up, 1 open." in rebuilt.out


def sizes(project: Project) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in project.state_file.parent.iterdir()}


@pytest.mark.parametrize("room_beside", [True, False], ids=["beside the state", "elsewhere"])
def test_an_id_that_the_full_disk_did_not_take_is_kept(project: Project, service: Service, room_beside: bool) -> None:
    """The journal takes the intent and not the outcome; another file takes it, and the next run takes it up."""
    project.define("orders", basic("Orders"))
    measured: list[int] = []

    def measure(method: str, _path: str, _body: object) -> None:
        if method == "POST" and (journal := project.state_file.with_name("here.json.journal")).exists():
            measured.append(journal.stat().st_size)

    with between(service, measure) as url:
        project.target(url)
        assert project.run("apply", "--yes").code == 0
    shutil.rmtree(project.state_file.parent)
    service.reset()
    project.target(service.url)
    if not room_beside:
        project.state_file.parent.mkdir()
        project.state_file.with_name("here.json.rescue").symlink_to("nowhere")
    # The address in the journal may be a digit shorter or longer than the measured one.
    limited = (*LIMITED, str(measured[0] + 20))
    # Nor could coverage write its file.
    full = project.run_process("apply", "--yes", command=limited, environ=dict.fromkeys(COVERAGE))
    (made,) = service.items()
    assert full.code == 4
    assert made["id"] in full.err
    if not room_beside:
        project.state_file.with_name("here.json.rescue").unlink()
        (kept,) = re.findall(r"provisioner state recover (\S+)", full.out)
        assert project.run("state", "list").out.count("has no known outcome") == 1
        assert project.run("state", "recover", kept).code == 0
        os.unlink(kept)
    assert project.run("state", "show", "orders").out.count(made["id"]) == 1
    assert project.run("apply", "--yes").last == "Apply complete: 0 added, 0 changed, 0 destroyed."
    assert (project.id("orders"), len(service.items())) == (made["id"], 1)
    assert set(sizes(project)) <= {"here.json", "here.json.lock", "here.json.backup"}


def test_only_what_apply_kept_can_be_recorded(applied: Project) -> None:
    applied.write("other.jsonl", '{"kind": "forgotten", "key": "orders"}\n')
    assert applied.run("state", "recover", "other.jsonl").code == 1
    applied.write("other.jsonl", '{"kind":"settled","intent_id":"x","verdict":"done","id":"i","etag":null}\n')
    assert applied.run("state", "recover", "other.jsonl").code == 64
