"""What a definition costs, counted in calls instead of seconds: the same on every machine, and on a busy one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.data import Project, make

COUNTING = """
import sys
from provisioner.cli import main
number = 0
def count(frame, event, argument):
    global number
    number += event in ("call", "c_call")
sys.setprofile(count)
try:
    main()
except SystemExit as done:
    sys.setprofile(None)
    sys.stderr.write(f"{number} {done.code}")
"""
LOADED = """
import sys
from provisioner.cli import main
try:
    main()
except SystemExit as done:
    sys.stderr.write(f"{' '.join(sys.modules)} {done.code}")
"""
FEW, MANY = 100, 300
CALLS = {"plan --offline": 1285, "validate": 868}
"""Of a definition, on Python 3.11, as measured when it was last worked on; later versions have fewer."""


@pytest.mark.parametrize("command", CALLS)
def test_a_definition_costs_at_most_a_fifth_more_than_it_did(tmp_path: Path, command: str) -> None:
    few, many = (_calls(tmp_path / str(number), number, command) for number in (FEW, MANY))
    each = (many - few) / (MANY - FEW)
    assert each < 1.2 * CALLS[command], f"{each:.0f} calls; if that is worth it, write it into CALLS"


@pytest.mark.parametrize(
    ("command", "without"),
    [
        ("validate", {"jsonschema", "jinja2", "requests", *(f"provisioner.{one}" for one in ("state", "planning"))}),
        ("plan --offline", {"jsonschema", "jinja2", "requests", "filelock", "xml.etree.ElementTree"}),
    ],
)
def test_a_sound_project_waits_for_nothing_that_it_does_not_need(
    tmp_path: Path, command: str, without: set[str]
) -> None:
    *loaded, code = _run(make(tmp_path, 1), LOADED, command).split()
    assert code == "0"
    assert "jsonschema_rs" in loaded
    never = {"provisioner.apply", "provisioner.emulator.server", "provisioner.service.client"}
    waited_for = (without | never) & set(loaded)
    assert not waited_for


def _calls(folder: Path, number: int, command: str) -> int:
    calls, code = _run(make(folder, number), COUNTING, command).split()[-2:]
    assert code == "0"
    return int(calls)


def _run(project: Project, program: str, command: str) -> str:
    """What the program writes to standard error."""
    return subprocess.run(
        [sys.executable, "-c", program, *command.split()],
        cwd=project.folder,
        env={**project.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    ).stderr
