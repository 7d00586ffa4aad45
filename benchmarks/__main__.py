"""``make bench``: what users wait for, each beside its yardstick, as a table.

``--write`` puts the table into docs/performance.md, ``--beside CHECKOUT`` measures another version in the same turns.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.data import Project, make
from benchmarks.emulating import creates_a_second
from benchmarks.measure import Command, peak, ratio, seconds
from benchmarks.stages import as_table, stages
from provisioner.emulator.server import Emulator

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/performance.md"


@dataclass(frozen=True)
class Row:
    """What was measured, and the limit that it should keep, where there is one."""

    work: str
    measured: str
    limit: str = ""
    kept: bool = True

    def __str__(self) -> str:
        return f"| {self.work} | {self.measured} | {self.limit}{'' if self.kept else ' (**not kept**)'} |"


class Bench:
    """What the cases share: a folder for their data, how often each is run, and another checkout or None."""

    def __init__(self, folder: Path, size: int, turns: int, beside: Path | None) -> None:
        self.folder, self.size, self.turns, self.beside = folder, size, turns, beside
        self._projects: dict[int, Project] = {}

    def project(self, number: int) -> Project:
        if number not in self._projects:
            self._projects[number] = make(self.folder / str(number), number)
        return self._projects[number]

    def run(self, project: Project, *words: str, root: Path = ROOT) -> Command:
        python = sys.executable if root == ROOT else str(root / ".venv/bin/python")
        environ = {**project.environ, "PYTHONPATH": str(root)}
        return Command((python, "-m", "provisioner", *words), project.folder, environ)


COMMANDS = (("validate",), ("plan", "--offline"))


def waiting(bench: Bench) -> Iterator[Row]:
    """Projects as teams have them, and a very large one."""
    libraries = "import click, yaml, jsonschema_rs, ahocorasick_rs"
    for number in (1, 100, 500, bench.size):
        project = bench.project(number)
        yardstick = Command((sys.executable, "-c", libraries), project.folder, project.environ)
        for words in COMMANDS:
            command = bench.run(project, *words)
            found = ratio(command, yardstick, bench.turns)
            shown = f"{found.seconds * 1000:,.0f} ms, {peak(command) / 2**20:.0f} MiB"
            measured = f"{shown}; Python with its libraries alone {found.other * 1000:.0f} ms" if number == 1 else shown
            if bench.beside:
                other = bench.run(project, *words, root=bench.beside)
                measured += f"; {ratio(command, other, bench.turns)}x of the other, {peak(other) / 2**20:.0f} MiB"
            yield Row(f"`{' '.join(words)}`, {number:,} definition{'s' if number > 1 else ''}", measured)


REPORTS = ("--report", "markdown=plan.md", "--report", "html=plan.html", "--report", "json=plan.json")


def growth(bench: Bench) -> Iterator[Row]:
    """From a thousand on what is not start-up grows in step with the number of definitions."""
    sizes = (bench.size // 10, bench.size, bench.size * 5)
    for what, words in (("`plan --offline`", ()), ("the same with Markdown, HTML and JSON of all as creates", REPORTS)):
        projects = [bench.project(size) if not words else _unrecorded(bench, size) for size in (1, *sizes)]
        idle, *times = (
            min(seconds(bench.run(one, "plan", "--offline", *words)) for _ in range(max(2, bench.turns // 2)))
            for one in projects
        )
        net = [time - idle for time in times]
        exponent = math.log(net[-1] / net[0]) / math.log(sizes[-1] / sizes[0])
        span = " → ".join(f"{size:,}" for size in sizes)
        shown = f"exponent {exponent:.2f} ({', '.join(f'{time:.2f} s' for time in net)} above start-up)"
        yield Row(f"growth of {what}, {span}", shown, "at most 1.05", exponent <= 1.05)


def _unrecorded(bench: Bench, size: int) -> Project:
    folder = bench.folder / f"new-{size}"
    return make(folder, size, recorded=False) if not folder.exists() else Project(folder, bench.project(size).environ)


LATENCY = 0.1


def apply(bench: Bench) -> Iterator[Row]:
    """Creates on an emulator that takes a tenth of a second for each, net of a run that changes nothing."""
    number = bench.size // 10
    for parallelism, limit in ((1, 1.1), (8, 1.1), (32, 1.25)):
        with Emulator() as emulator:
            project = make(bench.folder / f"apply-{parallelism}", number, emulator.url, recorded=False)
            command = bench.run(project, "apply", "--yes", "--parallelism", str(parallelism))
            slow(emulator, LATENCY)
            busy = seconds(command)
            slow(emulator, 0)
            net = busy - min(seconds(command) for _ in range(bench.turns))
        ideal = number * LATENCY / parallelism
        work = f"`apply`, {number:,} creates, {LATENCY * 1000:.0f} ms each, parallelism {parallelism}"
        yield Row(work, f"{net / ideal:.2f}x of {ideal:.1f} s", f"at most {limit}x", net / ideal <= limit)


def observed(bench: Bench) -> Iterator[Row]:
    """A plan that reads the list of all of them, by pages that take a twentieth of a second each."""
    with Emulator() as emulator:
        project = make(bench.folder / "observed", bench.size, emulator.url, recorded=False)
        seconds(bench.run(project, "apply", "--yes", "--parallelism", "32"))
        command, pages, latency = bench.run(project, "plan"), bench.size / 100, LATENCY / 2
        quick = min(seconds(command) for _ in range(bench.turns))
        slow(emulator, latency, "GET")
        cost = (min(seconds(command) for _ in range(bench.turns)) - quick) / (pages * latency)
    work = f"the observed list of {bench.size:,}, {pages:.0f} pages of {latency * 1000:.0f} ms"
    yield Row(work, f"{cost:.2f}x of the sum of latencies", "at most 1.2x", cost <= 1.2)


def emulating(bench: Bench) -> Iterator[Row]:
    """The median of some runs, each with a new emulator."""
    rates = sorted(creates_a_second(bench.size // 2) for _ in range(bench.turns))
    rate = rates[len(rates) // 2]
    shown = f"{rate:,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f})"
    yield Row("creates a second that the emulator sustains", shown, "at least 2,000", rate >= 2_000)


def slow(emulator: Emulator, latency: float, method: str = "POST") -> None:
    import requests

    faults = [{"kind": "delay", "seconds": latency, "method": method, "path": "*/connections"}] if latency else []
    requests.put(f"{emulator.url}/_emulator/faults", json=faults, timeout=10).raise_for_status()


def start(bench: Bench) -> Iterator[Row]:
    project = bench.project(1)
    library = Command((sys.executable, "-c", "import click"), project.folder, project.environ)
    completing = {"_PROVISIONER_COMPLETE": "bash_complete", "COMP_WORDS": "provisioner pl", "COMP_CWORD": "1"}
    for what, command in (
        ("`provisioner --version`", bench.run(project, "--version")),
        ("`provisioner --help`", bench.run(project, "--help")),
        ("completion of `provisioner pl`", bench.run(replace(project, environ={**project.environ, **completing}))),
    ):
        found = ratio(command, library, bench.turns * 3)
        measured = f"{found.seconds * 1000:.0f} ms, {found}x of Python importing click"
        yield Row(what, measured, "at most 3x", found.median <= 3)


CASES: tuple[Callable[[Bench], Iterator[Row]], ...] = (start, waiting, growth, apply, observed, emulating)


def table(rows: list[Row]) -> str:
    return "\n".join(["| work | measured | limit |", "|---|---|---|", *map(str, rows)])


def machine() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--size", type=int, default=10_000, help="definitions of the larger cases")
    parser.add_argument("--turns", type=int, default=5, help="runs of each")
    parser.add_argument("--only", choices=[case.__name__ for case in CASES], help="one case")
    parser.add_argument("--beside", type=Path, help="another checkout with a .venv, measured in the same turns")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    given = parser.parse_args()
    room_for_variables()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.size, given.turns, given.beside)
        for case in CASES:
            if given.only in (None, case.__name__):
                for row in case(bench):
                    rows.append(row)
                    sys.stdout.write(f"{row}\n")
                    sys.stdout.flush()
    if given.write:
        put("measured", f"{machine()}\n\n{table(rows)}")
        put("stages", as_table(stages(given.size)))
    return 0


def room_for_variables() -> None:
    """An environment of fifty thousand variables: Linux allows a quarter of the stack for it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = 64 * 2**20
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted if hard == resource.RLIM_INFINITY else hard, hard))


def put(part: str, text: str) -> None:
    """Write a part of the page anew."""
    before, begin, rest = PAGE.read_text("utf-8").partition(f"<!-- {part} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    PAGE.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
