"""With more definitions than one process reads alone, everything that is said is the same as if it had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.data import Project, make
from provisioner import forking

NUMBER = forking.LEAST + 60
PROGRAM = """
import os
helpers, fork = [], os.fork
os.fork = lambda: helpers.append(1) or fork()
{before}
from provisioner.cli import main
try:
    main()
finally:
    assert bool(helpers) is {helped}
"""
AS_IT_IS = PROGRAM.format(before="", helped=True)
ON_ONE_PROCESSOR = PROGRAM.format(before="os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])", helped=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make(tmp_path_factory.mktemp("many"), NUMBER)


def run(project: Project, program: str, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=project.folder,
        env={**project.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def edited(project: Project, number: int, old: str, new: str) -> Path:
    path = sorted(project.folder.glob("connections/**/*.yaml"))[number]
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return path


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs a second processor, and Linux"
)
def test_what_is_said_does_not_depend_on_who_reads(project: Project) -> None:
    for words in (("validate",), ("plan", "--offline"), ("plan", "--offline", "--format", "json")):
        said = run(project, AS_IT_IS, *words)
        assert said == run(project, ON_ONE_PROCESSOR, *words)
        assert said[0] == 0, said[2]
    for number in range(10, NUMBER, 50):
        edited(project, number, "description: ", "description: other ")
    said = run(project, AS_IT_IS, "plan", "--offline")
    assert said == run(project, ON_ONE_PROCESSOR, "plan", "--offline")
    assert f"{len(range(10, NUMBER, 50))} to change" in said[1]
    for number in (3, 77, 301, NUMBER - 1):
        edited(project, number, "port:", "prot:")
    edited(project, 200, "name: ", "name: [")
    for words in (("validate",), ("plan", "--offline"), ("validate", "--format", "json")):
        said = run(project, AS_IT_IS, *words)
        assert said == run(project, ON_ONE_PROCESSOR, *words)
        assert said[0] == 1
        assert (said[1] + said[2]).count("schema.unknown-property") == 4
