"""Files of saved plans as arguments of commands."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli import did_you_mean
from provisioner.errors import PlanFileError, UsageError
from provisioner.planning import saved_plan
from provisioner.planning.approval import SavedPlan

PLAN_FILE = click.Path(path_type=Path)
"""The type of the argument. What is wrong with the file is said by ``read_saved_plan``."""


def read_saved_plan(file: Path, target: str | None, folder: Path, instead: str) -> SavedPlan:
    """Return a saved plan.

    Raise ``PlanFileError``; ``UsageError`` if it is for another target than ``target``, or if FILE is no file but the
    name of a target or a key, which ``instead`` is the command for.
    """
    no_plan = not file.exists() or did_you_mean.as_key(str(file)) != str(file)
    if no_plan and (flag := did_you_mean.instead_of_argument(folder, str(file), ("--target", "--select"))):
        raise UsageError(f"{file} is not a saved plan", f"provisioner {instead} {flag}")
    try:
        saved = saved_plan.load(_text_of(file))
    except PlanFileError as error:
        raise PlanFileError(f"{file}: {error.message}", error.remedy) from None
    if target and target != saved.plan.target:
        raise UsageError(f"{file} was planned for target {saved.plan.target}, not {target}", "leave out --target")
    return saved


def _text_of(file: Path) -> str:
    """Return the text of a file, which may be a pipe. Raise ``PlanFileError``."""
    try:
        with file.open("rb") as stream:
            data = stream.read(saved_plan.MAX_BYTES + 1)
    except OSError as error:
        raise PlanFileError(f"cannot be read: {error.strerror}", saved_plan.SAVE_ONE) from None
    if len(data) > saved_plan.MAX_BYTES:
        raise PlanFileError(f"larger than {saved_plan.MAX_BYTES // 1024**2} MiB", saved_plan.SAVE_ONE)
    return data.decode("utf-8", "replace")
