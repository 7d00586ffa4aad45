"""Everything random at length: faults and kills, then odd answers. ``make soak``; exit 1 where a promise was broken."""

from __future__ import annotations

import argparse
import subprocess
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    parts = {
        "tests.kills.soak": ("--kills", wanted.kills, "--faults", wanted.faults),
        "tests.answers.fuzz": ("--answers", wanted.answers),
    }
    codes = [
        subprocess.call([sys.executable, "-m", module, "--seed", str(wanted.seed), *map(str, args)])
        for module, args in parts.items()
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
