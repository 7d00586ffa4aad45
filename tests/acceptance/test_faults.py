"""Each kind of fault, through the command line: how apply ends, what it says, and what the next run makes of it, where
nothing is waited for; and that an apply that waits settles by itself what it lost.

There is one base connection, whose definition was edited (a PATCH), and one definition that is new (a POST).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.acceptance.support import KEY, ORG, Project, Service, basic

POST = {"method": "POST", "path": "*/connections"}
PATCH = {"method": "PATCH", "path": "*/connections/*"}
LIST = {"method": "GET", "path": "*/connections"}
LOST = "run the same command again: it first finds out what became of the call"
SETTLED = "orders: an earlier create had its effect; recorded"


@dataclass(frozen=True)
class Case:
    """``says``: in what the first run writes; ``then``: exit code and text of the second, the faults being over."""

    faults: list[dict[str, Any]]
    code: int
    says: str
    then: tuple[int, str]
    existing: list[dict[str, Any]] = field(default_factory=list)
    foreign: int = 0
    with_drift: bool = False
    lasting: bool = False


NOTHING = (0, "Apply complete: 0 added, 0 changed, 0 destroyed.")
CREATED = (0, "Apply complete: 1 added, 0 changed, 0 destroyed.")
CHANGED = (0, "Apply complete: 0 added, 1 changed, 0 destroyed.")
DONE = "Apply complete: 1 added, 1 changed, 0 destroyed."
CASES: dict[str, Case] = {
    "POST refused by a server that is down": Case([{"kind": "status", **POST, "times": 1}], 4, LOST, CREATED),
    "POST and a reset before": Case([{"kind": "reset", **POST, "times": 1}], 4, LOST, CREATED),
    "POST and a reset after": Case([{"kind": "reset", "when": "after", **POST, "nth": 1}], 4, LOST, (0, SETTLED)),
    "POST and 500 after": Case(
        [{"kind": "status", "status": 500, "when": "after", **POST, "nth": 1}], 4, LOST, (0, SETTLED)
    ),
    "POST, half an answer": Case([{"kind": "truncate", **POST, "nth": 1}], 4, "the body was cut", (0, SETTLED)),
    "POST, no JSON": Case([{"kind": "invalid-json", **POST, "nth": 1}], 4, "not JSON", (0, SETTLED)),
    "POST, a page": Case([{"kind": "wrong-content-type", **POST, "nth": 1}], 4, "answered with a page", (0, SETTLED)),
    "POST, an id that nothing has": Case(
        [{"kind": "status", "status": 201, "body": {"id": "nothing"}, "when": "after", **POST, "nth": 1}],
        4,
        "nothing, the id in the answer, does not exist; its record was removed",
        (0, SETTLED),
    ),
    "POST, too many": Case([{"kind": "status", "status": 429, **POST, "times": 2}], 0, DONE, NOTHING),
    "POST, too many, wait": Case(
        [{"kind": "status", "status": 429, "retry_after": 1, **POST, "times": 1}], 0, DONE, NOTHING
    ),
    "POST, too many, until": Case(
        [{"kind": "status", "status": 429, "retry_after": 1, "as_date": True, **POST, "times": 1}], 0, DONE, NOTHING
    ),
    "POST refused in other words than the service's": Case(
        [{"kind": "status", "status": 403, "body": {"message": "Forbidden"}, **POST, "nth": 1}],
        4,
        "refused, but perhaps after it was done",
        CREATED,
    ),
    "a slow POST": Case([{"kind": "delay", "seconds": 1, **POST}], 0, DONE, NOTHING),
    "an expired token": Case([{"kind": "expire-tokens", **POST, "nth": 1}], 0, DONE, NOTHING),
    "PATCH and a reset after": Case([{"kind": "reset", "when": "after", **PATCH, "nth": 1}], 4, LOST, CHANGED),
    "PATCH and a reset before": Case([{"kind": "reset", **PATCH, "nth": 1}], 4, LOST, CHANGED),
    "an edit that shows": Case(
        [{"kind": "foreign-edit", "visible": True, "times": 1}],
        4,
        "last changed by somebody-else",
        (1, "drift: changed by somebody-else"),
        with_drift=True,
    ),
    "an edit that does not show": Case(
        [{"kind": "foreign-edit", "times": 1}], 4, "last changed by somebody-else", CHANGED
    ),
    "a deletion by somebody else": Case([{"kind": "foreign-delete", "times": 1}], 4, "1 failed", CREATED),
    "the same name at the wrong moment": Case([{"kind": "foreign-create", "nth": 1}], 0, DONE, NOTHING, foreign=1),
    "the same name, and our answer lost": Case(
        [{"kind": "foreign-create", "nth": 1}, {"kind": "reset", "when": "after", **POST, "nth": 1}],
        4,
        LOST,
        (0, SETTLED),
        foreign=1,
    ),
    "initializing, as on AWS": Case([{"kind": "initializing", "seconds": 1}], 0, DONE, NOTHING),
    "a list that lags": Case([{"kind": "lag", "seconds": 60}], 0, DONE, NOTHING, lasting=True),
    "a list that lags, and the answer lost": Case(
        [{"kind": "lag", "seconds": 0.5}, {"kind": "reset", "when": "after", **POST, "nth": 1}],
        4,
        LOST,
        (0, "Apply complete: 1 added, 0 changed, 0 destroyed."),
        lasting=True,
    ),
    "a list that fails twice": Case([{"kind": "status", **LIST, "times": 2}], 0, DONE, NOTHING),
    "two of the name from the start": Case(
        [],
        4,
        "2 base connections with this name already exist",
        (1, "2 base connections with this name already exist"),
        existing=[{"name": "Orders", "org": ORG, "count": 2}],
        foreign=2,
    ),
}


@pytest.fixture
def edited(project: Project, service: Service) -> Iterator[Project]:
    requests.delete(f"{service.url}/_emulator/faults", timeout=5)
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
    assert project.run("apply", "--yes").code == 0
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD", description="New"))
    project.define("orders", basic("Orders"))
    yield project
    requests.delete(f"{service.url}/_emulator/faults", timeout=5)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_fault_and_the_run_after_it(edited: Project, service: Service, case: Case) -> None:
    document = {"faults": case.faults, "existing": case.existing}
    answer = requests.put(f"{service.url}/_emulator/faults", json=document, timeout=5)
    assert answer.status_code == 200, answer.text
    first = edited.run("apply", "--yes", "--no-wait")
    assert case.says in first.out + first.err
    assert first.code == case.code
    if not case.lasting:
        requests.delete(f"{service.url}/_emulator/faults", timeout=5)
    second = edited.run("apply", "--yes")
    assert case.then[1] in second.out + second.err
    assert second.code == case.then[0]
    if case.with_drift:
        assert edited.run("apply", "--yes", "--overwrite-drift").code == 0
    check_converged(edited, service, case)


LOST_ANSWERS = {name: case for name, case in CASES.items() if case.says in (LOST, "the body was cut", "not JSON")}


@pytest.mark.parametrize("case", LOST_ANSWERS.values(), ids=LOST_ANSWERS)
def test_an_apply_that_lost_an_answer_settles_it_itself(edited: Project, service: Service, case: Case) -> None:
    requests.put(f"{service.url}/_emulator/faults", json={"faults": case.faults, "existing": case.existing}, timeout=5)
    done = edited.run("apply", "--yes")
    assert "for the outcome of 1 call" in done.err
    assert (done.code, done.last) == (0, DONE), done.out + done.err
    check_converged(edited, service, case)


def check_converged(project: Project, service: Service, case: Case) -> None:
    """No second one of ours, each known, nothing lost. What waits for the user is blocked, and says so."""
    requests.delete(f"{service.url}/_emulator/faults", timeout=5)
    ours = {item["name"]: item for item in service.items() if item["createdClient"] == KEY}
    assert len(ours) + case.foreign == len(service.items())
    known = {record["id"] for record in project.state["records"].values()}
    assert known <= {item["id"] for item in ours.values()}
    assert ours["Stock"]["description"] == "New"
    if not case.foreign:
        assert known == {item["id"] for item in ours.values()}
        assert set(ours) == {"Orders", "Stock"}
        assert not project.state.get("intents")
