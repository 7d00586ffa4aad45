"""What a definition costs, counted in calls instead of seconds: the same on every machine, and on a busy one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.data import make

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
FEW, MANY = 100, 300
CALLS = {"plan --offline": 1354, "validate": 851}
"""Of a definition, on Python 3.11, as measured when it was last worked on; later versions have fewer."""


@pytest.mark.parametrize("command", CALLS)
def test_a_definition_costs_at_most_a_fifth_more_than_it_did(tmp_path: Path, command: str) -> None:
    few, many = (_calls(tmp_path / str(number), number, command) for number in (FEW, MANY))
    each = (many - few) / (MANY - FEW)
    assert each < 1.2 * CALLS[command], f"{each:.0f} calls; if that is worth it, write it into CALLS"
    assert each > 0.8 * CALLS[command] or sys.version_info >= (3, 12), f"{each:.0f} calls: write it into CALLS"


def _calls(folder: Path, number: int, command: str) -> int:
    project = make(folder, number)
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, *command.split()],
        cwd=folder,
        env={**project.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    calls, code = done.stderr.split()[-2:]
    assert code == "0", done.stderr
    return int(calls)
