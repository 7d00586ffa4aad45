"""Names of base connections: when two are one, and which may come back otherwise than they were sent. Pure.

The service is not documented to keep a name byte for byte; what stands between it and a user may trim, normalize or
change the case. A name is therefore compared folded wherever a second base connection could be made by mistake.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import TypeVar

from provisioner.unseen import IGNORABLE

Item = TypeVar("Item", bound=Hashable)

MAX_LENGTH = 200
"""Characters of a name that are taken to be kept. Assumed: no limit is documented."""

_IGNORED = re.compile(rf"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u2800\ufff9-\ufffb{IGNORABLE}]")
"""White space and what is not seen: Default_Ignorable_Code_Point of Unicode, controls, the empty braille pattern."""


@lru_cache(20_000)
def fold(name: str) -> str:
    """Return what two names have in common that are one."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", _IGNORED.sub("", name)).casefold())


_ODD_SPACES = re.compile(r"[^\S ]|  ")
_UNSEEN = re.compile(rf"(?!\s){_IGNORED.pattern}")

_REASONS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("begins or ends with white space", lambda name: name != name.strip()),
    ("holds white space other than single plain spaces", _ODD_SPACES.search),
    ("holds characters that are not seen", _UNSEEN.search),
    ("is not in Unicode normalization form C", lambda name: not unicodedata.is_normalized("NFC", name)),
    (f"is longer than {MAX_LENGTH} characters", lambda name: len(name) > MAX_LENGTH),
)


def instability(name: str) -> str:
    """Return why a name may come back otherwise than it was sent, "" where nothing suggests it.

    Assumed, not documented: what stands between it and a user trims, collapses, normalizes or truncates.
    """
    return next((reason for reason, applies in _REASONS if applies(name)), "")


def stabilized(name: str) -> str:
    """Return what to write in the place of an unstable name, "" where only its author can tell."""
    seen = unicodedata.normalize("NFC", _UNSEEN.sub("", name))
    written = " ".join(seen.split())
    return "" if instability(written) else written


def lookalikes(names: Mapping[Item, str]) -> Mapping[Item, Item]:
    """Return, for each item whose name equals another one only when folded, the first item that has that other name."""
    alike: dict[str, dict[str, list[Item]]] = {}
    for item, name in names.items():
        alike.setdefault(fold(name), {}).setdefault(name, []).append(item)
    return {
        item: next(others[0] for written, others in spellings.items() if written != name)
        for spellings in alike.values()
        if len(spellings) > 1
        for name, items in spellings.items()
        for item in items
    }
