"""Commands, timed by hyperfine one after the other in turns, and their peak of memory. On Linux."""

from __future__ import annotations

import json
import re
import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
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
    """Bytes of memory at most, of the process and those that it starts; what they share counts once. Looked at every
    hundredth of a second."""
    with subprocess.Popen(
        command.words,
        cwd=command.folder,
        env=dict(command.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        most = 0
        while process.poll() is None:
            most = max(most, sum(map(_share_of_memory, _tree(process.pid))))
            time.sleep(0.01)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command.words)
    return most


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text("utf-8").split():
                yield from _tree(int(child))


def _share_of_memory(pid: int) -> int:
    """Bytes; 0 of a process that is gone."""
    with suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8"), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0
