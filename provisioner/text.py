"""Text: invisible characters, comparison of the names of base connections, numbers and lists in sentences. Pure.

Invisible are Default_Ignorable_Code_Point (fillers, selectors, joiners, tags), controls and formats (Cc, Cf),
separators except the plain space (Z), surrogates (Cs), and the few letters and symbols without a glyph. Formats with a
glyph, such as the Arabic number sign (Prepended_Concatenation_Mark), are visible. Source: Unicode 16,
DerivedCoreProperties and PropList; Unicode Technical Report 36; the "Trojan Source" report.

The service is not documented to keep a name byte for byte; it, or a user interface in front of it, may trim, normalize
or change the case. Names are therefore compared folded wherever a second base connection could be created by mistake.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)
Listed = TypeVar("Listed")

IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point, for use in a character class of a regular expression, like the following."""

BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""White space of Unicode (category Zs) except the plain space."""

TYPOGRAPHIC_QUOTE = re.compile("[\u2018-\u201f\u00ab\u00bb\u2039\u203a]")

_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # except tab and line ends
_FORMATS = "\ufff9-\ufffb\U00013430-\U0001343f"  # of Cf: not ignorable, and without a glyph
_SEPARATORS = f"{BLANKS}\u2028\u2029"
_SURROGATES = "\ud800-\udfff"  # result from escapes
_NO_GLYPH = "\u2800\ufffc\U00013441\U00013442\U00016fe4\U0001d159"  # empty pattern, object, blanks, fillers
_INVISIBLE = IGNORABLE + _CONTROLS + _FORMATS + _SEPARATORS + _SURROGATES + _NO_GLYPH

_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_JOINING = "\u0600-\u109f\u1700-\u18af\ua800-\uabff\U00010a00-\U00011fff"  # scripts whose letters join or stack
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
_NOT_IN_CONTEXT = (
    rf"(?<![{_EMOJI}]\ufe0f)(?<![0-9#*]\ufe0f(?=\u20e3))(?<![{_EMOJI}\ufe0f]\u200d(?=[{_EMOJI}]))"
    rf"(?<![{_JOINING}][\u200c\u200d](?=[{_JOINING}]))(?<![{_WIDE}]\u3000(?=[{_WIDE}]))"
)
"""Excludes characters that join emoji or letters, and the blank between wide characters: their effect is visible."""

INVISIBLE = re.compile(rf"[{_INVISIBLE}]{_NOT_IN_CONTEXT}")
"""One invisible character whose effect is invisible too. The class comes first, which makes searches as fast as for the
class alone."""


def escaped(text: str) -> str:
    """Return the text with every invisible or unprintable character escaped."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escape(char) for char in text)
    return INVISIBLE.sub(lambda match: _escape(match[0]), text)


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def pasted_into_json(text: str, index: int) -> tuple[str, str]:
    """Return the message and remedy for the character at which JSON cannot be parsed, if it typically comes from
    pasting or from an editor; two empty texts for any other."""
    if text.startswith("\ufeff"):
        return "begins with a byte order mark", "save it as UTF-8 without one"
    char = text[index : index + 1]
    if re.match(f"[{_SEPARATORS}]", char):
        name = unicodedata.name(char, "a separator").lower()
        return f"U+{ord(char):04X} ({name}) where JSON needs a space", "write a space instead"
    if TYPOGRAPHIC_QUOTE.match(char):
        return "a typographic quote where JSON needs a plain one", 'write " instead'
    return "", ""


MAX_LENGTH = 200
"""Longest name that is kept whole (assumed: text-kept). No limit is documented."""

_IGNORED = re.compile(rf"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u2800\ufff9-\ufffb{IGNORABLE}]")
"""White space and invisible characters: Default_Ignorable_Code_Point, controls, the empty braille pattern."""


@lru_cache(20_000)
def fold_name(name: str) -> str:
    """Return a form of the name that is equal for names that the service may take for one."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", _IGNORED.sub("", name)).casefold())


_ODD_SPACES = re.compile(r"[^\S ]|  ")
_INVISIBLE_IN_NAME = re.compile(rf"(?!\s){_IGNORED.pattern}")

_REASONS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("begins or ends with white space", lambda name: name != name.strip()),
    ("holds white space other than single plain spaces", _ODD_SPACES.search),
    ("holds invisible characters", _INVISIBLE_IN_NAME.search),
    ("is not in Unicode normalization form C", lambda name: not unicodedata.is_normalized("NFC", name)),
    (f"is longer than {MAX_LENGTH} characters", lambda name: len(name) > MAX_LENGTH),
)


def instability(name: str) -> str:
    """Return why the service may change a name, as a predicate of it; "" if nothing suggests it.

    Not documented: it, or a user interface in front of it, may trim, collapse, normalize or truncate names. Any other
    name comes back as it was sent (assumed: text-kept).
    """
    return next((reason for reason, applies in _REASONS if applies(name)), "")


def stabilize(name: str) -> str:
    """Return the stable form of an unstable name, "" if only its author can tell."""
    visible = unicodedata.normalize("NFC", _INVISIBLE_IN_NAME.sub("", name))
    stable = " ".join(visible.split())
    return "" if instability(stable) else stable


def lookalikes(names: Mapping[Item, str]) -> Mapping[Item, Item]:
    """Return, for each item whose name equals another name only when folded, the first item with that other name."""
    by_folded: dict[str, dict[str, list[Item]]] = {}
    for item, name in names.items():
        by_folded.setdefault(fold_name(name), {}).setdefault(name, []).append(item)
    return {
        item: next(others[0] for spelling, others in spellings.items() if spelling != name)
        for spellings in by_folded.values()
        if len(spellings) > 1
        for name, items in spellings.items()
        for item in items
    }


def mentions(text: str, ident: str) -> bool:
    """Return whether an id stands in a text by itself, in upper or lower case."""
    return re.search(rf"(?<![\w-]){re.escape(ident)}(?![\w-])", text, re.IGNORECASE) is not None


def count(number: int, noun: str) -> str:
    """Return ``1 problem``, ``2 problems``."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return ``problem`` for one, ``problems`` for any other number."""
    return noun if number == 1 else f"{noun}s"


def listed(items: Sequence[Listed], most: int = 5, shown: Callable[[Listed], str] = str) -> str:
    """Return the first ``most`` items, separated by commas, and the number of further ones."""
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(map(shown, items[:most])) + more
