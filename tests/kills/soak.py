"""Minutes of random faults and kills, ending with counts: ``make soak``. Exit 1 where anything was twice, or lost.

A round edits, renames, adds and removes definitions, lets dataflows use some, and applies several times, from two
checkouts with one state at a time and once from one without it, while the service misbehaves, clocks differ and the
process is killed. Then it applies in peace, follows what the plan advises, and compares what there is with what is
declared.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from tests.kills.advice import come_to_rest
from tests.kills.kinds import LIES, ODD, PATCH, PLAIN, POST, READS, REFUSED, WRITES, Fault, at, named
from tests.kills.world import KILLED, Definition, World, Zygote, world

SIZE = 60
PARTS = 6
WRONG = 0.5
"""The part of all writes that goes wrong in one way or another."""

AHEAD = (0.0, 0.0, 600.0, -600.0, 90 * 86400.0)
OTHERS: tuple[Fault, ...] = (
    {"kind": "delay", "seconds": 0.01, "probability": 0.02},
    {"kind": "foreign-edit", "probability": 0.02},
    {"kind": "foreign-delete", "probability": 0.01},
    {"kind": "initializing", "seconds": 0.02, "probability": 0.02},
    {"kind": "reset", "method": "GET", "probability": 0.05},
    {"kind": "status", "status": 503, "method": "GET", "probability": 0.05},
    {"kind": "status", "status": 503, "path": "/ims/token/v3", "probability": 0.05},
    *(at({"kind": "status", "status": 429}, place, probability=0.01, times=1) for place in WRITES),
)


def faults(seed: int) -> dict[str, Any]:
    """Return what half of all writes meet, and some of what only looks."""
    kinds = [(kind, place) for kind, place in itertools.product((*PLAIN, *ODD, *REFUSED), WRITES)] + list(LIES)
    each = WRONG * len(WRITES) / len(kinds)
    reads = [at(kind, ("GET", path), probability=0.005) for kind in READS for path in (POST[1], PATCH[1])]
    return {"seed": seed, "faults": [*(at(kind, place, probability=each) for kind, place in kinds), *reads, *OTHERS]}


class Soak:
    """What was done so far. ``colleague`` has the state of ``subject``, ``stranger`` one of its own that it forgets."""

    def __init__(self, subject: World, zygote: Zygote, seed: int) -> None:
        self.subject, self.dice = subject, random.Random(seed)
        self.colleague = subject.another("colleague", zygote, shares_state=True)
        self.stranger = subject.another("stranger", shares_state=False)
        self.counts: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()

    def round(self, number: int) -> None:
        service, url = self.subject.service, self.subject.url
        self.subject.clock.ahead = self.dice.choice(AHEAD)
        requests.put(f"{url}/_emulator/faults", json=faults(number), timeout=10).raise_for_status()
        for part in range(PARTS):
            self.edit(f"{number}-{part}")
            if part == PARTS - 1:
                self.apply_without_state()
            else:
                self.apply_at_once()
            self.check(self.subject.check_always)
        report = requests.get(f"{url}/_emulator/faults", timeout=10).json()
        self.counts["faults"] += report["injected"]
        for fault in report["faults"]:
            self.injected[named(fault)] += fault["hit"]
        requests.delete(f"{url}/_emulator/faults", timeout=10).raise_for_status()
        self.counts["calls"] += len(requests.get(f"{url}/_emulator/requests", timeout=60).json())
        time.sleep(0.05)  # what is initializing becomes enabled
        self.check(lambda: come_to_rest(self.subject, workers=8))
        self.check(lambda: self.subject.check_end(touched=True))
        service.faults()
        self.forget_log()

    def apply_at_once(self) -> None:
        """Two checkouts, one of them with the definitions of another day: the state lets one at a time."""
        if self.dice.random() < 0.5:
            self.colleague.pull(self.subject)
        both = (self.subject, self.colleague) if self.dice.random() < 0.5 else (self.subject,)
        plans = [(one, self.dice.randrange(20, 300), self.dice.choice(AHEAD)) for one in both]
        # The wait for calls of a process that was killed is a short one here, so that the one which goes on at once is
        # only to find calls that had their effect: with one worker, none is on its way.
        workers = 8 if len(both) == 1 else 1
        with ThreadPoolExecutor() as pool:
            running = [
                pool.submit(one.apply, kill, workers, ("--lock-timeout", "5"), ahead) for one, kill, ahead in plans
            ]
        for one in running:
            self.ended(one.result())
        self.check(self.colleague.check_output)
        self.counts["two at once"] += len(both) == 2

    def apply_without_state(self) -> None:
        before = {one.id for one in self.subject.connections()}
        self.stranger.forget_state()
        self.stranger.pull(self.subject)
        # One worker: what a process that was killed had sent may else take effect after the look that follows.
        self.ended(self.stranger.apply(kill=self.dice.randrange(20, 300), ahead=self.dice.choice(AHEAD)))
        after = {one.id for one in self.subject.connections()}
        self.counts["without the state"] += 1
        self.counts["losses"] += len(before - after)
        self.subject.known.orphans |= after - before
        self.check(self.stranger.check_output)

    def ended(self, ended: Mapping[str, int]) -> None:
        self.counts["applies"] += 1
        self.counts["kills"] += ended["code"] == KILLED

    def edit(self, version: str) -> None:
        declared = {one.root: one for one in self.subject.declared.values()}
        for index in self.dice.sample(range(SIZE), SIZE // 2):
            root = f"k{index:03}"
            before, what = declared.get(root), self.dice.random()
            if before is None:
                before = Definition(root, root, root, "A")
            elif what < 0.25:
                self.subject.forget(before.key)
                continue
            after = replace(before, text=self.dice.choice("ABCDEF"))
            if before.root in declared and what < 0.45:
                after = self.renamed(after, f"{root}-{version}")
            self.subject.rename(
                before.key if before.root in declared else after.key, after, f"secret-{version}-of-{root}"
            )
        for one in self.subject.ours():
            if self.dice.random() < 0.03:
                self.subject.flows.begin(one.id)
                self.counts["dataflows"] += 1

    def renamed(self, one: Definition, new: str) -> Definition:
        """Another name, another key, or both; ``movedFrom`` may be forgotten."""
        of = self.dice.choice(("name", "key", "both"))
        self.counts["renames"] += 1
        if of == "name":
            return replace(one, name=new)
        moved = self.subject.moved_from(one) if self.dice.random() < 0.7 else ""
        self.counts["moves without a word"] += not moved
        return replace(one, key=new, name=one.name if of == "key" else new, moved_from=moved)

    def check(self, what: Callable[[], None]) -> None:
        try:
            what()
        except AssertionError as error:
            self.counts["broken promises"] += 1
            sys.stderr.write(f"\n{error!r}\n{traceback.format_exc()}\n{self.subject.said()}\n")
        names = Counter(one.declared.name for one in self.subject.ours())
        self.counts["duplicates"] += sum(number - 1 for number in names.values())
        self.counts["losses"] += len(self.subject.lost())

    def forget_log(self) -> None:
        """The log of requests only: the service keeps what it holds, of which nothing is initializing any more."""
        now = int(self.subject.clock() * 1000)
        held = tuple(one.at(now) for one in self.subject.connections())
        self.subject.service.reset()
        self.subject.hold(held)
        self.subject.flows.flows.clear()


def main() -> int:
    """Until enough was injected and killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    started = time.monotonic()
    zygote = Zygote()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder) / "project") as subject:
        subject.begin()
        soak = Soak(subject, zygote, wanted.seed)
        for number in itertools.count(wanted.seed * 1000):
            soak.round(number)
            counts = soak.counts
            line = f"{counts['calls']:,} calls, {counts['faults']:,} faults, {counts['kills']:,} kills"
            sys.stderr.write(f"\r{line} in {time.monotonic() - started:.0f} s ")
            if counts["faults"] >= wanted.faults and counts["kills"] >= wanted.kills:
                break
        zygote.close()
    sys.stdout.write(told(soak))
    return 1 if any(soak.counts[name] for name in ("duplicates", "losses", "broken promises")) else 0


def told(soak: Soak) -> str:
    """Return the counts in words."""
    counts = soak.counts
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(soak.injected.items()))
    return (
        f"\nfaults: {kinds}\n"
        f"{counts['renames']:,} renames, {counts['moves without a word']:,} of them without movedFrom; "
        f"{counts['dataflows']:,} dataflows begun; {counts['two at once']:,} applies of two checkouts at once, "
        f"{counts['without the state']:,} without the state\n"
        f"{counts['applies']:,} applies, {counts['calls']:,} calls, {counts['faults']:,} faults injected, "
        f"{counts['kills']:,} processes killed: {counts['duplicates']} duplicates, {counts['losses']} losses, "
        f"{counts['broken promises']} other broken promises\n"
    )


if __name__ == "__main__":
    sys.exit(main())
