"""What was most likely meant by a word that is not known. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str:
    """The one of the known words that is most like it, "" where none is."""
    import difflib

    return next(iter(difflib.get_close_matches(word, tuple(known), n=1)), "")
