"""Names of base connections: when two are one, and which may come back otherwise than they were sent. Pure.

The service is not documented to keep a name byte for byte; what stands between it and a user may trim, normalize or
change the case. A name is therefore compared folded wherever a second base connection could be made by mistake.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_IGNORED = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""White space and what is not seen: Default_Ignorable_Code_Point of Unicode, controls, the empty braille pattern."""


@lru_cache(20_000)
def fold(name: str) -> str:
    """Return what two names have in common that are one."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", _IGNORED.sub("", name)).casefold())
