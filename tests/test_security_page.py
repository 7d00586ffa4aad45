"""``docs/security.md`` says what the code does, as far as that can be read from both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioner.definitions import templates
from provisioner.definitions.project import NEVER_ADMITTED
from provisioner.secrets import SHORTEST, SHORTEST_WORD
from provisioner.state import fingerprint

ROOT = Path(__file__).resolve().parent.parent
PAGE = " ".join((ROOT / "docs" / "security.md").read_text("utf-8").split())
SAID = {
    "cost of scrypt": f"N = {fingerprint._SCRYPT_N:,}, r = {fingerprint._SCRYPT_R}, p = 1, "
    f"{128 * fingerprint._SCRYPT_N * fingerprint._SCRYPT_R // 2**20} MiB",
    "values that are not searched": f"values below {SHORTEST} characters, or below {SHORTEST_WORD} and of lower-case",
    "filters": {5: "five filters"}[len(templates._FILTERS)],
    "variables never read": " or ".join(f"`{pattern}`" for pattern in NEVER_ADMITTED),
    "the key": f"`{fingerprint.KEY_VARIABLE}`",
    "the key before": f"`{fingerprint.OLD_KEY_VARIABLE}`",
}


@pytest.mark.parametrize("what", SAID)
def test_figures_and_names(what: str) -> None:
    assert SAID[what] in PAGE


def test_files_that_it_names_exist() -> None:
    named = re.findall(r"`((?:tests|docs|provisioner)/[\w/.]+)`", PAGE)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
