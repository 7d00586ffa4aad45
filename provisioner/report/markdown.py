"""Text from outside in Markdown, where nothing of it may work as markup."""

from __future__ import annotations

import re

from provisioner.report.style import safe


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


def plain(text: str) -> str:
    """A sentence that may quote from outside, with nothing in it taken for markup; our own code spans stay."""
    parts = re.split(r"(`[^`]+`)", safe(text))
    return "".join(part if index % 2 else _MARKUP.sub(r"\\\1", part) for index, part in enumerate(parts))
