"""Minutes of random faults and kills, ending with counts: ``make soak``. Exit 1 where anything was twice, or lost.

A round edits, adds and removes definitions, applies them several times while the service misbehaves and the process is
killed, then once more in peace, and compares what there is with what is declared.
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
from pathlib import Path
from typing import Any

import requests

from tests.kills.world import KILLED, World, world

SIZE = 60
WRITES = [("POST", "*/connections"), ("PATCH", "*/connections/*"), ("DELETE", "*/connections/*")]
KINDS: list[dict[str, Any]] = [
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "status", "status": 500, "when": "before"},
    {"kind": "status", "status": 502, "when": "after"},
    {"kind": "truncate"},
    {"kind": "invalid-json"},
    {"kind": "wrong-content-type"},
    {"kind": "expire-tokens"},
    {"kind": "delay", "seconds": 0.01},
]
OTHERS: list[dict[str, Any]] = [
    {"kind": "foreign-edit", "probability": 0.02},
    {"kind": "foreign-delete", "probability": 0.01},
    {"kind": "initializing", "seconds": 0.02, "probability": 0.02},
    {"kind": "reset", "method": "GET", "probability": 0.05},
    {"kind": "status", "status": 503, "method": "GET", "probability": 0.05},
    {"kind": "status", "status": 503, "path": "/ims/token/v3", "probability": 0.05},
    {"kind": "status", "status": 429, "probability": 0.01, "times": 1},
]


def faults(seed: int) -> dict[str, Any]:
    """Nearly half of all writes go wrong in one way or another."""
    writes = [
        {**kind, "method": method, "path": path, "probability": 0.06}
        for kind, (method, path) in itertools.product(KINDS, WRITES)
    ]
    return {"seed": seed, "faults": [*writes, *OTHERS]}


class Soak:
    """What was done so far."""

    def __init__(self, subject: World, url: str, seed: int) -> None:
        self.subject, self.url, self.dice = subject, url, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.declared: dict[str, str] = {}

    def round(self, number: int) -> None:
        requests.put(f"{self.url}/_emulator/faults", json=faults(number), timeout=10).raise_for_status()
        for part in range(6):
            self.edit(f"{number}-{part}")
            ended = self.subject.apply(kill=self.dice.randrange(20, 300), workers=8)
            self.counts["applies"] += 1
            self.counts["kills"] += ended["code"] == KILLED
            self.check(self.subject.check_always)
        self.counts["faults"] += requests.get(f"{self.url}/_emulator/faults", timeout=10).json()["injected"]
        requests.delete(f"{self.url}/_emulator/faults", timeout=10).raise_for_status()
        self.counts["calls"] += len(requests.get(f"{self.url}/_emulator/requests", timeout=60).json())
        time.sleep(0.05)  # what is initializing becomes enabled
        for _ in range(2):
            last = self.subject.apply(workers=8)
        self.counts["not at peace"] += last["code"] != 0
        self.check(lambda: self.subject.check_end(self.declared, touched=True))
        self.forget_log()

    def edit(self, version: str) -> None:
        for index in self.dice.sample(range(SIZE), SIZE // 2):
            key = f"k{index:03}"
            if key in self.declared and self.dice.random() < 0.3:
                self.subject.forget(key)
                del self.declared[key]
            else:
                self.declared[key] = self.dice.choice("ABCDEF")
                self.subject.define(key, self.declared[key], f"secret-{version}-of-{key}")

    def check(self, what: Any) -> None:
        try:
            what()
        except AssertionError as error:
            self.counts["broken promises"] += 1
            sys.stderr.write(f"\n{error!r}\n{traceback.format_exc()}\n{self.subject.said()}\n")
        names = Counter(one.declared.name for one in self.subject.connections())
        self.counts["duplicates"] += sum(number - 1 for number in names.values())
        known = {record.id for record in self.subject.state().records}
        intents = self.subject.state().intents
        if not intents:
            self.counts["losses"] += sum(one.id not in known for one in self.subject.connections())

    def forget_log(self) -> None:
        """The log of requests only: the service keeps what it holds."""
        moment = self.subject.connections()
        requests.post(f"{self.url}/_emulator/reset", timeout=10).raise_for_status()
        self.subject.hold(moment)


def main() -> int:
    """Until enough was injected and killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder) / "project") as subject:
        soak = Soak(subject, subject.url, wanted.seed)
        for number in itertools.count(wanted.seed * 1000):
            soak.round(number)
            counts = soak.counts
            line = f"{counts['calls']:,} calls, {counts['faults']:,} faults, {counts['kills']:,} kills"
            sys.stderr.write(f"\r{line} in {time.monotonic() - started:.0f} s ")
            if counts["faults"] >= wanted.faults and counts["kills"] >= wanted.kills:
                break
    broken = [name for name in ("duplicates", "losses", "broken promises", "not at peace") if counts[name]]
    sys.stdout.write(
        f"\n{counts['applies']:,} applies, {counts['calls']:,} calls, {counts['faults']:,} faults injected, "
        f"{counts['kills']:,} processes killed: {counts['duplicates']} duplicates, {counts['losses']} losses, "
        f"{counts['broken promises']} other broken promises, {counts['not at peace']} not at peace in the end\n"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
