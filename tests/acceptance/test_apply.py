"""``apply`` makes it so, once and only once, and says truthfully what it did."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from .support import ORDERS, ROTATED, STOCK, Project, Service, basic, between, by_string

ANSWERS_THAT_DECLINE = ["no", "y", "", "yes please"]


@pytest.fixture
def applied(project: Project) -> Project:
    """Two base connections that are as declared."""
    project.define("orders", basic("Orders"))
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
    assert project.run("apply", "--yes").code == 0
    return project


def operations(service: Service) -> list[tuple[str, str]]:
    """What the one PATCH says, without the values."""
    (patch,) = service.seen("PATCH")
    return [(one["op"], one["path"]) for one in patch["body"]]


def test_without_a_terminal_and_yes_it_refuses(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    apply = project.run("apply")
    assert apply.code == 64
    assert "nothing was sent" in apply.err
    assert "--yes" in apply.err
    assert service.writes() == []
    assert not project.state_file.exists()


def test_in_ci_a_terminal_is_not_asked_either(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    assert project.at_terminal("apply", "--target", "here", environ={"CI": "true"}).code == 64
    assert service.writes() == []


def test_on_a_terminal_it_asks_once_and_yes_does_it(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    screen = project.at_terminal("apply", answer="yes")
    assert screen.code == 0
    assert screen.out.count("Only `yes` is accepted:") == 1
    assert "Apply complete: 1 added, 0 changed, 0 destroyed." in screen.out
    assert "\x1b[32m" in screen.out
    assert len(service.seen("POST")) == 1


def test_what_moved_while_the_question_stood_is_not_applied(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    lists = itertools.count()

    def somebody_creates_it(method: str, path: str, _: Any) -> None:
        if method == "GET" and "/connections?" in path and next(lists) == 1:
            service.create("Orders")

    with between(service, somebody_creates_it) as url:
        project.target(url)
        screen = project.at_terminal("apply", answer="yes")
    assert screen.code == 5
    assert "orders changed while the question was open; nothing was sent" in screen.out
    assert len(service.items()) == 1


@pytest.mark.parametrize("answer", ANSWERS_THAT_DECLINE)
def test_any_other_answer_declines(project: Project, service: Service, answer: str) -> None:
    project.define("orders", basic("Orders"))
    screen = project.at_terminal("apply", answer=answer or "\n")
    assert screen.code == 1
    assert screen.out.count("Only `yes` is accepted:") == 1
    assert "not confirmed; nothing was sent" in screen.out
    assert service.writes() == []


def test_nothing_to_do_needs_no_answer(applied: Project) -> None:
    assert applied.run("apply").code == 0


def test_applying_twice_changes_nothing(applied: Project, service: Service) -> None:
    before, writes = applied.state_file.read_bytes(), len(service.writes())
    again = applied.run("apply", "--yes")
    assert (again.code, again.err) == (0, "")
    assert again.last == "Apply complete: 0 added, 0 changed, 0 destroyed."
    assert len(service.writes()) == writes == 2
    assert applied.state_file.read_bytes() == before
    assert applied.run("plan", "--detailed-exitcode").code == 0


def test_each_outcome_has_a_line_and_nothing_but_the_state_stays(applied: Project) -> None:
    (result,) = applied.results
    for key in ("orders", "stock"):
        assert re.search(rf"^created +{key}  {applied.id(key)} in \d+\.\d s$", result.out, re.MULTILINE)
    assert result.last == "Apply complete: 2 added, 0 changed, 0 destroyed."
    assert {path.name for path in applied.state_file.parent.iterdir()} <= {"here.json", "here.json.lock"}


def test_json_is_one_document_and_everything_else_a_note(project: Project) -> None:
    project.define("orders", basic("Orders"))
    apply = project.run("apply", "--yes", "--format", "json")
    (outcome,) = apply.json["outcomes"]
    assert (outcome["address"], outcome["action"], outcome["outcome"]) == ("orders", "create", "done")
    assert outcome["id"] == project.id("orders")
    assert "Plan: 1 to add" in apply.err


def test_a_change_is_one_patch_with_the_etag_that_was_seen(applied: Project, service: Service) -> None:
    etag = applied.state["records"]["orders"]["etag"]
    applied.define("orders", basic("Sales"))
    assert applied.run("apply", "--yes").last == "Apply complete: 0 added, 1 changed, 0 destroyed."
    (patch,) = service.seen("PATCH")
    assert patch["path"].endswith(f"/connections/{applied.id('orders')}")
    assert patch["headers"]["if-match"] == etag
    assert etag.startswith('"')
    assert patch["body"] == [{"op": "replace", "path": "/name", "value": "Sales"}]
    assert applied.run("plan", "--detailed-exitcode").code == 0


def test_a_rotated_secret_sends_all_parameters_in_one_patch(applied: Project, service: Service) -> None:
    environ = {"MYSQL_ORDERS_PASSWORD": ROTATED}
    assert applied.run("apply", "--yes", environ=environ).code == 0
    (patch,) = service.seen("PATCH")
    ((op, path, params),) = [one.values() for one in patch["body"]]
    assert (op, path) == ("replace", "/auth/params")
    assert params == {
        "server": "db.example.com",
        "port": "3306",
        "database": "orders",
        "username": "svc_aep",
        "password": ROTATED,
        "sslMode": "DISABLED",
    }
    assert applied.run("plan", "--detailed-exitcode", environ=environ).code == 0


def test_another_way_to_authenticate_replaces_name_and_parameters(applied: Project, service: Service) -> None:
    applied.define("orders", by_string("Orders"))
    assert applied.run("apply", "--yes").code == 0
    assert operations(service) == [("replace", "/auth/specName"), ("replace", "/auth/params")]
    (patch,) = service.seen("PATCH")
    string = f"Server=db.example.com;Port=3306;Database=orders;UID=svc_aep;PWD={ORDERS}"
    assert patch["body"][1]["value"] == {"connectionString": string}
    assert applied.run("plan", "--detailed-exitcode").code == 0


def test_a_description_is_added_where_there_was_none(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders", description=None))
    project.run("apply", "--yes")
    assert "description" not in service.seen("POST")[0]["body"]
    project.define("orders", basic("Orders", description="New"))
    assert project.run("apply", "--yes").code == 0
    assert operations(service) == [("add", "/description")]
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_a_description_that_is_gone_becomes_empty(applied: Project, service: Service) -> None:
    applied.define("orders", basic("Orders", description=None))
    assert applied.run("apply", "--yes").code == 0
    assert service.seen("PATCH")[0]["body"] == [{"op": "add", "path": "/description", "value": ""}]
    assert applied.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("value", [None, ""])
def test_an_unset_secret_stops_it_before_any_call(project: Project, service: Service, value: str | None) -> None:
    project.define("orders", basic("Orders"))
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
    apply = project.run("apply", "--yes", environ={"MYSQL_STOCK_PASSWORD": value})
    assert (apply.code, apply.out) == (1, "")
    assert "connections/stock.yaml:10:15: env(MYSQL_STOCK_PASSWORD) is not set" in apply.err
    assert service.seen() == []
    assert service.tokens() == 0


def test_drift_is_left_alone_unless_told(applied: Project, service: Service) -> None:
    service.edit(applied.id("orders"), "/description", "Mine now")
    held = applied.run("apply", "--yes")
    assert held.code == 1
    assert "remedy: `--overwrite-drift`" in held.out
    assert service.seen("PATCH") == []
    assert applied.run("apply", "--yes", "--overwrite-drift").code == 0
    assert {item["description"] for item in service.items()} == {"A"}
    assert applied.run("plan", "--detailed-exitcode").code == 0


def test_drift_may_be_overwritten_by_who_confirms_it(applied: Project, service: Service) -> None:
    service.edit(applied.id("orders"), "/description", "Mine now")
    screen = applied.at_terminal("apply", answer="yes")
    assert screen.code == 0
    assert "(drift)" in screen.out
    assert {item["description"] for item in service.items()} == {"A"}


def test_a_lost_state_blocks_everything_until_it_is_taken_over(applied: Project, service: Service) -> None:
    ids = {item["id"] for item in service.items()}
    applied.state_file.unlink()
    plan = applied.run("plan")
    assert plan.code == 1
    assert plan.last == "Plan: 0 to add, 0 to change, 0 to destroy. 2 blocked."
    assert plan.out.count("reason: already exists: ") == 2

    blocked = applied.run("apply", "--yes")
    assert blocked.code == 1
    assert blocked.last == "Nothing applied: 2 blocked."
    assert len(service.writes()) == 2

    healed = applied.run("apply", "--import-existing", "--yes")
    assert healed.code == 0, healed.out + healed.err
    assert {applied.id("orders"), applied.id("stock")} == ids == {item["id"] for item in service.items()}
    assert [one["body"][0]["value"]["password"] for one in service.seen("PATCH")] in ([ORDERS, STOCK], [STOCK, ORDERS])
    assert applied.run("plan", "--detailed-exitcode").last.endswith("0 to destroy. 2 unchanged.")


@pytest.mark.parametrize("difference", ["created by somebody else", "another description"])
def test_what_is_not_as_declared_or_not_ours_is_not_taken_over(
    project: Project, service: Service, difference: str
) -> None:
    if difference == "another description":
        project.define("orders", basic("Orders"))
        project.run("apply", "--yes")
        project.state_file.unlink()
        project.define("orders", basic("Orders", description="B"))
    else:
        service.create("Orders")
        text = basic("Orders", description=None, server="h").replace('"3306"', '"1"').replace("orders\n", "d\n")
        project.define("orders", text.replace("svc_aep", "u"))
    apply = project.run("apply", "--import-existing", "--yes")
    assert apply.code == 1
    assert "differs in description" in apply.out or "created by somebody-else" in apply.out
    assert service.seen("PATCH") == []
    assert len(service.items()) == 1


def test_with_a_fingerprint_key_a_rotated_secret_is_still_told(project: Project) -> None:
    project.environ["PROVISIONER_FINGERPRINT_KEY"] = "k" * 32
    project.define("orders", basic("Orders"))
    assert project.run("apply", "--yes").code == 0
    assert project.run("plan", "--detailed-exitcode").code == 0
    other = project.run("plan", environ={"PROVISIONER_FINGERPRINT_KEY": "l" * 32})
    assert "reason: secret cannot be compared and will be sent: env(MYSQL_ORDERS_PASSWORD)" in other.out
