"""What was reviewed is what is applied, or nothing is."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.acceptance.support import ORDERS, Project, Service, basic, by_string

Move: TypeAlias = Callable[[Project, Service], None]


def digest(text: str) -> str:
    found = re.search(r"sha256:[0-9a-f]{64}", text)
    assert found, text
    return found.group()


@pytest.fixture
def reviewed(project: Project) -> Project:
    """``a`` is applied, and its definition changed; ``b`` is new; ``c`` is applied and as declared."""
    project.define("a", basic("A"))
    project.define("c", basic("C"))
    assert project.run("apply", "--yes").code == 0
    project.define("a", basic("A", server="db2"))
    project.define("b", basic("B"))
    assert project.run("plan", "--out", "plan.bin").code == 0
    return project


def nothing(_project: Project, _service: Service) -> None:
    pass


def other_definition(project: Project, _: Service) -> None:
    project.define("a", basic("A", server="db3"))


def one_more_definition(project: Project, _: Service) -> None:
    project.define("d", basic("D"))


def definition_gone(project: Project, _: Service) -> None:
    (project.folder / "connections/b.yaml").unlink()


def rotation(project: Project, _: Service) -> None:
    project.environ["MYSQL_ORDERS_PASSWORD"] = "rotated-Kx93hvQw71z"


def applied_otherwise(project: Project, _: Service) -> None:
    project.define("a", basic("A", server="db9"))
    assert project.run("apply", "--yes", "--select", "a").code == 0
    project.define("a", basic("A", server="db2"))


def edited_outside(project: Project, service: Service) -> None:
    service.edit(project.id("c"), "/name", "Renamed by hand")


def touched_outside(project: Project, service: Service) -> None:
    service.edit(project.id("a"), "/name", "A")


def deleted_outside(project: Project, service: Service) -> None:
    service.delete(project.id("c"))


def other_sandbox(project: Project, service: Service) -> None:
    project.target(service.url, sandbox="dev", state="state/dev.json")


def drifted(project: Project, service: Service) -> None:
    service.edit(project.id("a"), "/description", "By hand")


def changed_one_deleted_outside(project: Project, service: Service) -> None:
    service.delete(project.id("a"))


def rotated_by_another_run(project: Project, _: Service) -> None:
    """It changes the etag, and nothing that a record shows."""
    project.define("a", basic("A"))
    assert project.run("apply", "--yes", "--resend", "--select", "a").code == 0
    project.define("a", basic("A", server="db2"))


BY_SOMEBODY = "; last edit by somebody-else@techacct.adobe.com with client somebody-else on "

MOVES: list[tuple[Move, str]] = [
    (other_definition, "a: definition differs: auth.params.server"),
    (one_more_definition, "d: definition differs: create was not in the approved plan"),
    (definition_gone, "b: definition differs: create was approved, and there is no definition now"),
    (rotation, "a: secret differs: auth.params.password"),
    (rotation, "c: secret differs"),
    (applied_otherwise, "a: record differs: auth.params.server"),
    (edited_outside, f"c: remote differs: changed outside provisioner since: name{BY_SOMEBODY}"),
    (drifted, f"a: remote differs: changed outside provisioner since: description{BY_SOMEBODY}"),
    (touched_outside, f"a: remote differs: edited outside provisioner since, with no visible difference{BY_SOMEBODY}"),
    (rotated_by_another_run, "a: remote differs: its etag is another one, as after another run of provisioner"),
    (deleted_outside, "c: remote differs: deleted outside provisioner since"),
    (changed_one_deleted_outside, "a: remote differs: deleted outside provisioner since"),
    (other_sandbox, "target differs: approved for"),
]


@pytest.mark.parametrize(("move", "words"), MOVES, ids=[f"{move.__name__}-{words[:1]}" for move, words in MOVES])
def test_what_moved_since_the_review_is_named(reviewed: Project, service: Service, move: Move, words: str) -> None:
    move(reviewed, service)
    before = len(service.writes())
    checked = reviewed.run("show", "plan.bin", "--check")
    result = reviewed.run("apply", "plan.bin")
    assert (checked.code, result.code, checked.out) == (5, 5, ""), result.err
    assert checked.err.splitlines()[1:] == result.err.splitlines()[1:]
    assert "plan.bin is stale: `apply` would refuse it" in checked.err
    assert [line for line in result.err.splitlines() if line.startswith(f"    {words}")], result.err
    assert "plan again, and have the plan reviewed" in result.err
    assert len(service.writes()) == before


def test_a_saved_plan_is_applied_without_a_question(reviewed: Project) -> None:
    result = reviewed.run("apply", "plan.bin")
    assert (result.code, result.last) == (0, "Apply complete: 1 added, 1 changed, 0 destroyed.")


def test_a_saved_plan_goes_on_where_an_earlier_run_of_it_stopped(reviewed: Project, service: Service) -> None:
    assert reviewed.run("apply", "--yes", "--select", "b").code == 0
    writes = len(service.writes())
    result = reviewed.run("apply", "plan.bin")
    assert (result.code, result.last) == (0, "Apply complete: 0 added, 1 changed, 0 destroyed.")
    assert [one["method"] for one in service.writes()[writes:]] == ["PATCH"]


def test_a_saved_plan_that_is_done_has_nothing_to_do(reviewed: Project, service: Service) -> None:
    assert reviewed.run("apply", "plan.bin").code == 0
    writes = len(service.writes())
    again = reviewed.run("apply", "plan.bin")
    assert (again.code, again.last) == (0, "Apply complete: 0 added, 0 changed, 0 destroyed.")
    assert len(service.writes()) == writes


def test_what_was_done_otherwise_is_not_what_was_reviewed(reviewed: Project) -> None:
    reviewed.define("b", basic("B", server="db7"))
    assert reviewed.run("apply", "--yes", "--select", "b").code == 0
    result = reviewed.run("apply", "plan.bin")
    assert (result.code, "b: record differs" in result.err) == (5, True)


def test_a_deletion_that_was_done_already_is_done(reviewed: Project) -> None:
    (reviewed.folder / "connections/c.yaml").unlink()
    assert reviewed.run("plan", "--allow-delete", "--out", "plan.bin").code == 0
    assert reviewed.run("apply", "--yes", "--allow-delete", "--select", "c").code == 0
    assert reviewed.run("apply", "plan.bin").last == "Apply complete: 1 added, 1 changed, 0 destroyed."


def test_a_plan_may_be_held_to_a_digest(reviewed: Project) -> None:
    approved = digest(reviewed.run("plan").out)
    held = reviewed.run("plan", "--expect-digest", approved, "--out", "held.plan", "--report", "digest=digest")
    assert held.code == 0
    assert (reviewed.folder / "digest").read_text("utf-8").strip() == approved
    reviewed.define("b", basic("B", server="db9"))
    moved = reviewed.run("plan", "--expect-digest", approved, "--out", "moved.plan", "--report", "digest=digest")
    assert moved.code == 5
    assert not (reviewed.folder / "moved.plan").exists()
    assert (reviewed.folder / "digest").read_text("utf-8").strip() == digest(moved.out) != approved


def test_a_plan_saved_before_there_is_a_state_proposes_its_lineage(project: Project) -> None:
    project.define("a", basic("A"))
    assert project.run("plan", "--out", "first.plan").code == 0
    lineage = json.loads((project.folder / "first.plan").read_text("utf-8"))["lineage"]
    assert project.run("apply", "first.plan").code == 0
    assert project.state["lineage"] == lineage


def test_the_file_is_private_and_replaced_whole(reviewed: Project) -> None:
    assert reviewed.run("plan", "--out", "plan.bin").code == 0
    assert stat.S_IMODE((reviewed.folder / "plan.bin").stat().st_mode) == 0o600
    assert not list(reviewed.folder.glob("*.tmp"))


OLDER = Path(__file__).resolve().parents[1] / "planning/format-1.plan"


def test_a_plan_that_was_edited_or_is_of_an_older_version_is_refused(reviewed: Project) -> None:
    saved = (reviewed.folder / "plan.bin").read_text("utf-8")
    for text, words in (
        (saved.replace('"db2"', '"evil"'), "damaged or was edited"),
        (OLDER.read_text("utf-8"), "this plan was saved by an older version of provisioner"),
    ):
        reviewed.write("plan.bin", text)
        refused = reviewed.run("apply", "plan.bin")
        assert (refused.code, words in refused.err) == (1, True)


def test_a_saved_plan_stands_for_itself(reviewed: Project) -> None:
    for more in (["--allow-delete"], ["--select", "a"], ["--overwrite-drift"]):
        assert reviewed.run("apply", "plan.bin", *more).code == 64
    assert reviewed.run("apply", "plan.bin", "--target", "elsewhere").code == 64
    assert reviewed.run("apply", "plan.bin", "--expect-digest", "").code == 64
    assert reviewed.run("apply", "missing.bin").code == 1


def test_the_digest_needs_neither_secrets_nor_the_service(reviewed: Project) -> None:
    here = reviewed.run("plan").out
    fork = reviewed.run("plan", "--offline", environ={"MYSQL_ORDERS_PASSWORD": None, "AEP_CLIENT_SECRET": None}).out
    assert digest(here) == digest(fork)


def test_an_unrelated_apply_leaves_the_digest(reviewed: Project) -> None:
    approved = digest(reviewed.run("plan").out)
    reviewed.define("z", basic("Z"))
    assert reviewed.run("apply", "--yes", "--select", "z").code == 0
    assert digest(reviewed.run("plan").out) == approved
    assert reviewed.run("apply", "--expect-digest", approved).code == 0


DIGEST_MOVES: list[tuple[Move, int, str]] = [
    (nothing, 0, "1 changed"),
    (rotation, 0, "2 changed"),
    (touched_outside, 0, "1 changed"),
    (other_definition, 5, "plan differs: approved sha256:"),
    (one_more_definition, 5, "create d"),
    (applied_otherwise, 5, "plan differs: approved sha256:"),
    (edited_outside, 5, f"c: remote differs: changed outside provisioner: name{BY_SOMEBODY}"),
    (deleted_outside, 5, "c: remote differs: deleted outside provisioner"),
]


@pytest.mark.parametrize(("move", "code", "words"), DIGEST_MOVES, ids=[move.__name__ for move, _, _ in DIGEST_MOVES])
def test_an_approved_digest(reviewed: Project, service: Service, move: Move, code: int, words: str) -> None:
    approved = digest(reviewed.run("plan").out)
    move(reviewed, service)
    result = reviewed.run("apply", "--expect-digest", approved)
    assert result.code == code, result.err
    assert words in (result.err if code else result.last)


@pytest.mark.parametrize("flags", [[], ["--refresh-only"]])
def test_a_saved_plan_does_not_ask_for_a_saved_plan(reviewed: Project, service: Service, flags: list[str]) -> None:
    """Not where it is saved, shown or applied."""
    edited_outside(reviewed, service)
    reports = [word for form in ("markdown", "html") for word in ("--report", f"{form}={form}")]

    def asks(*args: str) -> set[bool]:
        texts = [reviewed.run(*args).out]
        texts += [(reviewed.folder / form).read_text("utf-8") for form in ("markdown", "html") if "--report" in args]
        return {"approve a saved plan instead" in text or "--out approved.plan" in text for text in texts}

    assert asks("plan", *flags, *reports) == {True}
    assert asks("plan", *flags, *reports, "--out", "plan.bin") == {False}
    assert asks("show", "plan.bin", *reports) == {False}
    assert "provisioner apply FILE" in (reviewed.folder / "markdown").read_text("utf-8")
    assert asks("apply", "plan.bin") == {False}


def test_what_was_done_outside_is_approved_by_a_saved_plan(reviewed: Project, service: Service) -> None:
    """A plan that is only held to a digest may hold more than that covers: it can be seen in the file that is saved."""
    edited_outside(reviewed, service)
    plan = reviewed.run("plan")
    assert "; in this plan that concerns: c\n" in plan.out
    assert "Changes were made outside provisioner; approve a saved plan instead: `plan --out FILE`" in plan.out
    writes = len(service.writes())
    refused = reviewed.run("apply", "--expect-digest", digest(plan.out))
    assert (refused.code, "remedy: save the plan (`plan --out FILE`)" in refused.err) == (5, True)
    assert len(service.writes()) == writes
    assert reviewed.run("plan", "--expect-digest", digest(plan.out), "--out", "held.plan").code == 0
    assert reviewed.run("apply", "held.plan").code == 0
    assert reviewed.run("plan", "--detailed-exitcode").code == 0


def test_drift_that_is_overwritten_by_its_name_needs_no_saved_plan(reviewed: Project, service: Service) -> None:
    edited_outside(reviewed, service)
    plan = reviewed.run("plan", "--overwrite-drift")
    assert "it takes a saved plan" not in plan.out
    assert reviewed.run("apply", "--overwrite-drift", "--expect-digest", digest(plan.out)).code == 0


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_an_empty_digest_approves_nothing(project: Project, service: Service, command: str) -> None:
    project.define("a", basic("A"))
    refused = project.run(command, "--expect-digest", "")
    assert (refused.code, "--expect-digest is empty" in refused.err) == (64, True)
    assert service.seen() == []


def test_an_approval_is_of_what_was_selected(reviewed: Project) -> None:
    """Two secrets, each rotated: nothing but the selection tells the plans of them apart."""
    assert reviewed.run("apply", "--yes").code == 0
    one, other = (reviewed.run("plan", "--select", key, "--format", "json").json for key in ("a", "b"))
    assert one["digest"] != other["digest"]
    approved, rotated = ["--expect-digest", one["digest"]], {"MYSQL_ORDERS_PASSWORD": "x" * 20}
    assert reviewed.run("apply", "--yes", "--select", "b", *approved, environ=rotated).code == 5
    assert reviewed.run("apply", "--yes", "--select", "a", *approved, environ=rotated).code == 0


def test_only_what_is_selected_is_planned_and_needs_its_secrets(reviewed: Project) -> None:
    result = reviewed.run("plan", "--select", "b*")
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in result.out
    assert "(--select b*)" in result.out
    assert reviewed.run("plan", "--select", "nothing").code == 64
    assert reviewed.run("apply", "--yes", "--select", "b").last.startswith("Apply complete: 1 added, 0 changed")


TEXT_BESIDE = basic("A", server="\"{{ env('MYSQL_HOST') }}.acme.internal\"")


def test_text_beside_a_variable_is_approved_with_it(reviewed: Project, service: Service) -> None:
    """A host may come from the environment in part. What is written around it decides where a password goes."""
    reviewed.environ["MYSQL_HOST"] = "db1"
    reviewed.define("a", TEXT_BESIDE)
    plan = reviewed.run("plan")
    assert "env(MYSQL_HOST).acme.internal" in plan.out
    approved = digest(plan.out)
    reviewed.define("a", TEXT_BESIDE.replace("acme.internal", "evil.example"))
    writes = len(service.writes())
    assert reviewed.run("apply", "--expect-digest", approved).code == 5
    assert len(service.writes()) == writes
    reviewed.define("a", TEXT_BESIDE)
    assert reviewed.run("apply", "--expect-digest", approved).code == 0
    reviewed.define("a", TEXT_BESIDE.replace("acme.internal", "evil.example"))
    fork = reviewed.run("plan", "--offline", environ={"MYSQL_HOST": None, "MYSQL_ORDERS_PASSWORD": None})
    here = reviewed.run("plan")
    assert digest(here.out) == digest(fork.out) != approved
    assert "env(MYSQL_HOST).acme.internal -> env(MYSQL_HOST).evil.example" in fork.out


def test_text_that_reads_like_a_variable_is_another_thing(reviewed: Project) -> None:
    reviewed.define("a", basic("A").replace("svc_aep", "\"{{ env('MYSQL_USER') }}\""))
    one = digest(reviewed.run("plan", environ={"MYSQL_USER": "jane"}).out)
    reviewed.define("a", basic("A").replace("svc_aep", "env(MYSQL_USER)"))
    assert digest(reviewed.run("plan").out) != one


@pytest.mark.parametrize("keyword", ["Server", "Data Source"])
def test_the_keywords_of_a_connection_string_are_approved(project: Project, keyword: str) -> None:
    text = by_string("a", secret="MYSQL_ORDERS_PASSWORD")
    project.define("a", text)
    assert project.run("plan", "--out", "plan.bin").code == 0
    project.define("a", text.replace("Server=", f"{keyword}="))
    assert project.run("apply", "plan.bin").code == (0 if keyword == "Server" else 5)


def test_a_rotation_that_was_taken_back_is_not_done(reviewed: Project) -> None:
    rotation(reviewed, None)  # type: ignore[arg-type]
    assert reviewed.run("plan", "--out", "plan.bin").code == 0
    del reviewed.environ["MYSQL_ORDERS_PASSWORD"]
    assert reviewed.run("apply", "plan.bin").code == 1
    reviewed.environ["MYSQL_ORDERS_PASSWORD"] = ORDERS
    result = reviewed.run("apply", "plan.bin")
    assert (result.code, "secret differs" in result.err) == (5, True)


def test_a_protected_base_connection_is_not_deleted_under_a_digest_that_kept_it(project: Project) -> None:
    project.define("a", basic("A") + "lifecycle:\n  preventDestroy: true\n")
    project.define("b", basic("B"))
    assert project.run("apply", "--yes").code == 0
    (project.folder / "connections/a.yaml").unlink()
    approved = digest(project.run("plan", "--allow-delete").out)
    flags = ["--allow-delete", "--allow-protected-delete"]
    assert project.run("apply", "--expect-digest", approved, *flags).code == 5


def test_a_take_over_is_not_what_a_create_was_approved_as(project: Project, service: Service) -> None:
    project.define("a", basic("A"))
    assert project.run("apply", "--yes").code == 0
    shutil.rmtree(project.folder / "state")
    plan = project.run("plan")
    assert plan.code == 1
    writes = len(service.writes())
    taken = project.run("apply", "--import-existing", "--expect-digest", digest(plan.out))
    assert (taken.code, "already exists; it would be imported" in taken.err) == (5, True)
    assert "save the plan" in taken.err
    assert len(service.writes()) == writes


def test_a_change_whose_answer_was_lost_goes_on_under_its_approval(reviewed: Project, service: Service) -> None:
    service.faults({"kind": "reset", "when": "after", "method": "PATCH"})
    assert reviewed.run("apply", "plan.bin").code == 4
    service.faults()
    again = reviewed.run("apply", "plan.bin")
    assert (again.code, again.last) == (0, "Apply complete: 0 added, 1 changed, 0 destroyed."), again.err
    assert {one["auth"]["params"]["server"] for one in service.items() if one["name"] == "A"} == {"db2"}
    assert reviewed.run("apply", "plan.bin").code == 0


def test_another_variable_of_the_same_value_is_seen_by_everybody(reviewed: Project) -> None:
    """Without secrets nobody can tell whether the value is another one; that the file asks for it, everybody can."""
    reviewed.define("c", basic("C", secret="MYSQL_OTHER"))
    other = {"MYSQL_OTHER": ORDERS}
    fork = reviewed.run("plan", "--offline", environ={"MYSQL_ORDERS_PASSWORD": None})
    here = reviewed.run("plan", environ=other)
    assert digest(here.out) == digest(fork.out)
    assert "now comes from env(MYSQL_OTHER) instead of env(MYSQL_ORDERS_PASSWORD); its value is the same" in here.out
    assert reviewed.run("apply", "--yes", environ=other).code == 0
    assert "comes from" not in reviewed.run("plan", environ=other).out


@pytest.mark.parametrize("flags", [["--refresh-only"], ["--import-existing"], ["--select", "c", "--allow-delete"]])
def test_other_plans_that_are_done_have_nothing_to_do(reviewed: Project, service: Service, flags: list[str]) -> None:
    if "--refresh-only" in flags:
        edited_outside(reviewed, service)
        deleted_outside_of(reviewed, service, "a")
    if "--import-existing" in flags:
        shutil.rmtree(reviewed.folder / "state")
        reviewed.define("a", basic("A"))
    if "--select" in flags:
        (reviewed.folder / "connections/c.yaml").unlink()
    assert reviewed.run("plan", *flags, "--out", "plan.bin").code == 0
    assert reviewed.run("apply", "plan.bin").code == 0
    writes = len(service.writes())
    again = reviewed.run("apply", "plan.bin")
    assert again.code == 0, again.err
    assert len(service.writes()) == writes


def deleted_outside_of(project: Project, service: Service, key: str) -> None:
    service.delete(project.id(key))


@pytest.mark.parametrize("unset", [True, False])
def test_a_plan_that_apply_will_refuse_is_not_called_exactly_that(project: Project, unset: bool) -> None:
    project.define("a", basic("A"))
    password = project.environ["MYSQL_ORDERS_PASSWORD"]
    project.environ["MYSQL_ORDERS_PASSWORD"] = "" if unset else password
    saved = project.run("plan", "--out", "a.plan")
    project.environ["MYSQL_ORDERS_PASSWORD"] = password
    applied = project.run("apply", "a.plan")
    if unset:
        assert "`apply a.plan` will refuse it, for env(MYSQL_ORDERS_PASSWORD) is not set" in saved.err
        assert applied.code == 5
    else:
        assert "saved: `apply a.plan` carries out exactly this plan" in saved.err
        assert applied.code == 0
