"""Base connections that were made by hand come under management: reviewed as definitions, recorded, never touched."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from tests.acceptance.support import ORG, SECRETS, SPEC, Project, Service, basic, between

BASIC = {
    "server": "db7",
    "port": "3307",
    "database": "crm",
    "username": "svc",
    "password": "by-hand-Kx93hvQ",
    "sslMode": "REQUIRED",
}
STRING = {"connectionString": "Server=db8;Port=3306;Database=erp;UID=svc;PWD=by-hand-Kx93hvQ"}


def make(service: Service, name: str, params: dict[str, str] | None = None, **more: Any) -> str:
    """Somebody makes one by hand."""
    params = params or BASIC
    spec_name = "Connection String Based Authentication" if "connectionString" in params else "Basic Authentication"
    body = {"name": name, "auth": {"specName": spec_name, "params": params}, "connectionSpec": SPEC, **more}
    return str(service.call("POST", "", json=body).json()["id"])


@pytest.fixture
def empty(project: Project) -> Project:
    (project.folder / "connections").mkdir(exist_ok=True)
    return project


def test_one_by_its_id_becomes_a_definition_and_a_record(empty: Project, service: Service) -> None:
    identity = make(service, "CRM (Europe)", description='Says "yes": {x} # no')
    writes = len(service.writes())
    done = empty.run("import", identity)
    assert done.code == 0, done.err
    assert "MYSQL_CRM_EUROPE_PASSWORD" in done.out
    assert empty.id("crm-europe") == identity
    text = (empty.folder / "connections/crm-europe.yaml").read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=../schemas/connection.schema.json\n")
    assert "  password: \"{{ env('MYSQL_CRM_EUROPE_PASSWORD') }}\"" in text
    assert "by-hand" not in text
    assert empty.run("validate").code == 0
    plan = empty.run("plan", "--detailed-exitcode")
    assert (plan.code, plan.last) == (0, "Plan: 0 to add, 0 to change, 0 to destroy. 1 unchanged.")
    assert "env(MYSQL_CRM_EUROPE_PASSWORD) is not set, so provisioner cannot tell whether it changed" in plan.out
    assert len(service.writes()) == writes == 0

    applied = empty.run("apply", "--yes", environ={"MYSQL_CRM_EUROPE_PASSWORD": "by-hand-Kx93hvQ"})
    assert applied.last == "Apply complete: 0 added, 1 changed, 0 destroyed."
    (patch,) = service.writes()
    assert patch["body"] == [{"op": "replace", "path": "/auth/params", "value": BASIC}]
    again = empty.run("plan", "--detailed-exitcode", environ={"MYSQL_CRM_EUROPE_PASSWORD": "by-hand-Kx93hvQ"})
    assert again.code == 0


def test_a_connection_string_is_one_variable(empty: Project, service: Service) -> None:
    identity = make(service, "ERP", STRING)
    assert empty.run("import", "finance/erp", identity).code == 0
    text = (empty.folder / "connections/finance/erp.yaml").read_text("utf-8")
    assert "connectionString: \"{{ env('MYSQL_FINANCE_ERP_CONNECTION_STRING') }}\"" in text
    assert "$schema=../../schemas/" in text
    assert empty.run("plan", "--detailed-exitcode").code == 0


def test_a_whole_sandbox(empty: Project, service: Service) -> None:
    """Forty of them, one managed already, two of one name, one with a definition, one that nobody can write down."""
    ids = [make(service, f"Shop {number:02}", {**BASIC, "database": f"d{number}"}) for number in range(40)]
    empty.define("known", basic("Known"))
    assert empty.run("apply", "--yes").code == 0
    twins = [make(service, "Twin") for _ in range(2)]
    declared = make(service, "Declared", {**BASIC, "server": "db.example.com"})
    empty.define("mine/declared", basic("Declared", server="db2.example.com"))
    unseen = make(service, "Evil \u202e name")
    writes = len(service.writes())
    done = empty.run("import", "--all", "--folder", "shop")
    assert done.code == 1, "something is for the user to settle"
    assert done.last == "41 base connections imported, 4 skipped."
    assert {empty.id(f"shop/shop-{number:02}") for number in range(40)} == set(ids)
    assert empty.id("mine/declared") == declared
    for identity in twins:
        assert f'{identity}  "Twin": 2 have this name' in done.out
    assert f"{unseen}  " in done.out
    assert "cannot be written as a definition" in done.out
    assert "already managed as known" in done.out
    assert empty.run("validate").code == 0
    plan = empty.run("plan")
    assert plan.last == "Plan: 0 to add, 1 to change, 0 to destroy. 41 unchanged."
    assert '"db.example.com" -> "db2.example.com"' in plan.out
    assert len(service.writes()) == writes
    again = empty.run("import", "--all", "--folder", "shop")
    assert again.last == "0 base connections imported, 45 skipped."


def test_names_that_look_like_templates_stay_what_they_are(empty: Project, service: Service) -> None:
    name = "{{ env('MYSQL_ORDERS_PASSWORD') }} \\ '"
    identity = make(service, name, description="{% if x %}")
    assert empty.run("import", "odd", identity).code == 0
    plan = empty.run("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.out
    assert empty.state["records"]["odd"]["fields"]["name"] == name


def test_what_is_masked_is_not_taken_for_a_value(bare: Project) -> None:
    with Emulator(behaviour=Behaviour(secrets_in_get="masked")) as emulator:
        service = Service(emulator.url)
        bare.target(service.url)
        bare.environ |= {"AEP_API_KEY": "sample-api-key", "AEP_CLIENT_SECRET": SECRETS[0]}
        assert bare.run("import", make(service, "CRM")).code == 0
        assert "***" not in (bare.folder / "connections/crm.yaml").read_text("utf-8")
        assert bare.run("plan", "--detailed-exitcode").code == 0


def test_a_run_that_died_between_files_and_records_is_taken_up(empty: Project, service: Service) -> None:
    identity = make(service, "CRM")
    assert empty.run("import", identity).code == 0
    assert empty.run("state", "rm", "crm").code == 0
    done = empty.run("import", "--all")
    assert (done.code, "recorded  crm" in done.out) == (0, True)
    assert empty.id("crm") == identity
    assert empty.run("plan", "--detailed-exitcode").code == 0


def test_variables_are_those_that_the_project_admits(empty: Project, service: Service) -> None:
    project_file = (empty.folder / "provisioner.yaml").read_text("utf-8")
    empty.write(
        "provisioner.yaml", project_file.replace('"targets"', '"templates": {"allow_env": ["DB_*"]}, "targets"')
    )
    done = empty.run("import", make(service, "CRM"))
    assert (done.code, "DB_CRM_PASSWORD" in done.out) == (0, True), done.err
    assert empty.run("validate").code == 0


def test_it_is_for_the_target_that_it_was_found_on(empty: Project, service: Service) -> None:
    other = {"endpoint": service.url, "org_id": ORG, "sandbox": "dev"}
    empty.project_file({"here": {**other, "sandbox": "prod"}, "there": other})
    assert empty.run("import", make(service, "CRM")).code == 0
    assert "0 to add" in empty.run("plan", "--target", "there").last


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 64, "give the ID of a base connection"),
        (["--all", "x"], 64, "give the ID of a base connection"),
        (["a", "b", "c"], 64, "give the ID of a base connection"),
        (["no-such-id"], 64, "there is no MySQL base connection with id no-such-id in sandbox prod"),
    ],
)
def test_what_cannot_be_meant(empty: Project, words: list[str], code: int, said: str) -> None:
    refused = empty.run("import", *words)
    assert (refused.code, said in refused.err) == (code, True), refused.err


def test_a_key_that_is_taken_is_refused_and_no_file_is_overwritten(empty: Project, service: Service) -> None:
    empty.define("crm", basic("Other"))
    refused = empty.run("import", "crm", make(service, "CRM"))
    assert refused.code == 0, "the definition of that key is taken to be of this object"
    assert "name" in empty.run("plan").out
    second = empty.run("import", "crm", make(service, "CRM 2"))
    assert (second.code, "crm is recorded as" in second.out) == (1, True)


def test_each_variable_is_for_one_database(empty: Project, service: Service) -> None:
    """Set once for two, it would send the password of one to the other."""
    empty.define("x", basic("X", secret="MYSQL_SHOP_A_PASSWORD"))
    for name in ("Shop A", "Shop_A", "shop.a"):
        make(service, name)
    done = empty.run("import", "--all")
    listed = [line.strip() for line in done.out.splitlines() if line.startswith("  MYSQL_")]
    assert listed == [f"MYSQL_SHOP_A_PASSWORD_{number}" for number in (2, 3, 4)]


def test_what_the_service_does_not_show_is_not_taken_for_declared(empty: Project, service: Service) -> None:
    make(service, "ERP", STRING)
    empty.define(
        "erp",
        "name: ERP\nauth:\n  specName: Connection String Based Authentication\n  params:\n    connectionString:\n"
        "      {server: other.example.com, database: erp, username: svc, password: \"{{ env('MYSQL_ERP') }}\"}\n",
    )
    assert empty.run("import", "--all").code == 0
    plan = empty.run("plan")
    assert '(none) -> "other.example.com"' in plan.out
    assert plan.last == "Plan: 0 to add, 1 to change, 0 to destroy."


def test_a_partial_view_makes_variables_and_notes(empty: Project, service: Service) -> None:
    identity = make(service, "CRM")
    shown = service.call("GET", f"/{identity}").json()
    params = shown["items"][0]["auth"]["params"]
    for name in ("port", "sslMode"):
        params.pop(name)
    params["tlsVersion"] = "1.3"
    listed = {"items": shown["items"], "_links": {}}
    with between(
        service, lambda method, path, _: (200, listed) if method == "GET" and "/connections" in path else None
    ) as url:
        empty.target(url)
        done = empty.run("import", "crm", identity)
    assert done.code == 0, done.err
    assert "MYSQL_CRM_PORT" in done.out
    assert "note: crm: the service does not show sslMode: add it if the base connection has one" in done.out
    assert "note: crm: tlsVersion is not known to definitions" in done.out


def test_numbers_and_booleans_are_read_as_the_text_that_was_sent(empty: Project, service: Service) -> None:
    identity = make(service, "CRM")
    shown = service.call("GET", f"/{identity}").json()
    shown["items"][0]["auth"]["params"]["port"] = 3307
    listed = {"items": shown["items"], "_links": {}}
    with between(
        service, lambda method, path, _: (200, listed) if method == "GET" and "/connections" in path else None
    ) as url:
        empty.target(url)
        assert empty.run("import", "crm", identity).code == 0
        assert empty.run("plan", "--detailed-exitcode").code == 0
    assert 'port: "3307"' in (empty.folder / "connections/crm.yaml").read_text("utf-8")


def test_a_pending_move_keeps_its_record(empty: Project, service: Service) -> None:
    empty.define("old", basic("Orders"))
    assert empty.run("apply", "--yes").code == 0
    identity = empty.id("old")
    (empty.folder / "connections/old.yaml").unlink()
    empty.define("new", f"movedFrom: old\n{basic('Orders')}")
    make(service, "Orders")
    done = empty.run("import", "--all")
    assert f'{identity}  "Orders": already managed as new' in done.out
    assert empty.run("apply", "--yes").code == 0
    assert empty.id("new") == identity


def test_one_that_is_recorded_under_another_key_or_without_a_definition_says_how_to_go_on(
    empty: Project, service: Service
) -> None:
    identity = make(service, "CRM")
    assert empty.run("import", "crm", identity).code == 0
    assert empty.run("import", "crm", identity).code == 0, "again"
    other = empty.run("import", "erp", identity)
    assert (other.code, "already managed as crm: to rename it, run `state mv crm NEW`" in other.out) == (1, True)
    (empty.folder / "connections/crm.yaml").unlink()
    lost = empty.run("import", "crm", identity)
    words = "already recorded as crm, but without a definition: run `state rm crm`, then import it again"
    assert (lost.code, words in lost.out) == (1, True)
    assert empty.run("import", "--all").code == 0, "it may be so on purpose"
    assert empty.run("state", "rm", "crm").code == 0
    assert empty.run("import", "crm", identity).code == 0


def test_a_definition_that_was_there_and_says_otherwise_is_named(empty: Project, service: Service) -> None:
    empty.define("orders", basic("Orders"))
    make(service, "Orders")
    done = empty.run("import", "--all", environ={"MYSQL_ORDERS_PASSWORD": None})
    assert "connections/orders.yaml was there and says otherwise: `plan` shows what apply would change" in done.out
    assert "\n  MYSQL_ORDERS_PASSWORD\n" in done.out


def test_an_empty_sandbox_is_named(empty: Project) -> None:
    assert f"there are no MySQL base connections in sandbox prod of {ORG}" in empty.run("import", "--all").out


def test_two_of_one_name_are_skipped_also_where_a_definition_has_it(empty: Project, service: Service) -> None:
    empty.define("twin", basic("Twin"))
    for _ in range(2):
        make(service, "Twin")
    done = empty.run("import", "--all")
    assert (done.code, done.last) == (1, "0 base connections imported, 2 skipped.")


def test_a_second_one_of_a_name_is_not_drafted(empty: Project, service: Service) -> None:
    empty.define("crm", basic("CRM"))
    assert empty.run("apply", "--yes").code == 0
    done = empty.run("import", "crm2", make(service, "CRM"))
    assert (done.code, "connections/crm.yaml has this name" in done.out) == (1, True)
    assert empty.run("validate").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["../../evil", "ID"],
        ["my orders", "ID"],
        [".hidden", "ID"],
        ["--all", "--folder", "../../out"],
        ["--folder", "x", "key", "ID"],
    ],
)
def test_nothing_is_written_elsewhere(empty: Project, service: Service, words: list[str]) -> None:
    identity = make(service, "CRM")
    refused = empty.run("import", *(identity if word == "ID" else word for word in words))
    assert refused.code == 64, refused.out
    assert not list(empty.folder.parent.rglob("evil*"))
    assert not list((empty.folder / "connections").rglob("*.yaml"))


def test_files_that_are_there_are_gone_around(empty: Project, service: Service) -> None:
    empty.define("crm", f"key: other\n{basic('Other')}")
    empty.define("ERP", basic("Upper"))
    for name in ("CRM", "erp"):
        make(service, name)
    assert empty.run("import", "--all").code == 0
    assert {"crm-2", "erp-2"} <= set(empty.state["records"])
    assert "name: Other" in (empty.folder / "connections/crm.yaml").read_text("utf-8")
