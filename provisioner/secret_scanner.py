"""The last check of everything that leaves the process: does a text hold a sensitive value of this run?

What is shown is built from the origin types of ``sensitive``; this finds what should not have happened. It never masks:
half-masked texts give values away, and a value that is a common word would mangle the rest.

The only module that imports ahocorasick_rs.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from provisioner.errors import Leak
from provisioner.secrets import SHORTEST, SHORTEST_WORD, Sensitive, cannot_detect

SHORTEST_ALONE = 4
"""Characters of a value for which a text that is not ours is withheld, where it stands alone in it."""

_SAME_EVERYWHERE = re.compile(r"[A-Za-z0-9_.~-]*\Z")
"""Characters that URLs, JSON, HTML, XML, Markdown and connection strings all leave as they are."""

_RUN = re.compile(rf"[A-Za-z0-9]{{{SHORTEST},}}")
_WORD = re.compile(r"[A-Za-z][a-z]*\Z")


class SecretScanner:
    """The sensitive values of a run. For any number of threads.

    What finds them is built with the first text that is checked: a run without secrets does not wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._origins: dict[str, str] = {}
        """By each piece of a registered value, where the value came from."""
        self._pending: list[str] = []
        self._ours: list[_Search] = []
        self._foreign: list[_Search] = []
        self._alone: list[str] = []
        """Case-folded pieces that mean something only where they stand alone."""
        self._private: SecretScanner | None = None

    def register(self, secrets: Iterable[Sensitive], private: Iterable[Sensitive] = ()) -> None:
        """Let none of ``secrets`` pass from now on. What is ``private``, such as a host that came from the environment,
        may be shown by its owner, and is not repeated where the service says it."""
        others = tuple(private)
        with self._lock:
            for secret in secrets:
                for piece in _pieces(secret.reveal()):
                    if piece not in self._origins:
                        self._origins[piece] = secret.origin
                        self._pending.append(piece)
            if others and self._private is None:
                self._private = SecretScanner()
        if others and self._private:
            self._private.register(others)

    def check(self, text: str) -> None:
        """Raise ``Leak`` for a text that holds a registered value in any of its spellings."""
        origins = self.origins_in(text)
        if origins:
            raise Leak(origins)

    def origins_in(self, text: str) -> tuple[str, ...]:
        """Return where the values came from that a text holds, sorted; nothing for nearly all texts."""
        self._build()
        folded = _encodable(text.casefold())
        found = {piece for search in self._ours for piece in search.find(folded)}
        return tuple(sorted({self._origins[piece] for piece in found})) if found else ()

    def contains(self, text: str) -> bool:
        """Return whether a text that is not ours repeats a registered value. Judged more strictly, since withholding it
        costs little: a part of the value is enough, as are a short one or a common word that stand alone."""
        self._build()
        folded = _encodable(text.casefold())
        if any(next(search.find(folded), None) is not None for search in (*self._ours, *self._foreign)):
            return True
        if any(_stands_alone(piece, folded) for piece in self._alone):
            return True
        return self._private is not None and self._private.contains(text)

    def _build(self) -> None:
        with self._lock:
            if not self._pending:
                return
            pieces = [piece for piece in self._pending if not cannot_detect(piece)]
            ours = {form: piece for piece in pieces for form in _spellings(piece) if len(form) >= SHORTEST}
            runs = {run.casefold(): piece for piece in self._pending for run in _runs(piece)}
            others = (piece.casefold() for piece in self._pending if cannot_detect(piece))
            self._alone += [piece for piece in others if len(piece) >= SHORTEST_ALONE]
            self._ours += [_Search(ours)] if ours else []
            self._foreign += [_Search(runs)] if runs else []
            self._pending.clear()


_BEGINNING = 7
"""Characters of a string that the automaton knows. With six, every ``server`` begins like a connection string."""


class _Search:
    """Many strings looked for at once, each with the piece of a secret that it stands for.

    The automaton knows only how each begins: that makes it small and quick to build, however long a secret is. What
    follows is looked up; strings that begin alike are told apart by length and hash.
    """

    def __init__(self, strings: dict[str, str]) -> None:
        import ahocorasick_rs

        self._by_beginning: dict[str, dict[int, dict[str, str]]] = {}
        for string, piece in strings.items():
            known = _encodable(string)
            self._by_beginning.setdefault(known[:_BEGINNING], {}).setdefault(len(known), {})[known] = piece
        self._automaton: Any = ahocorasick_rs.AhoCorasick(
            self._by_beginning, implementation=ahocorasick_rs.Implementation.ContiguousNFA, store_patterns=False
        )

    def find(self, folded: str) -> Iterator[str]:
        """Yield the piece of every occurrence."""
        for _, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            for length, pieces in self._by_beginning[folded[start:end]].items():
                if piece := pieces.get(folded[start : start + length]):
                    yield piece


def _pieces(secret: str) -> set[str]:
    """Return the secret and each of its lines: what of it may turn up by itself."""
    return {secret, secret.strip(), *secret.splitlines()} - {""}


def _runs(piece: str) -> Iterator[str]:
    """Yield the parts that every way of quoting leaves as they are, but for words."""
    if not _SAME_EVERYWHERE.match(piece):
        yield from (run for run in _RUN.findall(piece) if len(run) >= SHORTEST_WORD or not _WORD.match(run))


def _spellings(text: str) -> set[str]:
    """Return every spelling in which a text could stand in what this program writes, and what URLs and base64 make of
    it. Case-folded, for texts that are searched case-folded: ``%2F`` and ``%2f`` are then one, and so is what a
    resolver or a database has put into lower case."""
    octets = text.encode("utf-8", "surrogatepass")
    found = {text, *_base64(octets)}
    if not _SAME_EVERYWHERE.match(text):
        from provisioner.report.escaping import WRITERS

        found |= {quote(octets, safe=""), quote(octets), quote_plus(octets), *(write(text) for write in WRITERS)}
    if not text.isascii():  # where folding does not undo upper case: a dotless i becomes I, and that folds to i
        found |= {spelling.upper() for spelling in found}
    return {spelling.casefold() for spelling in found}


def _base64(octets: bytes) -> Iterator[str]:
    """Yield both alphabets of it. Inside something longer the bytes may begin at any of three places; what depends on
    the neighbours is cut off."""
    for shift in range(3):
        first, last = -(-shift * 8 // 6), (shift + len(octets)) * 8 // 6
        encoded = base64.b64encode(bytes(shift) + octets)[first:last].decode()
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")


def _stands_alone(word: str, text: str) -> bool:
    return word in text and bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text))


def _encodable(text: str) -> str:
    """Return what the search takes, which is UTF-8. Half a character that an escape or the bytes of a file left is a
    ``?`` on both sides."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
