"""``plan`` shows what would change, and changes nothing."""

from __future__ import annotations

import re

import pytest

from .support import CREDENTIALS, FLOW, ROTATED, Project, Service, basic

NO_CREDENTIALS = dict.fromkeys(CREDENTIALS)


@pytest.fixture
def applied(project: Project) -> Project:
    """Two base connections that are as declared."""
    project.define("orders", basic("Orders"))
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
    assert project.run("apply", "--yes").code == 0
    return project


def files(project: Project) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}


def test_a_new_definition_is_to_be_added_and_nothing_happens(project: Project, service: Service) -> None:
    project.define("shop/orders", basic("Orders"))
    before = files(project)
    plan = project.run("plan")
    assert (plan.code, plan.err) == (0, "")
    assert '+ create    shop/orders  "Orders"  connections/shop/orders.yaml:1' in plan.out
    assert re.search(r"auth\.params\.password +env\(MYSQL_ORDERS_PASSWORD\)$", plan.out, re.MULTILINE)
    assert re.search(r'auth\.params\.server +"db\.example\.com"$', plan.out, re.MULTILINE)
    assert plan.last == "Plan: 1 to add, 0 to change, 0 to destroy."
    assert {one["method"] for one in service.seen()} == {"GET"}
    assert {one["path"] for one in service.seen()} == {f"{FLOW}/connections"}
    assert service.tokens() == 1
    assert files(project) == before


def test_the_summary_counts_each_action_once(applied: Project) -> None:
    applied.define("orders", basic("Orders", server="db2.example.com"))
    applied.define("more", basic("More"))
    plan = applied.run("plan", environ={"MYSQL_STOCK_PASSWORD": ROTATED})
    assert plan.last == "Plan: 1 to add, 2 to change, 0 to destroy."
    assert '"db.example.com" -> "db2.example.com"  connections/orders.yaml:6' in plan.out
    assert "reason: definition differs from the state" in plan.out
    assert "reason: secret changed: env(MYSQL_STOCK_PASSWORD)" in plan.out
    assert "env(MYSQL_STOCK_PASSWORD): changed  connections/stock.yaml:10" in plan.out


def test_detailed_exitcode_tells_changes_from_none(applied: Project) -> None:
    assert applied.run("plan", "--detailed-exitcode").code == 0
    applied.define("more", basic("More"))
    assert applied.run("plan", "--detailed-exitcode").code == 2
    assert applied.run("plan").code == 0


def test_json_says_the_same(applied: Project) -> None:
    applied.define("orders", basic("Orders", server="db2.example.com"))
    plan = applied.run("plan", "--format", "json", environ={"MYSQL_STOCK_PASSWORD": ROTATED})
    assert (plan.code, plan.err) == (0, "")
    orders, stock = plan.json["resource_changes"]
    assert (orders["address"], orders["action"], orders["change"]["actions"]) == ("orders", "update", ["update"])
    assert orders["change"]["before"]["auth.params.server"] == "db.example.com"
    assert orders["change"]["after"]["auth.params.server"] == "db2.example.com"
    assert orders["id"] == applied.id("orders")
    assert (orders["file"], orders["line"]) == ("connections/orders.yaml", 1)
    assert stock["change"]["after_sensitive"] == {"auth.params.password": True}
    assert stock["change"]["after"]["auth.params.password"] == "env(MYSQL_STOCK_PASSWORD)"
    assert [field["comparison"] for field in stock["fields"]] == ["changed"]
    assert plan.json["summary"]["update"] == 2


def test_offline_needs_neither_credentials_nor_network(applied: Project, service: Service) -> None:
    service.reset()
    applied.define("more", basic("More"))
    plan = applied.run("plan", "--offline", environ=NO_CREDENTIALS)
    assert (plan.code, plan.err) == (0, "")
    assert "(offline: the service was not queried)" in plan.out
    assert plan.last == "Plan: 1 to add, 0 to change, 0 to destroy. 2 unchanged."
    assert service.seen() == []
    assert service.tokens() == 0


def test_of_an_unset_secret_it_cannot_tell(applied: Project) -> None:
    plan = applied.run("plan", "--offline", environ={**NO_CREDENTIALS, "MYSQL_ORDERS_PASSWORD": None})
    assert plan.code == 0
    assert "env(MYSQL_ORDERS_PASSWORD): unknown" in plan.out
    assert "note: env(MYSQL_ORDERS_PASSWORD) is not set, so provisioner cannot tell whether it changed" in plan.out
    assert plan.last == "Plan: 0 to add, 0 to change, 0 to destroy. 2 unchanged."


def test_an_unset_secret_of_a_new_definition_is_noted(project: Project) -> None:
    project.define("orders", basic("Orders"))
    plan = project.run("plan", environ={"MYSQL_ORDERS_PASSWORD": ""})
    assert plan.code == 0
    assert "note: env(MYSQL_ORDERS_PASSWORD) is not set: apply will need it" in plan.out


@pytest.mark.parametrize("missing", ["AEP_API_KEY", "AEP_CLIENT_SECRET"])
def test_missing_credentials_are_named_with_the_way_around(project: Project, service: Service, missing: str) -> None:
    project.define("orders", basic("Orders"))
    plan = project.run("plan", environ={missing: None})
    assert (plan.code, plan.out) == (1, "")
    assert missing in plan.err
    assert "--offline" in plan.err
    assert service.seen() == []


def test_what_is_wrong_with_the_files_is_said_along_with_missing_credentials(project: Project) -> None:
    project.define("orders", basic("Orders").replace("DISABLED", "MAYBE"))
    plan = project.run("plan", environ=NO_CREDENTIALS)
    assert (plan.code, plan.out) == (1, "")
    assert plan.err.startswith("connections/orders.yaml:11:14: ")
    assert "error: AEP_API_KEY is not set; neither AEP_CLIENT_SECRET nor AEP_ACCESS_TOKEN is set" in plan.err


def test_as_json_the_problems_are_the_result_and_the_rest_is_said(project: Project) -> None:
    project.define("orders", basic("Orders").replace("DISABLED", "MAYBE"))
    plan = project.run("plan", "--format", "json", environ=NO_CREDENTIALS)
    assert (plan.code, [one["rule"] for one in plan.json["problems"]]) == (1, ["schema.value"])
    assert "AEP_API_KEY is not set" in plan.err


BARE = "version: 1\ntargets:\n  prod: {endpoint: https://platform.adobe.io}\n"
EVERYTHING = {
    ("plan", "--target", "prod"): [],
    ("apply", "--target", "prod", "--yes"): ["connections/orders.yaml:10:15: env(MYSQL_ORDERS_PASSWORD) is not set"],
    ("rotate", "orders", "--target", "prod"): ["connections/orders.yaml:10:15: env(MYSQL_ORDERS_PASSWORD) is not set"],
    ("test", "--target", "prod"): [],
    ("import", "--all", "--target", "prod"): [],
}


@pytest.mark.parametrize("command", EVERYTHING)
def test_all_that_is_not_set_is_said_at_once(bare: Project, command: tuple[str, ...]) -> None:
    bare.write("provisioner.yaml", BARE)
    bare.define("orders", basic("Orders"))
    environ = dict.fromkeys(("AEP_API_KEY", "AEP_CLIENT_SECRET", "MYSQL_ORDERS_PASSWORD"))
    refused = bare.run(*command, environ=environ)
    assert refused.code in (1, 64)
    missing = ("prod has no org_id", "prod has no sandbox", "AEP_API_KEY is not set", "neither AEP_CLIENT_SECRET nor")
    assert not [words for words in (*missing, *EVERYTHING[command]) if words not in " ".join(refused.err.split())]


@pytest.mark.parametrize("command", [("plan", "--offline"), ("state", "list")])
def test_what_needs_no_service_misses_no_credentials(bare: Project, command: tuple[str, ...]) -> None:
    bare.write("provisioner.yaml", BARE)
    bare.define("orders", basic("Orders"))
    refused = bare.run(*command, "--target", "prod")
    assert (refused.code, "prod has no org_id" in refused.err, "AEP_API_KEY" in refused.err) == (64, True, False)


def test_a_name_that_is_taken_is_blocked(project: Project, service: Service) -> None:
    service.create("Orders")
    project.define("orders", basic("Orders"))
    plan = project.run("plan")
    assert plan.code == 1
    assert f"reason: already exists: {service.items()[0]['id']}" in plan.out
    assert "remedy: `apply --import-existing`" in plan.out
    assert plan.last == "Plan: 0 to add, 0 to change, 0 to destroy. 1 blocked."


def test_a_definition_that_is_gone_leaves_its_base_connection_alone(applied: Project, service: Service) -> None:
    (applied.folder / "connections" / "stock.yaml").unlink()
    plan = applied.run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert '? unmanaged stock  "Stock"' in plan.out
    assert plan.last == "Plan: 0 to add, 0 to change, 0 to destroy. 1 unmanaged, 1 unchanged."
    applied.run("apply", "--yes")
    assert len(service.items()) == 2
    assert set(applied.state["records"]) == {"orders", "stock"}


def test_drift_is_shown_with_who_did_it(applied: Project, service: Service) -> None:
    service.edit(applied.id("orders"), "/description", "Mine now")
    plan = applied.run("plan")
    assert plan.code == 0
    assert "reason: drift: changed by somebody-else" in plan.out
    assert '"Mine now" -> "A"  (drift)  connections/orders.yaml:2' in plan.out
    assert plan.last == "Plan: 0 to add, 1 to change, 0 to destroy. 1 unchanged."


def test_an_edit_outside_that_put_everything_back_is_a_note(applied: Project, service: Service) -> None:
    service.edit(applied.id("orders"), "/description", "A")
    plan = applied.run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert "note: touched outside provisioner by somebody-else" in plan.out


def test_what_vanished_is_to_be_created_again(applied: Project, service: Service) -> None:
    gone = applied.id("orders")
    service.delete(gone)
    plan = applied.run("plan")
    assert f"reason: {gone} was deleted outside provisioner" in plan.out
    assert plan.last == "Plan: 1 to add, 0 to change, 0 to destroy. 1 unchanged."
    assert applied.run("apply", "--yes").code == 0
    assert applied.id("orders") != gone
    assert applied.run("plan", "--detailed-exitcode").code == 0
