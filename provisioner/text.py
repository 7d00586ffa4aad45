"""Names of base connections: when two are one, and which may come back otherwise than they were sent. Pure.

The service is not documented to keep a name byte for byte; what stands between it and a user may trim, normalize or
change the case. A name is therefore compared folded wherever a second base connection could be made by mistake.

Characters that are not seen, and so make a text read as something else than it is, by Unicode's properties. Pure.

Not seen are Default_Ignorable_Code_Point (fillers, selectors, joiners, tags), controls and formats (Cc, Cf), separators
but for the plain space (Z), halves of a character (Cs), and the few letters and symbols that draw nothing. Formats that
are drawn, such as the Arabic number sign (Prepended_Concatenation_Mark), are none. Source: Unicode 16,
DerivedCoreProperties and PropList; Unicode Technical Report 36; the "Trojan Source" report.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import TypeVar

IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point, as it stands in a class of a regular expression; so the others below."""

BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""White space of Unicode (category Zs) but the space."""

TYPOGRAPHIC_QUOTE = re.compile("[\u2018-\u201f\u00ab\u00bb\u2039\u203a]")

_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # but for tab and line ends
_FORMATS = "\ufff9-\ufffb\U00013430-\U0001343f"  # of Cf what is not ignorable and not drawn
_SEPARATORS = f"{BLANKS}\u2028\u2029"
_HALVES = "\ud800-\udfff"  # which escapes make
_DRAWS_NOTHING = "\u2800\ufffc\U00013441\U00013442\U00016fe4\U0001d159"  # empty pattern, object, blanks, fillers
_CLASS = IGNORABLE + _CONTROLS + _FORMATS + _SEPARATORS + _HALVES + _DRAWS_NOTHING

_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_JOINING = "\u0600-\u109f\u1700-\u18af\ua800-\uabff\U00010a00-\U00011fff"  # scripts whose letters join or stack
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
_OUT_OF_PLACE = (
    rf"(?<![{_EMOJI}]\ufe0f)(?<![0-9#*]\ufe0f(?=\u20e3))(?<![{_EMOJI}\ufe0f]\u200d(?=[{_EMOJI}]))"
    rf"(?<![{_JOINING}][\u200c\u200d](?=[{_JOINING}]))(?<![{_WIDE}]\u3000(?=[{_WIDE}]))"
)
"""Nothing that joins emoji or letters, nor the blank between wide characters: there they are seen by what they do."""

UNSEEN = re.compile(rf"[{_CLASS}]{_OUT_OF_PLACE}")
"""One character that is not seen, outside of the places where its effect is. The class stands first: searches are as
fast as for the class alone."""


def escaped(text: str) -> str:
    """Return text with every character that is not seen, or cannot be printed, as an escape."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escape(char) for char in text)
    return UNSEEN.sub(lambda found: _escape(found[0]), text)


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


_BLANK = re.compile(f"[{_SEPARATORS}]")


def pasted_into_json(text: str, index: int) -> tuple[str, str]:
    """Return what is wrong with a character that no JSON has at its place, and what to do, where it came in by pasting
    or with an editor; two empty texts for any other."""
    if text.startswith("\ufeff"):
        return "begins with a byte order mark", "save it as UTF-8 without one"
    char = text[index : index + 1]
    if _BLANK.match(char):
        name = unicodedata.name(char, "a separator").lower()
        return f"U+{ord(char):04X} ({name}) stands where JSON needs a space", "write a space instead"
    if TYPOGRAPHIC_QUOTE.match(char):
        return "a typographic quote stands where JSON needs a plain one", 'write " instead'
    return "", ""


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
