"""A saved plan is shown as it was planned, anywhere, and it can be asked whether it still holds."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from provisioner.planning.digest import checksum
from provisioner.planning.saved_plan import MAX_BYTES
from provisioner.report import formats
from tests.acceptance.support import ORG, ROTATED, Project, Service, basic, by_string
from tests.acceptance.test_dependants import flow

Situation: TypeAlias = Callable[[Project, Service], None]


@pytest.fixture
def applied(project: Project) -> Project:
    """``a``, ``b`` and ``c`` are applied, and as declared."""
    for key in "abc":
        project.define(key, basic(key.upper()))
    assert project.run("apply", "--yes").code == 0
    return project


def remove(project: Project, key: str) -> None:
    (project.folder / f"connections/{key}.yaml").unlink()


def nothing_to_do(_project: Project, _service: Service) -> None:
    pass


def nothing_recorded(project: Project, service: Service) -> None:
    service.reset()
    project.state_file.unlink()


def all_at_once(project: Project, service: Service) -> None:
    """A create, an update, drift, a move, a delete that dataflows hold back, a name that is taken, a rotation."""
    project.define("new", by_string("New", secret="MYSQL_STOCK_PASSWORD"))
    project.define("a", basic("A", server="db2.example.com", description='"Straße | `##vso[x]`"'))
    service.edit(project.id("b"), "/description", "By hand")
    project.define("moved", f"movedFrom: b\n{basic('B')}")
    remove(project, "b")
    flow(service, project.id("c"), "Nightly orders")
    remove(project, "c")
    service.create("Taken")
    project.define("taken", basic("Taken"))
    project.environ["MYSQL_ORDERS_PASSWORD"] = ROTATED


def deleted_outside(project: Project, service: Service) -> None:
    service.delete(project.id("a"))
    service.edit(project.id("b"), "/name", "B by hand")


def lost_state(project: Project, _: Service) -> None:
    project.state_file.unlink()


def unset(project: Project, _: Service) -> None:
    project.define("new", basic("New"))
    del project.environ["MYSQL_ORDERS_PASSWORD"]


def other_variable(project: Project, _: Service) -> None:
    project.define("a", basic("A", secret="MYSQL_STOCK_PASSWORD"))
    project.define("b", by_string("B"))


def open_create(project: Project, service: Service) -> None:
    project.define("new", basic("New"))
    service.faults({"kind": "reset", "when": "after", "method": "POST", "path": "*/connections"})
    assert project.run("apply", "--yes", "--no-wait").code == 4
    service.faults()
    service.delete(next(one["id"] for one in service.items() if one["name"] == "New"))
    remove(project, "new")


SITUATIONS: list[tuple[Situation, list[str]]] = [
    (nothing_to_do, []),
    (nothing_recorded, ["--test"]),
    (all_at_once, ["--allow-delete"]),
    (all_at_once, ["--allow-delete", "--offline"]),
    (all_at_once, ["--overwrite-drift", "--prove", "--test", "--select", "a", "--select", "[mn]*"]),
    (deleted_outside, ["--allow-mass-recreate"]),
    (deleted_outside, ["--refresh-only"]),
    (lost_state, []),
    (lost_state, ["--import-existing"]),
    (unset, []),
    (other_variable, []),
    (nothing_to_do, ["--resend", "--select", "a"]),
    (open_create, []),
]


def reports(name: str) -> list[str]:
    return [word for form in formats.PLAN for word in ("--report", f"{form}={name}.{form}")]


@pytest.mark.parametrize(
    ("situation", "flags"),
    SITUATIONS,
    ids=[f"{situation.__name__}{''.join(flags[:2])}" for situation, flags in SITUATIONS],
)
def test_every_form_is_that_of_the_plan(
    applied: Project, service: Service, tmp_path: Path, situation: Situation, flags: list[str]
) -> None:
    """With nothing but the file: no project, no service, no variable."""
    situation(applied, service)
    planned = applied.run("plan", *flags, "--out", "x.plan", *reports("planned"))
    assert "saved" in planned.err, planned.err
    seen = len(service.seen())
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    (elsewhere.folder / "x.plan").write_bytes((applied.folder / "x.plan").read_bytes())
    shown = elsewhere.run("show", "x.plan", *reports("shown"))
    head, _, plan = shown.out.partition("\n\n")
    assert (shown.code, plan, shown.err) == (0, planned.out, "")
    assert head.startswith("Saved plan x.plan\n")
    for form in formats.PLAN:
        texts = [
            (project.folder / f"{name}.{form}").read_text("utf-8")
            for project, name in ((applied, "planned"), (elsewhere, "shown"))
        ]
        assert texts[0] == texts[1], form
    as_json = elsewhere.run("show", "x.plan", "--format", "json")
    assert as_json.out == (applied.folder / "planned.json").read_text("utf-8").rstrip("\n") + "\n"
    assert as_json.err.startswith("Saved plan x.plan\n")
    assert len(service.seen()) == seen
    assert {path.name.partition(".")[0] for path in elsewhere.folder.iterdir()} == {"x", "shown"}


def test_the_head_says_when_and_for_what_it_was_made(applied: Project) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    applied.define("new", basic("New"))
    flags = ["--offline", "--test", "--select", "new"]
    assert applied.run("plan", *flags, "--out", "x y.plan", environ={"GITHUB_SHA": commit}).code == 0
    lines = applied.run("show", "x y.plan").out.partition("\n\n")[0].splitlines()
    made = re.fullmatch(
        r"  made           \d{4}-\d\d-\d\d \d\d:\d\d UTC by provisioner [\d.]+, from commit (\w+)", lines[1]
    )
    assert (lines[0], made and made[1]) == ("Saved plan x y.plan", commit)
    endpoint = applied.state["target"]["endpoint"]
    checked = json.loads((applied.folder / "x y.plan").read_text("utf-8"))["checksum"]
    assert lines[2:] == [
        f"  checksum       {checked}",
        "  target         here",
        f"  endpoint       {endpoint}",
        f"  org_id         {ORG}",
        "  sandbox        prod",
        "  flags          --test --select new",
        "  compared with  the state alone (--offline)",
        "  apply          provisioner apply 'x y.plan'",
        "  check          provisioner show 'x y.plan' --check",
    ]


@pytest.mark.parametrize(
    ("situation", "words"),
    [
        (nothing_to_do, "apply          there is nothing to apply"),
        (nothing_to_do, "compared with  the state and the service"),
        (unset, "apply          will be refused, for env(MYSQL_ORDERS_PASSWORD) was not set: plan where it is set"),
    ],
)
def test_it_says_what_apply_would_say(applied: Project, service: Service, situation: Situation, words: str) -> None:
    situation(applied, service)
    assert applied.run("plan", "--out", "x.plan").code == (1 if situation is unset else 0)
    assert words in applied.run("show", "x.plan").out


def test_the_file_is_private_and_named_where_it_is_saved(applied: Project) -> None:
    saved = applied.run("plan", "--out", "x.plan")
    assert "saved: `apply x.plan` carries out exactly this plan; `show x.plan` shows it\n" in saved.err
    assert stat.S_IMODE((applied.folder / "x.plan").stat().st_mode) == 0o600
    first = (applied.folder / "x.plan").read_text("utf-8")
    applied.run("show", "x.plan")
    assert (applied.folder / "x.plan").read_text("utf-8") == first


@pytest.mark.parametrize("unset", [False, True])
def test_a_name_that_a_shell_would_split_is_quoted(project: Project, unset: bool) -> None:
    project.define("orders", basic("Orders"))
    if unset:
        del project.environ["MYSQL_ORDERS_PASSWORD"]
    saved = project.run("plan", "--out", "my $x.plan")
    assert "`apply 'my $x.plan'`" in saved.err
    assert ("`show 'my $x.plan'`" in saved.err) is not unset


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--expect-digest", f"sha256:{'0' * 64}"], "a saved plan takes no --expect-digest: leave it out"),
        (["--prove"], "flags are fixed when the plan is saved: leave out --prove"),
        (
            ["--select", "a", "--variable", "B"],
            "flags are fixed when the plan is saved: leave out --select a --variable B",
        ),
    ],
)
def test_a_flag_beside_a_saved_plan_is_named(applied: Project, flags: list[str], said: str) -> None:
    refused = applied.run("apply", "x.plan", *flags)
    assert (refused.code, said in refused.err) == (64, True)


# What is no saved plan


def make_others(project: Project) -> None:
    project.define("new", basic("New"))
    project.run("plan", "--out", "x.plan", *reports("planned"))
    project.run("validate", "--format", "json", "--report", "json=problems.json")
    project.run("apply", "--yes", "--report", "json=applied.json")
    (project.folder / "folder").mkdir()
    with (project.folder / "large").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    saved = json.loads((project.folder / "x.plan").read_text("utf-8"))
    project.write("newer", json.dumps({**saved, "format_version": 99}))
    project.write("older", json.dumps({**saved, "format_version": 2}))
    project.write("edited", (project.folder / "x.plan").read_text("utf-8").replace("db.example.com", "evil.example"))
    project.write("torn", (project.folder / "x.plan").read_text("utf-8")[:-200])
    project.write("empty", "")
    (project.folder / "zip").write_bytes(b"PK\x03\x04\xff\xfe\x00")
    project.write("events", '{"type": "plan"}\n{"type": "summary"}\n')


NOT_PLANS = {
    "missing": ("cannot be read: No such file or directory", "make one with `plan --out FILE`"),
    "folder": ("cannot be read: Is a directory", "make one with `plan --out FILE`"),
    "large": ("larger than 256 MiB", "make one with `plan --out FILE`"),
    "newer": ("saved by a newer version of provisioner (format 99, not 3)", "use that version, or plan again"),
    "older": ("saved by an older version of provisioner", "plan again"),
    "edited": ("damaged or was edited: its checksum does not match", "plan again"),
    "torn": ("damaged or was edited: it was cut off, or is not JSON", "plan again"),
    "empty": ("this is not a saved plan", "make one with"),
    "zip": ("this is an archive, such as a saved plan of Terraform, not a saved plan", "make one with"),
    "events": ("this is a sequence of JSON objects", "make one with"),
    "state/here.json": ("this is a state file, not a saved plan", "provisioner state list"),
    "planned.json": ("this is the JSON report of a plan, not a saved plan", "make one with"),
    "planned.text": ("this is the text report of a plan", "make one with"),
    "planned.html": ("this is a page", "make one with"),
    "planned.digest": ("this is the digest of a plan", "--expect-digest"),
    "problems.json": ("this is the JSON report of `validate`", "make one with"),
    "applied.json": ("this is the JSON report of an apply", "make one with"),
    "provisioner.yaml": ("this is a project file", "--project DIR"),
    "../a.yaml": ("this is a definition, not a saved plan", "--select KEY"),
}


@pytest.mark.parametrize("command", ["show", "apply", "show --check"])
def test_what_is_no_saved_plan_is_said_to_be_what_it_is(applied: Project, service: Service, command: str) -> None:
    make_others(applied)
    (applied.folder.parent / "a.yaml").write_text(basic("A"), "utf-8")
    seen = len(service.seen())
    for name, (words, remedy) in NOT_PLANS.items():
        refused = applied.run(*command.split(), name)
        assert (refused.code, refused.out) == (1, ""), (name, refused.err)
        assert f"error: {name}: " in refused.err
        assert words in refused.err, name
        assert f"    remedy: {remedy}" in refused.err or remedy in refused.err.partition("remedy: ")[2], name
    assert len(service.seen()) == seen
    (applied.folder / "large").unlink()  # what follows looks for secrets in every file


def test_a_file_that_shows_something_else_than_it_does_is_not_shown(applied: Project, service: Service) -> None:
    one_change(applied, service)
    assert applied.run("plan", "--out", "x.plan").code == 0
    document = json.loads((applied.folder / "x.plan").read_text("utf-8"))
    document["changes"][0]["fields"][0]["after"] = "harmless.example.com"
    del document["checksum"]
    applied.write("x.plan", json.dumps({**document, "checksum": checksum(document)}))
    for flags in ([], ["--check"]):
        refused = applied.run("show", "x.plan", *flags)
        assert (refused.code, refused.out) == (1, "")
        assert "it shows something else than it would do\n    a: auth.params.server\n" in refused.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "show takes the file of a saved plan"),
        ([""], "is empty"),
        (["a"], "a is not a saved plan\n    remedy: provisioner plan --select a"),
        (["here"], "here is not a saved plan\n    remedy: provisioner plan --target here"),
        (["connections/a.yaml"], "remedy: provisioner plan --select a"),
        (["x.plan", "--target", "other"], "x.plan was planned for target here, not other"),
        (["x.plan", "--check", "--format", "json"], "--check takes no --format"),
        (["x.plan", "--check", "--report", "json=-"], "--check takes no --report but result"),
        (["x.plan", "--check", "--report", "result=-", "--report", "html=x"], "--check takes no --report but result"),
        (["x.plan", "--report", "pdf=x"], "is not FORMAT=FILE"),
        (["x.plan", "y.plan"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(applied: Project, words: list[str], said: str) -> None:
    assert applied.run("plan", "--out", "x.plan").code == 0
    refused = applied.run("show", *words)
    assert (refused.code, refused.out) == (64, "")
    assert said in refused.err


# Whether it still holds


def one_change(project: Project, _: Service) -> None:
    project.define("a", basic("A", server="db2.example.com"))


def two_changes(project: Project, service: Service) -> None:
    one_change(project, service)
    project.define("new", basic("New"))


WOULD = "x.plan still holds: apply would carry out {} on here"
NOTHING_TO_APPLY = "x.plan still holds: there is nothing to apply on here"
APPLIED_ALREADY = "x.plan is applied already: there is nothing left to do on here"


@pytest.mark.parametrize(
    ("situation", "flags", "done", "line"),
    [
        (nothing_to_do, [], None, NOTHING_TO_APPLY),
        (two_changes, [], None, WOULD.format("2 changes")),
        (two_changes, [], ["--select", "new"], f"{WOULD.format('1 change')}; 1 of 2 changes applied already"),
        (two_changes, [], [], APPLIED_ALREADY),
        (two_changes, ["--select", "n*"], None, WOULD.format("1 change")),
        (two_changes, ["--select", "n*"], ["--select", "a"], WOULD.format("1 change")),
        (two_changes, ["--variable", "MYSQL_ORDERS_PASSWORD"], None, WOULD.format("2 changes")),
        (deleted_outside, ["--refresh-only"], None, WOULD.format("2 changes")),
        (deleted_outside, ["--refresh-only"], ["--refresh-only"], APPLIED_ALREADY),
        (all_at_once, ["--allow-delete"], None, WOULD.format("3 changes")),
    ],
)
def test_a_plan_that_holds(
    applied: Project, service: Service, situation: Situation, flags: list[str], done: list[str] | None, line: str
) -> None:
    situation(applied, service)
    assert "saved" in applied.run("plan", *flags, "--out", "x.plan").err
    if done is not None:
        assert applied.run("apply", "--yes", *done).code == 0
    writes, state = len(service.writes()), applied.state_file.read_bytes()
    checked = applied.run("show", "x.plan", "--check")
    assert (checked.code, checked.out) == (0, f"{line}\n"), checked.err
    assert (len(service.writes()), applied.state_file.read_bytes()) == (writes, state)


def test_a_check_needs_what_apply_needs(applied: Project, service: Service, tmp_path: Path) -> None:
    one_change(applied, service)
    assert applied.run("plan", "--out", "x.plan").code == 0
    for name in ("AEP_CLIENT_SECRET", "MYSQL_ORDERS_PASSWORD"):
        for command in (["show", "x.plan", "--check"], ["apply", "x.plan"]):
            refused = applied.run(*command, environ={name: None})
            assert (refused.code, name in refused.err) == (1, True), refused.err
    (tmp_path / "elsewhere").mkdir()
    assert applied.run("show", "x.plan", "--check", "--project", str(tmp_path / "elsewhere")).code == 64


def test_a_plan_saved_before_there_is_a_state_is_checked_for_its_lineage(project: Project) -> None:
    project.define("a", basic("A"))
    assert project.run("plan", "--out", "x.plan").code == 0
    assert project.run("show", "x.plan", "--check").out == f"{WOULD.format('1 change')}\n"
    assert not project.state_file.exists()


def test_a_fingerprint_key_that_is_missing_is_named(applied: Project, service: Service) -> None:
    key = {"PROVISIONER_FINGERPRINT_KEY": "k" * 40}
    assert applied.run("apply", "--yes", environ=key).code == 0
    one_change(applied, service)
    assert applied.run("plan", "--out", "x.plan", environ=key).code == 0
    assert applied.run("show", "x.plan", "--check", environ=key).code == 0
    for command in (["show", "x.plan", "--check"], ["apply", "x.plan"]):
        refused = applied.run(*command)
        assert (refused.code, "PROVISIONER_FINGERPRINT_KEY is not set" in refused.err) == (64, True)


def test_another_writer_is_named(applied: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert applied.run("plan", "--out", "x.plan").code == 0
    monkeypatch.setattr("provisioner.state.lock.current_holder", lambda _: "jane on build-7")
    checked = applied.run("show", "x.plan", "--check")
    assert (checked.code, checked.out) == (0, f"{NOTHING_TO_APPLY}\n")
    assert "note: jane on build-7 is writing this state: check again when that has ended" in checked.err


# Another target


def other_endpoint(project: Project, service: Service) -> None:
    """The same service by another name, to which the credentials must not go."""
    project.target(service.url.replace("127.0.0.1", "localhost"))


def other_organization(project: Project, service: Service) -> None:
    project.target(service.url, org_id="0C1328435BF324E90A49402B@AdobeOrg")


def other_sandbox(project: Project, service: Service) -> None:
    project.target(service.url, sandbox="dev")


@pytest.mark.parametrize("command", [["apply"], ["show", "--check"]])
@pytest.mark.parametrize("situation", [other_endpoint, other_organization, other_sandbox])
def test_a_plan_for_another_target_is_refused_before_anything_is_sent(
    applied: Project, service: Service, situation: Situation, command: list[str]
) -> None:
    one_change(applied, service)
    assert applied.run("plan", "--out", "x.plan").code == 0
    situation(applied, service)
    seen, tokens = len(service.seen()), service.tokens()
    refused = applied.run(command[0], "x.plan", *command[1:])
    assert (refused.code, refused.out) == (5, "")
    assert "    target differs: approved for http://127.0.0.1" in refused.err
    assert (len(service.seen()), service.tokens()) == (seen, tokens)


def test_a_check_can_leave_its_result(applied: Project, service: Service) -> None:
    one_change(applied, service)
    assert applied.run("plan", "--out", "x.plan").code == 0
    checks = ("show", "x.plan", "--check", "--report", "result=result")
    holds = applied.run(*checks)
    assert (holds.code, holds.out) == (0, f"{WOULD.format('1 change')}\n")
    assert (applied.folder / "result").read_text("utf-8") == "done\n"
    applied.define("a", basic("A", server="db3.example.com"))
    stale = applied.run(*checks)
    assert (stale.code, stale.out) == (5, "")
    assert stale.err.startswith("error: x.plan is stale: `apply` would refuse it\n")
    assert (applied.folder / "result").read_text("utf-8") == "stale\n"
