"""Many strings searched for at once. The only module that imports ahocorasick_rs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

SHORTEST = 8
"""Characters of a string that can be searched for."""

_BEGINNING = 7
"""Characters of it that the automaton knows. With six, every `server` in a text begins like a connection string."""

Label = TypeVar("Label")


class Matcher(Generic[Label]):
    """Finds strings of at least ``SHORTEST`` characters, each with a label.

    The automaton knows only how each begins, which makes it small and quick to build; what follows is looked up.
    """

    def __init__(self, strings: Mapping[str, Label]) -> None:
        import ahocorasick_rs

        # Nearly each begins in a way of its own; where many begin alike, they are told apart by length and hash.
        self._single: dict[str, tuple[str, Label]] = {}
        self._several: dict[str, dict[int, dict[str, Label]]] = {}
        for string, label in strings.items():
            known = _encodable(string)
            if len(known) < SHORTEST:
                raise ValueError(f"shorter than {SHORTEST} characters")
            start = known[:_BEGINNING]
            if start not in self._single:
                self._single[start] = (known, label)
            else:
                self._several.setdefault(start, {}).setdefault(len(known), {})[known] = label
        self._automaton = ahocorasick_rs.AhoCorasick(
            self._single, implementation=ahocorasick_rs.Implementation.ContiguousNFA, store_patterns=False
        )

    def find(self, text: str) -> Iterator[Label]:
        """The label of every occurrence."""
        text = _encodable(text)
        for _, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            begins = text[start:end]
            string, label = self._single[begins]
            if text.startswith(string, start):
                yield label
            for length, strings in self._several.get(begins, _NONE).items():
                found = text[start : start + length]
                if found in strings:
                    yield strings[found]


_NONE: Mapping[int, dict[str, Any]] = {}


def _encodable(text: str) -> str:
    """The automaton takes UTF-8. Half a character that escapes in JSON or bytes of a file left is a ``?`` on both
    sides."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
