"""What every command has in common: usage, streams, plain text, and how it ends when it has a bug."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .support import COMMAND, ORDERS, Project, Service, basic

LOCAL = {"local": {"emulator": True, "env": {"MYSQL_ORDERS_PASSWORD": ORDERS}}, "other": {"emulator": True}}


@pytest.fixture
def local(bare: Project) -> Project:
    """A project whose default target is the embedded emulator."""
    bare.project_file(LOCAL, "local")
    bare.define("orders", basic("Orders").replace("name:", "targets: [local]\nname:", 1))
    return bare


@pytest.mark.parametrize("command", [("plan",), ("plan", "--offline"), ("apply",), ("apply", "--yes")])
def test_in_ci_no_emulator_is_chosen_by_default(local: Project, command: tuple[str, ...]) -> None:
    refused = local.run(*command, environ={"CI": "true"})
    assert (refused.code, refused.out) == (64, "")
    assert "the default, local, is an emulator: not in CI" in refused.err
    assert "--target NAME" in refused.err
    assert sorted(path.name for path in local.folder.iterdir()) == ["connections", "provisioner.yaml"]


def test_in_ci_an_emulator_that_is_named_is_meant(local: Project) -> None:
    assert local.run("apply", "--yes", "--target", "local", environ={"CI": "true"}).code == 0


def test_the_embedded_emulator_needs_nothing_and_remembers(local: Project) -> None:
    applied = local.run("apply", "--yes")
    assert (applied.code, applied.err) == (0, "")
    assert local.run("plan", "--detailed-exitcode").last == "Plan: 0 to add, 0 to change, 0 to destroy. 1 unchanged."
    assert sorted(path.name for path in local.folder.iterdir()) == [".provisioner", "connections", "provisioner.yaml"]


def test_credentials_for_a_real_organization_are_not_for_the_emulator(local: Project) -> None:
    environ = {"AEP_ORG_ID": "0000000000000000@AdobeOrg", "AEP_SANDBOX_NAME": "prod", "AEP_API_KEY": "k"}
    assert local.run("apply", "--yes", environ=environ).code == 0
    assert local.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["frob"], "No such command 'frob'"),
        (["plan", "--frob"], "--frob"),
        (["state", "recover", "FILE"], "`provisioner state recover` was removed\n    remedy: run `provisioner apply`"),
        (["plan", "--target", "nowhere"], "there is no target `nowhere`"),
        (["apply", "--target", "nowhere", "--yes"], "there is no target `nowhere`"),
        (["apply", "--parallelism", "0"], "--parallelism"),
        (["plan", "--format", "xml"], "--format"),
        (["plan", "extra"], "extra"),
        (["plan", "--project", "nowhere"], "there is no provisioner.yaml"),
        (["schema", "project", "--cloud", "aws"], "--cloud"),
        (["emulator", "--port", "70000"], "--port"),
    ],
)
def test_wrong_usage_is_64_and_one_error_with_a_remedy(local: Project, args: list[str], words: str) -> None:
    wrong = local.run(*args)
    assert (wrong.code, wrong.out) == (64, "")
    assert wrong.err.startswith("error: ")
    assert words in wrong.err
    assert "    remedy: " in wrong.err
    assert len(wrong.err.splitlines()) == 2


def test_no_command_is_wrong_usage_that_shows_the_commands(bare: Project) -> None:
    wrong = bare.run()
    assert (wrong.code, wrong.out) == (64, "")
    assert wrong.err.startswith("Usage: provisioner ")
    assert "error" not in wrong.err


@pytest.mark.parametrize("flags", [["--help"], ["-h"], ["plan", "--help"], ["apply", "-h"], ["--version"]])
def test_help_and_version_are_results(bare: Project, flags: list[str]) -> None:
    shown = bare.run(*flags)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(("Usage: provisioner", "provisioner "))


def test_the_installed_script_is_the_same_command(bare: Project) -> None:
    script = Path(sys.executable).with_name("provisioner")
    assert bare.run_process("--version", command=(str(script),)).out == bare.run("--version").out


def test_through_a_pipe_the_text_is_plain(local: Project) -> None:
    assert "\x1b" not in local.run("plan").out


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_plain_text_can_be_asked_for(local: Project, environ: dict[str, str]) -> None:
    assert "\x1b" in local.at_terminal("plan").out
    assert "\x1b" not in local.at_terminal("plan", environ=environ).out


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "true"}, True),
        ({"FORCE_COLOR": "3"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CI": "true", "FORCE_COLOR": "1"}, True),
        ({"CI": "true", "CLICOLOR_FORCE": "1"}, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}, True),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"FORCE_COLOR": "false"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        ({"CI": "true"}, False),
    ],
)
def test_colour_can_be_asked_for_where_there_is_no_terminal(
    local: Project, environ: dict[str, str], coloured: bool
) -> None:
    plan = local.run("plan", "--target", "local", environ=environ)
    refused = local.run("plan", "--target", "nowhere", environ=environ)
    assert ("\x1b[" in plan.out, "\x1b[" in refused.err) == (coloured, coloured)
    assert "\x1b[2K" not in plan.err + refused.err, "and no line that stays, which a log would not wipe"
    assert "\x1b" not in local.run("plan", "--target", "local", "--format", "json", environ=environ).out


BROKEN = """\
import subprocess
import sys
import provisioner.planning.planner as plan

def broken(*_):
    raise ValueError({secret!r})

plan.make_plan = broken
from provisioner.cli import main
main()
"""


def test_a_bug_is_one_line_and_a_report_without_values(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    bug = project.run_process("plan", command=(sys.executable, "-c", BROKEN.format(secret=ORDERS)))
    assert (bug.code, bug.out) == (3, "")
    (line,) = bug.err.splitlines()
    assert line.startswith("error: this is a bug in provisioner (ValueError); the report is in provisioner-report-")
    (report,) = project.folder.glob("provisioner-report-*.txt")
    assert report.name in line
    text = report.read_text("utf-8")
    assert "ValueError" in text
    assert "planner.py" in text
    assert service.writes() == []


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_has_gone_stops_nothing(project: Project, service: Service, stream: str) -> None:
    for number in range(3):
        project.define(f"orders{number}", basic(f"Orders {number}"))
    ours, theirs = os.pipe()
    os.close(ours)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: theirs}
    command = [*COMMAND, "apply", "--yes", "--verbose"]
    done = subprocess.run(
        command, cwd=project.folder, env=project.environment(), encoding="utf-8", check=False, **streams
    )
    os.close(theirs)
    assert done.returncode == 0
    assert "Traceback" not in (done.stderr or "")
    assert len(project.state["records"]) == len(service.items()) == 3


def run_in(project: Project, words: str) -> subprocess.CompletedProcess[str]:
    """By a shell, since only one can leave a stream out."""
    return subprocess.run(
        ["sh", "-c", f"{shlex.join(COMMAND)} {words}"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [("validate >&-", 0), ("validate 2>&-", 0), ("validate <&- >&- 2>&-", 0), ("nonsense >&-", 64), ("plan 2>&-", 0)],
)
def test_a_stream_that_is_closed_is_left_out(project: Project, words: str, code: int) -> None:
    project.define("orders", basic("Orders"))
    assert run_in(project, words).returncode == code
    assert not list(project.folder.glob("provisioner-report-*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_result_that_is_lost_is_a_failure_and_an_apply_goes_on(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    lost = run_in(project, "plan > /dev/full")
    assert (lost.returncode, lost.stderr.splitlines()[0]) == (
        1,
        "error: standard output cannot be written: No space left on device",
    )
    done = run_in(project, "apply --yes > /dev/full")
    assert done.returncode == 0
    assert "warning: standard output cannot be written: No space left on device" in done.stderr.splitlines()
    assert len(project.state["records"]) == len(service.items()) == 1
