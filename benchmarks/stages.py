"""Where the time of ``plan --offline`` goes, stage by stage: ``python -m benchmarks.stages``."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.data import TARGET, make
from provisioner.cli import collect_seldom, connect
from provisioner.cli.console import Console
from provisioner.cli.settings import read_settings
from provisioner.definitions import files
from provisioner.definitions.definition import DefinitionParser, ParsedDefinition
from provisioner.definitions.project import CONNECTIONS, Project, Target, read_project
from provisioner.definitions.render import DefinitionRenderer, read
from provisioner.definitions.variables import exposed_secrets, variable_warnings
from provisioner.definitions.yaml_loader import parse
from provisioner.model import Problem
from provisioner.planning import planner
from provisioner.planning.plan import PlanOptions
from provisioner.report import plan_text
from provisioner.report.terminal import PLAIN

Result = TypeVar("Result")


class Clock:
    """Microseconds a definition, by stage."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.taken: dict[str, float] = {}

    def __call__(self, stage: str, work: Callable[[], Result]) -> Result:
        gc.collect()
        begun = time.perf_counter()
        result = work()
        self.taken[stage] = (time.perf_counter() - begun) / self._number * 1e6
        return result


def stages(number: int) -> dict[str, float]:
    collect_seldom()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make(folder, number)
        settings, clock = read_settings(made.environ), Clock(number)
        project = read_project(folder)
        target = project.target(TARGET)
        console = Console(sys.stdout, sys.stderr)
        where = connect.target_context(project, target, settings, console.scanner)
        store = connect.open_store(project, target, where.identity, console)
        state = clock("the state is read", store.load)
        reading = partial(read, project, (target,), where.environment)
        whole = clock("definitions are read, checked and filled in", reading)
        _one_by_one(project, target, where.environment, clock)
        (built,) = whole.by_target
        clock("secrets are registered", lambda: console.scanner.register(built.secrets, built.private))
        clock("the search for them is built", lambda: console.scanner.check("a word"))
        clock(
            "they are looked for in the files",
            lambda: exposed_secrets(whole.texts, built.desired, console.scanner.origins_in),
        )
        clock("variables are judged", lambda: variable_warnings(built.desired, settings.variables))
        made_plan = clock("compared", lambda: planner.plan(where, built.desired, state, None, PlanOptions()))
        text = clock("written", lambda: plan_text.as_text(made_plan, PLAIN))
        clock("searched for secrets", lambda: console.scanner.check(text))
    return clock.taken


def _one_by_one(project: Project, target: Target, environment: Mapping[str, str], clock: Clock) -> None:
    """Measure the parts of that."""
    entries, _ = files.list_definitions(project.connections, CONNECTIONS)
    texts = clock("files are read", lambda: [_text(entry, project.connections) for entry in entries])
    documents = clock("they are parsed", lambda: list(map(parse, (entry.file for entry in entries), texts)))
    definer, renderer = DefinitionParser(project), DefinitionRenderer(target, environment)
    stems = [entry.stem for entry in entries]
    found = clock("held against the schema", lambda: list(map(definer.parse, documents, stems)))
    declared = [one for one in found if isinstance(one, ParsedDefinition)]
    clock("their templates filled in", lambda: list(map(renderer.render, declared)))


def _text(entry: files.DefinitionFile, folder: Path) -> str:
    text = files.read_entry(entry, folder)
    if isinstance(text, Problem):
        raise AssertionError(text.message)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.stages")
    parser.add_argument("--size", type=int, default=10_000)
    sys.stdout.write(f"{as_table(stages(parser.parse_args().size))}\n")


def as_table(taken: dict[str, float]) -> str:
    rows = (f"| {stage} | {each:.0f} |" for stage, each in taken.items())
    return "\n".join(["| stage | µs a definition |", "|---|---|", *rows])


if __name__ == "__main__":
    os.environ.pop("CI", None)
    main()
