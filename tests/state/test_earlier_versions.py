"""Files of earlier versions are read as those versions read them.

``fixtures/<commit>/<case>`` holds the files as the code of that commit wrote them, and in ``expected.json`` the state
that its ``FileStore.load`` made of them.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from provisioner.model import TargetIdentity
from provisioner.state.codec import state_to_bytes
from provisioner.state.fingerprint import Comparison, Fingerprinter
from provisioner.state.records import State
from provisioner.state.store import FileStore

from .examples import HOLDER

FIXTURES = Path(__file__).parent / "fixtures"
CASES = sorted(path.parent for path in FIXTURES.glob("*/*/expected.json"))
TARGET = TargetIdentity("https://platform.adobe.io", "0123456789ABCDEF01234567@AdobeOrg", "prod")
TEAM_KEY = b"a team's key of at least 32 bytes"


def copied(case: Path, folder: Path) -> Path:
    """The files of a case where they may be changed; returns the state file."""
    shutil.copytree(case, folder / "state")
    return folder / "state" / "prod.json"


def as_json(state: State) -> object:
    return json.loads(state_to_bytes(state))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_same_state_is_loaded_and_written(case: Path, tmp_path: Path) -> None:
    path = copied(case, tmp_path)
    expected = json.loads((case / "expected.json").read_text("utf-8"))
    store = FileStore(path, TARGET)
    assert as_json(store.load()) == expected
    with store.hold(HOLDER):
        store.compact()
    assert json.loads(path.read_bytes()) == expected
    assert set(os.listdir(path.parent)) <= {"expected.json", "prod.json", "prod.json.backup", "prod.json.lock"}


@pytest.mark.parametrize("key", ["orders", "stock", "plain/eu"])
def test_fingerprints_still_match_their_secret(key: str) -> None:
    state = FileStore(FIXTURES / "f8980a9/records/prod.json", TARGET).load()
    record = state.by_key[key]
    (secret,) = record.secrets
    fingerprinter = Fingerprinter(state.lineage, TEAM_KEY)
    for value, comparison in ((f"first secret of {key}", Comparison.UNCHANGED), ("another", Comparison.CHANGED)):
        assert fingerprinter.compare(secret.path, value, secret.fingerprint) is comparison
