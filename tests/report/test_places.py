"""``file:line`` of many files in few words."""

from __future__ import annotations

import pytest

from provisioner.model import Location
from provisioner.report.places import places


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        (["c/a.yaml:2"], ["c/a.yaml:2"]),
        (["c/a.yaml:2", "c/b.yaml:3"], ["c/a.yaml:2", "c/b.yaml:3"]),
        (["c/a.yaml:2", "c/b.yaml:2"], ["c/{a,b}.yaml:2"]),
        (["c/a1.yaml:2", "c/a2.yaml:2", "c/a3.yaml:2"], ["c/a[1-3].yaml:2"]),
        (["c/a09.yaml:2", "c/a10.yaml:2", "c/a12.yaml:2"], ["c/a{[09-10],12}.yaml:2"]),
        (["c/a9.yaml:2", "c/a10.yaml:2"], ["c/a{10,9}.yaml:2"]),
        (["c/1x.yaml:2", "c/2x.yaml:2"], ["c/[1-2]x.yaml:2"]),
        (["c/a.yaml:2", "c/a.yml:2"], ["c/a.yaml:2", "c/a.yml:2"]),
        (["d/a.yaml:2", "c/a.yaml:2"], ["c/a.yaml:2", "d/a.yaml:2"]),
        (["c/db-x.yaml:2", "c/db-y.yaml:2"], ["c/db-{x,y}.yaml:2"]),
        (["c/a.yaml:2", "c/ab.yaml:2"], ["c/a{,b}.yaml:2"]),
        (["c/a101.yaml:2", "c/a103.yaml:2"], ["c/a{101,103}.yaml:2"]),
        ([], []),
    ],
)
def test_places(files: list[str], shown: list[str]) -> None:
    locations = [Location(file.rpartition(":")[0], int(file.rpartition(":")[2])) for file in files]
    assert list(places(locations)) == shown
