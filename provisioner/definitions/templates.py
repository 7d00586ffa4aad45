"""Template fields: compile and render strings that contain ``{{ ... }}``, and track which of them read ``env()``.

No other module of this package imports jinja2. Definitions arrive by pull request, so templates are untrusted. The
accepted syntax is an allow list: text, ``env('NAME')``, ``var('name')``, string constants, ``~`` and the filters of
``_FILTERS``. All other Jinja syntax (attributes, loops, arithmetic, tests, macros) is refused before anything is
evaluated; Jinja's sandbox is the second line of defence.

A template that calls ``env()`` is sensitive as a whole, so filters and concatenation need not be tracked. Whether a
template is refused never depends on the content of an environment variable: the author of a definition may not know
that content, and could otherwise find it out by trial. For the same reason only some filters accept ``env()``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote

from provisioner.definitions.names import is_variable
from provisioner.definitions.suggestions import closest, suggestion
from provisioner.definitions.yaml_problems import INVISIBLE_REMEDY, find_invisible
from provisioner.secrets import Sensitive, Symbolic, Value
from provisioner.text import TYPOGRAPHIC_QUOTE

MAX_SOURCE = 16 * 1024
"""Characters of a template. Connection strings with every option set stay below one eighth of this."""

MAX_VARIABLE = 16 * 1024
"""Characters of the value of a variable."""

MAX_OUTPUT = 512 * 1024
"""Characters that a template may render to if each of its variables is as long as allowed."""

MAX_FILTERS = 8
"""Filters in a template. Jinja's compile time grows out of proportion with their number."""

MAX_NODES = 60
"""Syntax nodes of a template. Text, four variables and a filter on each are below 30."""

_MAX_CALLS_WITHOUT_JINJA = 8
"""Calls in a template that is compiled without Jinja; far from each of the limits above."""

SOLE = re.compile(r"\{\{\s*(env|var)\(\s*(['\"])([^'\"\\{}]+)\2\s*\)\s*\}\}")
"""One call and nothing else."""


class BadTemplate(ValueError):
    """A template that cannot be used. ``rule`` is the rule id of the problem."""

    def __init__(self, rule: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template: its source, the names that it reads, its filters, and a function that evaluates it.

    ``is_bare`` is true for one call and nothing else, not even white space around it.
    """

    source: str
    env_names: tuple[str, ...]
    var_names: tuple[str, ...]
    evaluate: Callable[[Mapping[str, str], Mapping[str, str]], str]
    filters: tuple[str, ...] = ()
    is_bare: bool = False

    def origin(self, variables: Mapping[str, str], readable: bool) -> str:
        """Return a description of the rendered value that may be shown, such as ``env(MYSQL_ORDERS_PASSWORD)``.

        For a ``readable`` field it includes the surrounding text, as in ``env(MYSQL_HOST).example.com``. Elsewhere that
        text may be part of a secret, so only its digest is shown, which reveals that it changed.
        """
        names = ", ".join(f"env({name})" for name in self.env_names)
        if self.is_bare:
            return names
        text = self.evaluate(variables, {name: f"env({name})" for name in self.env_names})
        description = text if readable else f"template of {names}"
        if self.filters:
            description += f" by {', '.join(self.filters)}"
        return description if readable or not self.literal_text(variables) else f"{description} {digest(text)}"

    def literal_text(self, variables: Mapping[str, str]) -> str:
        """Return the rendered text without the environment variables and without white space at its ends."""
        return self.evaluate(variables, dict.fromkeys(self.env_names, "")).strip()

    def is_padded(self, variables: Mapping[str, str]) -> bool:
        """Return whether the template itself adds white space at an end."""
        text = self.evaluate(variables, dict.fromkeys(self.env_names, "x"))
        return text != text.strip()

    @property
    def is_sole(self) -> bool:
        """Return whether the template is one call, apart from white space around it."""
        return self.is_bare or bool(SOLE.fullmatch(self.source.strip()))


def is_template(text: str) -> bool:
    return "{{" in text or "}}" in text or "{%" in text


def digest(text: str) -> str:
    """Return a short digest, which reveals that a text changed and nothing else."""
    import hashlib

    return f"#{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def render(
    template: Template, variables: Mapping[str, str], environment: Mapping[str, str], readable: bool = False
) -> Value:
    """Return the value of a template: ``Symbolic`` if an environment variable that it reads is unset or empty,
    ``Sensitive`` if it reads any, else its text. ``readable``: the text around these variables may be shown.

    Every name of ``template.var_names`` must be in ``variables``. Raise ``BadTemplate`` for a variable that is too long
    or not UTF-8; the message does not contain the value.
    """
    names = template.env_names
    if not all(map(environment.get, names)):
        return Symbolic(template.origin(variables, readable), names)
    for name in names:
        _check_variable(name, environment[name])
    for name in template.var_names:
        _check_variable(name, variables[name])
    text = template.evaluate(variables, environment)
    return Sensitive(text, template.origin(variables, readable), names) if names else text


def _check_variable(name: str, value: str) -> None:
    if len(value) > MAX_VARIABLE:
        message = f"{name} is longer than {MAX_VARIABLE:,} characters"
        raise BadTemplate("template.too-large", message, "set it to the value that the service expects")
    try:
        value.encode("utf-8")  # JSON cannot carry other bytes
    except UnicodeEncodeError:
        raise BadTemplate("secret.encoding", f"{name} is not UTF-8", "set the variable to UTF-8 text") from None


@lru_cache(1000)
def compile_template(source: str) -> Template:
    """Compile a template. Raise ``BadTemplate``."""
    return _compile_without_jinja(source) or _compile_with_jinja(source)


def _compile_without_jinja(source: str) -> Template | None:
    """Compile text with calls of ``env()`` and ``var()``, 50 times as fast as Jinja; return None for anything else."""
    parts = SOLE.split(source)
    texts, calls = parts[::4], list(zip(parts[1::4], parts[3::4], strict=True))
    if not 0 < len(calls) <= _MAX_CALLS_WITHOUT_JINJA or len(source) > MAX_SOURCE:
        return None
    # To Jinja, `{{{` opens a mapping, and `\r` is a line break.
    if any(is_template(text) or text.endswith("{") or "\r" in text for text in texts):
        return None

    def evaluate(variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
        return SOLE.sub(lambda call: (environment if call[1] == "env" else variables)[call[3]], source)

    env_names = sorted({name for function, name in calls if function == "env"})
    var_names = sorted({name for function, name in calls if function == "var"})
    is_bare = len(calls) == 1 and not any(texts)
    return Template(source, tuple(env_names), tuple(var_names), evaluate, is_bare=is_bare)


def _compile_with_jinja(source: str) -> Template:
    from jinja2 import nodes

    if len(source) > MAX_SOURCE:
        message = f"the template is longer than {MAX_SOURCE:,} characters"
        raise BadTemplate("template.too-large", message, "shorten it")
    if "{%" in source:
        raise BadTemplate("template.statement", "`{% %}` statements are not supported", "use env(), var() and filters")
    tree = _parse(source)
    for number, node in enumerate(_walk(tree), 1):
        if number > MAX_NODES:
            raise BadTemplate("template.too-large", "the template has too many parts", "simplify it")
        _check_node(node)
    filters = list(tree.find_all(nodes.Filter))
    _check_filters(filters)  # together, and only once the template is known to be small
    if _max_length(tree) > MAX_OUTPUT:
        message = f"the template could render to more than {MAX_OUTPUT:,} characters"
        raise BadTemplate("template.too-large", message, "use fewer variables and filters in one place")
    compiled = _jinja().from_string(source)

    def evaluate(variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
        try:
            return str(compiled.render(env=environment.__getitem__, var=variables.__getitem__))
        except Exception:
            # Jinja's own error may quote the value it worked on, so it is not passed on, not even as cause.
            remedy = "check the filters and their arguments"
            raise BadTemplate("template.failed", "the template cannot be rendered", remedy) from None

    calls: list[Any] = list(tree.find_all(nodes.Call))
    env_names, var_names = (
        tuple(sorted({call.args[0].value for call in calls if call.node.name == function})) for function in _FUNCTIONS
    )
    return Template(source, env_names, var_names, evaluate, tuple(node.name for node in filters))


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
    environment.filters = {name: known.apply for name, known in _FILTERS.items()}
    environment.globals = {}
    return environment


def _parse(source: str) -> Any:
    """Return Jinja's syntax tree of a template. Raise ``BadTemplate``."""
    import jinja2

    try:
        return _jinja().parse(source)
    except jinja2.TemplateSyntaxError as error:
        if TYPOGRAPHIC_QUOTE.search(source):
            message, remedy = "the template contains typographic quotes", "use ' instead"
        else:
            # The unexpected token is not repeated: it may be a secret that lacks its quotes.
            message = f"the template cannot be read: {str(error.message).partition(', got ')[0].rstrip('.')}"
            remedy = "check the text between {{ and }}"
    except ValueError:  # more digits than Python reads
        raise BadTemplate("template.expression", *_NOT_A_STRING) from None
    except RecursionError:
        message, remedy = "the template is nested too deeply", "simplify it"
    raise BadTemplate("template.syntax", message, remedy)


def _walk(node: Any) -> Any:
    """Yield a node and all below it, depth first. The content of a call is not visited: ``_check_call`` does that."""
    from jinja2 import nodes

    yield node
    if not isinstance(node, nodes.Call):
        for child in node.iter_child_nodes():
            yield from _walk(child)


def _check_node(node: Any) -> None:
    """Raise ``BadTemplate`` for a node of the syntax tree that is not on the allow list."""
    from jinja2 import nodes

    if isinstance(node, nodes.Call):
        _check_call(node)
    elif isinstance(node, nodes.Filter):
        _check_filter(node)
    elif isinstance(node, nodes.Const):
        if not isinstance(node.value, str):
            raise BadTemplate("template.expression", *_NOT_A_STRING)
        if invisible := find_invisible(node.value):  # made by an escape, such as '\\u202e': the file has none
            raise BadTemplate("template.character", f"the template produces {invisible.name}", INVISIBLE_REMEDY)
    elif isinstance(node, nodes.Name):
        remedy = "write env('NAME'), var('name'), or text in quotes"
        raise BadTemplate("template.name", "an unquoted word has no meaning", remedy)
    elif isinstance(node, nodes.TemplateData) and "}}" in node.data:
        raise BadTemplate(
            "template.syntax", "`}}` without `{{` before it", "open the template with {{, or remove the }}"
        )
    elif not isinstance(node, nodes.Template | nodes.Output | nodes.TemplateData | nodes.Concat):
        is_operation = isinstance(node, nodes.BinExpr | nodes.UnaryExpr)
        syntax = f"`{node.operator}`" if is_operation else _SYNTAX.get(type(node).__name__, "this kind of expression")
        raise BadTemplate("template.expression", f"{syntax} is not supported", _expression_remedy(node))


_NOT_A_STRING = ("a constant must be a quoted string", "put it in quotes")
"""Message and remedy."""

_SYNTAX = {
    **dict.fromkeys(("Getattr", "NSRef"), "`.`"),
    **dict.fromkeys(("Getitem", "Slice", "List"), "`[ ]`"),
    "Dict": "`{ }`",
    "Tuple": "`,`",
    "Test": "`is`",
    "CondExpr": "`if`",
    "Compare": "a comparison",
}
"""Jinja's node classes without an operator, and how a user writes them."""

_FUNCTIONS = ("env", "var")
_FOREIGN_FUNCTIONS = {
    **dict.fromkeys(("env_var", "getenv", "environ", "secret", "lookup", "get_env", "envvar"), "env"),
    **dict.fromkeys(("vars", "variable", "parameter", "param"), "var"),
}
"""Functions of dbt, Ansible and others, and ours that does the same."""

_FOREIGN_ENV = ("secrets", "vars", "env", "github", "inputs", "variables", "parameters")
"""Namespaces in the expressions of pipelines, such as ``${{ secrets.NAME }}``."""
_FOREIGN_VAR = ("vars", "var", "variables", "parameters", "params", "local", "locals", "values")
"""Namespaces where a name in lower case is a setting, as in Terraform and in Azure's pipelines."""


def _expression_remedy(node: Any) -> str:
    from jinja2 import nodes

    if isinstance(node, nodes.Add):
        return "join strings with `~`"
    holder = node.node if isinstance(node, nodes.Getattr | nodes.Getitem) else None
    namespace = holder.name if isinstance(holder, nodes.Name) else ""
    if isinstance(node, nodes.Getattr):
        if namespace in _FOREIGN_VAR and not node.attr.isupper():
            return f"write var('{node.attr}')"
        if namespace in _FOREIGN_ENV:
            name = node.attr if is_variable(node.attr) else "NAME"
            return f"write \"{{{{ env('{name}') }}}}\" and nothing around it, and set that variable in the pipeline"
    if namespace in _FUNCTIONS:
        return f"write {namespace}('NAME')"
    return "use env('NAME'), var('name'), text, `~` and filters"


def _check_call(node: Any) -> None:
    from jinja2 import nodes

    if not isinstance(node.node, nodes.Name):
        raise BadTemplate("template.expression", "methods are not supported", "use env(), var() and filters")
    name = node.node.name
    if name not in _FUNCTIONS:
        close = _FOREIGN_FUNCTIONS.get(name) or closest(name, _FUNCTIONS)
        remedy = f"did you mean {close}()?" if close else "use env('NAME') or var('name')"
        raise BadTemplate("template.unknown-function", "there is no such function", remedy)
    argument = node.args[0] if len(node.args) == 1 else None
    is_name = isinstance(argument, nodes.Const) and isinstance(argument.value, str) and argument.value != ""
    if not is_name or node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise BadTemplate("template.argument", f"{name}() takes one name in quotes", f"write {name}('NAME')")


@dataclass(frozen=True, slots=True)
class _Filter:
    """A filter. ``growth`` returns the largest ratio of output to input length, given the arguments. A ``blind`` filter
    keeps the content of its input, so that its result reveals nothing more about a secret."""

    apply: Callable[..., str]
    growth: Callable[..., int]
    blind: bool = False
    arguments: int = 0


_FILTERS = {
    "lower": _Filter(str.lower, lambda: 2),
    "upper": _Filter(str.upper, lambda: 3),
    "trim": _Filter(str.strip, lambda: 1, blind=True),
    "replace": _Filter(str.replace, lambda old, new: max(1, -(-len(new) // len(old))), arguments=2),
    "urlencode": _Filter(lambda text: quote(text, safe=""), lambda: 12, blind=True),
}
"""Own implementations in place of Jinja's: none can fail with a message that quotes its input."""


def _check_filter(node: Any) -> None:
    from jinja2 import nodes

    if node.name not in _FILTERS:
        remedy = suggestion(node.name, _FILTERS, f"use one of: {', '.join(_FILTERS)}")
        raise BadTemplate("template.unknown-filter", "there is no such filter", remedy)
    known = _FILTERS[node.name]
    has_input = node.node is not None and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
    strings = all(isinstance(argument, nodes.Const) and isinstance(argument.value, str) for argument in node.args)
    if not has_input or not strings or len(node.args) != known.arguments or (node.args and node.args[0].value == ""):
        takes = "two strings: replace('old', 'new')" if known.arguments else "no argument"
        raise BadTemplate("template.argument", f"the filter `{node.name}` takes {takes}", "correct its arguments")


def _check_filters(filters: list[Any]) -> None:
    from jinja2 import nodes

    if len(filters) > MAX_FILTERS:
        raise BadTemplate("template.too-large", f"the template has more than {MAX_FILTERS} filters", "simplify it")
    for node in filters:
        if not _FILTERS[node.name].blind and any(call.node.name == "env" for call in node.find_all(nodes.Call)):
            blind = " and ".join(f"`{name}`" for name, known in _FILTERS.items() if known.blind)
            message = f"`{node.name}` cannot be applied to env(): its result would reveal the content of the variable"
            remedy = f"set the variable to the final value; only {blind} can be applied to env()"
            raise BadTemplate("template.filter-on-env", message, remedy)


def _max_length(node: Any) -> int:
    """Return an upper bound of the rendered length, the same for all values: a limit must not reveal their length."""
    from jinja2 import nodes

    if isinstance(node, nodes.Const):
        return len(node.value)
    if isinstance(node, nodes.TemplateData):
        return len(node.data)
    if isinstance(node, nodes.Call):
        return MAX_VARIABLE
    if isinstance(node, nodes.Filter):
        growth = _FILTERS[node.name].growth(*(str(argument.as_const()) for argument in node.args))
        return _max_length(node.node) * growth
    return sum(map(_max_length, node.iter_child_nodes()))
