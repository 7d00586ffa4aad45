"""One base connection from the hand that made it to its end, by commands alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from tests.acceptance.support import CREDENTIALS, ROTATED, Project, Service
from tests.acceptance.test_dependants import flow
from tests.acceptance.test_import import BASIC, make

NAME = "MYSQL_CRM_PASSWORD"
BY_HAND = {NAME: BASIC["password"]}
NEW = {NAME: ROTATED}
UNCHANGED = "Plan: 0 to add, 0 to change, 0 to destroy. 1 unchanged."


@pytest.fixture
def service() -> Iterator[Service]:
    with Emulator(behaviour=Behaviour(tables={"crm.customers": {"id": "bigint(20)"}})) as emulator:
        yield Service(emulator.url)


def test_the_whole_life_of_a_base_connection(bare: Project, service: Service) -> None:
    project = bare
    project.target(service.url)
    project.environ |= CREDENTIALS
    (project.folder / "connections").mkdir(exist_ok=True)

    def done(*words: str, environ: dict[str, str] = NEW, code: int = 0) -> str:
        result = project.run(*words, environ=environ)
        assert result.code == code, result.out + result.err
        return result.out

    def edit(key: str, pattern: str, instead: str) -> None:
        file = project.folder / f"connections/{key}.yaml"
        text, number = re.subn(pattern, instead, file.read_text("utf-8"))
        assert number == 1
        file.write_text(text, "utf-8")

    # Somebody made it by hand, and dataflows read from it.
    identity = make(service, "CRM")
    nightly = flow(service, identity, "Nightly")
    (source,) = (one["id"] for one in service.call("GET", "", resource="sourceConnections").json()["items"])

    # It is adopted: reviewed as a definition, never touched, and with its password the plan comes to nothing.
    assert NAME in done("import", identity, environ={})
    assert service.writes() == []
    assert "1 definition checked" in done("validate", environ={})
    assert UNCHANGED in done("plan", "--detailed-exitcode", environ={})
    done("apply", "--yes", "--test", environ=BY_HAND)
    assert UNCHANGED in done("plan", "--detailed-exitcode", environ=BY_HAND)

    # It is looked into, and edited.
    assert "crm.customers" in done("explore", "crm", environ=BY_HAND)
    edit("crm", 'database: "?crm"?', "database: crm_eu")
    assert "Nightly (enabled" in done("plan", "--detailed-exitcode", environ=BY_HAND, code=2)
    done("apply", "--yes", "--test", environ=BY_HAND)
    assert UNCHANGED in done("plan", environ=BY_HAND)

    # Its password is rotated; it moves to another key; the next step of the pipeline asks for its id.
    done("rotate", "crm", "--yes")
    (project.folder / "connections/crm.yaml").rename(project.folder / "connections/customers.yaml")
    edit("customers", r"\A", "movedFrom: crm\n")
    writes = len(service.writes())
    assert "1 to move" in done("plan", "--detailed-exitcode", code=2)
    done("apply", "--yes")
    assert len(service.writes()) == writes
    assert project.id("customers") == identity
    assert identity in done("output")

    # It is retired: not while a dataflow needs it, then for good.
    (project.folder / "connections/customers.yaml").unlink()
    retire = ("--allow-delete", "--allow-mass-delete")  # it is the last one
    assert "used by 1 dataflow: Nightly" in done("plan", *retire, code=1)
    assert project.run("apply", "--yes", *retire, environ=NEW).code != 0
    assert project.id("customers") == identity
    service.call("DELETE", f"/{nightly}", resource="flows")
    service.call("DELETE", f"/{source}", resource="sourceConnections")
    done("apply", "--yes", *retire)
    assert service.items() == []
    assert project.state["records"] == {}
    assert "Plan: 0 to add, 0 to change, 0 to destroy." in done("plan", "--detailed-exitcode")
    assert project.leaks() == []
    assert not any(BASIC["password"] in result.out + result.err for result in project.results)
