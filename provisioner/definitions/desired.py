"""Desired base connections: the value, the request body for it, and how a target renders the fields of a definition.

Pure. ``render.py`` assembles a ``Desired`` from rendered fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from provisioner.definitions import connection_string, schema, templates
from provisioner.definitions.fields import OR_ALLOW, TemplateField, is_sensitive, string_problem, template_problem
from provisioner.definitions.project import FILE_NAME, Target
from provisioner.definitions.suggestions import suggestion
from provisioner.definitions.templates import BadTemplate, Template
from provisioner.definitions.yaml_loader import Position
from provisioner.definitions.yaml_problems import find_invisible
from provisioner.model import Json, Key, Location, Problem
from provisioner.secrets import Sensitive, Symbolic, Value

PREVENT_DESTROY = "lifecycle.preventDestroy"
"""The field, ``true`` or absent, that protects from deletion. It is recorded, and never sent."""

CONNECTION_STRING = "auth.params.connectionString"

_DISPLAY_ORDER = {
    path: index
    for index, path in enumerate(
        (
            "name",
            "description",
            "auth.specName",
            "connectionSpec.id",
            "connectionSpec.version",
            *(f"auth.params.{part}" for part in ("server", "port", "database", "username", "password", "sslMode")),
            CONNECTION_STRING,
            *(f"{CONNECTION_STRING}.{part}" for part in connection_string.WRITTEN),
        )
    )
}


def display_order(path: str) -> tuple[int, str]:
    """Return the key that sorts the fields of a base connection for display."""
    return _DISPLAY_ORDER.get(path, len(_DISPLAY_ORDER)), path


class Field(NamedTuple):
    """One property of a base connection. ``path`` is dotted, such as ``auth.params.server``."""

    path: str
    value: Value
    location: Location


@dataclass(frozen=True, slots=True)
class Desired:
    """A desired base connection on one target.

    ``positions`` maps the path of each field, in display order, to its line and column in the file of ``location``.
    ``texts`` holds the values that anybody may read, unless empty; ``symbols`` those of which only the origin may be
    shown. Definitions resemble each other, so ``positions`` is mostly one shared mapping, and most ``texts`` equal
    those of the record.

    The parts of a connection string are fields below ``auth.params.connectionString``; ``keywords`` then holds, in
    order, the keyword to write for each and the path of its field. A connection string that comes as a whole from the
    environment is one field, and ``keywords`` is empty. ``moved_from`` is the former key, "" if there is none.
    """

    key: Key
    location: Location
    texts: Mapping[str, str]
    symbols: Mapping[str, Symbolic]
    positions: Mapping[str, Position]
    keywords: tuple[tuple[str, str], ...] = ()
    moved_from: Key = ""

    def value(self, path: str) -> Value:
        """Return the value at a path, "" if there is none."""
        return self.symbols.get(path) or self.texts.get(path, "")

    def location_of(self, path: str) -> Location:
        return Location(self.location.file, *self.positions[path])

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return all fields, in display order."""
        return tuple(Field(path, self.value(path), self.location_of(path)) for path in self.positions)

    @property
    def visible(self) -> dict[str, str]:
        """Return the texts that anybody may read, by path, empty ones included."""
        return {path: self.texts.get(path, "") for path in self.positions if path not in self.symbols}

    @property
    def name(self) -> str:
        return str(self.value("name"))

    @property
    def variables(self) -> frozenset[str]:
        """Return the names of the environment variables that it reads, set or not."""
        return frozenset(name for symbol in self.symbols.values() for name in symbol.names)

    @property
    def unset(self) -> list[tuple[str, Symbolic]]:
        """Return paths and values of the fields that read a variable which is not set."""
        return [(path, symbol) for path, symbol in self.symbols.items() if not isinstance(symbol, Sensitive)]

    @property
    def sensitive(self) -> list[tuple[str, Sensitive]]:
        """Return paths and values of the fields whose content is known and must not be shown."""
        return [(path, symbol) for path, symbol in self.symbols.items() if isinstance(symbol, Sensitive)]

    @property
    def confidential(self) -> list[tuple[str, Symbolic]]:
        """Return paths and values of the fields that the schema calls sensitive. They differ from ``symbols``: not each
        environment variable is a secret, and a literal may be one."""
        return [(path, symbol) for path, symbol in self.symbols.items() if is_sensitive(path)]

    @property
    def secrets(self) -> Iterator[tuple[str, Sensitive]]:
        """Yield paths and known values of the confidential fields. A connection string that comes as a whole from the
        environment is followed by the passwords in it."""
        for path, symbol in self.confidential:
            if isinstance(symbol, Sensitive):
                yield path, symbol
                if path == CONNECTION_STRING:
                    for password in connection_string.secrets(symbol.reveal()):
                        yield path, Sensitive(password, symbol.origin, symbol.names)


def body(desired: Desired) -> Json:
    """Return the body of ``POST /connections``, secrets revealed. Raise ``ValueError`` for an unset variable.

    Documented: ``mysql-base-connection`` of Adobe's guides.
    """
    description = _revealed(desired.value("description"))
    return {
        "name": desired.name,
        **({"description": description} if description else {}),
        "auth": {"specName": _revealed(desired.value("auth.specName")), "params": params(desired)},
        "connectionSpec": {part: _revealed(desired.value(f"connectionSpec.{part}")) for part in ("id", "version")},
    }


def params(desired: Desired) -> dict[str, str]:
    """Return all of ``auth.params``, secrets revealed, as a create or a change of any parameter sends them."""
    if desired.keywords:
        pairs = [connection_string.Pair(word, _revealed(desired.value(path))) for word, path in desired.keywords]
        return {"connectionString": connection_string.join(pairs)}
    prefix = "auth.params."
    paths = [path for path in desired.positions if path.startswith(prefix)]
    return {path.removeprefix(prefix): _revealed(desired.value(path)) for path in paths}


def _revealed(value: Value) -> str:
    if isinstance(value, Sensitive):
        return value.reveal()
    if isinstance(value, Symbolic):
        raise ValueError(f"{value.origin} is not set")
    return value


class Rendered(NamedTuple):
    """A field rendered for a target. ``checked_text`` is for the schema to check; ``source`` says where it came from.

    If other text surrounds an environment variable, only that text is checked: the result for both together would
    reveal the content of the variable to the author of the text.
    """

    field: TemplateField
    value: Value
    checked_text: str
    source: schema.ValueSource


def plain(field: TemplateField) -> Rendered:
    """Render a field whose value is its text."""
    return Rendered(field, field.text, field.text, schema.IN_DOCUMENT)


def render_field(
    field: TemplateField, target: Target, environment: Mapping[str, str]
) -> tuple[Rendered | None, list[Problem], tuple[Sensitive, ...]]:
    """Render a field without ``field_problems`` for a target.

    Return the rendered field, None if it has problems; these problems; and the variables that it reads, as they are
    set.
    """
    if not templates.is_template(field.text):
        literal = Sensitive(field.text, f"literal {templates.digest(field.text)}") if field.text else ""
        return Rendered(field, literal, field.text, schema.IN_DOCUMENT), [], ()
    template = templates.compile_template(field.text)
    variables = tuple(Sensitive(environment.get(name, ""), f"env({name})", (name,)) for name in template.env_names)
    problems = list(_undefined_vars(field, template, target))
    if problems:
        return None, problems, variables
    problems.extend(_literal_problems(field, template, target))
    try:
        value = templates.render(template, target.vars, environment, readable=not is_sensitive(field.name))
        problems.extend(_content_problems(field, template, value))
        text = _checked_text(field, template, value, target)
    except BadTemplate as error:
        problems.append(template_problem(field, error))
    if problems:
        return None, problems, variables
    return Rendered(field, value, text, _source(field, template, target)), [], variables


def _stands_alone(field: TemplateField, template: Template) -> bool:
    """Return whether a template is one call without other text. White space may surround a whole connection string."""
    return template.is_bare or (template.is_sole and field.is_whole_string)


def _undefined_vars(field: TemplateField, template: Template, target: Target) -> Iterator[Problem]:
    for name in template.var_names:
        if name not in target.vars:
            otherwise = f"add `{name}:` to the `vars` of each such target in {FILE_NAME}"
            remedy = suggestion(name, target.vars, otherwise)
            message = f"var('{name}') has no value"
            yield Problem(field.location, "template.unset-var", message, remedy, (target.name,))


def _literal_problems(field: TemplateField, template: Template, target: Target) -> Iterator[Problem]:
    """Yield a problem if the template of a secret holds text or white space of its own."""
    if not is_sensitive(field.name) or template.is_bare or field.literal_allowed:
        return
    if template.literal_text(target.vars):
        message = f"{field.shown_name} is a secret, but part of it is in plain text"
        yield Problem(field.location, "secret.literal", message, f"move all of it into the variable, {OR_ALLOW}")
    elif template.is_padded(target.vars):
        message = (
            f"{field.shown_name} is a secret, but the file puts white space around it, which would be sent with it"
        )
        remedy = f"write \"{{{{ env('{template.env_names[0]}') }}}}\" on one line; `>-` and `|-` add no line break"
        yield Problem(field.location, "secret.literal", message, remedy)


def _content_problems(field: TemplateField, template: Template, value: Value) -> Iterator[Problem]:
    """Yield the problems with the content of an environment variable that is the whole value of a field: an incomplete
    connection string, or invisible characters outside of secrets. The schema checks the rest."""
    if not isinstance(value, Sensitive):
        return
    content, names = value.reveal(), ", ".join(value.names)
    if field.is_whole_string:
        try:
            absent = connection_string.missing(connection_string.split(content))
        except connection_string.Malformed:
            yield string_problem(field, f"not a connection string: check {names}")
        else:
            if absent:
                yield string_problem(field, f"incomplete: {', '.join(absent)} missing")
    if _stands_alone(field, template):
        visible = [] if is_sensitive(field.name) else [content]
        texts = connection_string.open_values(content) if field.is_whole_string else visible
        if any(find_invisible(text) for text in texts):
            message = f"{field.shown_name} must be text without invisible characters"
            yield Problem(field.location, "schema.value", message, f"check {names}")


def _checked_text(field: TemplateField, template: Template, value: Value, target: Target) -> str:
    """Return the text for the schema to check. It never contains ``{{``, by which the schema recognizes a template."""
    if template.env_names and not _stands_alone(field, template):
        sample = "1" if field.rule_path[-1] == "port" else "x"  # valid by itself, so that only the other text matters
        text = template.evaluate(target.vars, dict.fromkeys(template.env_names, sample))
    elif isinstance(value, Symbolic):
        if not isinstance(value, Sensitive):
            return field.text
        text = value.reveal()
    else:
        text = value
    return text.replace("{{", "{")


MAX_SHOWN = 60
"""Characters of a value in a message."""


def _source(field: TemplateField, template: Template, target: Target) -> schema.ValueSource:
    if template.env_names:
        return schema.ValueSource(template.env_names if _stands_alone(field, template) else ())
    descriptions = []
    for name in template.var_names:
        value = target.vars[name]
        shown = json.dumps(value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}...", ensure_ascii=False)
        location = "" if template.is_bare else f" ({target.var_at[name]})"
        descriptions.append(f"var('{name}') is {shown}{location}")
    location_of_value = target.var_at[template.var_names[0]] if template.is_bare else None
    return schema.ValueSource((), location_of_value, " and ".join(descriptions))
