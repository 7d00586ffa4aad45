"""The commit that a plan is made from, or that a run of ``apply`` has checked out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from provisioner.cli.context import Context
from provisioner.cli.settings import pipeline_run

_GIT_TIMEOUT = 5.0
_COMMIT = re.compile(r"[0-9a-f]{7,64}(-dirty)?")


def commit_of(context: Context) -> str:
    """Return the commit as the pipeline names it, elsewhere as git does; "" if neither knows."""
    return pipeline_run(context.environ).commit or _checked_out(context.folder, context.environ)


def _checked_out(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the commit that is checked out, with ``-dirty`` if files under version control differ; "" without git."""
    import shutil  # here, since most runs need neither
    import subprocess

    git = shutil.which("git", path=environ.get("PATH", ""))
    if git is None:
        return ""
    # Other variables may hold secrets, or point git elsewhere. A file monitor is a program that the repository names.
    env = {name: environ[name] for name in ("HOME", "PATH") if name in environ} | {"GIT_OPTIONAL_LOCKS": "0"}
    describe = (git, "-c", "core.fsmonitor=false", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        done = subprocess.run(  # noqa: S603
            describe,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    commit = done.stdout.strip()
    return commit if _COMMIT.fullmatch(commit) else ""
