"""Whether managed base connections reach their databases, and what is in there."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from tests.acceptance.support import CREDENTIALS, PASSWORDS, Project, Service, basic, between

TABLES = {
    "crm.customers": {"id": "bigint(20)", "name": "varchar(80)", "born": "date", "active": "tinyint(1)"},
    "crm.orders": {"id": "int unsigned", "total": "decimal(10,2)", "placed": "datetime"},
}


@pytest.fixture
def described(bare: Project) -> Iterator[Project]:
    """One base connection at a service that shows two tables."""
    with Emulator(behaviour=Behaviour(tables=TABLES)) as emulator:
        bare.target(emulator.url)
        bare.environ |= CREDENTIALS | PASSWORDS
        bare.define("crm", basic("CRM"))
        assert bare.run("apply", "--yes").code == 0
        yield bare


def test_tables_are_listed(described: Project) -> None:
    found = described.run("explore", "crm")
    assert found.code == 0
    assert found.out.splitlines() == [
        "TABLE          TYPE   PREVIEW",
        "crm.customers  table  yes",
        "crm.orders     table  yes",
    ]
    assert [one["path"] for one in described.run("explore", "crm", "--format", "json").json["tables"]] == [*TABLES]


def test_columns_have_the_types_that_the_service_gives(described: Project) -> None:
    assert described.run("explore", "crm", "crm.customers").out.splitlines() == [
        "COLUMN  TYPE     FORMAT",
        "id      integer",
        "name    string",
        "born    string   date",
        "active  boolean",
    ]
    columns = described.run("explore", "crm", "crm.orders", "--format", "json").json["columns"]
    assert columns[2] == {"name": "placed", "type": "string", "format": "date-time"}


def test_rows_are_shown_where_they_are_offered(project: Project, service: Service) -> None:
    row = {"id": 7, "name": "Ann \u202e", "born": None, "active": True}
    answer = {"format": "flat", "schema": {"columns": [{"name": name, "type": "x"} for name in row]}, "data": [row]}
    with between(service, lambda _, path, __: (200, answer) if "preview=true" in path else None) as url:
        project.target(url)
        project.define("crm", basic("CRM"))
        assert project.run("apply", "--yes").code == 0
        shown = project.run("explore", "crm", "crm.customers", "--preview")
    assert shown.out.splitlines()[-2:] == ["id  name        born  active", "7   Ann \\u202e  NULL  True"]


def test_a_preview_without_rows_says_so(described: Project) -> None:
    table = described.run("explore", "crm").out.splitlines()[1].split()[0]
    shown = described.run("explore", "crm", table, "--preview")
    assert shown.out.splitlines()[-1] == "no rows: the table is empty, or the service offers none"
    assert "no rows" not in described.run("explore", "crm", table).out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["none"], 64, "nothing is recorded under none"),
        (["crm", "crm.nowhere"], 1, "No columns were found for table crm.nowhere"),
        (["crm", "crm.nowhere"], 1, "check that `explore KEY` lists this table"),
        (["crm", "--preview"], 64, "--preview is of a table"),
    ],
)
def test_what_cannot_be_explored(described: Project, words: list[str], code: int, said: str) -> None:
    refused = described.run("explore", *words)
    assert (refused.code, said in refused.err) == (code, True), refused.err


@pytest.fixture
def three(project: Project) -> Project:
    for key in ("a", "b", "team/c"):
        project.define(key, basic(key.upper()))
    assert project.run("apply", "--yes").code == 0
    return project


def test_all_are_tested_and_nothing_is_written(three: Project, service: Service) -> None:
    writes = len(service.writes())
    done = three.run("test")
    assert (done.code, done.last) == (0, "3 base connections tested: 3 reachable, 0 not.")
    lines = done.out.splitlines()[:-1]
    assert [line.split()[:2] for line in lines] == [["reachable", key] for key in ("a", "b", "team/c")]
    assert {line.index(line.split()[2]) for line in lines} == {len("reachable    team/c  ")}  # in one column
    assert len(service.writes()) == writes


def test_only_what_is_selected_is_tested(three: Project) -> None:
    assert three.run("test", "--select", "team/*").last == "1 base connection tested: 1 reachable, 0 not."
    refused = three.run("test", "--select", "none")
    assert (refused.code, "--select none matches no record" in refused.err) == (64, True)


def test_results_come_by_key_in_columns_and_with_a_remedy(project: Project, service: Service) -> None:
    """``b`` is answered "no"; the answer to ``a`` comes after that to ``team/longer``."""
    later = Event()

    def answer(_: str, path: str, __: object) -> tuple[int, object] | None:
        if not path.endswith("/test"):
            return None
        key = next(key for key in KEYS if project.id(key) in path)
        if key == "a":
            later.wait(60)
        if key == "team/longer":
            later.set()
        return (200, {"result": key != "b"})

    with between(service, answer) as url:
        project.target(url)
        for key in reversed(KEYS):
            project.define(key, basic(key.title()))
        assert project.run("apply", "--yes").code == 0
        ids = {key: project.id(key) for key in KEYS}
        done = project.run("test", "--parallelism", "3")
        selected = project.run("test", "--select", "a")
    assert done.out.splitlines() == [
        f"reachable    a            {ids['a']}",
        f"unreachable  b            {ids['b']}",
        "    the service gives no reason; check server, port, database, user, password, sslMode",
        f"    remedy: {REMEDY} `provisioner test --select b`",
        f"reachable    team/longer  {ids['team/longer']}",
        "3 base connections tested: 2 reachable, 1 not.",
    ]
    assert selected.out.splitlines()[0] == f"reachable    a  {ids['a']}"


REMEDY = "correct the definition or its variables and apply, or let Adobe's addresses reach the database; then"
KEYS = ("a", "b", "team/longer")

ANSWERS = {
    "no": ((200, {"result": False}), "unreachable", False, "the service gives no reason"),
    "the provider says no": (
        (400, {"type": "x/1100-400", "status": 400, "detail": "Error from flow provider: Access denied for user"}),
        "unreachable",
        False,
        "Access denied for user",
    ),
    "no answer of use": ((200, {"ok": 1}), "not tested", None, "the response holds no result"),
    "gone": ((404, {"errorMessage": "connections not found with id = [x]"}), "not tested", None, "not found"),
}


@pytest.mark.parametrize(("answer", "word", "reachable", "why"), ANSWERS.values(), ids=ANSWERS)
def test_what_is_not_reachable_is_said_with_why(
    project: Project, service: Service, answer: tuple[int, object], word: str, reachable: bool | None, why: str
) -> None:
    with between(service, lambda _, path, __: answer if path.endswith("/test") else None) as url:
        project.target(url)
        project.define("a", basic("A"))
        assert project.run("apply", "--yes").code == 0
        done = project.run("test")
        assert done.code == 1
        assert done.out.startswith(f"{word} ")
        assert why in done.out
        assert "remedy: " in done.out
        tested = "1 base connection tested: 0 reachable, 1 not."
        not_tested = "0 base connections tested: 0 reachable, 0 not. 1 not tested."
        assert done.last == (not_tested if reachable is None else tested)
        assert "    remedy: " in done.out
        (result,) = project.run("test", "--format", "json").json["results"]
    assert (result["address"], result["reachable"], why in result["reason"]) == ("a", reachable, True)


def test_before_anything_is_recorded_there_is_nothing_to_test(project: Project) -> None:
    refused = project.run("test")
    assert (refused.code, "nothing is recorded for target here" in refused.err) == (64, True)
    assert "remedy: run `provisioner apply --target here` first" in refused.err


HOSTILE_IDS = ["##vso[task.setvariable variable=a]b", "x ##[error]y", "::error::x"]


@pytest.mark.parametrize("request_id", HOSTILE_IDS)
def test_no_id_of_a_request_is_a_command_to_a_runner(project: Project, service: Service, request_id: str) -> None:
    project.define("orders", basic("Orders"))
    refused = (400, {"title": "x", "report": {"request-id": request_id}})
    with between(service, lambda _method, path, _body: refused if "/connections" in path else None) as url:
        project.target(url)
        done = project.run("plan", "-v")
    assert done.code == 1
    for line in (done.out + done.err).splitlines():
        assert not line.lstrip().startswith("::")
        assert "##" not in line
