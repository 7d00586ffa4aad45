"""Template fields: the values of a definition that may hold templates. Find them, and check them for any target. Pure.

A connection string in text form is split, so that each of its parts is a field of its own: a secret that contains ``;``
cannot end its value, and reviewers see which part changes.

The texts of fields can also be put back into a document, for the schema to check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from provisioner import json_schema
from provisioner.definitions import connection_string, schema, templates
from provisioner.definitions.names import is_variable, quoted
from provisioner.definitions.project import NEVER_ADMITTED, KeyAndPath, Project
from provisioner.definitions.suggestions import closest
from provisioner.definitions.templates import BadTemplate
from provisioner.definitions.yaml_loader import Document, Position, YamlPath, as_text
from provisioner.model import Json, Location, Problem

MAX_FIELDS = 128
"""Fields of a definition. One with every documented option has fewer than 60."""

STRING_PATH: YamlPath = ("auth", "params", "connectionString")
OPTIONS_PATH: YamlPath = (*STRING_PATH, "options")
ALLOW_LITERAL = re.compile(r"#\s*provisioner:\s*allow\s+secret\.literal\b")
"""The comment that allows a literal secret on its line."""
OR_ALLOW = "or, if it is not a secret, add the comment `# provisioner: allow secret.literal`"


class TemplateField(NamedTuple):
    """A field as it is written in a definition.

    ``path`` leads to its value in the document, ``name`` is the dotted path of the property that it sets. They differ
    for a part of a connection string in text form: ``path`` is then that of the string, and ``keyword`` that of the
    part.
    """

    path: YamlPath
    name: str
    text: str
    file: str
    position: Position
    literal_allowed: bool
    keyword: str = ""

    @property
    def location(self) -> Location:
        return Location(self.file, *self.position)

    @property
    def shown_name(self) -> str:
        """Return the property as messages name it."""
        return quoted(self.rule_path)

    @property
    def is_whole_string(self) -> bool:
        """Return whether this is a connection string in text form as a whole, which is then a single template."""
        return self.path == STRING_PATH and not self.keyword

    @property
    def rule_path(self) -> YamlPath:
        """Return the path to look up annotations: for a part of a string, that of the part in the mapping form."""
        return tuple(self.name.split(".", 4)) if self.keyword else self.path


@cache
def rules() -> schema.FieldRules:
    return schema.FieldRules(json_schema.load("connection"))


@cache
def is_sensitive(name: str) -> bool:
    """Return whether the schema calls a field sensitive, wherever its value comes from."""
    return rules().at(tuple(name.split(".", 4))).sensitive


def is_plain(field: TemplateField) -> bool:
    """Return whether the value of a field is its text, on every target."""
    return not is_sensitive(field.name) and not templates.is_template(field.text)


def fields_of(document: Document) -> tuple[list[TemplateField], list[Problem]]:
    """Return the fields of ``name``, ``description`` and ``auth.params``, even if the document is not valid otherwise,
    and the problems that keep values from becoming fields."""
    fields: list[TemplateField] = []
    problems: list[Problem] = []
    scalars = _scalars(document)
    if len(scalars) > MAX_FIELDS:
        message = f"the definition contains {len(scalars):,} values; the maximum is {MAX_FIELDS}"
        location = document.key_location(())
        return [], [Problem(location, "definition.too-large", message, "remove options that have no effect")]
    any_allowed = "secret.literal" in document.text
    for path, value in scalars:
        text = value if isinstance(value, str) else _number_text(document, path, value)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        position = document.value_positions[path]
        allowed = any_allowed and bool(ALLOW_LITERAL.search(document.line(position[0])))
        field = TemplateField(path, _dotted(path), text, document.file, position, allowed)
        if path != STRING_PATH or _ONE_TEMPLATE.fullmatch(text):
            fields.append(field)
        else:
            parts, string_problems = _split_string(field)
            fields.extend(parts)
            problems.extend(string_problems)
    problems.extend(_repeated_options(document, fields))
    return fields, problems


_ONE_TEMPLATE = re.compile(r"\s*\{\{(?:(?!\}\}).)*\}\}\s*", re.DOTALL)


def _scalars(document: Document) -> list[tuple[YamlPath, str | int]]:
    data = document.data
    scalars: list[tuple[YamlPath, str | int]]
    scalars = [((name,), data[name]) for name in ("name", "description") if isinstance(data.get(name), str)]
    auth = data.get("auth")
    return [*scalars, *_scalars_below({"params": auth.get("params")}, ("auth",))] if isinstance(auth, dict) else scalars


def _scalars_below(data: dict[str, Any], path: YamlPath) -> list[tuple[YamlPath, str | int]]:
    scalars: list[tuple[YamlPath, str | int]] = []
    for name, value in data.items():
        if isinstance(value, str | int):
            scalars.append(((*path, name), value))
        elif isinstance(value, dict):
            scalars += _scalars_below(value, (*path, name))
    return scalars


@cache
def _dotted(path: YamlPath) -> str:
    return ".".join(map(str, path))


def _number_text(document: Document, path: YamlPath, value: int) -> str | Problem:
    """Return the text to send for a number or a boolean; a problem if it is written in another way."""
    text = as_text(value)
    # The schema requires a secret to be text; its problem does not repeat the value.
    if document.texts.get(path, text) == text or rules().at(path).sensitive:
        return text
    if connection_string.is_open(str(path[-1])):
        message, remedy = f"is read as `{text}` but written differently", f"write {text}, or quote it"
    else:  # under any other name, it may be a password
        message, remedy = "is written differently from what it is read as", "quote it"
    return Problem(document.value_location(path), "yaml.spelling", f"{quoted(path)} {message}", remedy)


def _split_string(field: TemplateField) -> tuple[list[TemplateField], list[Problem]]:
    """Return a field for each part of a connection string in text form, and the problems with the string."""
    problems: list[Problem] = []
    try:
        pairs = connection_string.split_template(field.text)
        if len(pairs) > MAX_FIELDS:
            raise connection_string.Malformed(f"it has more than {MAX_FIELDS} parts")
    except connection_string.Malformed as error:
        problems.append(string_problem(field, f"not a connection string: {error}"))
        if not isinstance(error, connection_string.Repeated):
            return [], problems
        pairs = error.pairs
    if absent := connection_string.missing(pairs):
        problems.append(string_problem(field, f"not a connection string: {', '.join(absent)} missing"))
    return [
        field._replace(name=f"{field.name}.{pair.part}", text=pair.value, keyword=pair.keyword) for pair in pairs
    ], problems


def _repeated_options(document: Document, fields: Iterable[TemplateField]) -> Iterator[Problem]:
    """Yield a problem for each option of the mapping form that is a synonym of a part or of another option."""
    seen = set(connection_string.SYNONYMS)
    for field in fields:
        if field.path[:-1] == OPTIONS_PATH:
            meaning = connection_string.Pair(str(field.path[-1]), "").meaning
            if meaning in seen:
                message = f"{field.shown_name} repeats another property or option"
                location = document.key_location(field.path)
                yield Problem(location, "connection-string.repeated", message, "keep one of them")
            seen.add(meaning)


def string_problem(field: TemplateField, message: str) -> Problem:
    remedy = "write Server=...;Port=...;Database=...;UID=...;PWD={{ env('NAME') }}"
    return Problem(field.location, "connection-string.invalid", f"{field.shown_name} is {message}", remedy)


def template_problem(field: TemplateField, error: BadTemplate) -> Problem:
    return Problem(field.location, error.rule, f"{field.shown_name}: {error.message}", error.remedy)


def field_problems(field: TemplateField, definition: KeyAndPath, project: Project) -> Iterator[Problem]:
    """Yield the problems of a field that is not plain, on any target. No value of a variable is read."""
    if not templates.is_template(field.text):
        if field.text and not field.literal_allowed:
            match = _FOREIGN_VARIABLE.fullmatch(field.text)
            name = match[match.lastgroup] if match and match.lastgroup else ""
            # Any other text may be the secret itself.
            shown = name if project.recognizes(definition, name) else "NAME"
            remedy = f"write \"{{{{ env('{shown}') }}}}\", {OR_ALLOW}"
            yield Problem(field.location, "secret.literal", f"{field.shown_name} is a secret in plain text", remedy)
        return
    try:
        template = templates.compile_template(field.text)
    except BadTemplate as error:
        yield template_problem(field, error)
        return
    rule = rules().at(field.rule_path)
    if template.env_names and not rule.may_use_env:
        remedy = "use var(); env() is only for server, port, database, username, password and connection strings"
        yield Problem(field.location, "template.env-misplaced", f"{field.shown_name} may not use env()", remedy)
    elif rule.sensitive and not template.env_names:
        message = f"{field.shown_name} is a secret, but var() reads from the project file"
        yield Problem(field.location, "secret.literal", message, "use env(), so that its value stays out of git")
    elif template.env_names and not template.is_sole and field.rule_path[-1] in ("port", STRING_PATH[-1]):
        # Its value is validated. With other text or a filter, the result would reveal the value to the author.
        name = template.env_names[0] if is_variable(template.env_names[0]) else "NAME"
        remedy = f"write only \"{{{{ env('{name}') }}}}\", or use templates in the parts of the string"
        yield Problem(field.location, "template.env-alone", f"{field.shown_name}: env() must stand alone here", remedy)
    for name in template.env_names:
        if not project.admits(definition, name):
            yield _not_admitted(field, name, project.admitted_patterns(definition))


def _not_admitted(field: TemplateField, name: str, patterns: tuple[str, ...]) -> Problem:
    if any(name.startswith(pattern.rstrip("*")) for pattern in NEVER_ADMITTED):
        remedy = "use another variable: templates cannot read the tool's own credentials and settings"
    else:
        admitted = ", ".join(patterns) or "none"
        remedy = f"rename the variable, or admit it under `templates.allow_env`; admitted: {admitted}"
    # An author who confuses name and value writes the secret itself here.
    shown = name if is_variable(name) else "a variable of this name"
    return Problem(field.location, "template.env-not-admitted", f"env() may not read {shown}", remedy)


_VARIABLE = "[A-Z][A-Z0-9_]*"
_FOREIGN_VARIABLE = re.compile(
    rf"\s*(?:\$?\{{\s*(?P<braces>{_VARIABLE})\s*\}}|\$\((?P<parentheses>{_VARIABLE})\)|\$(?P<dollar>{_VARIABLE})"
    rf"|%(?P<percent>{_VARIABLE})%|\$?\{{?\s*env[.(:]\s*['\"]?(?P<env>{_VARIABLE})['\"]?\)?\s*\}}?"
    rf"|(?P<bare>{_VARIABLE}))\s*"
)
"""A variable as shells, pipelines and other tools write it."""


def variables_of(document: Document) -> Iterator[str]:
    """Yield the environment variables that a definition names, whether it may read them or not."""
    for field in fields_of(document)[0] if isinstance(document.data, dict) else ():
        if templates.is_template(field.text):
            with suppress(BadTemplate):
                yield from templates.compile_template(field.text).env_names


STAND_IN = "{{ }}"
"""A text that the schema accepts as a template, in place of a field with a problem of its own."""


def with_values(document: Document, values: Iterable[tuple[TemplateField, str]]) -> Json:
    """Return the data of a document with other texts for some fields, for the schema to check.

    A connection string in text form becomes the mapping of its parts, so that the same rules apply to every form.
    """
    copies: dict[YamlPath, Any] = {(): dict(document.data)}
    for field, text in values:
        if field.is_whole_string and text != field.text:
            _copied(copies, STRING_PATH[:-1])[STRING_PATH[-1]] = _string_mapping(text)
        elif field.keyword or text != field.text:
            *parents, last = field.rule_path
            parent = _copied(copies, tuple(parents))
            if isinstance(parent.get(last, ""), str):
                parent[last] = text
    data: Json = copies[()]
    return data


def _string_mapping(text: str) -> Json | str:
    """Return a connection string in mapping form, or the text itself if it is malformed."""
    try:
        pairs = connection_string.split(text)
    except connection_string.Malformed:
        return text
    parts: Json = {pair.part: pair.value for pair in pairs if not pair.part.startswith("options.")}
    options = {pair.keyword: pair.value for pair in pairs if pair.part.startswith("options.")}
    return {**parts, "options": options} if options else parts


def _copied(copies: dict[YamlPath, Any], path: YamlPath) -> Any:
    """Return the copy of the mapping at ``path``, made on first use and placed in the copy of its parent.

    A connection string in text form becomes a mapping with stand-ins: missing parts are reported elsewhere.
    """
    if path not in copies:
        parent = _copied(copies, path[:-1])
        value = parent.get(path[-1])
        empty = dict.fromkeys(connection_string.REQUIRED, STAND_IN) if path == STRING_PATH else {}
        copies[path] = parent[path[-1]] = dict(value) if isinstance(value, dict) else empty
    return copies[path]


_AUTH_SPECS = ("Basic Authentication", "Connection String Based Authentication")


def with_likely_spec(data: Json) -> Json:
    """Return the data with the probable ``auth.specName`` if it is missing or unknown, so that the parameters can be
    checked; otherwise the same object."""
    auth = data.get("auth")
    if not isinstance(auth, dict) or auth.get("specName") in _AUTH_SPECS or not isinstance(auth.get("params"), dict):
        return data
    written = auth.get("specName")
    close = closest(written, _AUTH_SPECS) if isinstance(written, str) else ""
    return {**data, "auth": {**auth, "specName": close or _AUTH_SPECS["connectionString" in auth["params"]]}}
