"""Work that is shared out is the same work: in order, complete whatever becomes of a helper, and none is left behind.

Each case runs in a process of its own, since only one with a single thread is copied.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from provisioner import forking, sharing
from provisioner.sharing import Job, Result, Share, alone, in_order

ITEMS = range(2_000)
ROOT = Path(__file__).resolve().parent.parent
PARENT = os.getpid()
SCRATCH = Path(os.environ.get("SCRATCH", "."))


def helping() -> bool:
    return os.getpid() != PARENT


def doubled(items: Sequence[int]) -> list[int]:
    return [2 * item for item in items]


def by(share: Share, items: Sequence[int], job: Job[int, Result]) -> list[Result]:
    with share(items, job, lambda _: None) as chunks:
        return in_order(chunks)


Work: TypeAlias = Callable[[Sequence[int]], list[int]]


def packed(result: int) -> tuple[Any, ...]:
    return (result,)


def shared(work: Work = doubled, processors: int = 2, pack: Callable[[int], Any] = packed) -> tuple[int, int]:
    """How many of the results others have made, once all are seen to be right; and how many were counted."""
    forking._processors = lambda: processors
    counted: list[int] = []
    # Only what others have made is unpacked.
    job = Job(work, pack, lambda made: int(made[0]) + 1_000_000)
    with forking.share(ITEMS, job, counted.append) as chunks:
        results = in_order(chunks)
    by_others = [result for result in results if result >= 1_000_000]
    assert [result % 1_000_000 for result in results] == doubled(ITEMS)
    assert_nobody_is_left()
    return len(by_others), sum(counted)


def assert_nobody_is_left() -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert open_files() == {0, 1, 2}


def open_files() -> set[int]:
    found = {int(name) for name in os.listdir("/proc/self/fd")}
    return {one for one in found if os.path.exists(f"/proc/self/fd/{one}")}


def together(items: Sequence[int]) -> list[int]:
    """Nobody works before as many helpers do as there are to be."""
    if helping():
        helper_is_here()
    while not helpers():
        time.sleep(0.001)
    return doubled(items)


def helper_is_here() -> None:
    (SCRATCH / str(os.getpid())).touch()


def helpers() -> int:
    return len(os.listdir(SCRATCH))


def two_share() -> None:
    by_others, counted = shared(together)
    assert by_others
    assert counted == len(ITEMS)


def a_machine_with_many_processors_is_not_taken_over() -> None:
    def all_together(items: Sequence[int]) -> list[int]:
        if helping():
            helper_is_here()
        while helpers() < forking.MOST - 1:
            time.sleep(0.001)
        return doubled(items)

    by_others, counted = shared(all_together, processors=64)
    assert by_others
    assert counted == len(ITEMS)
    assert helpers() == forking.MOST - 1


def one_processor_works_alone() -> None:
    assert shared(processors=1) == (0, len(ITEMS))


def few_items_are_not_worth_it() -> None:
    forking.LEAST = len(ITEMS) + 1
    assert shared() == (0, len(ITEMS))


def with_a_second_thread_nothing_is_copied() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert shared() == (0, len(ITEMS))
    finally:
        done.set()
        thread.join()


def a_system_that_admits_no_process() -> None:
    def refused() -> int:
        raise BlockingIOError

    os.fork = refused
    assert shared() == (0, len(ITEMS))


def a_helper_that_is_killed() -> None:
    def killed(items: Sequence[int]) -> list[int]:
        made = together(items)
        if helping() and items[0] > 200:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    by_others, counted = shared(killed)
    assert by_others <= 225
    assert counted == len(ITEMS)


def a_helper_that_fails() -> None:
    def failing(items: Sequence[int]) -> list[int]:
        made = together(items)
        if helping():
            raise ValueError
        return made

    assert shared(failing) == (0, len(ITEMS))


def a_helper_that_dies_within_a_message() -> None:
    """It waits for somebody to read the rest of it, when it is killed."""
    longer_than_a_pipe = b"x" * forking._ROOM

    def soon_killed(items: Sequence[int]) -> list[int]:
        made = together(items)
        if not helping():
            wait_until_dead()
        return made

    def pack(result: int) -> tuple[int, bytes]:
        if not signal.getitimer(signal.ITIMER_REAL)[0]:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
        return (result, longer_than_a_pipe)

    assert shared(soon_killed, pack=pack) == (0, len(ITEMS))


def wait_until_dead() -> None:
    """But do not take away what tells that it was there."""
    with suppress(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)


def what_is_wrong_is_raised_here() -> None:
    def failing(items: Sequence[int]) -> list[int]:
        if 1_000 in items:
            raise ValueError(helping())
        return together(items)

    with pytest.raises(ValueError, match="False"):
        shared(failing)
    assert_nobody_is_left()


def an_interruption_leaves_nobody() -> None:
    def interrupted(items: Sequence[int]) -> list[int]:
        made = together(items)
        if helping():
            time.sleep(60)
        raise KeyboardInterrupt(made)

    with pytest.raises(KeyboardInterrupt):
        shared(interrupted)
    assert_nobody_is_left()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


def an_interruption_before_there_is_a_helper() -> None:
    fork = os.fork

    def interrupted() -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return fork()

    os.fork = interrupted
    with pytest.raises(KeyboardInterrupt):
        shared()
    assert_nobody_is_left()


def what_handles_a_signal_runs_in_the_first_process_alone() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: helper_is_here())

        def told(items: Sequence[int], number: int = number) -> list[int]:
            if helping():
                os.kill(os.getpid(), number)
            else:
                wait_until_dead()
            return doubled(items)

        assert shared(told) == (0, len(ITEMS))
    assert helpers() == 0


def where_the_system_waits_for_children() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    by_others, counted = shared(together)
    assert by_others
    assert counted == len(ITEMS)


def no_more_files_than_there_are() -> None:
    for room in range(8):
        resource.setrlimit(resource.RLIMIT_NOFILE, (4 + room, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        assert shared()[1] == len(ITEMS)


def a_helper_has_no_file_open_but_its_pipes() -> None:
    forking._processors = lambda: 2
    seeing = Job(lambda items: [open_files() for _ in together(items)], tuple, lambda packed: {-1, *packed})
    with open(os.devnull, "rb"):
        seen = by(forking.share, ITEMS, seeing)
    by_others = [one - {-1} for one in seen if -1 in one]
    assert by_others
    assert all(len(one) == 2 and min(one) > 2 for one in by_others)


def helpers_begin_before_anybody_asks() -> None:
    """And none waits for somebody to read what it has made."""

    def work(items: Sequence[int]) -> list[bytes]:
        if helping() and items[-1] == ITEMS[-1]:
            helper_is_here()
        return [b"%d" % helping() + bytes(10_000) for _ in items]

    forking._processors = lambda: 2
    with forking.share(ITEMS, Job(work, bytes, bytes), lambda _: None) as chunks:
        while not helpers():
            time.sleep(0.001)
        results = in_order(chunks)
    assert {result[:1] for result in results} == {b"1"}
    assert len(results) == len(ITEMS)
    assert_nobody_is_left()


def results_that_nobody_asks_for() -> None:
    forking._processors = lambda: 2
    with pytest.raises(ValueError, match="nobody"), forking.share(ITEMS, Job(together, packed, int), lambda _: None):
        raise ValueError("nobody")
    assert_nobody_is_left()


def more_than_the_pipes_hold() -> None:
    sharing.CHUNK = 1
    large = Job(lambda items: [b"x" * 100_000 for _ in items], bytes, bytes)
    forking._processors = lambda: 2
    results = by(forking.share, range(1_000), large)
    assert results == [b"x" * 100_000] * 1_000
    many = range(40_000)
    assert by(forking.share, many, Job(list, int, int)) == list(many)
    assert_nobody_is_left()


CASES = (
    two_share,
    a_machine_with_many_processors_is_not_taken_over,
    one_processor_works_alone,
    few_items_are_not_worth_it,
    with_a_second_thread_nothing_is_copied,
    a_system_that_admits_no_process,
    a_helper_that_is_killed,
    a_helper_that_fails,
    a_helper_that_dies_within_a_message,
    what_is_wrong_is_raised_here,
    an_interruption_leaves_nobody,
    an_interruption_before_there_is_a_helper,
    what_handles_a_signal_runs_in_the_first_process_alone,
    where_the_system_waits_for_children,
    no_more_files_than_there_are,
    a_helper_has_no_file_open_but_its_pipes,
    helpers_begin_before_anybody_asks,
    results_that_nobody_asks_for,
    more_than_the_pipes_hold,
)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere work is not shared out")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_shared_out(case: Callable[[], None], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"from tests import test_forking; test_forking.{case.__name__}()"],
        cwd=ROOT,
        env={**os.environ, "SCRATCH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_alone_it_is_the_same_work() -> None:
    counted: list[int] = []
    with alone(ITEMS, Job(doubled, packed, int), counted.append) as chunks:
        assert in_order(chunks) == doubled(ITEMS)
    assert sum(counted) == len(ITEMS)
