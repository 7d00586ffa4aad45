"""Progress lines: at intervals, with rate and time left, and none for work that is soon done."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.data import make
from provisioner.cli import test
from provisioner.cli.console import Console
from provisioner.definitions import render
from provisioner.definitions.project import read_project
from provisioner.progress import Progress, Waits, line
from provisioner.service.client import FlowReader
from provisioner.service.responses import Reachability
from tests.planning.examples import desired, record, state


@pytest.mark.parametrize(
    ("done", "total", "rate", "expected"),
    [
        (312, 1_000, 31.2, "312 of 1,000 changes done, 31 a second, about 22 s left"),
        (1, 2, 1, "1 of 2 changes done, 1 a second, about 1 s left"),
        (3, 10, 0.1, "3 of 10 changes done, one every 10 s, about 1 min 10 s left"),
        (9_999, 10_000, 999.9, "9,999 of 10,000 changes done, 1,000 a second, about 1 s left"),
        (1_200, None, 99.5, "changes done: 1,200 so far, 100 a second"),
        (0, None, 0, "changes done: 0 so far, 0 a second"),
    ],
)
def test_a_line_has_count_rate_and_time_left(done: int, total: int | None, rate: float, expected: str) -> None:
    assert line("changes done", done, total, rate) == expected


@pytest.mark.parametrize(
    ("each", "number", "said"),
    [
        pytest.param(1, 9, [], id="soon done"),
        pytest.param(4, 5, ["3 of 5", "end"], id="once and the end"),
        pytest.param(5, 5, ["2 of 5", "4 of 5", "end"], id="every ten seconds"),
        pytest.param(60, 2, ["1 of 2", "end"], id="slow"),
        pytest.param(1, 0, [], id="nothing to do"),
    ],
)
def test_lines_are_written_at_most_every_ten_seconds(each: float, number: int, said: list[str]) -> None:
    now = 0.0
    heard: list[str] = []
    progress = Progress(lambda: now, 10, lambda text: heard.append(text.partition(" files")[0]), ending(heard))
    more = progress.of("files read", number)
    more(0)
    for _ in range(number):
        now += each
        more(1)
    assert heard == said


def test_without_a_total_the_line_has_the_count() -> None:
    now = 0.0
    heard: list[str] = []
    listed = Progress(lambda: now, 10, heard.append, ending(heard)).of("listing base connections")
    listed(0)
    for _ in range(5):
        now += 6
        listed(100)
    listed.end()
    assert heard == [
        "listing base connections: 200 so far, 17 a second",
        "listing base connections: 400 so far, 17 a second",
        "end",
    ]


def test_end_is_called_only_after_a_line() -> None:
    heard: list[str] = []
    listed = Progress(lambda: 0.0, 10, heard.append, ending(heard)).of("listing flows")
    listed.end()
    listed(0)
    listed(100)
    listed.end()
    assert heard == []


def test_time_before_the_first_change_is_done_does_not_count() -> None:
    now = 0.0
    heard: list[str] = []
    more = Progress(lambda: now, 10, heard.append).of("changes done", 100)
    now = 300.0  # somebody reads the plan
    for _ in range(12):
        more(1)
        now += 1
    assert heard == ["11 of 100 changes done, 1 a second, about 1 min 29 s left"]


def ending(heard: list[str]) -> Callable[[], None]:
    return lambda: heard.append("end")


def each_second(heard: list[str]) -> Progress:
    """Every look at the clock takes a second."""
    seconds = itertools.count()
    return Progress(lambda: float(next(seconds)), 1, heard.append, ending(heard))


def test_definitions_read_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    project = read_project(make(tmp_path, 60).folder)
    monkeypatch.setattr(render, "TOGETHER", 25)
    render.read(project, (), {}, each_second(heard))
    assert heard == [
        "25 of 60 definitions read, 25 a second, about 1 s left",
        "50 of 60 definitions read, 25 a second, about 1 s left",
        "end",
    ]


def test_tests_are_counted() -> None:
    heard: list[str] = []

    class Service:
        def test(self, _: str) -> Reachability:
            return Reachability(True)

    known = state(record(desired("a"), "id-1"), record(desired("b"), "id-2"), record(desired("c"), "id-3"))
    tested = test.run_tests(known.records, cast(FlowReader, Service()), 1, lambda _: None, each_second(heard))
    assert len(tested) == 3
    assert heard == [f"{done} of 3 tests done, 1 a second, about {3 - done} s left" for done in (1, 2)] + ["end"]


@pytest.fixture
def console() -> Console:
    terminal = io.StringIO()
    return Console(terminal, terminal)


def test_the_progress_line_stays_until_it_is_erased(console: Console) -> None:
    console.status("1 of 3")
    console.out("orders: created")
    console.status("2 of 3")
    console.status("")
    console.err("done")
    assert seen(console) == ["orders: created", "done", ""]


def test_the_progress_line_is_shown_meanwhile(console: Console) -> None:
    console.status("1 of 3")
    console.out("orders: created")
    assert seen(console) == ["orders: created", "1 of 3"]


def test_a_closed_terminal_loses_no_result() -> None:
    out = io.StringIO()
    console = Console(out, Gone())
    console.status("1 of 3")
    console.passing.append("1 of 3")
    console.out("orders: created")
    assert out.getvalue() == "orders: created\n"
    assert console.passing == []


class Gone(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_prompt_erases_the_progress_line(console: Console) -> None:
    console.status("1 of 3")
    console.ask("Apply? ")
    assert seen(console) == ["Apply? "]


def seen(console: Console) -> list[str]:
    """What a terminal shows: a line that is wiped begins anew."""
    assert isinstance(console.stderr, io.StringIO)
    return [text.rpartition("\r\x1b[2K")[2] for text in console.stderr.getvalue().split("\n")]


BUSY = "the service asked to wait 15 s (429)"
REFUSED = "no connection to the service: refused"


@pytest.mark.parametrize(
    ("interval", "waits", "said"),
    [
        # on a terminal: what lasts
        (1, [(15, BUSY, 0)], [f"{BUSY}; trying again in 15 s", ""]),
        (1, [(0.5, REFUSED, 0)], []),
        (1, [(0.5, REFUSED, 0), (0.9, REFUSED, 0.5)], [f"{REFUSED}; trying again in 0.9 s", ""]),
        (1, [(2.0, REFUSED, 1.4)], [f"{REFUSED}; trying again in 2.0 s", ""]),
        # in a log: what is long
        (10, [(15, BUSY, 0)], [f"{BUSY}; trying again in 15 s", ""]),
        (10, [(9, BUSY, 0)], []),
        (10, [(5, REFUSED, 0), (8, REFUSED, 5)], [f"{REFUSED}; trying again in 8.0 s", ""]),
        (10, [(15, BUSY, 0), (15, BUSY, 15)], [f"{BUSY}; trying again in 15 s", ""] * 2),
        # with --verbose: each
        (0, [(0.2, REFUSED, 0)], [f"{REFUSED}; trying again in 0.2 s", ""]),
        (0, [(15, BUSY, 0)], [f"{BUSY}; trying again in 15 s", ""]),
        # with the request to quote
        (10, [(15, BUSY, 0, "r-1")], [f"{BUSY}; trying again in 15 s (request r-1)", ""]),
    ],
)
def test_a_wait_is_reported(interval: float, waits: list[Any], said: list[str]) -> None:
    seconds = 0.0
    heard: list[str] = []
    waiting = Waits(Progress(lambda: seconds, interval, heard.append, lambda: heard.append("")))
    for wait, why, *rest in waits:
        with waiting(wait, why, *rest):
            seconds += wait
    assert heard == said


def test_workers_that_wait_together_share_one_line() -> None:
    heard: list[str] = []
    waiting = Waits(Progress(lambda: 0.0, 10, heard.append, lambda: heard.append("")))
    with waiting(15, BUSY), waiting(15, BUSY):
        with waiting(12, BUSY):
            pass
        assert heard == [f"{BUSY}; trying again in 15 s"]
    assert heard[1:] == [""]
