"""What was most likely meant by a word that is not known. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str:
    """The one of the known words that is most like it, "" where none is."""
    import difflib

    return next(iter(difflib.get_close_matches(word, tuple(known), n=1)), "")


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the remedy for a word that is not known: what is most like it, else what to do ``otherwise``."""
    close = closest(word, known)
    return f"did you mean `{close}`?" if close else otherwise
