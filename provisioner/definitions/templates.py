"""String leaves with ``{{ ... }}``: compile, render, know what came from ``env()``.

The only module that imports jinja2. Definitions arrive by pull request, so a template is untrusted. What it may hold is
a list: text, ``env('NAME')``, ``var('name')``, string constants, ``~`` and the filters below, whose output is bounded.
Everything else that Jinja knows (attributes, loops, arithmetic, tests, macros) is refused before anything is evaluated.
Jinja's sandbox stands behind that list all the same.

A leaf that calls ``env()`` is sensitive as a whole: filters and concatenation need not be followed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from provisioner.sensitive import Sensitive, Symbolic, Value

MAX_SOURCE = 16 * 1024
"""Characters of a template. Connection strings with every option set stay below one eighth of this."""

MAX_OUTPUT = 64 * 1024
MAX_NODES = 200


class BadTemplate(ValueError):
    """The template cannot be used. ``rule`` is the problem's rule id."""

    def __init__(self, rule: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled leaf: its source, the names that it reads, and how to evaluate it."""

    source: str
    env_names: tuple[str, ...]
    var_names: tuple[str, ...]
    evaluate: Callable[[Mapping[str, str], Mapping[str, str]], str]

    @property
    def origin(self) -> str:
        """What a reader may see of a value made by this template, such as ``env(MYSQL_ORDERS_PASSWORD)``."""
        # Never the source: text that stands beside env() may be a part of the secret.
        names = ", ".join(f"env({name})" for name in self.env_names)
        return names if _SOLE.fullmatch(self.source) else f"template of {names}"


def is_template(text: str) -> bool:
    """Whether a string leaf is one at all."""
    return any(mark in text for mark in ("{{", "}}", "{%"))


def render(template: Template, variables: Mapping[str, str], environment: Mapping[str, str]) -> Value:
    """The leaf's value. ``Symbolic`` when a variable of the environment that it reads is unset or empty.

    Every name of ``template.var_names`` must be in ``variables``. Raises ``BadTemplate`` when the result is too large;
    the message holds no value.
    """
    names = template.env_names
    if any(not environment.get(name) for name in names):
        return Symbolic(template.origin, names)
    for name in names:
        _check_encoding(name, environment[name])
    text = template.evaluate(variables, environment)
    return Sensitive(text, template.origin, names) if names else text


def _check_encoding(name: str, value: str) -> None:
    """Bytes that are not UTF-8 cannot stand in JSON, so they would not arrive as they are."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise BadTemplate("secret.encoding", f"{name} is not UTF-8", "set the variable to UTF-8 text") from None


_SOLE = re.compile(r"\{\{\s*(env|var)\(\s*(['\"])([^'\"\\{}]+)\2\s*\)\s*\}\}")
"""A leaf that is exactly one call. It needs no Jinja: most leaves are, and compiling costs 50 times more."""


@cache
def compile_leaf(source: str) -> Template:
    """Compile one leaf. Raises ``BadTemplate``."""
    sole = _SOLE.fullmatch(source)
    if sole:
        return _sole_call(source, sole[1], sole[3])
    return _compile_with_jinja(source)


def _sole_call(source: str, function: str, name: str) -> Template:
    if function == "env":
        return Template(source, (name,), (), lambda _, environment: environment[name])
    return Template(source, (), (name,), lambda variables, _: variables[name])


def _compile_with_jinja(source: str) -> Template:
    import jinja2

    if len(source) > MAX_SOURCE:
        message = f"the template is longer than {MAX_SOURCE:,} characters"
        raise BadTemplate("template.too-large", message, "shorten it")
    if "{%" in source:
        raise BadTemplate("template.statement", "`{% %}` statements are not available", "use env(), var() and filters")
    try:
        tree = _jinja().parse(source)
    except jinja2.TemplateSyntaxError as error:
        # What was found instead is not repeated: it may be a secret that lacks its quotes.
        message = f"the template cannot be read: {str(error.message).partition(', got ')[0].rstrip('.')}"
        raise BadTemplate("template.syntax", message, "check the text between {{ and }}") from None
    except RecursionError:
        raise BadTemplate("template.syntax", "the template is nested too deeply", "simplify it") from None
    calls = _Calls()
    _admit(tree, calls)
    return Template(source, tuple(sorted(calls.env)), tuple(sorted(calls.var)), _evaluator(source))


def _evaluator(source: str) -> Callable[[Mapping[str, str], Mapping[str, str]], str]:
    template = _jinja().from_string(source)

    def evaluate(variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
        try:
            return _bounded(template.render(env=environment.__getitem__, var=variables.__getitem__))
        except BadTemplate:
            raise
        except Exception:
            # Whatever Jinja raises may quote the value it worked on, so nothing of it is passed on, not even as cause.
            raise BadTemplate(
                "template.failed", "the template cannot be rendered", "check the filters and their arguments"
            ) from None

    return evaluate


@cache
def _jinja() -> Any:
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        # Comments and line statements would let text disappear; nothing can match these.
        comment_start_string="\0{#",
        comment_end_string="#}\0",
    )
    environment.filters = dict(_FILTERS)
    environment.globals = {}
    return environment


class _Calls:
    """The names that a template reads."""

    def __init__(self) -> None:
        self.env: set[str] = set()
        self.var: set[str] = set()
        self.nodes = 0


def _admit(node: Any, calls: _Calls) -> None:
    """Walk the parsed template and refuse what is not on the list."""
    from jinja2 import nodes

    calls.nodes += 1
    if calls.nodes > MAX_NODES:
        raise BadTemplate("template.too-large", "the template has too many parts", "simplify it")
    if isinstance(node, nodes.Call):
        _admit_call(node, calls)
        return
    if isinstance(node, nodes.Filter):
        _admit_filter(node)
    elif isinstance(node, nodes.Const):
        _admit_constant(node)
    elif isinstance(node, nodes.Name):
        remedy = "write env('NAME'), var('name'), or text in quotes"
        raise BadTemplate("template.name", "a word without quotes has no meaning", remedy)
    elif isinstance(node, nodes.TemplateData) and "}}" in node.data:
        raise BadTemplate("template.syntax", "`}}` closes nothing", "open the template with {{, or remove the }}")
    elif not isinstance(node, nodes.Template | nodes.Output | nodes.TemplateData | nodes.Concat):
        message = f"`{type(node).__name__.lower()}` expressions are not available"
        raise BadTemplate("template.expression", message, "use env(), var(), text, `~` and filters")
    for child in node.iter_child_nodes():
        _admit(child, calls)


_FUNCTIONS = ("env", "var")


def _admit_call(node: Any, calls: _Calls) -> None:
    from jinja2 import nodes

    if not isinstance(node.node, nodes.Name):
        raise BadTemplate("template.expression", "methods are not available", "use env(), var() and filters")
    if node.node.name not in _FUNCTIONS:
        name = node.node.name
        close = difflib.get_close_matches(name, _FUNCTIONS, n=1)
        remedy = f"did you mean {close[0]}()?" if close else "the functions are env('NAME') and var('name')"
        raise BadTemplate("template.unknown-function", f"there is no function `{name}`", remedy)
    plain = len(node.args) == 1 and not node.kwargs and not node.dyn_args and not node.dyn_kwargs
    if not plain or not isinstance(node.args[0], nodes.Const) or not _is_name(node.args[0].value):
        raise BadTemplate(
            "template.argument", f"{node.node.name}() takes one name in quotes", f"write {node.node.name}('NAME')"
        )
    getattr(calls, node.node.name).add(node.args[0].value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _admit_filter(node: Any) -> None:
    if node.name not in _FILTERS:
        close = difflib.get_close_matches(node.name, _FILTERS, n=1)
        remedy = f"did you mean `{close[0]}`?" if close else f"the filters are: {', '.join(_FILTERS)}"
        raise BadTemplate("template.unknown-filter", f"there is no filter `{node.name}`", remedy)
    count = 2 if node.name == "replace" else 0
    if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) != count:
        takes = "two texts: replace('old', 'new')" if count else "no argument"
        raise BadTemplate("template.argument", f"the filter `{node.name}` takes {takes}", "correct its arguments")


def _admit_constant(node: Any) -> None:
    if not isinstance(node.value, str):
        raise BadTemplate("template.expression", "only text can be a constant", "put it in quotes")


def _bounded(text: str) -> str:
    if len(text) > MAX_OUTPUT:
        raise BadTemplate(
            "template.too-large", f"the template renders to more than {MAX_OUTPUT:,} characters", "shorten it"
        )
    return text


def _replace(text: str, old: str, new: str) -> str:
    growth = text.count(old) * (len(new) - len(old))
    if len(text) + growth > MAX_OUTPUT:
        raise BadTemplate(
            "template.too-large", f"the template renders to more than {MAX_OUTPUT:,} characters", "shorten it"
        )
    return text.replace(old, new)


_FILTERS: dict[str, Callable[..., str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "replace": _replace,
    "urlencode": lambda text: _bounded(quote(text, safe="")),
}
"""Our own and few: each has output of bounded size, and none can fail with a message that quotes its input."""
