"""What a scalar means by the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/, section 10.3.2). Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL_HEX = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_STARTS = frozenset({"", *"~nNtTfF+-.0123456789"})
"""How everything begins that is no string: what begins otherwise needs no second look."""
_LONGEST_NUMBER = 40
"""Digits beyond this are text: no property is such a number, and converting them costs time without bound."""


@lru_cache(1000)
def is_text(key: str) -> bool:
    """Whether a plain scalar is a string."""
    return isinstance(resolve(key), str)


def resolve(text: str) -> Any:
    """What a plain scalar means."""
    if text[:1] not in _STARTS or len(text) > _LONGEST_NUMBER:
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.match(text):
        return int(text)
    if _OCTAL_HEX.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    if _SPECIAL.match(text):
        return float(text.lower().replace(".", ""))
    return text


def as_text(value: str | int) -> str:
    """The canonical text of a scalar: what is sent for a number or a boolean."""
    return str(value).lower() if isinstance(value, bool) else str(value)
