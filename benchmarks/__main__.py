"""``make bench``: every case beside its yardstick, as a table. ``--write`` puts the table into docs/performance.md."""

from __future__ import annotations

import argparse
import math
import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import looping, terraform
from benchmarks.data import Project, make
from benchmarks.emulating import creates_a_second
from benchmarks.measure import Command, peak, ratio, seconds
from benchmarks.stages import as_table, stages
from provisioner.emulator.server import Emulator

ROOT = Path(__file__).resolve().parent.parent
PROVISIONER = (sys.executable, "-m", "provisioner.cli")
PAGE = ROOT / "docs/performance.md"


@dataclass(frozen=True)
class Row:
    """One goal and what was measured."""

    work: str
    goal: str
    measured: str
    met: bool | None

    def __str__(self) -> str:
        verdict = {True: "yes", False: "**no**", None: "not measured"}[self.met]
        return f"| {self.work} | {self.goal} | {self.measured} | {verdict} |"


class Bench:
    """What the cases share: a folder for their data, and how often each is run."""

    def __init__(self, folder: Path, size: int, turns: int) -> None:
        self.folder, self.size, self.turns = folder, size, turns
        self._projects: dict[int, Project] = {}

    def project(self, number: int) -> Project:
        if number not in self._projects:
            self._projects[number] = make(self.folder / str(number), number)
        return self._projects[number]

    def in_terraform(self, project: Project) -> Path:
        """The folder with the same for Terraform."""
        return terraform.project_of(project, self.folder / f"terraform-{project.folder.name}")

    def run(self, project: Project, *words: str) -> Command:
        return Command((*PROVISIONER, *words), project.folder, {**project.environ, "PYTHONPATH": str(ROOT)})


def cat(project: Project) -> Command:
    return Command(("sh", "-c", "cat connections/*/*.yaml > /dev/null"), project.folder, project.environ)


def plan(bench: Bench) -> Iterator[Row]:
    project = bench.project(bench.size)
    command = bench.run(project, "plan", "--offline")
    found = ratio(command, cat(project), bench.turns)
    work = f"`plan --offline`, no changes, {bench.size:,} definitions, nothing cached ({found.seconds:.2f} s)"
    yield Row(work, "at most 8x of `cat` over the same files", f"{found}x of {found.other:.2f} s", found.median <= 8)
    memory = peak(command)
    yield Row("its memory at the most", "1/12 of Terraform's", *_memory(bench, project, memory))
    work = f"Terraform's plan of {bench.size:,} resources"
    yield beside_terraform(bench, project, ("plan", "--offline"), work, 25)


def _memory(bench: Bench, project: Project, ours: int) -> tuple[str, bool | None]:
    shown = f"{ours / 2**20:.0f} MiB"
    if not terraform.executable():
        return f"{shown}; {terraform.ABSENT}", None
    theirs = peak(terraform.command(bench.in_terraform(project), "plan"))
    return f"{shown}, 1/{theirs / ours:.1f} of {theirs / 2**20:,.0f} MiB", theirs >= 12 * ours


def beside_terraform(bench: Bench, project: Project, words: tuple[str, ...], work: str, times: float) -> Row:
    """How many times as long Terraform takes for the same base connections, with its command of the same name."""
    goal = f"at least {times:g}x of ours"
    if not terraform.executable():
        return Row(work, goal, terraform.ABSENT, None)
    theirs = terraform.command(bench.in_terraform(project), words[0])
    found = ratio(theirs, bench.run(project, *words), bench.turns)
    measured = f"{found}x ({found.seconds:.2f} s beside {found.other:.2f} s)"
    return Row(work, goal, measured, found.median >= times)


def changed(bench: Bench) -> Iterator[Row]:
    project = bench.project(bench.size)
    copy = Project(bench.folder / "changed", project.environ)
    shutil.copytree(project.folder, copy.folder)
    copy.change(0.01)
    found = ratio(bench.run(copy, "plan", "--offline"), bench.run(project, "plan", "--offline"), bench.turns)
    yield Row("the same with 1 % changed", "at most 1.2x of no changes", f"{found}x", found.median <= 1.2)


def validate(bench: Bench) -> Iterator[Row]:
    project = bench.project(bench.size)
    command = bench.run(project, "validate")
    found = ratio(command, bench.run(project, "plan", "--offline"), bench.turns)
    yield Row(f"`validate`, {bench.size:,}", "no slower than `plan`", f"{found}x", found.median <= 1)
    schema = str(ROOT / "schemas/connection.schema.json")
    words = (sys.executable, "-m", "benchmarks.straightforward", "connections", schema)
    straight = Command(words, project.folder, {**project.environ, "PYTHONPATH": str(ROOT)})
    found = ratio(straight, command, bench.turns)
    work = f"the straightforward pipeline, {bench.size:,} ({found.seconds:.1f} s)"
    yield Row(work, "at least 25x of `validate`", f"{found}x", found.median >= 25)


def growth(bench: Bench) -> Iterator[Row]:
    sizes = (bench.size // 10, bench.size, bench.size * 5)
    commands = [bench.run(bench.project(size), "plan", "--offline") for size in sizes]
    start = bench.run(bench.project(1), "plan", "--offline")
    idle = min(seconds(start) for _ in range(bench.turns))
    times = [min(seconds(command) for _ in range(bench.turns)) - idle for command in commands]
    exponent = math.log(times[-1] / times[0]) / math.log(sizes[-1] / sizes[0])
    span = " → ".join(f"{size:,}" for size in sizes)
    shown = f"{exponent:.2f} ({', '.join(f'{time:.2f} s' for time in times)} above start-up)"
    yield Row(f"growth of `plan --offline`, {span}", "an exponent of at most 1.05", shown, exponent <= 1.05)
    each = (peak(commands[-1]) - peak(start)) / sizes[-1] / 1024
    yield Row("its memory above start-up", "at most 12 KiB a definition", f"{each:.1f} KiB", each <= 12)


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
        work = f"`apply`, {number:,} creates, latency {LATENCY * 1000:.0f} ms, parallelism {parallelism}, net"
        yield Row(work, f"at most {limit}x of N·L/P", f"{net / ideal:.2f}x of {ideal:.1f} s", net / ideal <= limit)


def loop(bench: Bench) -> Iterator[Row]:
    """What Adobe's page shows, and what its library for Python does, beside an ``apply`` of as many from nothing."""
    number = bench.size // 100
    with Emulator() as emulator:
        project = make(bench.folder / "loop", number, emulator.url, recorded=False)
        slow(emulator, LATENCY)
        ours = seconds(bench.run(project, "apply", "--yes"))
    for tool in looping.TOOLS:
        work = f"a loop of {tool.name}, {number:,} creates, latency {LATENCY * 1000:.0f} ms"
        goal = "slower than `apply`"
        if not tool.is_here():
            yield Row(work, goal, f"{tool.name} is not installed here", None)
            continue
        with Emulator() as emulator:
            slow(emulator, LATENCY)
            theirs = seconds(Command(tool.words(emulator.url, number), project.folder, project.environ))
        yield Row(work, goal, f"{theirs / ours:.1f}x ({theirs:.1f} s beside {ours:.1f} s)", theirs > ours)


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
    yield Row(work, "at most 1.2x of the sum of latencies", f"{cost:.2f}x", cost <= 1.2)


def emulating(bench: Bench) -> Iterator[Row]:
    """The median of some runs, each with a new emulator."""
    rates = sorted(creates_a_second(bench.size // 2) for _ in range(bench.turns))
    rate = rates[len(rates) // 2]
    shown = f"{rate:,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f})"
    yield Row("creates a second that the emulator sustains", "at least 2,000", shown, rate >= 2_000)


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
        yield Row(what, "at most 3x of Python importing click", f"{found}x", found.median <= 3)
    for words in (("validate",), ("plan", "--offline")):
        work = f"Terraform's `{words[0]}` of one resource, beside `{' '.join(words)}` of one file"
        yield beside_terraform(bench, project, words, work, 1)


CASES: tuple[Callable[[Bench], Iterator[Row]], ...] = (
    plan,
    changed,
    validate,
    growth,
    apply,
    loop,
    observed,
    emulating,
    start,
)


def table(rows: list[Row]) -> str:
    return "\n".join(["| work | goal | measured | met |", "|---|---|---|---|", *map(str, rows)])


def machine() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--size", type=int, default=10_000, help="definitions of the larger cases")
    parser.add_argument("--turns", type=int, default=5, help="runs of each")
    parser.add_argument("--only", choices=[case.__name__ for case in CASES], help="one case")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    given = parser.parse_args()
    room_for_variables()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.size, given.turns)
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
