"""Limits of the project file: what exceeds them takes a flag, and the flag is part of what is approved."""

from __future__ import annotations

import html
import json

import pytest

from .support import LOST, ROTATED, Project, Service, basic, between
from .test_approval import digest

NEW = {"MYSQL_ORDERS_PASSWORD": ROTATED}
DELETES = ("--allow-delete",)
TOO_MANY_DELETES = "this would delete 2 base connections, and the limit is 1 (`limits.deletes`, provisioner.yaml:1)"
TOO_MANY_UPDATES = "this would update 2 base connections, and the limit is 1 (`limits.updates`, provisioner.yaml:1)"


def limit(project: Project, service: Service, **limits: int) -> None:
    project.target(service.url, **({"limits": limits} if limits else {}))


@pytest.fixture
def deleting(project: Project, service: Service) -> Project:
    """Two of three definitions are removed, and one delete is allowed."""
    for key in "abc":
        project.define(key, basic(key.upper()))
    assert project.run("apply", "--yes").code == 0
    for key in "ab":
        (project.folder / f"connections/{key}.yaml").unlink()
    limit(project, service, deletes=1)
    return project


@pytest.fixture
def updating(project: Project, service: Service) -> Project:
    """Two definitions are changed and one is new, and one update is allowed."""
    for key in "ab":
        project.define(key, basic(key.upper()))
    assert project.run("apply", "--yes").code == 0
    for key in "abc":
        project.define(key, basic(key.upper(), server="db2"))
    limit(project, service, updates=1)
    return project


def test_more_deletes_than_allowed_take_a_flag_that_every_format_shows(deleting: Project, service: Service) -> None:
    plan = deleting.run("plan", *DELETES)
    assert (plan.code, plan.out.count(TOO_MANY_DELETES)) == (1, 2)
    assert "if this is intended, add --exceed-limits" in plan.out
    held = deleting.run("apply", "--yes", *DELETES)
    assert (held.code, service.seen("DELETE")) == (1, [])
    reports = [word for form in ("markdown", "html") for word in ("--report", f"{form}={form}")]
    lifted = deleting.run("plan", *DELETES, "--exceed-limits", *reports)
    assert "--exceed-limits" in lifted.out.partition("\n\n")[0]
    exceeded = "exceeds limits.deletes: 2 base connections, the limit is 1 (provisioner.yaml:1)"
    assert f"note: {exceeded}\n" in lifted.out
    for form in ("markdown", "html"):
        text = html.unescape((deleting.folder / form).read_text("utf-8")).replace("\\", "")
        assert "--exceed-limits" in text
        assert exceeded in text
    shown = deleting.run("plan", *DELETES, "--exceed-limits", "--format", "json").json
    assert (shown["asked"], shown["notes"]) == (["--allow-delete", "--exceed-limits"], [exceeded])
    done = deleting.run("apply", "--yes", *DELETES, "--exceed-limits")
    assert (done.code, done.last) == (0, "Apply complete: 0 added, 0 changed, 2 destroyed.")


def test_what_has_no_limit_is_carried_out(updating: Project) -> None:
    done = updating.run("apply", "--yes")
    assert (done.code, done.out.count(TOO_MANY_UPDATES)) == (4, 2)
    assert "1 added, 0 changed, 0 destroyed" in done.last


@pytest.mark.parametrize("flags", [["--select", "a"], ["--select", "a", "--select", "c"]])
def test_what_is_not_selected_does_not_count(updating: Project, flags: list[str]) -> None:
    assert updating.run("apply", "--yes", *flags).code == 0


@pytest.mark.parametrize(
    "flags",
    [[], ["--overwrite-drift"], ["--resend"], ["--prove", "--test", "--resend"]],
    ids=lambda flags: " ".join(flags) or "none",
)
def test_every_kind_of_update_counts(project: Project, service: Service, flags: list[str]) -> None:
    for key in "ab":
        project.define(key, basic(key.upper()))
    assert project.run("apply", "--yes").code == 0
    for key in "ab":
        if "--resend" not in flags:
            service.edit(project.id(key), "/description", "By hand")
    limit(project, service, updates=1)
    plan = project.run("plan", *flags)
    assert (plan.code, plan.out.count(TOO_MANY_UPDATES)) == (1, 2)
    assert project.run("plan", *flags, "--exceed-limits").code == 0


def test_a_rotation_counts(project: Project, service: Service) -> None:
    for key in "ab":
        project.define(key, basic(key.upper()))
    assert project.run("apply", "--yes").code == 0
    limit(project, service, updates=1)
    writes = len(service.writes())
    held = project.run("rotate", "*", "--yes", environ=NEW)
    assert (held.code, held.out.count(TOO_MANY_UPDATES), len(service.writes())) == (1, 2, writes)
    assert project.run("rotate", "*", "--yes", "--exceed-limits", environ=NEW).code == 0


def test_an_adoption_counts(project: Project, service: Service) -> None:
    project.define("a", basic("A"))
    assert project.run("apply", "--yes").code == 0
    project.state_file.unlink()
    limit(project, service, updates=0)
    assert "the limit is 0" in project.run("plan", "--import-existing").out
    assert project.run("apply", "--yes", "--import-existing", "--exceed-limits").code == 0


def test_a_refresh_has_no_limit(project: Project, service: Service) -> None:
    project.define("a", basic("A"))
    assert project.run("apply", "--yes").code == 0
    service.edit(project.id("a"), "/description", "By hand")
    limit(project, service, updates=0, deletes=0)
    refused = project.run("apply", "--yes", "--refresh-only", "--exceed-limits")
    assert (refused.code, "--refresh-only changes the state alone" in refused.err) == (64, True)
    assert project.run("apply", "--yes", "--refresh-only").code == 0


def test_the_top_level_holds_for_the_embedded_emulator_too(bare: Project) -> None:
    local = {"emulator": True, "env": {"MYSQL_ORDERS_PASSWORD": "sample-secret"}}
    document = {"version": 1, "default_target": "local", "targets": {"local": local}}
    bare.write("provisioner.yaml", json.dumps(document))
    bare.define("a", basic("A"))
    assert bare.run("apply", "--yes").code == 0
    bare.define("a", basic("A", server="db2"))
    bare.write("provisioner.yaml", json.dumps({**document, "limits": {"updates": 0}}))
    assert "the limit is 0 (`limits.updates`, provisioner.yaml:1)" in bare.run("plan").out


# Approval


@pytest.mark.parametrize(
    ("flags", "limited", "then_flags", "then_limited", "code"),
    [
        pytest.param([], 1, [], 1, 4, id="blocked: only the rest is carried out"),
        pytest.param([], 1, ["--exceed-limits"], 1, 5, id="the flag was not approved"),
        pytest.param([], 1, [], 2, 5, id="nor is a raised limit"),
        pytest.param([], 1, [], None, 5, id="nor is a limit that was removed"),
        pytest.param(["--exceed-limits"], 1, ["--exceed-limits"], 1, 0, id="the flag was approved"),
        pytest.param(["--exceed-limits"], 1, [], 1, 5, id="approved, and not given"),
        pytest.param(["--exceed-limits"], 1, [], 2, 5, id="approved, and not given, though the limit was raised"),
        pytest.param([], 2, [], None, 0, id="a limit that does not matter"),
        pytest.param([], 2, [], 1, 5, id="a limit that was lowered"),
    ],
)
def test_a_digest_approves_what_exceeds_a_limit_only_with_its_flag(
    updating: Project,
    service: Service,
    flags: list[str],
    limited: int,
    then_flags: list[str],
    then_limited: int | None,
    code: int,
) -> None:
    limit(updating, service, updates=limited)
    approved = digest(updating.run("plan", *flags).out)
    limit(updating, service, **({} if then_limited is None else {"updates": then_limited}))
    patched = len(service.seen("PATCH"))
    done = updating.run("apply", *then_flags, "--expect-digest", approved)
    assert done.code == code, done.err
    if code == 5:
        remedy = "pass the flags that the approved plan was made with; or plan again, and have the plan reviewed"
        assert f"; flags: {' '.join(then_flags) or 'none'}\n" in done.err
        assert f"remedy: {remedy}\n" in done.err
    assert len(service.seen("PATCH")) - patched == (2 if code == 0 else 0)


def test_nor_does_a_digest_that_was_made_without_secrets(project: Project, service: Service) -> None:
    """Only with its secrets a plan knows that two are rotated, and a digest that says nothing of it is not enough."""
    for key in "ab":
        project.define(key, basic(key.upper()))
    assert project.run("apply", "--yes").code == 0
    limit(project, service, updates=1)
    approved = project.run("plan", "--format", "json", environ={"MYSQL_ORDERS_PASSWORD": None}).json["digest"]
    for flags in ([], ["--exceed-limits"]):
        refused = project.run("apply", *flags, "--expect-digest", approved, environ=NEW)
        assert (refused.code, service.seen("PATCH")) == (5, [])


@pytest.mark.parametrize(
    ("flags", "limited", "then_limited", "code", "words"),
    [
        pytest.param([], 1, 1, 1, "", id="blocked"),
        pytest.param([], 1, 2, 5, "a: plan differs: blocked was approved, now delete", id="blocked, limit raised"),
        pytest.param(["--exceed-limits"], 1, 1, 0, "", id="the saved plan contains the flag"),
        pytest.param(["--exceed-limits"], 1, 0, 0, "", id="also for a lower limit"),
        pytest.param([], 2, 2, 0, "", id="within the limit"),
        pytest.param([], 2, 1, 5, "a: plan differs: delete was approved, now blocked", id="the limit was lowered"),
    ],
)
def test_a_saved_plan_contains_the_flag(
    deleting: Project, service: Service, flags: list[str], limited: int, then_limited: int, code: int, words: str
) -> None:
    limit(deleting, service, deletes=limited)
    deleting.run("plan", *DELETES, *flags, "--out", "a.plan")
    limit(deleting, service, deletes=then_limited)
    done = deleting.run("apply", "a.plan")
    assert (done.code, words in done.err) == (code, True), done.err
    assert len(service.seen("DELETE")) == (2 if code == 0 else 0)


@pytest.mark.parametrize("flags", [[], ["--exceed-limits"]])
def test_a_saved_plan_goes_on_after_an_aborted_run(deleting: Project, service: Service, flags: list[str]) -> None:
    limit(deleting, service, deletes=1 if flags else 2)
    assert deleting.run("plan", *DELETES, *flags, "--out", "a.plan").code == 0
    service.faults({"kind": "status", "status": 403, "method": "DELETE", "path": f"*/{deleting.id('b')}"})
    assert deleting.run("apply", "a.plan").code == 4
    service.faults()
    done = deleting.run("apply", "a.plan")
    assert (done.code, done.last) == (0, "Apply complete: 0 added, 0 changed, 1 destroyed.")


def test_a_saved_plan_takes_no_further_flag(deleting: Project) -> None:
    deleting.run("plan", *DELETES, "--out", "a.plan")
    assert deleting.run("apply", "a.plan", "--exceed-limits").code == 64


def test_what_was_shown_within_the_limit_is_finished_after_a_wait(project: Project, service: Service) -> None:
    """Its answer is lost, and somebody edits another one meanwhile: two updates would then exceed the limit."""
    edited: list[str] = []

    def meddle(method: str, path: str, _: object) -> str | None:
        if method != "PATCH" or edited:
            return None
        edited.append(path)
        service.edit(project.id("b"), "/description", "By hand")
        return LOST

    with between(service, meddle) as url:
        project.target(url, limits={"updates": 1})
        for key in "ab":
            project.define(key, basic(key.upper()))
        assert project.run("apply", "--yes").code == 0
        project.define("a", basic("A", server="db2"))
        done = project.run("apply", "--yes")
    assert edited
    assert (done.code, done.last) == (0, "Apply complete: 0 added, 1 changed, 0 destroyed."), done.out + done.err
