"""The commands against an emulator that logs into a real database."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tests.acceptance.support import CREDENTIALS, SPEC, Project, Service, basic
from tests.acceptance.test_dependants import flow
from tests.acceptance.test_import import make
from tests.databases.conftest import DATABASE, PASSWORD, USER, Connecting, Database
from tests.leaks import holds
from tests.story import told_by

NEW = "crm-rotated-'\"2\\;9-8842"
WRONG = "crm-wrong-\"';pass-1903"
NAME = "MYSQL_ORDERS_PASSWORD"


@pytest.fixture
def project(bare: Project, database: Database, connecting: Connecting) -> Project:
    """A definition of the sample database, and an emulator that contacts it."""
    service = connecting()
    bare.target(service.url)
    bare.environ |= CREDENTIALS | {NAME: PASSWORD}
    bare.define("crm", definition(database))
    return bare


def definition(sample: Database, **params: str) -> str:
    """Basic authentication with the sample database."""
    given = sample.other(**params)
    text = basic("CRM", server=given["server"])
    for old, new in (("3306", given["port"]), ("database: orders", f"database: {given['database']}")):
        assert old in text
        text = text.replace(old, new)
    return text.replace("sslMode: DISABLED", f"sslMode: {given['sslMode']}")


def in_parts(sample: Database) -> str:
    """The same by a connection string that the tool puts together and quotes."""
    given = sample.params
    return textwrap.dedent(
        f"""\
        name: CRM
        auth:
          specName: Connection String Based Authentication
          params:
            connectionString:
              server: {given["server"]}
              port: "{given["port"]}"
              database: {given["database"]}
              username: {given["username"]}
              password: "{{{{ env('{NAME}') }}}}"
        """
    )


def of(project: Project) -> Service:
    """The emulator that a project points to."""
    return Service(json.loads((project.folder / "provisioner.yaml").read_text("utf-8"))["targets"]["here"]["endpoint"])


def quiet(project: Project) -> bool:
    """Whether no password of the database is on any screen, or in any file but the definitions."""
    secrets = (PASSWORD, NEW, WRONG)
    texts = [result.out + result.err for result in project.results]
    texts += [path.read_text("utf-8") for path in project.folder.rglob("state/*") if path.is_file()]
    return not any(holds(text, *secrets) for text in texts)


@pytest.mark.parametrize("form", ["parameters", "connection string"])
def test_what_is_applied_with_a_test_reaches_its_database(project: Project, database: Database, form: str) -> None:
    if form == "connection string":
        project.define("crm", in_parts(database))
    done = project.run("apply", "--yes", "--test")
    assert (done.code, done.last) == (0, "Apply complete: 1 added, 0 changed, 0 destroyed."), done.out + done.err
    assert "database reached" in done.out
    assert quiet(project)


def test_a_database_that_is_not_reached_leaves_an_untested_connection(project: Project, database: Database) -> None:
    wrong = {NAME: WRONG}
    done = project.run("apply", "--yes", "--test", environ=wrong)
    assert done.code == 4
    assert "is kept, and does not reach its database" in done.out
    tested = project.run("test", environ=wrong)
    assert tested.code == 1
    assert "0 reachable, 1 not" in tested.last
    assert "not passed; `apply --test` tests again" in project.run("state", "show", "crm").out
    database.renew(WRONG)
    again = project.run("apply", "--yes", "--test", environ=wrong)
    assert (again.code, "tested" in again.out) == (0, True)
    assert len(of(project).writes()) == 1
    assert project.run("test", environ=wrong).code == 0
    assert quiet(project)


@pytest.mark.parametrize(
    ("params", "code"),
    [({}, 0), ({"sslMode": "REQUIRED"}, 4), ({"database": "other"}, 4), ({"server": "no-such-host.invalid"}, 4)],
    ids=str,
)
def test_each_parameter_counts(project: Project, database: Database, params: dict[str, str], code: int) -> None:
    project.define("crm", definition(database, **params))
    assert project.run("apply", "--yes", "--test").code == code


def test_exploring_shows_tables_columns_and_rows(project: Project) -> None:
    assert project.run("apply", "--yes").code == 0
    root = project.run("explore", "crm")
    assert (root.code, "crm.customers" in root.out, "crm.odd`one.out" in root.out) == (0, True, True)
    columns = project.run("explore", "crm", "crm.customers")
    assert columns.code == 0
    assert [line.split() for line in columns.out.splitlines()][1:6] == [
        ["id", "integer"],
        ["name", "string"],
        ["rate", "number"],
        ["vip", "boolean"],
        ["born", "string", "date"],
    ]
    assert "Zoë" not in columns.out
    assert "Zoë" in project.run("explore", "crm", "crm.customers", "--preview").out
    shown = project.run("explore", "crm", "crm.customers", "--preview", "--format", "json").json
    assert len(shown["rows"]) == 10
    assert shown["rows"][0]["seen"] == "2026-11-01T08:30:00"
    missing = project.run("explore", "crm", "crm.nothing")
    assert (missing.code, "No columns were found for table crm.nothing" in missing.err) == (1, True)


def test_exploring_says_why_the_database_is_not_reached(project: Project) -> None:
    assert project.run("apply", "--yes", environ={NAME: WRONG}).code == 0
    refused = project.run("explore", "crm")
    assert refused.code == 1
    assert f"Access denied for user '{USER}'" in refused.err
    assert quiet(project)


def test_a_wrong_password_never_reaches_the_live_connection(project: Project, database: Database) -> None:
    assert project.run("apply", "--yes", "--test").code == 0
    service = of(project)
    flow(service, project.id("crm"), "Nightly")
    (before,) = service.items()
    refused = project.run("rotate", "crm", "--yes", environ={NAME: WRONG})
    assert refused.code == 1
    assert "not changed: the new credentials do not reach the database" in refused.out
    assert service.items() == [before], "the etag and everything else; and no probe is left"
    assert service.seen("PATCH") == []
    assert project.run("test").code == 0, "what is live still signs in"

    database.renew(NEW)
    done = project.run("rotate", "crm", "--yes", environ={NAME: NEW})
    assert (done.code, "credentials proven, database reached" in done.out) == (0, True)
    (after,) = service.items()
    assert after["id"] == before["id"]
    assert after["etag"] != before["etag"]
    assert project.run("test", environ={NAME: NEW}).code == 0
    assert project.run("plan", "--detailed-exitcode", environ={NAME: NEW}).code == 0
    assert quiet(project)


@pytest.mark.parametrize("switch", ["create", "write"])
def test_a_service_that_checks_at_once_refuses_in_the_words_of_the_database(
    bare: Project, database: Database, connecting: Connecting, switch: str
) -> None:
    service = connecting(check_credentials=switch)
    bare.target(service.url)
    bare.environ |= CREDENTIALS
    bare.define("crm", definition(database))
    refused = bare.run("apply", "--yes", environ={NAME: WRONG})
    assert refused.code == 1
    assert f"Access denied for user '{USER}'" in refused.out
    assert service.items() == []
    assert bare.run("state", "list").out.startswith("nothing is recorded")
    assert bare.run("apply", "--yes", environ={NAME: PASSWORD}).code == 0
    changed = bare.run("apply", "--yes", environ={NAME: WRONG})
    assert changed.code == (1 if switch == "write" else 0)
    assert ("Access denied" in changed.out) == (switch == "write")
    assert quiet(bare)


def test_a_service_that_gives_a_reason_for_a_failed_test(
    bare: Project, database: Database, connecting: Connecting
) -> None:
    bare.target(connecting(test_failure="error").url)
    bare.environ |= CREDENTIALS | {NAME: WRONG}
    bare.define("crm", definition(database))
    assert f"Access denied for user '{USER}'" in bare.run("apply", "--yes", "--test").out
    assert f"Access denied for user '{USER}'" in bare.run("test").out
    assert quiet(bare)


def test_adopted_connections_are_tested_with_the_password_that_somebody_gave_them(
    bare: Project, database: Database, connecting: Connecting
) -> None:
    service = connecting()
    bare.target(service.url)
    bare.environ |= CREDENTIALS
    make(service, "By hand", database.params)
    assert bare.run("import", "--all").code == 0
    assert bare.run("test").code == 0, "nothing was sent yet"
    assert DATABASE in (bare.folder / "connections/by-hand.yaml").read_text("utf-8")
    assert SPEC["id"] not in bare.run("explore", "by-hand").out
    assert quiet(bare)


def test_the_demo_of_a_whole_life(tmp_path: Path, database: Database) -> None:  # noqa: ARG001
    told = told_by("tests.demo_lifecycle", tmp_path)
    for line in (
        "2 base connections imported, 0 skipped.",
        "Plan: 0 to add, 0 to change, 0 to destroy. 2 unchanged.",
        "used by 1 dataflow: Nightly orders (enabled, every 15 minutes)",
        "shop.orders  table  yes",
        "1   Zoë",
        "2 base connections tested: 1 reachable, 1 not.",
        "not changed: the new credentials do not reach the database",
        "credentials proven, database reached",
        "(the live base connection has the etag that it had)",
        "its record moves here from orders",
        "Apply complete: 0 added, 0 changed, 1 destroyed.",
    ):
        assert line in told, line
    assert "sample-secret" not in told
    assert list(tmp_path.iterdir()) == []
