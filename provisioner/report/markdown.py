"""Text from outside in Markdown, where nothing of it may work as markup."""

from __future__ import annotations

import re

from provisioner.report.terminal import safe


def longest_ticks(text: str) -> int:
    """How many backticks stand in a row: a fence needs one more."""
    return max(map(len, re.findall("`+", text)), default=0)


def code(text: str) -> str:
    """Text from outside as a code span: no markup, no HTML and no mention of anybody works in it."""
    shown = safe(text)
    fence = "`" * (1 + longest_ticks(shown))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@&])")
_WORDS = re.compile(r"([.,;:?!)]*(?:\s+|`|\Z))")
_LINK = re.compile(
    r"""[@#!~%$&^](?=[\w"'<{\[])|://|www\.|mailto:|xmpp:|\bG[HL]-\d|\b(?=[a-f]*\d)[0-9a-f]{7,40}\b""", re.IGNORECASE
)
"""Of which some platform makes a link or a mention: people, teams, issues, requests, labels, commits, addresses."""


def plain(text: str) -> str:
    """A sentence that may quote from outside, with nothing in it taken for markup; our own code spans stay. What would
    become a link or a mention stands in a code span, since platforms look for these after markup and escapes."""
    parts = re.split(r"(`[^`]+`)", safe(text))
    return "".join(part if index % 2 else _plain(part) for index, part in enumerate(parts))


def _plain(text: str) -> str:
    return "".join(code(word) if _LINK.search(word) else _escaped(word) for word in _WORDS.split(text))


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
