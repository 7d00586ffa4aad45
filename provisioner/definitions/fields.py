"""The leaves of a definition that templates may fill: find them, and check what they may read.

A connection string in text form is taken apart here, so that each of its parts is a leaf like any other: a secret that
holds ``;`` cannot end its value, and reviewers see which part changes.

A document x the texts of its leaves -> the data that the schema judges. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from provisioner import json_schema
from provisioner.definitions import connection_string, schema, templates
from provisioner.definitions.hints import closest
from provisioner.definitions.loader import Document, Path, Position, as_text
from provisioner.definitions.project import NEVER_ADMITTED, Called, Project
from provisioner.definitions.templates import BadTemplate, Template
from provisioner.model import Json, Location, Problem

MAX_LEAVES = 128
"""Values of a definition. One with every documented option has fewer than 60."""

STRING_PATH: Path = ("auth", "params", "connectionString")
OPTIONS_PATH: Path = (*STRING_PATH, "options")
ALLOW_LITERAL = re.compile(r"#\s*provisioner:\s*allow\s+secret\.literal\b")
"""The comment that admits a literal secret on its line."""

_ONE_TEMPLATE = re.compile(r"\s*\{\{(?:(?!\}\}).)*\}\}\s*", re.DOTALL)


class TemplateField(NamedTuple):
    """A leaf as it is written. ``path`` is where it stands in the document, ``mark`` where in the file, and ``field``
    the property that it gives.

    Path and field differ for a part of a connection string in text form; ``keyword`` is then that part's keyword.
    """

    path: Path
    field: str
    text: str
    file: str
    mark: Position
    literal_allowed: bool
    keyword: str = ""

    @property
    def location(self) -> Location:
        return Location(self.file, *self.mark)

    @property
    def shown(self) -> str:
        return f"`{self.field}`"

    @property
    def is_whole_string(self) -> bool:
        """Whether it is a connection string in text form, and not one of its parts: one that a template gives whole."""
        return self.path == STRING_PATH and not self.keyword

    @property
    def rule_path(self) -> Path:
        """Where its rule stands: a part of a string in text form follows the rule of that part in the mapping form."""
        return tuple(self.field.split(".", 4)) if self.keyword else self.path


def fields_of(document: Document) -> tuple[list[TemplateField], list[Problem]]:
    """Return every leaf below ``name``, ``description`` and ``auth.params``, however unsound the rest of the document
    is, and what is wrong with them as such."""
    leaves: list[TemplateField] = []
    problems: list[Problem] = []
    scalars = _scalars(document)
    if len(scalars) > MAX_LEAVES:
        message = f"the definition holds {len(scalars):,} values; {MAX_LEAVES} are the most"
        return [], [
            Problem(document.key_location(()), "definition.too-large", message, "leave out options that say nothing")
        ]
    some_allowed = "secret.literal" in document.text
    for path, value in scalars:
        text = value if isinstance(value, str) else _as_text(document, path, value)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        mark = document.value_positions[path]
        allowed = some_allowed and bool(ALLOW_LITERAL.search(document.line(mark[0])))
        leaf = TemplateField(path, _field_of(path), text, document.file, mark, allowed)
        if path != STRING_PATH or _ONE_TEMPLATE.fullmatch(text):
            leaves.append(leaf)
            continue
        try:
            pairs = _pairs(leaf)
        except connection_string.Malformed as error:
            problems.append(string_problem(leaf, f"not a connection string: {error}"))
            if not isinstance(error, connection_string.Repeated):
                continue
            pairs = error.pairs
        parts, absent = _parts(leaf, pairs)
        leaves.extend(parts)
        if absent:
            problems.append(string_problem(leaf, f"not a connection string: {', '.join(absent)} missing"))
    problems.extend(_repeated_options(document, leaves))
    return leaves, problems


def _repeated_options(document: Document, leaves: Iterable[TemplateField]) -> Iterator[Problem]:
    """In the mapping form, an option that is another word for a part, or for another option."""
    seen = set(connection_string.SYNONYMS)
    for leaf in leaves:
        if leaf.path[:-1] == OPTIONS_PATH:
            part = connection_string.Pair(str(leaf.path[-1]), "").meaning
            if part in seen:
                message = f"{leaf.shown} says again what another property or option says"
                yield Problem(
                    document.key_location(leaf.path), "connection-string.repeated", message, "keep one of them"
                )
            seen.add(part)


Scalar: TypeAlias = tuple[Path, str | int]


def _scalars(document: Document) -> list[Scalar]:
    data = document.data
    found: list[Scalar] = [((name,), data[name]) for name in ("name", "description") if isinstance(data.get(name), str)]
    auth = data.get("auth")
    if isinstance(auth, dict):
        found += _below({"params": auth.get("params")}, ("auth",))
    return found


def _below(data: dict[str, Any], path: Path) -> list[Scalar]:
    found: list[Scalar] = []
    for name, value in data.items():
        if isinstance(value, str | int):
            found.append(((*path, name), value))
        elif isinstance(value, dict):
            found += _below(value, (*path, name))
    return found


def _as_text(document: Document, path: Path, value: int) -> str | Problem:
    """What is sent for what is no text: numbers and booleans go out as text, if what was written leaves no doubt."""
    text = as_text(value)
    written = document.texts.get(path, text)
    # That a secret must be text, the schema says without repeating it.
    if written == text or rules().at(path).sensitive:
        return text
    what = "`" + ".".join(map(str, path)) + "`"
    return Problem(
        document.value_location(path),
        "yaml.spelling",
        f"{what} reads as `{text}` but is written otherwise",
        f"write {text}, or quote it",
    )


@cache
def _field_of(path: Path) -> str:
    return ".".join(map(str, path))


def _pairs(leaf: TemplateField) -> tuple[connection_string.Pair, ...]:
    """Return the pairs of a connection string in text form. Raise ``Malformed``."""
    pairs = connection_string.split_template(leaf.text)
    if len(pairs) > MAX_LEAVES:
        raise connection_string.Malformed(f"it has more than {MAX_LEAVES} parts")
    return pairs


def _parts(
    leaf: TemplateField, pairs: tuple[connection_string.Pair, ...]
) -> tuple[tuple[TemplateField, ...], tuple[str, ...]]:
    """Return a connection string in text form as one leaf a part, with the keywords that are missing."""
    parts = tuple(
        leaf._replace(field=f"{leaf.field}.{pair.part}", text=pair.value, keyword=pair.keyword) for pair in pairs
    )
    return parts, connection_string.missing(pairs)


def string_problem(leaf: TemplateField, message: str) -> Problem:
    remedy = "the form is Server=...;Port=...;Database=...;UID=...;PWD={{ env('NAME') }}"
    return Problem(leaf.location, "connection-string.invalid", f"{leaf.shown} is {message}", remedy)


def is_plain(leaf: TemplateField) -> bool:
    """Return whether the value of a leaf is its text, on every target."""
    return not is_sensitive(leaf.field) and not templates.is_template(leaf.text)


def judge(leaf: TemplateField, called: Called, project: Project) -> Iterator[Problem]:
    """Yield what is wrong with a leaf that is not plain, on any target. Names are judged before any value is read."""
    rule = rules().at(leaf.rule_path)
    if not templates.is_template(leaf.text):
        if leaf.text and not leaf.literal_allowed:
            meant = _MEANT.fullmatch(leaf.text)
            name = meant[meant.lastgroup] if meant and meant.lastgroup else ""
            # Only what the project knows is surely a name, and not the secret itself.
            remedy = f"write \"{{{{ env('{name if project.knows(called, name) else 'NAME'}') }}}}\", {OR_ALLOW}"
            yield Problem(leaf.location, "secret.literal", f"{leaf.shown} is a secret in plain text", remedy)
        return
    try:
        template = templates.compile_template(leaf.text)
    except BadTemplate as error:
        yield template_problem(leaf, error)
        return
    yield from _misused(leaf, template, rule)
    refused = [name for name in template.env_names if not project.admits(called, name)]
    yield from (_not_admitted(leaf, name, project.admitted(called)) for name in refused)


@cache
def is_sensitive(field: str) -> bool:
    """Whether the schema calls the leaf that gives this property sensitive, whatever it came from."""
    return rules().at(tuple(field.split(".", 4))).sensitive


def variables_of(document: Document) -> Iterator[str]:
    """The variables of the environment that a definition names, whether it may read them or not."""
    for leaf in fields_of(document)[0] if isinstance(document.data, dict) else ():
        if templates.is_template(leaf.text):
            with suppress(BadTemplate):
                yield from templates.compile_template(leaf.text).env_names


@cache
def rules() -> schema.FieldRules:
    return schema.FieldRules(json_schema.load("connection"))


OR_ALLOW = "or, if it is no secret, `# provisioner: allow secret.literal` behind it"


def template_problem(leaf: TemplateField, error: BadTemplate) -> Problem:
    return Problem(leaf.location, error.rule, f"{leaf.shown}: {error.message}", error.remedy)


def _misused(leaf: TemplateField, template: Template, rule: schema.FieldRule) -> Iterator[Problem]:
    """Yield what a template may not do where it stands."""
    if template.env_names and not rule.may_use_env:
        remedy = "use var(); env() is for server, port, database, username, password and connection strings"
        yield Problem(leaf.location, "template.env-misplaced", f"{leaf.shown} may not use env()", remedy)
    elif rule.sensitive and not template.env_names:
        message = f"{leaf.shown} is a secret, and var() reads from the project file"
        yield Problem(leaf.location, "secret.literal", message, "use env(), or its value ends up in git")
    elif template.env_names and not template.is_sole and leaf.rule_path[-1] in ("port", STRING_PATH[-1]):
        # Its value is checked. With text of the author's beside it, or behind a filter, the outcome would tell it.
        remedy = f"write \"{{{{ env('{template.env_names[0]}') }}}}\", or templates in the parts of the text"
        yield Problem(leaf.location, "template.env-alone", f"{leaf.shown}: env() has to stand alone here", remedy)


def _not_admitted(leaf: TemplateField, name: str, patterns: tuple[str, ...]) -> Problem:
    own = any(name.startswith(pattern.rstrip("*")) for pattern in NEVER_ADMITTED)
    admitted = ", ".join(patterns) or "none"
    remedy = (
        "the tool's own credentials and settings are never readable by a template"
        if own
        else f"rename the variable, or admit it under `templates.allow_env`; admitted: {admitted}"
    )
    # Whoever confuses name and value writes the secret itself here.
    shown = name if _VARIABLE.fullmatch(name) else "a variable of this name"
    return Problem(leaf.location, "template.env-not-admitted", f"env() may not read {shown}", remedy)


_NAME = "[A-Z][A-Z0-9_]*"
_MEANT = re.compile(
    rf"\s*(?:\$?\{{\s*(?P<braces>{_NAME})\s*\}}|\$\((?P<parentheses>{_NAME})\)|\$(?P<dollar>{_NAME})|%(?P<percent>{_NAME})%"
    rf"|\$?\{{?\s*env[.(:]\s*['\"]?(?P<env>{_NAME})['\"]?\)?\s*\}}?|(?P<bare>{_NAME}))\s*"
)
"""How a variable is written elsewhere: in shells, pipelines and other tools."""

_VARIABLE = re.compile(_NAME)


STAND_IN = "{{ }}"
"""What every rule of the schema takes for a template, in the place of a leaf with a problem of its own."""


def with_values(document: Document, values: Iterable[tuple[TemplateField, str]]) -> Json:
    """Return the document with the texts of leaves that are to be judged.

    A connection string becomes the mapping of its parts, so that the same rules hold for them in every form.
    """
    copies: dict[Path, Any] = {(): dict(document.data)}
    for leaf, text in values:
        if leaf.is_whole_string and text != leaf.text:
            _copied(copies, STRING_PATH[:-1])[STRING_PATH[-1]] = _mapping(text)
        elif leaf.keyword or text != leaf.text:
            *above, last = leaf.rule_path
            holder = _copied(copies, tuple(above))
            if isinstance(holder.get(last, ""), str):
                holder[last] = text
    data: Json = copies[()]
    return data


def _mapping(text: str) -> Json | str:
    """Return the parts of a connection string as the mapping form has them; the text where it is none."""
    try:
        pairs = connection_string.split(text)
    except connection_string.Malformed:
        return text
    parts: Json = {pair.part: pair.value for pair in pairs if not pair.part.startswith("options.")}
    options = {pair.keyword: pair.value for pair in pairs if pair.part.startswith("options.")}
    return {**parts, "options": options} if options else parts


def _copied(copies: dict[Path, Any], path: Path) -> Any:
    """Return the mapping at a path, as a copy that is in the copy of what holds it: what nobody writes to is not
    copied. Of a connection string in text form, a part that is missing is said elsewhere."""
    if path not in copies:
        outer = _copied(copies, path[:-1])
        inner = outer.get(path[-1])
        missing = dict.fromkeys(connection_string.REQUIRED, STAND_IN) if path == STRING_PATH else {}
        copies[path] = outer[path[-1]] = dict(inner) if isinstance(inner, dict) else missing
    return copies[path]


_SPECS = ("Basic Authentication", "Connection String Based Authentication")


def with_likely_spec(data: Json) -> Json:
    """Return the data with the authentication specification that is meant, where it is missing or unknown, so that its
    parameters are judged too; the data itself where it is said, or nothing tells."""
    auth = data.get("auth")
    if not isinstance(auth, dict) or auth.get("specName") in _SPECS or not isinstance(auth.get("params"), dict):
        return data
    written = auth.get("specName")
    close = closest(written, _SPECS) if isinstance(written, str) else ""
    return {**data, "auth": {**auth, "specName": close or _SPECS["connectionString" in auth["params"]]}}
