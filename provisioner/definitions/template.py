"""A compiled template: what it reads, what it gives, and what of that a reader may see. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provisioner.secrets import Sensitive, Symbolic, Value

MAX_READ = 16 * 1024
"""Characters of a variable."""

SOLE = re.compile(r"\{\{\s*(env|var)\(\s*(['\"])([^'\"\\{}]+)\2\s*\)\s*\}\}")
"""A leaf that is exactly one call. It needs no Jinja: most leaves are, and compiling costs 50 times more."""


class BadTemplate(ValueError):
    """The template cannot be used. ``rule`` is the problem's rule id."""

    def __init__(self, rule: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled leaf: its source, the names that it reads, the filters in it, and how to evaluate it."""

    source: str
    env_names: tuple[str, ...]
    var_names: tuple[str, ...]
    evaluate: Callable[[Mapping[str, str], Mapping[str, str]], str]
    filters: tuple[str, ...] = ()
    is_bare: bool = False
    """Whether it is one call and nothing else, not even white space around it."""

    def origin(self, variables: Mapping[str, str], readable: bool) -> str:
        """What a reader may see of a value made by this template: ``env(MYSQL_ORDERS_PASSWORD)``.

        Where the leaf is ``readable``, the text around it as well, ``env(MYSQL_HOST).example.com``. Elsewhere that text
        may be a part of a secret, so it only leaves a mark, by which it is seen to change.
        """
        names = ", ".join(map(_called, self.env_names))
        if self.is_bare:
            return names
        text = self.evaluate(variables, {name: _called(name) for name in self.env_names})
        said = text if readable else f"template of {names}"
        by = f" by {', '.join(self.filters)}" if self.filters else ""
        return f"{said}{by}" if readable or not self.text_beside(variables) else f"{said}{by} {mark_of(text)}"

    def text_beside(self, variables: Mapping[str, str]) -> str:
        """What is there without the variables of the environment."""
        return self.evaluate(variables, dict.fromkeys(self.env_names, "")).strip()

    def is_padded(self, variables: Mapping[str, str]) -> bool:
        """Return whether white space of the file's own stands before or behind all that it gives."""
        text = self.evaluate(variables, dict.fromkeys(self.env_names, "x"))
        return text != text.strip()

    @property
    def is_sole(self) -> bool:
        """Whether it gives a variable as it is."""
        return self.is_bare or bool(SOLE.fullmatch(self.source.strip()))


def _called(name: str) -> str:
    return f"env({name})"


def mark_of(text: str) -> str:
    """By which it is seen that a text is another one, and not what it is."""
    import hashlib

    return f"#{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def render(
    template: Template, variables: Mapping[str, str], environment: Mapping[str, str], readable: bool = False
) -> Value:
    """The leaf's value. ``Symbolic`` when a variable of the environment that it reads is unset or empty. ``readable``:
    the text around these variables may be shown.

    Every name of ``template.var_names`` must be in ``variables``. Raises ``BadTemplate`` for a value that is too long
    or not UTF-8; the message holds no value.
    """
    names = template.env_names
    if not all(map(environment.get, names)):
        return Symbolic(template.origin(variables, readable), names)
    for name in names:
        _check_read(name, environment[name])
    for name in template.var_names:
        _check_read(name, variables[name])
    text = template.evaluate(variables, environment)
    return Sensitive(text, template.origin(variables, readable), names) if names else text


def _check_read(name: str, value: str) -> None:
    """Bytes that are not UTF-8 cannot stand in JSON, so they would not arrive as they are."""
    if len(value) > MAX_READ:
        message = f"{name} is longer than {MAX_READ:,} characters"
        raise BadTemplate("template.too-large", message, "set it to what the service wants")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise BadTemplate("secret.encoding", f"{name} is not UTF-8", "set the variable to UTF-8 text") from None
