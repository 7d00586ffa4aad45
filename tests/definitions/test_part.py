"""What one process hands to another is what it has: for every case that there is, sound or not."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.definitions.part import Part
from provisioner.definitions.project import read_project
from provisioner.definitions.reading import read, reading
from provisioner.errors import ProblemsFound
from provisioner.sharing import Chunks, Item, Job, Result
from tests.definitions.support import project_of
from tests.definitions.test_cases import ENVIRONMENT, INVALID, VALID, name_of


@pytest.mark.parametrize("environment", [ENVIRONMENT, {}], ids=["set", "unset"])
@pytest.mark.parametrize("case", [*VALID, *INVALID], ids=name_of)
def test_what_is_handed_over_is_what_there_was(case: Path, environment: dict[str, str], tmp_path: Path) -> None:
    try:
        project = read_project(project_of(case, tmp_path))
    except ProblemsFound:
        return  # then no definition is read
    handed: list[object] = []

    @contextmanager
    def share(items: Sequence[Item], job: Job[Item, Result], _: Callable[[int], None]) -> Iterator[Chunks[Result]]:
        results = job.work(items)
        for result in results:
            there = job.unpack(marshal.loads(marshal.dumps(job.pack(result))))
            # The one shows what a value is and not its content, the other its content and not what it is.
            assert (repr(there), job.pack(there)) == (repr(result), job.pack(result))
            handed.append(there)
        yield iter([(0, results)])

    whole = read(project, tuple(project.targets.values()), environment, share=share)
    assert len(handed) >= len(whole.definitions)
    assert all(isinstance(one, Part) for one in handed)


def test_definitions_are_never_taken_for_none(tmp_path: Path) -> None:
    """Those that are gone may be deleted: to end the reading twice is a mistake that must be noticed."""
    project = read_project(project_of(VALID[0], tmp_path))
    with reading(project, (), {}) as finish:
        assert finish().definitions
        with pytest.raises(RuntimeError, match="0 of 1 definitions"):
            finish()
