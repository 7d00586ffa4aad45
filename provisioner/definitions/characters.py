"""Characters that a definition may not hold: only without them does a reviewer see what is meant. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from provisioner.unseen import UNSEEN

REMEDY = "remove it, or write a plain space: it is not seen, and what a reviewer reads is not what is meant"


@dataclass(frozen=True, slots=True)
class Strange:
    """The first such character of a text, at an index."""

    index: int
    name: str


def find_strange(text: str) -> Strange | None:
    """Return None where there is none."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return None  # as nearly every file: this costs a tenth
    found = UNSEEN.search(text)
    if found is None:
        return None
    name = unicodedata.name(found[0], "a control character").lower()
    return Strange(found.start(), f"U+{ord(found[0]):04X} ({name})")
