"""An import of all, killed at every boundary, then run again: the same definitions and records, and nothing sent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.kills.world import KILLED, World, world

PARTS = 2


def definitions(subject: World) -> dict[str, str]:
    """Everything that lies in the folder of definitions, by name."""
    folder = subject.project.folder / "connections"
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()} if folder.exists() else {}


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_boundary(tmp_path: Path, part: int) -> None:
    with world(tmp_path / "project") as subject:
        for key in "ab":
            subject.define(key, key.upper(), f"secret-of-{key}-made-by-hand")
        assert subject.apply()["code"] == 0, subject.said()
        shutil.rmtree(subject.project.state_file.parent)
        before = subject.moment()

        def begin() -> None:
            shutil.rmtree(subject.project.folder / "connections", ignore_errors=True)
            subject.put_back(before)

        begin()
        whole = subject.run("import", "--all")
        assert whole["code"] == 0, subject.said()
        drafts, ids = definitions(subject), {one.key: one.id for one in subject.state().records}
        assert set(drafts) == {"a.yaml", "b.yaml"}
        assert set(ids) == {"a", "b"}
        for boundary in range(1 + part, whole["passed"] + 1, PARTS):
            begin()
            assert subject.run("import", "--all", kill=boundary)["code"] == KILLED
            # What is there is whole, and nothing is recorded that has no definition.
            now = definitions(subject)
            assert {name: text for name, text in now.items() if name.endswith(".yaml")}.items() <= drafts.items()
            assert {f"{one.key}.yaml" for one in subject.state().records} <= set(now)
            assert subject.run("import", "--all")["code"] == 0, subject.said()
            assert {one.key: one.id for one in subject.state().records} == ids
            assert definitions(subject) == drafts
            assert subject.connections() == before.connections
            assert subject.state().intents == ()
