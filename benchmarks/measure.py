"""Commands, timed by hyperfine one after the other in turns, and their peak of memory."""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """One to be measured: its words, where it runs and what it sees of the environment."""

    words: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Ratio:
    """How many times as long as another: the median over the turns, the smallest and the largest."""

    median: float
    least: float
    most: float
    seconds: float
    """Of the measured command, the median."""
    other: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


def ratio(measured: Command, yardstick: Command, turns: int, less: float = 0.0) -> Ratio:
    """``measured`` beside ``yardstick``, in turns. ``less`` seconds are no part of the former."""
    pairs = [(seconds(measured) - less, seconds(yardstick)) for _ in range(turns)]
    found = sorted(one / other for one, other in pairs)
    mine, others = (statistics.median(part) for part in zip(*pairs, strict=True))
    return Ratio(statistics.median(found), found[0], found[-1], mine, others)


def seconds(command: Command) -> float:
    """One run, by hyperfine. Raises ``CalledProcessError`` where it fails: an error may be quick."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        words = ["hyperfine", "-N", "--runs", "1", "--style", "none", "--export-json", file.name]
        subprocess.run(
            [*words, shlex.join(command.words)],
            cwd=command.folder,
            env=dict(command.environ),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return float(json.loads(Path(file.name).read_text("utf-8"))["results"][0]["mean"])


def peak(command: Command) -> int:
    """Bytes of memory at most, of one process, by GNU time: a child of ours would begin with what we have."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(
            ["/usr/bin/time", "-f", "%M", "-o", file.name, *command.words],
            cwd=command.folder,
            env=dict(command.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return int(Path(file.name).read_text("utf-8").split()[-1]) * 1024
