"""``schema`` prints what editors use; ``emulator`` runs in the foreground."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from .support import COMMAND, Project, basic

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


@pytest.mark.parametrize(
    "args", [[], ["connection"], ["project"], ["state"], ["--cloud", "azure"], ["connection", "--cloud", "aws"]]
)
def test_schema_prints_a_valid_schema(bare: Project, args: list[str]) -> None:
    printed = bare.run("schema", *args)
    assert (printed.code, printed.err) == (0, "")
    jsonschema.validators.validator_for(printed.json).check_schema(printed.json)


@pytest.mark.parametrize("name", ["connection", "project", "state"])
def test_the_printed_schemas_are_the_committed_ones(bare: Project, name: str) -> None:
    assert bare.run("schema", name).json == json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_emulator_says_where_it_is_and_ends_when_told(bare: Project, stop: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "emulator", "--port", "0"],
        cwd=bare.folder,
        env=bare.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().rstrip("\n")
        try:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
            assert requests.get(f"{url}/_emulator/health", timeout=5).json()["status"] == "ok"
        finally:
            process.send_signal(stop)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def test_a_port_that_is_taken_is_said(bare: Project, running: Any) -> None:
    taken = bare.run("emulator", "--port", running.url.rpartition(":")[2])
    assert taken.code == 64
    assert "Address already in use" in taken.err
    assert "Errno" not in taken.err
    assert len(taken.err.splitlines()) == 2


BLOCKED = """\
import sys
sys.modules[{name!r}] = None
from provisioner.cli import main
main()
"""


WITHOUT_DRIVER = (sys.executable, "-c", BLOCKED.format(name="pymysql"))


def test_without_the_extra_it_says_what_to_install(bare: Project) -> None:
    bare.write("real.json", '{"databases": "real"}')
    missing = bare.run_process("emulator", "--port", "0", "--behaviour", "real.json", command=WITHOUT_DRIVER)
    assert (missing.code, missing.out) == (1, "")
    said, remedy = "real databases cannot be contacted: PyMySQL is not installed", "pip install '.[databases]'"
    assert missing.err == f"error: {said}\n    remedy: in the checkout of provisioner: {remedy}\n"


def test_without_the_extra_everything_else_works(bare: Project) -> None:
    bare.project_file({"local": {"emulator": True, "env": {"MYSQL_ORDERS_PASSWORD": "sample-value"}}}, "local")
    bare.define("orders", basic("Orders"))
    assert bare.run_process("apply", "--yes", command=WITHOUT_DRIVER).code == 0


@pytest.mark.parametrize(
    "switches", ["[]", "{", '{"clod": "aws"}', '{"cloud": "gcp"}', '{"page_limit": "many"}', '{"sandboxes": 1}']
)
def test_switches_that_cannot_be_meant_are_wrong_usage(bare: Project, switches: str) -> None:
    bare.write("switches.json", switches)
    wrong = bare.run("emulator", "--port", "0", "--behaviour", "switches.json")
    assert (wrong.code, wrong.out) == (64, "")
    assert "switches" in wrong.err
    assert len(wrong.err.splitlines()) == 2
