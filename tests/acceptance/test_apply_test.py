"""``apply --test``: each create and each change of credentials is tested; what does not pass is kept and remembered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.support import ROTATED, Project, Service, basic, between

UNREACHABLE = (200, {"result": False})


class Database:
    """Whether the service reaches it; how often it was asked."""

    def __init__(self) -> None:
        self.up = True
        self.asked = 0

    def answer(self, method: str, path: str, _: object) -> tuple[int, object] | None:
        if not (method == "GET" and path.endswith("/test")):
            return None
        self.asked += 1
        return None if self.up else UNREACHABLE


@pytest.fixture(autouse=True)
def database(project: Project, service: Service) -> Iterator[Database]:
    database = Database()
    with between(service, database.answer) as url:
        project.target(url)
        project.define("a", basic("A"))
        yield database


def test_what_is_created_is_tested(project: Project, database: Database) -> None:
    done = project.run("apply", "--yes", "--test")
    assert (done.code, done.last) == (0, "Apply complete: 1 added, 0 changed, 0 destroyed.")
    assert "(--test)" in done.out
    assert database.asked == 1
    assert "untested" not in project.state["records"]["a"]
    again = project.run("apply", "--yes", "--test")
    assert (again.code, database.asked) == (0, 1), "what passed is not tested again"


def test_what_does_not_pass_is_kept_and_tested_again(project: Project, database: Database, service: Service) -> None:
    database.up = False
    done = project.run("apply", "--yes", "--test")
    assert (done.code, done.last) == (4, "Apply incomplete: 1 added, 0 changed, 0 destroyed. 1 untested.")
    assert "does not reach its database: the service gives no reason" in done.out
    assert "remedy: fix the database" in done.out
    assert project.state["records"]["a"]["untested"] is True
    assert "not passed; `apply --test` tests again" in project.run("state", "show", "a").out
    assert "  not passed  " in project.run("state", "list").out
    assert project.run("plan", "--detailed-exitcode").code == 0, "as declared it is"

    asked = database.asked
    plan = project.run("plan", "--test")
    assert "it is tested again" in plan.out
    assert database.asked == asked, "a plan only looks at what is there"
    assert project.run("apply", "--yes", "--test").code == 4
    assert project.run("apply", "--yes").code == 0
    database.up = True
    writes = len(service.writes())
    passed = project.run("apply", "--yes", "--test")
    assert (passed.code, passed.out.count("\ntested ")) == (0, 1), passed.out
    assert len(service.writes()) == writes
    assert "untested" not in project.state["records"]["a"]
    tested_at = project.state["records"]["a"]["tested_at"]
    assert f"  {tested_at[:16].replace('T', ' ')}  " in project.run("state", "list").out


def test_a_change_of_credentials_is_tested_and_another_one_is_not(project: Project, database: Database) -> None:
    assert project.run("apply", "--yes").code == 0
    assert database.asked == 0
    assert project.run("apply", "--yes", "--test", environ={"MYSQL_ORDERS_PASSWORD": ROTATED}).code == 0
    assert database.asked == 1
    project.define("a", basic("A", description="New"))
    assert project.run("apply", "--yes", "--test", environ={"MYSQL_ORDERS_PASSWORD": ROTATED}).code == 0
    assert database.asked == 1


def test_another_change_does_not_make_it_tested(project: Project, database: Database) -> None:
    database.up = False
    assert project.run("apply", "--yes", "--test").code == 4
    project.define("a", basic("A", description="New"))
    assert project.run("apply", "--yes").code == 0
    assert project.state["records"]["a"]["untested"] is True
    project.define("a", basic("A", description="Newer"))
    assert project.run("apply", "--yes", "--test").code == 4, "it is tested with whatever else is done"
    database.up = True
    project.define("a", basic("A", description="Newest"))
    assert project.run("apply", "--yes", "--test").code == 0
    assert "untested" not in project.state["records"]["a"]


def test_an_approval_covers_the_test_that_did_not_pass(project: Project, database: Database) -> None:
    assert project.run("plan", "--test", "--report", "digest=digest").code == 0
    approved = (project.folder / "digest").read_text("utf-8").strip()
    flags = ["--yes", "--test", "--expect-digest", approved]
    database.up = False
    assert project.run("apply", *flags).code == 4
    database.up = True
    again = project.run("apply", *flags)
    assert (again.code, "tested" in again.out) == (0, True), again.err


def test_a_test_without_an_answer_is_none(project: Project, service: Service) -> None:
    service.faults({"kind": "status", "status": 403, "method": "GET", "path": "*/test"})
    done = project.run("apply", "--yes", "--test")
    service.faults()
    assert (done.code, "could not be tested" in done.out) == (4, True)
    assert project.state["records"]["a"]["untested"] is True


def test_outcomes_say_so_in_every_form(project: Project, database: Database) -> None:
    database.up = False
    reports = ["--report", "junit=out.xml", "--report", "markdown=out.md"]
    found = project.run("apply", "--yes", "--test", "--format", "json", *reports).json
    assert [one["outcome"] for one in found["outcomes"]] == ["untested"]
    assert found["outcomes"][0]["id"] == project.id("a")
    assert 'failures="1"' in (project.folder / "out.xml").read_text("utf-8")
    assert "untested `a`" in (project.folder / "out.md").read_text("utf-8")
