"""``emulator``: the Flow Service's stand-in, in the foreground."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.errors import ProvisionerError, UsageError

if TYPE_CHECKING:
    from provisioner.emulator.behaviour import Behaviour


def missing() -> ProvisionerError:
    """What to say where the extra is not installed."""
    return ProvisionerError("the emulator is not installed", "pip install 'provisioner[emulator]'")


def run(port: int, data: Path | None, behaviour: Path | None, announce: Callable[[str], None]) -> None:
    """Serve until interrupted; ``announce`` is told the URL once it answers."""
    try:
        from provisioner.emulator.server import serve
    except ImportError as error:
        raise missing() from error
    try:
        serve(data, port, _behaviour(behaviour), announce)
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be used: {error.strerror or error}", "name another, or 0 for any"
        ) from error


def _behaviour(path: Path | None) -> Behaviour:
    from provisioner.emulator.behaviour import Behaviour

    if path is None:
        return Behaviour()
    try:
        switches: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not a JSON file: {error}", "docs/emulator.md lists the switches") from error
    known = {field.name for field in dataclasses.fields(Behaviour)}
    if not isinstance(switches, dict) or not set(switches) <= known:
        raise UsageError(f"{path} holds switches that do not exist", f"the switches are: {', '.join(sorted(known))}")
    return Behaviour(**switches)
