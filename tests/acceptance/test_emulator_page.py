"""The example of an edit behind the tool's back, executed."""

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
    (example,) = [block for block in blocks("docs/emulator.md", "sh") if "jane" in block]
    done = subprocess.run(
        ["sh", "-e", "-c", example.replace("http://127.0.0.1:8765", service.url)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"id", "etag"}
    assert '"By Jane" -> "A"  (drift)' in project.run("plan").out
