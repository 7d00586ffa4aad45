"""As much of the platforms' expression languages as the shipped pipelines use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"'(?:[^']|'')*'|[A-Za-z_][\w-]*(?:\.[\w-]+)*|&&|\|\||==|!=|!|[(),\[\]]|\d+|\"[^\"]*\"")
_OPERATORS = {"&&": " and ", "||": " or ", "!": " not "}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "eq": lambda a, b: str(a) == str(b),
    "ne": lambda a, b: str(a) != str(b),
    "and": lambda *args: all(args),
    "or": lambda *args: any(args),
    "not": lambda value: not value,
    "in": lambda value, *among: value in among,
    "split": lambda text, by: text.split(by),
    "replace": lambda text, old, new: text.replace(old, new),
    "contains": lambda among, value: value in among,
    "fromJSON": json.loads,
}


def evaluate(text: str, value: Callable[[str], Any], **functions: Callable[..., Any]) -> Any:
    """Return the value of an expression. ``value`` returns that of a name such as ``needs.plan.result``."""
    known = {**_FUNCTIONS, **functions}
    tokens = _TOKEN.findall(text)
    assert "".join(tokens) == re.sub(r"\s+(?=(?:[^']|'[^']*')*$)", "", text), text  # blanks in quotes count
    source = []
    for number, token in enumerate(tokens):
        following = tokens[number + 1] if number + 1 < len(tokens) else ""
        if token in _OPERATORS:
            source.append(_OPERATORS[token])
        elif re.match(r"[A-Za-z_]", token):
            is_call = following == "(" and token in known
            source.append(f"functions[{token!r}]" if is_call else f"value({token!r})")
        elif token == "[" and source and source[-1].startswith("value("):
            source.append("[")  # variables['Build.Reason']
        else:
            source.append(token)
    return eval("".join(source), {"value": value, "functions": known})


def fill_in(text: str, value: Callable[[str], Any], **functions: Callable[..., Any]) -> str:
    """Return a text with each ``${{ expression }}`` replaced by its value."""

    def one(match: re.Match[str]) -> str:
        found = evaluate(match[1], value, **functions)
        return str(found).lower() if isinstance(found, bool) else str(found)

    return re.sub(r"\$\{\{(.*?)\}\}", one, text)
