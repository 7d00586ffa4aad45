"""The sensitive values of a run, and the answer to one question: does this text hold one of them?

Behind the origin types of ``sensitive``, from which everything shown is built, this finds what should not have
happened. It never masks: half-masked texts give values away, and a value that is a common word would mangle the rest.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from provisioner.errors import Leak
from provisioner.sensitive import Sensitive
from provisioner.wall.forms import forms, pieces
from provisioner.wall.matcher import SHORTEST, Matcher

SHORTEST_WITHHELD = 4
"""Characters of a value for which a text that is not ours is withheld; shorter ones occur in anything."""


class Wall:
    """Everything that a run writes is held against its sensitive values. For any number of threads.

    Built when the first text is held against it: a run without secrets does not wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[str, str] = {}
        """Each piece of a watched value, and the value's origin."""
        self._pending: list[str] = []
        self._plain: list[str] = []
        self._matchers: list[Matcher[str]] = []
        self._exempt: set[str] = set()
        self._private: Wall | None = None

    def watch(self, secrets: Iterable[Sensitive], plain: Iterable[str] = (), private: Iterable[Sensitive] = ()) -> None:
        """Let none of ``secrets`` pass from now on. ``plain`` are texts that anybody may read, such as definitions:
        a line that stands in one of them is no secret any more, and cannot be told from the words. What is ``private``
        may pass, but ``repeats`` knows it: it may be a word that our own texts need, such as ``localhost``."""
        others = tuple(private)
        with self._lock:
            for one in secrets:
                for piece in pieces(one.reveal()):
                    if piece not in self._watched:
                        self._watched[piece] = one.origin
                        self._pending.append(piece)
            self._plain.extend(plain)
            if others and self._private is None:
                self._private = Wall()
        if others and self._private:
            self._private.watch(others)

    def check(self, text: str) -> None:
        """Raises ``Leak`` for a text that holds a watched value in any of its forms."""
        origins = sorted({self._watched[piece] for piece in self._found(text.casefold())})
        if origins:
            raise Leak(origins)

    def repeats(self, text: str) -> bool:
        """Whether a text that is not ours holds a watched value: also a short one or a common word, if it stands
        alone."""
        folded = text.casefold()
        if next(self._found(folded), None) is not None:
            return True
        with self._lock:
            others = [piece for piece in self._watched if len(piece) < SHORTEST or piece in self._exempt]
        if any(_stands_alone(piece.casefold(), folded) for piece in others if len(piece) >= SHORTEST_WITHHELD):
            return True
        return self._private is not None and self._private.repeats(text)

    def lets_pass(self, content: str) -> bool:
        """Whether ``check`` cannot look for a value: it is too short, or a word that anybody may write."""
        self._build()
        return len(content.strip()) < SHORTEST or content.strip() in self._exempt

    def _found(self, folded: str) -> Iterator[str]:
        self._build()
        for matcher in self._matchers:
            yield from (piece for piece in matcher.find(folded) if piece not in self._exempt)

    def _build(self) -> None:
        with self._lock:
            if self._pending:
                long = [piece for piece in self._pending if len(piece) >= SHORTEST]
                strings = {form: piece for piece in long for form in forms(piece) if len(form) >= SHORTEST}
                fresh = [Matcher(strings)] if strings else []
                self._exempt.update(_occurring(fresh, _own_words()))
                self._matchers += fresh
                self._pending.clear()
            if self._plain and self._matchers:
                self._exempt.update(_occurring(self._matchers, map(str.casefold, self._plain)))
                self._plain.clear()


def _occurring(matchers: Iterable[Matcher[str]], texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for matcher in matchers:
            yield from matcher.find(text)


def _stands_alone(word: str, text: str) -> bool:
    return word in text and bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text))


@cache
def _own_words() -> tuple[str, ...]:
    """What this tool itself may say: its source, which holds every message."""
    package = Path(__file__).resolve().parent.parent
    return tuple(path.read_text("utf-8").casefold() for path in sorted(package.rglob("*.py")))
