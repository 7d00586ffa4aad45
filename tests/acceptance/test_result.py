"""``--report result=FILE``: one word for how a command ended, whatever ended it. ``make`` keeps no exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from provisioner.cli import apply, plan
from provisioner.errors import ExitCode
from provisioner.model import TargetIdentity
from provisioner.state.lock import Holder
from provisioner.state.store import FileStore
from tests.acceptance.support import Project, Service, basic, between

FILE = "out/result.txt"
DIGEST = f"sha256:{'0' * 64}"
Prepare = Callable[[Project, pytest.MonkeyPatch], object]


def nothing(_project: Project, _patch: pytest.MonkeyPatch) -> None:
    """Change nothing."""


def applied(project: Project, _patch: pytest.MonkeyPatch) -> None:
    assert project.run("apply", "--yes").code == 0


def with_a_problem(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.define("orders", "name: 1\n")


def raising(error: BaseException) -> Prepare:
    def prepare(_project: Project, patch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        patch.setattr(plan.planner, "plan", fail)
        patch.setattr(apply, "run_apply", fail)

    return prepare


def half_taken(project: Project, _patch: pytest.MonkeyPatch) -> None:
    """One of two cannot be created: its name is taken."""
    project.define("stock", basic("Stock", secret="MYSQL_STOCK_PASSWORD"))
    assert project.run("apply", "--yes", "--select", "stock").code == 0
    project.state_file.unlink()


class End(NamedTuple):
    args: tuple[str, ...]
    code: ExitCode
    prepare: Prepare = nothing


ENDS = {
    "validated": End(("validate",), ExitCode.DONE),
    "problems": End(("validate",), ExitCode.FAILED, with_a_problem),
    "problems, as JSON": End(("apply", "--yes", "--format", "json"), ExitCode.FAILED, with_a_problem),
    "planned": End(("plan",), ExitCode.DONE),
    "changes": End(("plan", "--detailed-exitcode"), ExitCode.CHANGES),
    "another digest": End(("plan", "--expect-digest", DIGEST), ExitCode.STALE),
    "a plan with a bug": End(("plan",), ExitCode.BUG, raising(ZeroDivisionError())),
    "a plan that is interrupted": End(("plan",), ExitCode.INTERRUPTED, raising(KeyboardInterrupt())),
    "applied": End(("apply", "--yes"), ExitCode.DONE),
    "nothing to do": End(("apply",), ExitCode.DONE, applied),
    "half done": End(("apply", "--yes"), ExitCode.INCOMPLETE, half_taken),
    "not approved": End(("apply", "--expect-digest", DIGEST), ExitCode.STALE),
    "nobody to ask": End(("apply",), ExitCode.USAGE),
    "an unset variable": End(("apply", "--expect-digest", ""), ExitCode.USAGE),
    "no such flag": End(("apply", "--no-such-flag"), ExitCode.USAGE),
    "no such number": End(("apply", "--parallelism", "many"), ExitCode.USAGE),
    "no such target": End(("plan", "--target", "elsewhere"), ExitCode.USAGE),
    "rotated": End(("rotate", "orders", "--yes"), ExitCode.DONE, applied),
    "nothing to rotate": End(("rotate",), ExitCode.USAGE),
    "no such plan": End(("apply", "none.plan"), ExitCode.FAILED),
    "an apply with a bug": End(("apply", "--yes"), ExitCode.BUG, raising(ZeroDivisionError())),
    "an apply that is interrupted": End(("apply", "--yes"), ExitCode.INTERRUPTED, raising(KeyboardInterrupt())),
}


@pytest.fixture
def project(project: Project) -> Project:
    project.define("orders", basic("Orders"))
    project.write(FILE, "done\n")  # left by an earlier run
    return project


@pytest.mark.parametrize("at", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize("end", ENDS)
def test_every_end_is_one_word(end: str, at: int, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (command, *rest), code, prepare = ENDS[end]
    prepare(project, monkeypatch)
    report = ("--report", f"result={FILE}")
    done = project.run(command, *(report if at == 0 else ()), *rest, *(report if at else ()))
    assert done.code == code
    assert done.err.splitlines()[-1] == f"result: {code.name.lower()} (exit code {code.value}), also in {FILE}"
    assert (project.folder / FILE).read_text() == f"{code.name.lower()}\n"


def test_every_exit_code_is_shown_or_is_locked() -> None:
    assert {end.code for end in ENDS.values()} == set(ExitCode) - {ExitCode.LOCKED}


def test_locked(project: Project) -> None:
    assert project.run("apply", "--yes").code == 0
    store = FileStore(project.state_file, TargetIdentity(**project.state["target"]))
    with store.hold(Holder("jane", "host", 1, "apply", "now"), 0, lambda _: None):
        done = project.run("apply", "--yes", f"--report=result={FILE}")
    assert (done.code, (project.folder / FILE).read_text()) == (ExitCode.LOCKED, "locked\n")


def test_without_a_file_there_is_the_line_alone(project: Project) -> None:
    done = project.run("plan", "--report", "result=-")
    assert done.err.splitlines()[-1] == "result: done (exit code 0)"
    assert "done" not in done.out
    assert not (project.folder / "-").exists()


def test_without_the_report_nothing_is_said(project: Project) -> None:
    assert "result:" not in project.run("plan").err
    assert "result:" not in project.run("apply", "--bad").err


def test_the_file_of_an_earlier_run_is_gone_before_anything_is_sent(project: Project, service: Service) -> None:
    """So a run that is killed leaves none."""
    seen: list[bool] = []
    with between(service, lambda *_: seen.append((project.folder / FILE).exists())) as url:
        project.target(url, ims_endpoint=service.url)
        assert project.run("apply", "--yes", "--report", f"result={FILE}").code == 0
    assert seen
    assert not any(seen)


BAD_FILES = {
    "no folder": ("none/a", "No such file or directory", "name a file in a folder that exists"),
    "a file for a folder": ("provisioner.yaml/a", "Not a directory", "name a file in a folder that exists"),
    "a folder": ("connections", "Is a directory", "name a file, not a folder"),
    "a name that is too long": ("a" * 250, "File name too long", "choose a shorter path"),
    "a link to itself": ("loop", "Too many levels of symbolic links", "check its owner"),
    "a link into no folder": ("dangling", "No such file or directory", "name a file in a folder that exists"),
    "a folder of the kernel": ("/proc/a", "No such file or directory", "name a file in a folder that exists"),
}


WRITERS = (
    "apply --yes --report result=",
    "apply --yes --report json=",
    "rotate orders --report markdown=",
    "plan --report html=",
    "plan --out ",
    "validate --report junit=",
    "show a.plan --report text=",
)


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize(("file", "why", "remedy"), BAD_FILES.values(), ids=BAD_FILES)
def test_what_cannot_be_written_is_said_before_anything_is_sent(
    project: Project, service: Service, command: str, file: str, why: str, remedy: str
) -> None:
    assert project.run("plan", "--out", "a.plan").code == 0
    (project.folder / "loop").symlink_to("loop")
    (project.folder / "dangling").symlink_to("none/a")
    before, seen = sorted(project.folder.rglob("*")), len(service.seen())
    done = project.run(*f"{command}{file}".split())
    assert done.code == ExitCode.FAILED
    first, second = done.err.splitlines()[:2]
    assert first == f"error: {file} cannot be written: {why}; nothing was sent"
    assert second.startswith(f"    remedy: {remedy}")
    assert ("result: failed (exit code 1)" in done.err) is ("result=" in command)
    assert (done.out, len(service.seen()), sorted(project.folder.rglob("*"))) == ("", seen, before)


def test_what_can_be_written_is_not_touched_by_the_trial(project: Project, service: Service) -> None:
    names = ("orders.json", "link", "/dev/null", "-")
    (project.folder / "orders.json").write_text("kept")
    (project.folder / "link").symlink_to("new.json")
    with between(service, lambda *_: (403, {})) as url:
        project.target(url)
        done = project.run("plan", *(word for name in names for word in ("--report", f"html={name}")))
    assert done.code == ExitCode.FAILED
    assert "cannot be written" not in done.err
    assert (project.folder / "orders.json").read_text() == "kept"
    assert not [path for path in project.folder.iterdir() if path.name.startswith("new.json")]


def test_what_cannot_be_written_only_afterwards_leaves_the_exit_code(project: Project, service: Service) -> None:
    folder = project.folder / "later"
    folder.mkdir()

    def remove(method: str, *_: object) -> None:
        if method == "POST" and folder.exists():
            folder.rmdir()

    with between(service, remove) as url:
        project.target(url, ims_endpoint=service.url)
        done = project.run("apply", "--yes", "--report", "json=later/a.json", "--report", "result=later/result.txt")
    assert done.code == ExitCode.DONE
    assert "warning: later/a.json cannot be written: No such file or directory" in done.err
    assert "result: done (exit code 0); later/result.txt cannot be written: " in done.err.splitlines()[-1]


def test_what_is_no_regular_file_is_not_removed(project: Project) -> None:
    (project.folder / "link").symlink_to(Path(FILE))
    assert project.run("plan", "--report", "result=link").code == 0
    assert (project.folder / "link").is_symlink()
    assert (project.folder / FILE).read_text() == "done\n"
    assert project.run("plan", "--report", "result=/dev/null").code == 0
    assert Path("/dev/null").exists()


def test_a_file_whose_name_holds_a_secret_is_not_named(project: Project) -> None:
    name = project.environ["MYSQL_ORDERS_PASSWORD"]
    done = project.run("apply", "--yes", "--report", f"result={name}")
    (project.folder / name).unlink()
    assert done.err.splitlines()[-1] == "result: done (exit code 0)"
