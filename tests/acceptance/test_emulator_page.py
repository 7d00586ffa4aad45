"""The examples of what somebody else does with curl, executed."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.acceptance.support import Project, Service, basic
from tests.docs.pages import blocks


@pytest.mark.skipif(not shutil.which("curl"), reason="THE EXAMPLE WITH curl IS NOT RUN: there is no curl")
def test_jane_edits_a_base_connection(project: Project, service: Service) -> None:
    project.define("orders", basic("Orders"))
    assert project.run("apply", "--yes").code == 0
    edit, make = (block for block in blocks("docs/emulator.md", "sh") if "jane" in block)
    assert set(json.loads(said_by(edit, service))) == {"id", "etag"}
    assert '"By Jane" -> "A"  (drift)' in project.run("plan").out
    said_by(f"{edit}\n{make}", service)
    assert project.run("import", "crm", service.items()[-1]["id"]).code == 0
    (project.folder / "connections/crm.yaml").unlink()
    assert "used by 1 dataflow: Nightly" in project.run("plan", "--allow-delete").out


def said_by(script: str, service: Service) -> str:
    done = subprocess.run(
        ["sh", "-e", "-c", script.replace("http://127.0.0.1:8765", service.url)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
