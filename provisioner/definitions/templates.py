"""String leaves with ``{{ ... }}``: compile, render, know what came from ``env()``.

The only module that imports jinja2. Definitions arrive by pull request, so a template is untrusted. What it may hold is
a list: text, ``env('NAME')``, ``var('name')``, string constants, ``~`` and the filters below. All else that Jinja knows
(attributes, loops, arithmetic, tests, macros) is refused before anything is evaluated. Jinja's sandbox stands behind
that list all the same.

A leaf that calls ``env()`` is sensitive as a whole: filters and concatenation need not be followed. Whether a template
is refused never depends on what a variable of the environment holds: the author of a definition, who may not know it,
would find it out by trying. For the same reason only some filters work on ``env()``.

A compiled template: what it reads, what it gives, and what of that a reader may see. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote

from provisioner.definitions.hints import closest, suggestion
from provisioner.definitions.syntax import REMEDY, find_strange
from provisioner.secrets import Sensitive, Symbolic, Value
from provisioner.text import TYPOGRAPHIC_QUOTE

MAX_SOURCE = 16 * 1024
"""Characters of a template. Connection strings with every option set stay below one eighth of this."""

MAX_OUTPUT = 512 * 1024
"""Characters that a template may render to if every variable in it is as long as it may be."""

MAX_FILTERS = 8
"""Filters in a template. Jinja takes ever longer for each."""

MAX_NODES = 60
"""Parts of a template. Text, four variables and a filter on each are below 30."""


def is_template(text: str) -> bool:
    """Whether a string leaf is one at all."""
    return "{{" in text or "}}" in text or "{%" in text


def compile_leaf(source: str) -> Template:
    """Compile one leaf. Raises ``BadTemplate``."""
    bare = SOLE.fullmatch(source)
    if bare and len(source) <= MAX_SOURCE:
        return _bare_call(source, bare[1], bare[3])
    return _compile(source)


@lru_cache(1000)
def _compile(source: str) -> Template:
    return _plain_calls(source) or _compile_with_jinja(source)


def _bare_call(source: str, function: str, name: str) -> Template:
    """A leaf that is one call."""
    if function == "env":
        return Template(source, (name,), (), lambda _, environment: environment[name], is_bare=True)
    return Template(source, (), (name,), lambda variables, _: variables[name], is_bare=True)


_MOST_PLAIN = 8
"""Calls of a leaf that is read without Jinja; far from each of the limits above."""


def _plain_calls(source: str) -> Template | None:
    """A leaf that is nothing but text and calls of ``env()`` and ``var()``, as nearly all are: to read it needs no
    Jinja, which would take 50 times as long. None for any other."""
    parts = SOLE.split(source)
    texts, calls = parts[::4], list(zip(parts[1::4], parts[3::4], strict=True))
    if not 0 < len(calls) <= _MOST_PLAIN or len(source) > MAX_SOURCE or any(map(_means_more, texts)):
        return None

    def evaluate(variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
        return SOLE.sub(lambda call: (environment if call[1] == "env" else variables)[call[3]], source)

    env = sorted({name for function, name in calls if function == "env"})
    var = sorted({name for function, name in calls if function == "var"})
    return Template(source, tuple(env), tuple(var), evaluate)


def _means_more(text: str) -> bool:
    """Whether a text beside calls is not just text to Jinja: ``{{{`` opens a mapping, and ``\\r`` is a line break."""
    return is_template(text) or text.endswith("{") or "\r" in text


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
        if TYPOGRAPHIC_QUOTE.search(source):
            raise BadTemplate(
                "template.syntax", "typographic quotes stand in the template", "write ' instead"
            ) from None
        message = f"the template cannot be read: {str(error.message).partition(', got ')[0].rstrip('.')}"
        raise BadTemplate("template.syntax", message, "check the text between {{ and }}") from None
    except ValueError:  # more digits than Python reads
        raise BadTemplate("template.expression", _ONLY_TEXT, "put it in quotes") from None
    except RecursionError:
        raise BadTemplate("template.syntax", "the template is nested too deeply", "simplify it") from None
    calls = _Calls()
    _admit(tree, calls)
    filters = list(tree.find_all(jinja2.nodes.Filter))
    _admit_filters(filters)
    if _longest(tree) > MAX_OUTPUT:
        message = f"the template could render to more than {MAX_OUTPUT:,} characters"
        raise BadTemplate("template.too-large", message, "use fewer variables and filters in one place")
    return Template(
        source,
        tuple(sorted(calls.env)),
        tuple(sorted(calls.var)),
        _evaluator(source),
        tuple(one.name for one in filters),
    )


def _evaluator(source: str) -> Callable[[Mapping[str, str], Mapping[str, str]], str]:
    template = _jinja().from_string(source)

    def evaluate(variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
        try:
            return str(template.render(env=environment.__getitem__, var=variables.__getitem__))
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
    environment.filters = {name: known.apply for name, known in _FILTERS.items()}
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
        what = _WRITTEN.get(type(node).__name__, "this kind of expression")
        raise BadTemplate("template.expression", f"{what} is not available", _remedy(node))
    for child in node.iter_child_nodes():
        _admit(child, calls)


_FUNCTIONS = ("env", "var")
_ELSEWHERE = ("secrets", "vars", "env", "github", "inputs", "variables", "parameters")
"""What expressions of pipelines begin with: ``${{ secrets.NAME }}``."""
_VARS_ELSEWHERE = ("vars", "var", "variables", "parameters", "params", "local", "locals", "values")
"""The same where a name in lower case is a setting, as in Terraform and in Azure's pipelines."""


_MEANT = {
    **dict.fromkeys(("env_var", "getenv", "environ", "secret", "lookup", "get_env", "envvar"), "env"),
    **dict.fromkeys(("vars", "variable", "parameter", "param"), "var"),
}
"""Functions of dbt, Ansible and others -> ours that does the same."""


def _admit_call(node: Any, calls: _Calls) -> None:
    from jinja2 import nodes

    if not isinstance(node.node, nodes.Name):
        raise BadTemplate("template.expression", "methods are not available", "use env(), var() and filters")
    if node.node.name not in _FUNCTIONS:
        name = node.node.name
        close = _MEANT.get(name) or closest(name, _FUNCTIONS)
        remedy = f"did you mean {close}()?" if close else "the functions are env('NAME') and var('name')"
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
    from jinja2 import nodes

    if node.name not in _FILTERS:
        remedy = suggestion(node.name, _FILTERS, f"the filters are: {', '.join(_FILTERS)}")
        raise BadTemplate("template.unknown-filter", f"there is no filter `{node.name}`", remedy)
    known = _FILTERS[node.name]
    plain = node.node is not None and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
    texts = all(isinstance(one, nodes.Const) and isinstance(one.value, str) for one in node.args)
    if not plain or not texts or len(node.args) != known.arguments or any(one.value == "" for one in node.args[:1]):
        takes = "two texts: replace('old', 'new')" if known.arguments else "no argument"
        raise BadTemplate("template.argument", f"the filter `{node.name}` takes {takes}", "correct its arguments")


def _admit_filters(filters: list[Any]) -> None:
    """What is to be said of all filters together, once the template is known to be small."""
    from jinja2 import nodes

    if len(filters) > MAX_FILTERS:
        raise BadTemplate("template.too-large", f"the template has more than {MAX_FILTERS} filters", "simplify it")
    for one in filters:
        if not _FILTERS[one.name].blind and any(call.node.name == "env" for call in one.find_all(nodes.Call)):
            blind = " and ".join(f"`{name}`" for name, known in _FILTERS.items() if known.blind)
            message = f"`{one.name}` does not work on env(): its result would tell what the variable holds"
            remedy = f"set the variable to what is wanted; {blind} are available"
            raise BadTemplate("template.filter-on-env", message, remedy)


def _admit_constant(node: Any) -> None:
    if not isinstance(node.value, str):
        raise BadTemplate("template.expression", _ONLY_TEXT, "put it in quotes")
    strange = find_strange(node.value)  # which an escape makes, such as '\\u202e': in the file it is not there
    if strange:
        raise BadTemplate("template.character", f"the template makes {strange.name}", REMEDY)


_WRITTEN = {
    **dict.fromkeys(("Getattr", "NSRef"), "`.`"),
    **dict.fromkeys(("Getitem", "Slice", "List"), "`[ ]`"),
    "Dict": "`{ }`",
    "Tuple": "`,`",
    "Test": "`is`",
    "CondExpr": "`if`",
    "Compare": "a comparison",
    "Not": "`not`",
    "And": "`and`",
    "Or": "`or`",
    "Add": "`+`",
    "Sub": "`-`",
    "Mul": "`*`",
    "Div": "`/`",
    "FloorDiv": "`//`",
    "Mod": "`%`",
    "Pow": "`**`",
    "Neg": "`-`",
    "Pos": "`+`",
}
"""How what Jinja parsed looks in the file."""


def _remedy(node: Any) -> str:
    from jinja2 import nodes

    begun = node.node.name if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) else ""
    if begun in _VARS_ELSEWHERE and not node.attr.isupper():
        return f"write var('{node.attr}')"
    if begun in _ELSEWHERE:
        name = node.attr if node.attr.isupper() else "NAME"
        return f"write \"{{{{ env('{name}') }}}}\" and nothing around it, and set that variable in the pipeline"
    if isinstance(node, nodes.Add):
        return "join texts by `~`"
    holder = node.node if isinstance(node, nodes.Getattr | nodes.Getitem) else None
    if isinstance(holder, nodes.Name) and holder.name in _FUNCTIONS:
        return f"write {holder.name}('NAME')"
    return "use env('NAME'), var('name'), text, `~` and filters"


_ONLY_TEXT = "only text can be a constant"


def _longest(node: Any) -> int:
    """Characters that a node renders to at most, whatever the values hold: a limit that depended on them would tell."""
    from jinja2 import nodes

    if isinstance(node, nodes.Const):
        return len(node.value)
    if isinstance(node, nodes.TemplateData):
        return len(node.data)
    if isinstance(node, nodes.Call):
        return MAX_READ
    if isinstance(node, nodes.Filter):
        return _longest(node.node) * _FILTERS[node.name].growth(*(str(argument.as_const()) for argument in node.args))
    return sum(map(_longest, node.iter_child_nodes()))


@dataclass(frozen=True, slots=True)
class _Filter:
    """``growth`` says how many times as long its output is at most; ``blind``, that the output holds what the input
    holds, so that nobody learns anything about a secret by it."""

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
"""Our own and few: none can fail with a message that quotes its input."""


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
