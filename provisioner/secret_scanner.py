"""The last check of everything that leaves the process: whether a text holds a sensitive value of this run.

Output is built from the types in ``secrets.py``, which print origins, so a match is a bug. The scanner never masks:
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
"""Minimum length of a value that ``contains`` finds as a word of its own, even if ``check`` cannot detect it."""

_SAME_EVERYWHERE = re.compile(r"[A-Za-z0-9-]*\Z")
"""Characters that URLs, JSON, HTML, XML, Markdown and connection strings all leave as they are."""

_ALPHANUMERIC = re.compile(rf"[A-Za-z0-9]{{{SHORTEST},}}")
_WORD = re.compile(r"[A-Za-z][a-z]*\Z")


class SecretScanner:
    """Finds the sensitive values of a run in texts. For any number of threads.

    The searches are built when the first text is checked, so a run without secrets does not pay for them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._origins: dict[str, str] = {}
        """The origin of each piece of a registered value."""
        self._pending: list[str] = []
        self._spelling_searches: list[_Search] = []
        self._part_searches: list[_Search] = []
        self._words: list[str] = []
        """Case-folded pieces that are significant only as a word of their own."""
        self._private: SecretScanner | None = None

    def register(self, secrets: Iterable[Sensitive], private: Iterable[Sensitive] = ()) -> None:
        """Detect ``secrets`` from now on.

        Values that are ``private``, such as a host from the environment, may be shown by this program: only
        ``contains`` detects them, in texts of the service.
        """
        private_values = tuple(private)
        with self._lock:
            for secret in secrets:
                for piece in _pieces(secret.reveal()):
                    if piece not in self._origins:
                        self._origins[piece] = secret.origin
                        self._pending.append(piece)
            if private_values and self._private is None:
                self._private = SecretScanner()
        if private_values and self._private:
            self._private.register(private_values)

    def check(self, text: str) -> None:
        """Raise ``Leak`` if the text holds a registered value in any of its spellings."""
        origins = self.origins_in(text)
        if origins:
            raise Leak(origins)

    def origins_in(self, text: str) -> tuple[str, ...]:
        """Return the origins of the registered values that the text holds, sorted."""
        self._build()
        folded = _encodable(text.casefold())
        pieces = {piece for search in self._spelling_searches for piece in search.find(folded)}
        return tuple(sorted({self._origins[piece] for piece in pieces}))

    def contains(self, text: str) -> bool:
        """Return whether a text of the service repeats a registered value.

        Stricter than ``check``, since withholding such a text costs little: a part of a value is enough, and so is a
        short value or a common word that stands alone.
        """
        self._build()
        folded = _encodable(text.casefold())
        if any(
            next(search.find(folded), None) is not None for search in (*self._spelling_searches, *self._part_searches)
        ):
            return True
        if any(word in folded and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded) for word in self._words):
            return True
        return self._private is not None and self._private.contains(text)

    def _build(self) -> None:
        with self._lock:
            if not self._pending:
                return
            pieces = [piece for piece in self._pending if not cannot_detect(piece)]
            spellings = {form: piece for piece in pieces for form in _spellings(piece) if len(form) >= SHORTEST}
            parts = {part.casefold(): piece for piece in self._pending for part in _parts(piece)}
            words = (piece.casefold() for piece in self._pending if cannot_detect(piece))
            self._words += [word for word in words if len(word) >= SHORTEST_ALONE]
            self._spelling_searches += [_Search(spellings)] if spellings else []
            self._part_searches += [_Search(parts)] if parts else []
            self._pending.clear()


_PREFIX = 7
"""Length of the prefixes in the automaton. With six, every ``server`` would match the prefix of connection strings."""


class _Search:
    """Searches for many strings at once, each of which belongs to a piece of a secret.

    The automaton holds only their prefixes, which makes it small and fast to build however long a secret is. The rest
    is compared by a lookup: by prefix, then length, then the whole string.
    """

    def __init__(self, strings: dict[str, str]) -> None:
        import ahocorasick_rs

        self._by_prefix: dict[str, dict[int, dict[str, str]]] = {}
        for string, piece in strings.items():
            encodable = _encodable(string)
            self._by_prefix.setdefault(encodable[:_PREFIX], {}).setdefault(len(encodable), {})[encodable] = piece
        self._automaton: Any = ahocorasick_rs.AhoCorasick(
            self._by_prefix, implementation=ahocorasick_rs.Implementation.ContiguousNFA, store_patterns=False
        )

    def find(self, folded: str) -> Iterator[str]:
        """Yield the piece of every match."""
        for _, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            for length, pieces in self._by_prefix[folded[start:end]].items():
                if piece := pieces.get(folded[start : start + length]):
                    yield piece


def _pieces(secret: str) -> set[str]:
    """Return the secret and each of its lines, which may appear by themselves."""
    return {secret, secret.strip(), *secret.splitlines()} - {""}


def _parts(piece: str) -> Iterator[str]:
    """Yield the alphanumeric parts, which no way of quoting changes, except plain words."""
    if not _SAME_EVERYWHERE.match(piece):
        parts = _ALPHANUMERIC.findall(piece)
        yield from (part for part in parts if len(part) >= SHORTEST_WORD or not _WORD.match(part))


def _spellings(text: str) -> set[str]:
    """Return every spelling in which a text may appear in the output: as this program's writers quote it, in URLs, in
    base64, and as services quote it.

    Case-folded, like the texts that are searched: that covers ``%2F`` and ``%2f``, and values that a resolver or a
    database turned into lower case.
    """
    octets = text.encode("utf-8", "surrogatepass")
    spellings = {text, *_base64(octets)}
    if not _SAME_EVERYWHERE.match(text):
        from provisioner.report.escaping import ENCODERS

        spellings |= {quote(octets, safe=""), quote(octets), quote_plus(octets), *(write(text) for write in ENCODERS)}
        spellings |= {repr(text)[1:-1], ascii(text)[1:-1]}  # as a service written in Python quotes it
    if not text.isascii():  # folding does not undo every upper(): a dotless i becomes I, which folds to i
        spellings |= {spelling.upper() for spelling in spellings}
    return {spelling.casefold() for spelling in spellings}


def _base64(octets: bytes) -> Iterator[str]:
    """Yield the base64 forms in both alphabets. Inside a longer value the bytes may begin at any of three offsets;
    characters that depend on the neighbouring bytes are cut off."""
    for shift in range(3):
        first, last = -(-shift * 8 // 6), (shift + len(octets)) * 8 // 6
        encoded = base64.b64encode(bytes(shift) + octets)[first:last].decode()
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")


def _encodable(text: str) -> str:
    """Return the text with lone surrogates as ``?``, in secrets and texts alike: the automaton takes only UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
