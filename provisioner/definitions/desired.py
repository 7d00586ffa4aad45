"""A base connection as it shall be on one target, as a value. ``building.py`` makes it of a definition.

The leaves of a definition x a target -> their values, and what the schema is to judge of them. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from provisioner.definitions import connection_string, schema, templates
from provisioner.definitions.fields import OR_ALLOW, TemplateField, is_sensitive, string_problem, template_problem
from provisioner.definitions.hints import suggestion
from provisioner.definitions.loader import Position
from provisioner.definitions.project import FILE_NAME, Target
from provisioner.definitions.syntax import find_invisible
from provisioner.definitions.templates import BadTemplate, Template, digest, render
from provisioner.model import Json, Key, Location, Problem
from provisioner.secrets import Sensitive, Symbolic, Value

PREVENT_DESTROY = "lifecycle.preventDestroy"
"""The field, ``true`` or absent, of what is not to be deleted. It is recorded, and never sent."""

CONNECTION_STRING = "auth.params.connectionString"


_ORDER = {
    path: place
    for place, path in enumerate(
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


def place_of(path: str) -> tuple[int, str]:
    """Return the sort key of a field among those of a base connection, as they are shown."""
    return _ORDER.get(path, len(_ORDER)), path


class Field(NamedTuple):
    """One property of a base connection. ``path`` is dotted, such as ``auth.params.server``."""

    path: str
    value: Value
    location: Location


@dataclass(frozen=True, slots=True)
class Desired:
    """A base connection as it shall be on one target.

    ``positions`` maps the path of each field, in display order, to its line and column in the file of ``location``. A
    value is in ``texts`` if anybody may read it and it is not empty, in ``symbols`` if only its origin may be shown.
    Definitions resemble each other, so ``positions`` is mostly one shared mapping, and most ``texts`` equal the record.

    The parts of a connection string are fields below ``auth.params.connectionString``; ``keywords`` then holds the
    keyword to write for each and the field's path, in order. A string that comes whole from the environment is one
    field, and ``keywords`` is empty. ``moved_from`` is the key that it had before, "" where it says none.
    """

    key: Key
    location: Location
    texts: Mapping[str, str]
    symbols: Mapping[str, Symbolic]
    positions: Mapping[str, Position]
    keywords: tuple[tuple[str, str], ...] = ()
    moved_from: Key = ""

    def value(self, path: str) -> Value:
        """The value at a path, "" where there is none."""
        return self.symbols.get(path) or self.texts.get(path, "")

    def location_of(self, path: str) -> Location:
        """Where a field stands."""
        return Location(self.location.file, *self.positions[path])

    @property
    def fields(self) -> tuple[Field, ...]:
        """All of them, as they are shown."""
        return tuple(Field(path, self.value(path), self.location_of(path)) for path in self.positions)

    @property
    def visible(self) -> dict[str, str]:
        """What anybody may read, also where it is empty, by path."""
        return {path: self.texts.get(path, "") for path in self.positions if path not in self.symbols}

    @property
    def name(self) -> str:
        return str(self.value("name"))

    @property
    def unset(self) -> list[tuple[str, Symbolic]]:
        """What comes from variables that are not set, by path."""
        return [(path, symbol) for path, symbol in self.symbols.items() if not isinstance(symbol, Sensitive)]

    @property
    def sensitive(self) -> list[tuple[str, Sensitive]]:
        """What came from the environment and is at hand, by path."""
        return [(path, symbol) for path, symbol in self.symbols.items() if isinstance(symbol, Sensitive)]

    @property
    def confidential(self) -> list[tuple[str, Symbolic]]:
        """What nobody may read, by path: not each variable of the environment is a secret, and a literal may be one."""
        return [(path, symbol) for path, symbol in self.symbols.items() if is_sensitive(path)]

    @property
    def secrets(self) -> Iterator[tuple[str, Sensitive]]:
        """What of that is at hand, by the path that asks for it. A connection string that comes whole from the
        environment is followed by the passwords in it."""
        for path, symbol in self.confidential:
            if isinstance(symbol, Sensitive):
                yield path, symbol
                if path == CONNECTION_STRING:
                    for inner in connection_string.secrets(symbol.reveal()):
                        yield path, Sensitive(inner, symbol.origin, symbol.names)


def unset_variables(desired: Iterable[Desired], variables: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each field that reads a variable which is not set."""
    for one in desired:
        for path, symbol in one.unset:
            if not all(variables.get(name) for name in symbol.names):
                message = f"{symbol.origin} is not set, or empty"
                yield Problem(one.location_of(path), "secret.unset", message, "set the variable")


def body(desired: Desired) -> Json:
    """The body of ``POST /connections``, secrets revealed. Documented: ``mysql-base-connection`` of Adobe's guides."""
    spec = {part: _plain(desired.value(f"connectionSpec.{part}")) for part in ("id", "version")}
    described = {"description": _plain(desired.value("description"))} if desired.value("description") else {}
    return {
        "name": desired.name,
        **described,
        "auth": {"specName": _plain(desired.value("auth.specName")), "params": params(desired)},
        "connectionSpec": spec,
    }


def params(desired: Desired) -> dict[str, str]:
    """``auth.params`` whole, secrets revealed: what a create and a change of any parameter send."""
    if desired.keywords:
        pairs = [connection_string.Pair(word, _plain(desired.value(path))) for word, path in desired.keywords]
        return {"connectionString": connection_string.join(pairs)}
    prefix = "auth.params."
    paths = [path for path in desired.positions if path.startswith(prefix)]
    return {path.removeprefix(prefix): _plain(desired.value(path)) for path in paths}


def _plain(value: Value) -> str:
    if isinstance(value, Sensitive):
        return value.reveal()
    if isinstance(value, Symbolic):
        raise ValueError(f"{value.origin} is not set")
    return value


class Rendered(NamedTuple):
    """A leaf on a target. ``held`` is the text that the schema is to judge, ``source`` where it came from.

    Where text stands beside a variable of the environment, the text alone is judged: of the two together the outcome
    would tell the author of that text what the variable holds.
    """

    leaf: TemplateField
    value: Value
    held: str
    source: schema.ValueSource


def plain(leaf: TemplateField) -> Rendered:
    """Return a leaf whose value is its text."""
    return Rendered(leaf, leaf.text, leaf.text, schema.WRITTEN)


def render_leaf(
    leaf: TemplateField, target: Target, environment: Mapping[str, str]
) -> tuple[Rendered | None, list[Problem], tuple[Sensitive, ...]]:
    """Return a leaf that ``judge`` has nothing against as it is on a target, None where it cannot be rendered; what is
    wrong with it there; and the variables that it reads, as they are set."""
    if not templates.is_template(leaf.text):
        literal = Sensitive(leaf.text, f"literal {digest(leaf.text)}") if leaf.text else ""
        return Rendered(leaf, literal, leaf.text, schema.WRITTEN), [], ()
    secret = is_sensitive(leaf.field)
    template = templates.compile_template(leaf.text)
    read = tuple(Sensitive(environment.get(name, ""), f"env({name})", (name,)) for name in template.env_names)
    problems = list(_unset_variables(leaf, template, target))
    if problems:
        return None, problems, read
    if secret:
        problems.extend(_text_in_a_secret(leaf, template, target))
    try:
        value = render(template, target.vars, environment, readable=not secret)
        problems.extend(_checked(leaf, value))
        problems.extend(_unseen(leaf, template, value))
        held = _held(leaf, template, value, target)
    except BadTemplate as error:
        problems.append(template_problem(leaf, error))
    return None if problems else Rendered(leaf, value, held, _source(leaf, template, target)), problems, read


def _held(leaf: TemplateField, template: Template, value: Value, target: Target) -> str:
    """Return what is to be judged. No value holds ``{{``, by which the schema knows a template."""
    if template.env_names and not _stands_alone(leaf, template):
        sample = "1" if leaf.rule_path[-1] == "port" else "x"  # sound by itself: what is wrong is the text beside it
        text = template.evaluate(target.vars, dict.fromkeys(template.env_names, sample))
    elif isinstance(value, Sensitive):
        text = value.reveal()
    elif isinstance(value, str):
        text = value
    else:
        return leaf.text
    return text.replace("{{", "{")


def _stands_alone(leaf: TemplateField, template: Template) -> bool:
    """Whether nothing stands beside a variable of the environment, around a whole connection string no word."""
    return template.is_bare or (template.is_sole and leaf.is_whole_string)


def _source(leaf: TemplateField, template: Template, target: Target) -> schema.ValueSource:
    if template.env_names:
        return schema.ValueSource(template.env_names if _stands_alone(leaf, template) else ())
    alone = template.var_names[0] if template.is_bare else ""
    said = " and ".join(
        _said(name, target, "" if alone else f" ({target.var_at[name]})") for name in template.var_names
    )
    return schema.ValueSource((), target.var_at[alone] if alone else None, said)


MAX_SHOWN = 60
"""Characters of a value in a message."""


def _said(name: str, target: Target, where: str) -> str:
    value = target.vars[name]
    shown = value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}..."
    return f"var('{name}') is {json.dumps(shown, ensure_ascii=False)}{where}"


def _text_in_a_secret(leaf: TemplateField, template: Template, target: Target) -> Iterator[Problem]:
    if template.is_bare or leaf.literal_allowed:
        return
    if template.literal_text(target.vars):
        message = f"{leaf.shown} is a secret, and a part of it stands there in plain text"
        yield Problem(leaf.location, "secret.literal", message, f"put all of it into the variable, {OR_ALLOW}")
    elif template.is_padded(target.vars):
        message = f"{leaf.shown} is a secret, and the file puts white space around it, which would be sent with it"
        remedy = f"write \"{{{{ env('{template.env_names[0]}') }}}}\" on one line; `>-` and `|-` add no line break"
        yield Problem(leaf.location, "secret.literal", message, remedy)


def _unset_variables(leaf: TemplateField, template: Template, target: Target) -> Iterator[Problem]:
    for name in template.var_names:
        if name not in target.vars:
            add = f"add `{name}:` to the `vars` of the target in {FILE_NAME}"
            message = f"var('{name}') has no value"
            yield Problem(
                leaf.location, "template.unset-var", message, suggestion(name, target.vars, add), (target.name,)
            )


def _checked(leaf: TemplateField, value: Value) -> Iterator[Problem]:
    """A connection string that came whole from the environment still has to be one; its parts the schema judges."""
    if not leaf.is_whole_string or not isinstance(value, Sensitive):
        return
    try:
        absent = connection_string.missing(connection_string.split(value.reveal()))
    except connection_string.Malformed:
        yield string_problem(leaf, f"not a connection string: look at {', '.join(value.names)}")
        return
    if absent:
        yield string_problem(leaf, f"incomplete: {', '.join(absent)} missing")


def _unseen(leaf: TemplateField, template: Template, value: Value) -> Iterator[Problem]:
    """Yield a problem for what a variable may hold as little as a file: characters that are not seen, outside of
    secrets."""
    if not isinstance(value, Sensitive) or not _stands_alone(leaf, template):
        return
    if leaf.is_whole_string:
        texts = connection_string.open_values(value.reveal())
    else:
        texts = [] if is_sensitive(leaf.field) else [value.reveal()]
    if any(find_invisible(text) for text in texts):
        message = f"{leaf.shown} must be text without characters that are not seen"
        yield Problem(leaf.location, "schema.value", message, f"look at {', '.join(value.names)}")
