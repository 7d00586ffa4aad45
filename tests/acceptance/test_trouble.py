"""``apply`` when something breaks on the way: never a duplicate, never a false report."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest

from provisioner.model import TargetIdentity
from provisioner.state.lock import Holder
from provisioner.state.store import FileStore

from .support import COMMAND, LOST, ORDERS, ORG, ROTATED, Project, Service, basic, between

REFUSAL = (400, {"type": "https://ns.adobe.com/aep/errors/FLOW-1100-400", "status": 400, "title": "Bad request"})


def refuse_stock(method: str, _: str, body: Any) -> tuple[int, Any] | None:
    return REFUSAL if method == "POST" and body and body.get("name") == "Stock" else None


def define_two(project: Project) -> None:
    project.define("orders", basic("Orders"))
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))


def test_what_fails_does_not_stop_the_rest(project: Project, service: Service) -> None:
    define_two(project)
    with between(service, refuse_stock) as url:
        project.target(url)
        apply = project.run("apply", "--yes")
        assert apply.code == 4
        assert apply.last == "Apply incomplete: 1 added, 0 changed, 0 destroyed. 1 failed."
        assert "1100-400" in apply.out
        assert "remedy: check server, port, database" in apply.out
        assert [item["name"] for item in service.items()] == ["Orders"]
        assert project.run("plan").last == "Plan: 1 to add, 0 to change, 0 to destroy. 1 unchanged."


def test_where_all_is_refused_nothing_was_done(project: Project, service: Service) -> None:
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
    with between(service, refuse_stock) as url:
        project.target(url)
        apply = project.run("apply", "--yes")
        assert apply.code == 1
        assert apply.last == "Nothing applied: 1 failed."
        assert project.run("plan").last == "Plan: 1 to add, 0 to change, 0 to destroy."


def test_a_refusal_that_repeats_the_secret_is_shown_without_it(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    refusal = (400, {"type": "x/FLOW-1100-400", "title": "Bad request", "detail": f"cannot sign in with {ORDERS}"})
    with between(service, lambda method, path, _: refusal if (method, path[-1]) == ("POST", "s") else None) as url:
        project.target(url)
        apply = project.run("apply", "--yes", "--verbose")
    assert apply.code == 1
    assert "400" in apply.out
    assert ORDERS not in apply.out + apply.err


def test_what_moved_between_plan_and_patch_is_not_overwritten(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))

    def edit_first(method: str, *_: Any) -> None:
        if method == "PATCH":
            service.edit(project.id("orders"), "/description", "Mine now")

    with between(service, edit_first) as url:
        project.target(url)
        project.run("apply", "--yes")
        apply = project.run("apply", "--yes", environ={"MYSQL_ORDERS_PASSWORD": ROTATED})
    assert apply.code == 5
    assert "1 stale." in apply.last
    assert service.items()[0]["description"] == "Mine now"


def test_a_lost_answer_is_found_out_by_the_next_run(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    lose = [LOST]

    def lose_one_answer(method: str, path: str, _: Any) -> str | None:
        return lose.pop() if lose and (method, path[-1]) == ("POST", "s") else None

    with between(service, lose_one_answer) as url:
        project.target(url)
        first = project.run("apply", "--yes", "--no-wait")
        assert first.code == 4
        assert first.last.startswith("Apply incomplete: 0 added, 0 changed, 0 destroyed. 1 unknown. Run apply again")
        plan = project.run("plan")
        assert "an earlier create had its effect; apply will record" in plan.out
        second = project.run("apply", "--yes")
    assert second.code == 0
    assert "orders: an earlier create had its effect; recorded" in second.err
    assert len(service.seen("POST")) == len(service.items()) == 1
    assert project.id("orders") == service.items()[0]["id"]


def test_a_lost_answer_without_effect_is_waited_for_and_sent_again(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    fail = [(504, {"message": "Gateway Timeout"})]

    def fail_one_create(method: str, path: str, _: Any) -> tuple[int, Any] | None:
        return fail.pop() if fail and (method, path[-1]) == ("POST", "s") else None

    with between(service, fail_one_create) as url:
        project.target(url)
        assert project.run("apply", "--yes", "--no-wait").code == 4
        again = project.run("apply", "--yes", "--no-wait")
        assert again.code == 4
        assert "remedy: run apply without --no-wait" in again.out
        second = project.run("apply", "--yes")
    assert second.code == 0
    assert "waiting 120 s for the outcome of 1 call" in second.err
    assert len(service.items()) == 1


@pytest.mark.parametrize("declared", [True, False])
def test_what_cannot_be_seen_after_the_wait_stays_open(project: Project, service: Service, declared: bool) -> None:
    project.define("orders", basic("Orders"))
    project.define("stock", basic("Stock"))
    answers: list[Any] = [None, (504, {"message": "Gateway Timeout"})]
    lists: list[Any] = []

    def meddle(method: str, path: str, _: Any) -> Any:
        if method == "POST" and path.endswith("/connections") and answers:
            return answers.pop()
        return lists.pop(0) if lists and "/connections?" in path else None

    with between(service, meddle) as url:
        project.target(url)
        assert project.run("apply", "--yes", "--no-wait", "--parallelism", "1").code == 4
        if not declared:
            (project.folder / "connections/orders.yaml").unlink()
        lists += [None, (403, {"error_code": "403027", "message": "forbidden"})]
        second = project.run("apply", "--yes")
    assert second.code == 4, second.out + second.err
    assert "their outcome could not be determined" in second.err
    assert second.last.endswith("1 unknown. Run apply again to find out the outcome of 1 call.")


def test_who_holds_the_lock_is_named(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    holder = Holder(
        "ada", "build-7", 4711, "provisioner apply --target here", "2026-01-02T03:04:05+00:00", "https://run"
    )
    with FileStore(project.state_file, TargetIdentity(service.url, ORG, "prod")).hold(holder):
        apply = project.run("apply", "--yes")
        assert project.run("plan").code == 0
    assert (apply.code, apply.out) == (6, "")
    assert "ada on build-7, pid 4711: provisioner apply --target here" in apply.err
    assert "https://run" in apply.err
    assert service.writes() == []
    assert project.run("apply", "--yes").code == 0


def test_a_cancelled_run_ends_what_is_under_way_and_records_it(project: Project, service: Service) -> None:
    define_two(project)
    running: list[subprocess.Popen[str]] = []

    def cancel(method: str, path: str, _: Any) -> None:
        if running and (method, path[-1]) == ("POST", "s"):
            os.kill(running.pop().pid, signal.SIGTERM)

    with between(service, cancel) as url:
        project.target(url)
        with subprocess.Popen(
            [*COMMAND, "apply", "--yes", "--parallelism", "1"],
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            running.append(process)
            out, _ = process.communicate(timeout=20)
        assert process.returncode == 130
        summary = out.rstrip().rpartition("\n")[2]
        assert summary == (
            "Apply incomplete: 1 added, 0 changed, 0 destroyed. 1 not attempted. Run apply again. "
            "Use -v or a report to list them."
        )
        assert out.count("1 not attempted") == out.count("attempted.") == 1, "and no line for each"
        assert list(project.state["records"]) == ["orders"]
        assert project.run("apply", "--yes").last == "Apply complete: 1 added, 0 changed, 0 destroyed."
    assert sorted(item["name"] for item in service.items()) == ["Orders", "Stock"]


def test_a_state_that_belongs_elsewhere_is_refused(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    project.run("apply", "--yes")
    project.target(service.url, sandbox="dev")
    for command in ("plan", "apply"):
        refused = project.run(command)
        assert refused.code == 1
        assert "sandbox prod" in refused.err
    assert len(service.writes()) == 1


def test_a_damaged_state_is_refused_and_kept(project: Project) -> None:
    project.define("orders", basic("Orders"))
    project.run("apply", "--yes")
    project.state_file.write_text("{", "utf-8")
    refused = project.run("apply", "--yes")
    assert refused.code == 1
    assert "here.json" in refused.err
    assert project.state_file.read_text("utf-8") == "{"
