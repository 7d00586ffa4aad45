"""Coverage-guided fuzzing of one reader, by hand: ``pip install atheris``, then

    python -m tests.fuzzing.by_hand state -max_total_time=60

Needs nothing of the test suite but ``targets``; atheris is no dependency of the project.
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["provisioner"]):
    from tests.fuzzing.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
