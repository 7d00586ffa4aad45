"""Characters that make a text read as something else than it is: unseen, or turning the direction of writing. Pure.

Only where these are not there does a reviewer of a definition, and of its plan, see what is meant. Source: Unicode
Technical Report 36 and the "Trojan Source" report. What joins letters and emoji (U+200C, U+200D) stays.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_UNSEEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters, but for tab and line ends
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff"  # halves of a character, which escapes make
    "\U000e0000-\U000e007f"  # tags: a hidden text beside the visible one
)
_STRANGE = re.compile(f"[{_UNSEEN}]")

REMEDY = "remove it: it is not seen, and what a reviewer reads is not what is meant"


@dataclass(frozen=True, slots=True)
class Strange:
    """The first such character of a text, at an index."""

    index: int
    name: str


def find_strange(text: str) -> Strange | None:
    """None where there is none."""
    found = _STRANGE.search(text)
    if found is None:
        return None
    name = unicodedata.name(found[0], "a control character").lower()
    return Strange(found.start(), f"U+{ord(found[0]):04X} ({name})")
