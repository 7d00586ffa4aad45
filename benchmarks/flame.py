"""A flame graph of ``plan --offline``: ``make flame``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.data import make

ROOT = Path(__file__).resolve().parent.parent


def main(spy: str, picture: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder), 10_000)
        recording = [str(Path(spy).absolute()), "record", "--rate", "500", "--output", str(Path(picture).absolute())]
        command = [sys.executable, "-m", "provisioner", "plan", "--offline"]
        environ = {**project.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run([*recording, "--", *command], cwd=folder, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
