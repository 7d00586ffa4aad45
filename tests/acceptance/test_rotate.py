"""New credentials are proved on a throwaway base connection before they go into the live one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.server import Emulator
from tests.acceptance.support import (
    CREDENTIALS,
    LOST,
    ORDERS,
    PASSWORDS,
    ROTATED,
    STOCK,
    Project,
    Service,
    basic,
    between,
    by_string,
)
from tests.acceptance.test_dependants import flow

NEW = {"MYSQL_ORDERS_PASSWORD": ROTATED}


class Meddling:
    """What the database thinks of new credentials, and whether the answer about a probe is lost."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.valid = True
        self.losing = False

    def answer(self, method: str, path: str, body: object) -> tuple[int, object] | str | None:
        if self.losing and method == "POST" and "provisioner probe" in str(body):
            return LOST
        if path.endswith("/test"):
            return None if self.valid else (200, {"result": False})
        return None

    @property
    def live(self) -> set[str]:
        return {one["id"] for one in self.service.items() if not one["name"].startswith("provisioner probe ")}


@pytest.fixture
def meddling(project: Project, service: Service) -> Iterator[Meddling]:
    meddling = Meddling(service)
    with between(service, meddling.answer) as url:
        project.target(url)
        project.define("orders", basic("Orders"))
        project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
        assert project.run("apply", "--yes").code == 0
        yield meddling


def etag(service: Service) -> str:
    return next(str(one["etag"]) for one in service.items() if one["name"] == "Orders")


@pytest.mark.usefixtures("meddling")
def test_several_that_read_one_variable_are_rotated_together(project: Project) -> None:
    project.define("archive", basic("Archive"))
    assert project.run("apply", "--yes").code == 0
    alone = project.run("rotate", "orders", environ=NEW)
    assert "MYSQL_ORDERS_PASSWORD is also read by archive, which this run does not update" in alone.out
    both = project.run("rotate", "orders", "archive", "--yes", environ=NEW)
    assert (both.code, both.last) == (0, "Apply complete: 0 added, 2 changed, 0 destroyed.")
    assert "also read by" not in both.out
    assert project.run("rotate", environ=NEW).code == 64


def test_a_proof_is_recorded_as_a_test(project: Project, meddling: Meddling) -> None:
    """Until the credentials change without one."""
    flags = ("apply", "--yes", "--prove", "--resend", "--select", "orders")
    assert "tested_at" not in project.state["records"]["orders"]
    assert project.run(*flags, environ=NEW).code == 0
    tested_at = project.state["records"]["orders"]["tested_at"]
    assert f"  {tested_at[:16].replace('T', ' ')}  " in project.run("state", "list").out
    meddling.valid = False
    assert project.run(*flags, environ=NEW).code == 1
    assert project.state["records"]["orders"]["tested_at"] == tested_at, "nothing was sent"
    assert project.run("apply", "--yes", environ={"MYSQL_ORDERS_PASSWORD": ORDERS}).code == 0
    assert "tested_at" not in project.state["records"]["orders"]


@pytest.mark.usefixtures("meddling")
def test_a_valid_password_is_proved_sent_and_tested(project: Project, service: Service) -> None:
    flow(service, project.id("orders"), "Nightly")
    before = len(service.seen())
    done = project.run("rotate", "orders", "--yes", environ=NEW)
    assert (done.code, done.last) == (0, "Apply complete: 0 added, 1 changed, 0 destroyed.")
    assert "Nightly (enabled, every 15 minutes) uses it, and signs in with the new credentials" in done.out
    assert "(--prove, --resend, --test, --select orders)" in done.out
    calls = [(one["method"], one["path"].rpartition("/")[2]) for one in service.seen()[before:]]
    written = [method for method, _ in calls if method != "GET"]
    assert written == ["POST", "DELETE", "PATCH"]
    assert [last for method, last in calls if method == "GET" and last == "test"] == ["test", "test"]
    (probe,) = [one["body"] for one in service.seen("POST")[2:]]
    assert probe["name"].startswith("provisioner probe ")
    assert probe["auth"]["params"]["password"] == ROTATED
    assert {one["name"] for one in service.items()} == {"Orders", "Stock"}
    assert project.state["intents"] == {}
    assert project.run("plan", "--detailed-exitcode", environ=NEW).code == 0


def test_a_wrong_password_never_reaches_the_live_one(project: Project, service: Service, meddling: Meddling) -> None:
    before, meddling.valid = etag(service), False
    refused = project.run("rotate", "orders", "--yes", environ=NEW)
    assert refused.code == 1
    assert "not changed: the new credentials do not reach the database" in refused.out
    assert etag(service) == before
    assert service.seen("PATCH") == []
    assert {one["name"] for one in service.items()} == {"Orders", "Stock"}
    meddling.valid = True
    assert project.run("plan", "--detailed-exitcode").code == 0, "the old one is still what is recorded"


@pytest.mark.usefixtures("meddling")
def test_a_password_that_is_not_new_is_sent_all_the_same(project: Project, service: Service) -> None:
    """Somebody may have broken it elsewhere, and nobody can see that."""
    service.edit(project.id("orders"), "/auth/params/password", "broken elsewhere")
    assert "`rotate orders` sends them again" in project.run("plan").out
    done = project.run("rotate", "orders", "--yes")
    assert done.last == "Apply complete: 0 added, 1 changed, 0 destroyed."
    assert "secret is sent again, as requested: env(MYSQL_ORDERS_PASSWORD)" in done.out
    (patch,) = service.seen("PATCH")
    assert patch["body"][0]["value"]["password"] == ORDERS
    assert project.run("plan", "--detailed-exitcode").code == 0
    unknown = project.run("rotate", "none", "--yes")
    assert (unknown.code, len(service.seen("PATCH"))) == (64, 1)
    assert unknown.err.startswith("error: none matches no definition and no record\n")


@pytest.mark.usefixtures("meddling")
def test_what_is_gone_has_no_credentials_to_rotate(project: Project, service: Service) -> None:
    service.delete(project.id("orders"))
    writes = len(service.writes())
    done = project.run("rotate", "orders", "--yes", environ=NEW)
    assert (done.code, len(service.writes())) == (1, writes)
    assert "was deleted outside provisioner: there is nothing to send its credentials to" in done.out
    assert "remedy: run `provisioner apply` first to create it; it gets a new id" in done.out


@pytest.mark.usefixtures("meddling")
def test_what_was_never_applied_has_no_dataflows_to_be_pointed_anywhere(project: Project, service: Service) -> None:
    project.define("later", basic("Later"))
    writes = len(service.writes())
    done = project.run("rotate", "later", "--yes", environ=NEW)
    assert (done.code, len(service.writes())) == (1, writes)
    assert "remedy: run `provisioner apply` first to create it\n" in done.out


@pytest.mark.usefixtures("meddling")
def test_drift_is_put_back_by_a_rotation_where_that_is_asked_for(project: Project, service: Service) -> None:
    service.edit(project.id("orders"), "/description", "By Jane")
    held = project.run("rotate", "orders", "--yes", environ=NEW)
    assert (held.code, service.seen("PATCH")) == (1, [])
    assert project.run("rotate", "orders", "--yes", "--overwrite-drift", environ=NEW).code == 0
    assert {one["description"] for one in service.items()} == {"A"}


def test_a_probe_that_is_initializing_is_waited_for(bare: Project) -> None:
    behaviour = Behaviour(cloud="aws", initializing_seconds=1.2)
    with Emulator(behaviour=behaviour) as emulator:
        service = Service(emulator.url)
        bare.target(emulator.url, cloud="aws")
        bare.environ |= CREDENTIALS | PASSWORDS
        bare.define("orders", basic("Orders").replace("sslMode: DISABLED", 'sslMode: "true"'))
        assert bare.run("apply", "--yes").code == 0
        done = bare.run("rotate", "orders", "--yes", environ=NEW)
        assert (done.code, [one["name"] for one in service.items()]) == (0, ["Orders"]), done.out + done.err
        assert "is left" not in done.err


def test_what_is_left_of_a_probe_is_waited_for_too(project: Project, service: Service, meddling: Meddling) -> None:
    """Made, and the answer lost; and for a while nobody may delete it."""
    service.faults({"kind": "initializing", "seconds": 2})
    meddling.losing = True
    assert project.run("rotate", "orders", "--yes", "--no-wait", environ=NEW).code == 4
    service.faults()
    meddling.losing = False
    assert project.run("apply", "--yes", environ=NEW).code == 0
    assert {one["name"] for one in service.items()} == {"Orders", "Stock"}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_is_left_of_a_probe_is_deleted_by_the_next_apply(
    project: Project, service: Service, meddling: Meddling, method: str
) -> None:
    service.faults(*([{"kind": "status", "status": 500, "method": "DELETE"}] if method == "DELETE" else []))
    meddling.losing = method == "POST"
    first = project.run("rotate", "orders", "--yes", "--no-wait", environ=NEW)
    service.faults()
    meddling.losing = False
    assert first.code == 4, first.out
    assert len(service.items()) == 3
    plan = project.run("plan", environ=NEW)
    assert "is a probe left over from an earlier run" in plan.out
    assert project.run("apply", "--yes", environ=NEW).code == 0
    assert {one["name"] for one in service.items()} == {"Orders", "Stock"}
    assert project.state["intents"] == {}


@pytest.mark.parametrize("by_id", [False, True])
def test_what_is_left_of_a_probe_is_not_imported(
    project: Project, service: Service, meddling: Meddling, by_id: bool
) -> None:
    """The next apply deletes it: recorded, it would be made anew after that."""
    meddling.losing = True
    assert project.run("rotate", "orders", "--yes", "--no-wait", environ=NEW).code == 4
    meddling.losing = False
    (probe,) = [one for one in service.items() if one["name"].startswith("provisioner probe ")]
    done = project.run("import", probe["id"] if by_id else "--all")
    assert done.code == (1 if by_id else 0)
    assert "a probe left over from an earlier run; the next apply deletes it" in done.out
    assert probe["id"] not in {record["id"] for record in project.state["records"].values()}


def test_a_test_without_an_answer_proves_nothing(project: Project, service: Service, meddling: Meddling) -> None:
    before = etag(service)
    service.faults({"kind": "status", "status": 403, "method": "GET", "path": "*/test"})
    refused = project.run("rotate", "orders", "--yes", environ=NEW)
    service.faults()
    assert (refused.code, "not changed: the new credentials could not be proved" in refused.out) == (1, True)
    assert etag(service) == before
    assert len(meddling.live) == len(service.items()) == 2


# By variable

ROTATION = ("--prove", "--resend", "--test")
BY_VARIABLE = ("--variable", "MYSQL_ORDERS_PASSWORD")


@pytest.fixture
def sharing(project: Project, meddling: Meddling) -> Meddling:
    """``orders`` and two more share a password; ``stock`` has one of its own, and is not set from now on."""
    project.define("archive", basic("Archive"))
    project.define("by/string", by_string("By string"))
    assert project.run("apply", "--yes").code == 0
    project.environ |= {"MYSQL_ORDERS_PASSWORD": ROTATED, "MYSQL_STOCK_PASSWORD": ""}
    return meddling


def patched(project: Project, service: Service) -> set[str]:
    ids = {record["id"]: key for key, record in project.state["records"].items()}
    return {ids[one["path"].rpartition("/")[2]] for one in service.seen("PATCH")}


@pytest.mark.usefixtures("sharing")
def test_all_that_read_a_variable_are_rotated(project: Project, service: Service) -> None:
    done = project.run("rotate", *BY_VARIABLE, "--yes")
    assert (done.code, done.last) == (0, "Apply complete: 0 added, 3 changed, 0 destroyed."), done.out + done.err
    assert "(--prove, --resend, --test, --variable MYSQL_ORDERS_PASSWORD)" in done.out
    assert patched(project, service) == {"archive", "by/string", "orders"}
    assert "also read by" not in done.out
    probes = [one["body"]["name"] for one in service.seen("POST") if "probe" in one["body"]["name"]]
    assert len(probes) == 3
    assert {one["name"] for one in service.items()} == {"Orders", "Stock", "Archive", "By string"}
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_each_that_reads_a_variable_is_proved_first(project: Project, service: Service, sharing: Meddling) -> None:
    sharing.valid = False
    refused = project.run("rotate", *BY_VARIABLE, "--yes")
    assert (refused.code, service.seen("PATCH")) == (1, [])
    assert refused.out.count("not changed: the new credentials do not reach the database") == 3


@pytest.mark.usefixtures("sharing")
@pytest.mark.parametrize(
    ("args", "selected"),
    [
        (("orders", *BY_VARIABLE), {"archive", "by/string", "orders"}),
        (("stock", *BY_VARIABLE), {"archive", "by/string", "orders", "stock"}),
        (("--variable", "MYSQL_STOCK_PASSWORD"), {"stock"}),
        (("--variable", "MYSQL_STOCK_PASSWORD", *BY_VARIABLE), {"archive", "by/string", "orders", "stock"}),
    ],
)
def test_keys_and_variables_add_up(
    project: Project, service: Service, args: tuple[str, ...], selected: set[str]
) -> None:
    if "stock" in selected:
        unset = project.run("rotate", *args, "--yes")
        assert (unset.code, unset.err.count("env(MYSQL_STOCK_PASSWORD) is not set")) == (1, 1)
    done = project.run("rotate", *args, "--yes", environ={"MYSQL_STOCK_PASSWORD": STOCK})
    assert (done.code, patched(project, service)) == (0, selected), done.err


@pytest.mark.usefixtures("sharing")
def test_secrets_that_are_not_selected_are_not_asked_for_beside_other_settings(project: Project) -> None:
    refused = project.run("rotate", *BY_VARIABLE, "--yes", environ={"AEP_API_KEY": None, "MYSQL_ORDERS_PASSWORD": ""})
    assert "AEP_API_KEY is not set" in refused.err
    assert refused.err.count("env(MYSQL_ORDERS_PASSWORD) is not set") == 3
    assert "MYSQL_STOCK_PASSWORD" not in refused.err


@pytest.mark.usefixtures("sharing")
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("MYSQL_ORDER_PASSWORD", "did you mean `MYSQL_ORDERS_PASSWORD`?"),
        ("env(MYSQL_ORDERS_PASSWORD)", "did you mean `MYSQL_ORDERS_PASSWORD`?"),
        ("AEP_CLIENT_SECRET", "use one of: MYSQL_ORDERS_PASSWORD, MYSQL_STOCK_PASSWORD"),
    ],
)
def test_a_variable_that_nothing_reads(project: Project, service: Service, name: str, remedy: str) -> None:
    seen = len(service.seen())
    for args in (("rotate", "--yes"), ("rotate", "orders", "--yes"), ("plan",), ("apply", "--yes")):
        refused = project.run(*args, "--variable", name)
        assert (refused.code, f"no definition for target here reads {name}" in refused.err) == (64, True)
        assert remedy in refused.err
    assert len(service.seen()) == seen


@pytest.mark.usefixtures("sharing")
def test_a_definition_with_problems_is_named_before_a_variable_that_only_it_reads(project: Project) -> None:
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD", server="host:3306"))
    refused = project.run("rotate", "--variable", "MYSQL_STOCK_PASSWORD", "--yes")
    assert (refused.code, "contains a port" in refused.err) == (1, True)


@pytest.mark.usefixtures("sharing")
def test_a_variable_that_is_given_as_a_key(project: Project) -> None:
    refused = project.run("rotate", "MYSQL_ORDERS_PASSWORD", "--yes")
    assert (refused.code, "it is a variable: --variable MYSQL_ORDERS_PASSWORD" in refused.err) == (64, True)


@pytest.mark.usefixtures("sharing")
def test_a_record_whose_definition_is_gone_is_not_rotated(project: Project, service: Service) -> None:
    (project.folder / "connections/archive.yaml").unlink()
    done = project.run("rotate", *BY_VARIABLE, "--yes")
    assert (done.code, patched(project, service)) == (0, {"by/string", "orders"}), done.err


@pytest.mark.usefixtures("sharing")
def test_a_rotation_by_variable_is_approved_as_a_saved_plan_of_its_keys(project: Project, service: Service) -> None:
    planned = project.run("plan", *BY_VARIABLE, *ROTATION, "--out", "rotation.plan")
    assert (planned.code, "3 to change" in planned.out) == (0, True)
    saved = json.loads((project.folder / "rotation.plan").read_text("utf-8"))
    assert saved["asked"]["readers"] == ["archive", "by/string", "orders"]
    assert (saved["asked"]["variables"], saved["asked"]["select"]) == (["MYSQL_ORDERS_PASSWORD"], [])
    shown = project.run("show", "rotation.plan").out
    assert " --prove --resend --test --variable MYSQL_ORDERS_PASSWORD\n" in shown
    assert project.run("apply", "rotation.plan", *BY_VARIABLE).code == 64
    # Merged meanwhile: it reads the variable too, and nobody has approved that it gets the new password. What else it
    # reads is not needed.
    project.define("later", basic("Later", server="\"{{ env('MYSQL_LATER_HOST') }}\""))
    assert project.run("show", "rotation.plan", "--check").code == 0
    done = project.run("apply", "rotation.plan")
    assert (done.code, done.last) == (0, "Apply complete: 0 added, 3 changed, 0 destroyed."), done.err
    assert patched(project, service) == {"archive", "by/string", "orders"}


@pytest.mark.usefixtures("sharing")
def test_a_rotation_by_variable_is_approved_by_the_digest_of_its_keys(project: Project) -> None:
    approved = project.run("plan", *BY_VARIABLE, *ROTATION, "--format", "json").json
    assert approved["asked"] == [*ROTATION, "--variable MYSQL_ORDERS_PASSWORD"]
    keys = [word for key in ("orders", "archive", "by/*") for word in ("--select", key)]
    by_keys = [word.replace("by/*", "by/string") for word in keys]
    assert project.run("plan", *by_keys, *ROTATION, "--format", "json").json["digest"] == approved["digest"]
    assert project.run("plan", *keys, *ROTATION, "--format", "json").json["digest"] != approved["digest"]
    apply = ("apply", *BY_VARIABLE, *ROTATION, "--expect-digest", approved["digest"])
    (project.folder / "connections/archive.yaml").unlink()
    assert project.run(*apply).code == 5
    project.define("archive", basic("Archive"))
    done = project.run(*apply)
    assert (done.code, done.last) == (0, "Apply complete: 0 added, 3 changed, 0 destroyed."), done.err


@pytest.mark.usefixtures("sharing")
def test_a_rotation_by_variable_is_held_to_the_limits(project: Project, service: Service) -> None:
    document = json.loads((project.folder / "provisioner.yaml").read_text("utf-8"))
    project.write("provisioner.yaml", json.dumps({**document, "limits": {"updates": 2}}))
    held = project.run("rotate", *BY_VARIABLE, "--yes")
    assert (held.code, service.seen("PATCH")) == (1, [])
    assert "this would update 3 base connections, and the limit is 2" in held.out
    assert project.run("rotate", *BY_VARIABLE, "--yes", "--exceed-limits").code == 0


@pytest.mark.usefixtures("sharing")
def test_what_a_variable_selects_is_refreshed_alone(project: Project, service: Service) -> None:
    for key in ("orders", "stock"):
        service.edit(project.id(key), "/description", "By hand")
    refreshed = project.run("plan", *BY_VARIABLE, "--refresh-only")
    assert ("orders" in refreshed.out, "stock" in refreshed.out) == (True, False)


def test_a_rotation_names_what_it_rotates(project: Project) -> None:
    project.define("orders", basic("Orders"))
    refused = project.run("rotate", "--yes")
    assert (refused.code, "give a KEY, or --variable NAME" in refused.err) == (64, True)
    assert "--variable is empty" in project.run("rotate", "--variable", "", "--yes").err
