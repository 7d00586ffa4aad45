"""Checks of environment variables: unset, with odd values, or exposed as secrets in plain text. Pure.

A warning never stops a run: a password may well end with a space. A problem names the variable and a location, never
the value of a secret or its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from provisioner.definitions.desired import Desired
from provisioner.definitions.fields import (
    ALLOW_LITERAL,
)
from provisioner.definitions.yaml_problems import source_line
from provisioner.model import Location, Problem
from provisioner.secrets import SHORTEST, SHORTEST_WORD, Sensitive, cannot_detect

# Values of variables

_WORDS = r"[A-Za-z][A-Za-z0-9 _.:/-]*"
"""Text between delimiters that consists of words instead of random characters."""
_NAME = r"[\w .@+-]+"
_FOLDERS = (
    "run|var|etc|tmp|home|root|builds|mnt|opt|secrets?|srv|dev|usr|proc|users|app|data|vault|private|github|workspaces?"
    "|media|config|certs?|keys?|volumes|agent|azp|__w"
)
_PLEASE = "(insert|enter|put|type|set|add|replace([-_ ]with)?|your|my|the|some|a)[-_ ]"
_STORES = (
    "vault|secret(s|ref|key)?|(azure)?keyvault|(aws)?ssm|(aws|gcp)sm|secretsmanager|op|bws?|kms|akv|sops|conjur"
    r"|ref\+[a-z]+|env|file|base64|resolve"
)
_PLACEHOLDER_PATTERNS = (
    # words
    r"change[-_ ]?(me|it|this)|replace[-_ ]?(me|it|this)|todo|tbd|fixme|dummy|example|placeholder|test|n/?a|empty",
    rf"({_PLEASE})*(your|my|the)?([a-z]+[-_ ])*(password|passwd|pwd|secret)([-_ ](here|goes here|value))?\d{{0,4}}",
    r"none|null|nil|undefined|redacted|masked|hidden|x{3,}|[*.\u2022\u25cf\u00b7]{3,}|\[object object\]",
    # words between delimiters
    rf"<.*>|\{{{_WORDS}\}}|\[+{_WORDS}\]+|\({_WORDS}\)|\(\(.*\)\)|\[\[.*|__{_WORDS}__|@@.*@@|@{_WORDS}@|%%.*%%|%[a-z_]\w*%",
    r"##.*|#\{.*\}#?|\$\{.*\}?|\$\(.*\)?|\$\[.*\]|\$[a-z_]\w*\$?|\{\{.*|\{%.*|%\{.*\}|~\{.*\}|\\\{.*\}",
    # references to secret stores, and encrypted values
    r"[a-z][a-z0-9+.-]*://.*|arn:aws[\w-]*:.*|projects/[^/]+/secrets/.*|@microsoft\.keyvault\(.*",
    rf"({_STORES})[:#]\S.*",
    r"enc\[.*|enc\(.*\)|\{cipher\}.*|\$ansible_vault;.*|-----begin (age|pgp).*",
    r"!(vault|ref|sub|secret|env\w*|include)\b.*",
    r"\{\s*\".*\}",  # JSON, as some stores return it
    # paths of files
    rf"/({_FOLDERS})(/{_NAME})+|(~|\.{{1,2}}|\$home)(/{_NAME})+|[a-z]:([\\/]{_NAME})+|\\\\\w+(\\{_NAME})+",
    r"[\w.-]+(/[\w.-]+)*\.(txt|env|json|ya?ml|key|pem|pfx|p12|secret|password|pwd)",
)
_PLACEHOLDER = re.compile("|".join(f"(?:{pattern})" for pattern in _PLACEHOLDER_PATTERNS), re.IGNORECASE | re.DOTALL)
_MAX_PLACEHOLDER = 2_000
"""Characters of a placeholder."""


def is_placeholder(value: str) -> bool:
    """Return whether a value looks like a placeholder, a reference or a path instead of a secret. Judged by form alone.

    Sources: the portals of Azure and Adobe, the tokens that pipeline tools replace, the references of secret stores,
    and the path of a file that GitLab, Docker and Kubernetes provide in place of a secret.
    """
    text = value.strip().strip("'\"`")
    return len(text) <= _MAX_PLACEHOLDER and bool(_PLACEHOLDER.fullmatch(text))


Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Oddity:
    """A possible mistake in the value of a variable. ``message`` follows the name of the variable."""

    rule: str
    message: str
    remedy: str


_QUOTED = re.compile(r"(['\"`]).*\1", re.DOTALL)
_PLACEHOLDER_ODDITY = Oddity(
    "secret.placeholder",
    "looks like a placeholder, a reference or a path instead of a secret",
    "set the actual value: a `${...}`, a reference or a path was not resolved",
)
ODDITIES: tuple[tuple[Oddity, Test], ...] = (
    (
        Oddity(
            "secret.line-break",
            "ends with a line break, which is sent as part of it",
            "set it without one: use printf %s instead of echo, $(cat FILE) instead of the file as it is",
        ),
        lambda value: value.endswith(("\n", "\r")),
    ),
    (
        Oddity(
            "secret.quotes",
            "is in quotes, which are sent as part of it",
            "remove the quotes: containers and pipelines often keep those in a file of variables",
        ),
        lambda value: bool(_QUOTED.fullmatch(value.strip())),
    ),
    (
        Oddity(
            "secret.spaces",
            "begins or ends with white space, which is sent as part of it",
            "remove it, unless it belongs to the secret",
        ),
        lambda value: value.strip("\r\n") != value.strip(),
    ),
    (_PLACEHOLDER_ODDITY, is_placeholder),
)
"""Oddities of any variable that a definition reads."""

_LONGER = "choose a secret of at least 12 random characters"
UNGUARDED: tuple[tuple[Oddity, Test], ...] = (
    (
        Oddity(
            "secret.unguarded",
            f"is shorter than {SHORTEST} characters, so the output of this run cannot be scanned for it",
            _LONGER,
        ),
        lambda value: len(value.strip()) < SHORTEST,
    ),
    (
        Oddity(
            "secret.unguarded",
            f"consists of lower-case letters only and is shorter than {SHORTEST_WORD}, so the output of this run "
            "cannot be scanned for it",
            _LONGER,
        ),
        lambda value: cannot_detect(value) and len(value.strip()) >= SHORTEST,
    ),
)
"""Oddities of secrets."""

LIKE_THE_USER = Oddity("secret.user-name", "is equal to the user name", "set the password: variables may be mixed up")


def variable_warnings(desired: Iterable[Desired], variables: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return one problem with all oddities of each variable, at the first field that reads it.

    ``variables`` are those to check, with their values.
    """
    locations: dict[str, Location] = {}
    oddities: dict[str, dict[Oddity, None]] = {}
    for item in desired:
        for path, name, oddity in (*_value_oddities(item, variables), *_equal_to_user_name(item, variables)):
            locations.setdefault(name, item.location_of(path))
            oddities.setdefault(name, {})[oddity] = None
    return tuple(
        Problem(
            locations[name],
            ", ".join(dict.fromkeys(oddity.rule for oddity in reasons)),
            f"{name} {'; it '.join(dict.fromkeys(oddity.message for oddity in reasons))}",
            "; ".join(dict.fromkeys(oddity.remedy for oddity in reasons)),
        )
        for name, reasons in oddities.items()
    )


def _value_oddities(desired: Desired, variables: Mapping[str, str]) -> Iterator[tuple[str, str, Oddity]]:
    """Yield path, variable and oddity for each odd value, and for each odd secret in a connection string."""
    for path, value in desired.sensitive:
        for name in value.names:
            if name in variables:
                yield from ((path, name, oddity) for oddity, test in ODDITIES if test(variables[name]))
    for path, secret in desired.secrets:
        if not _is_checked(secret, variables):
            continue
        content, whole = secret.reveal(), desired.symbols[path]
        if isinstance(whole, Sensitive) and whole.reveal() == content:
            yield from ((path, _names(secret), oddity) for oddity, test in UNGUARDED if test(content))
            continue
        for oddity, test in ((_PLACEHOLDER_ODDITY, is_placeholder), *UNGUARDED):
            if test(content):
                yield path, _names(secret), replace(oddity, message=f"contains a secret that {oddity.message}")


def _equal_to_user_name(desired: Desired, variables: Mapping[str, str]) -> Iterator[tuple[str, str, Oddity]]:
    for path, password in desired.sensitive:
        if path.endswith(".password"):
            username = desired.value(f"{path.removesuffix('.password')}.username")
            name = username.reveal() if isinstance(username, Sensitive) else username
            if password.reveal() == name and _is_checked(password, variables):
                yield path, _names(password), LIKE_THE_USER


def _is_checked(secret: Sensitive, variables: Mapping[str, str]) -> bool:
    return variables.keys() >= set(secret.names)


def _names(secret: Sensitive) -> str:
    return ", ".join(secret.names) or secret.origin


# Exposed secrets

EXPOSED = "secret.exposed"

Origins = Callable[[str], tuple[str, ...]]
"""Returns the origins of the secrets whose values a text contains."""


def exposed_secrets(texts: Mapping[str, str], desired: Iterable[Desired], origins_in: Origins) -> tuple[Problem, ...]:
    """Return a problem for each line of a file that contains the value of a secret, sorted.

    ``texts`` are those of the files, by path; ``desired`` are rendered from some of them. A line that allows
    ``secret.literal`` may contain one.
    """
    problems: dict[tuple[str, int], Problem] = {}
    for file, text in texts.items():
        if origins := origins_in(file):
            message = f"the value of {', '.join(origins)} appears in the name of a file"
            folder = Location(file.partition("/")[0])
            problems[file, 0] = Problem(folder, EXPOSED, message, "rename the file, and change the secret")
        elif origins_in(text):
            for location, origins in _exposing_lines(file, text, origins_in):
                problems[file, location.line] = _exposed_here(location, origins)
    for item in desired:
        for path, origins in exposing_fields(item.texts, origins_in):
            location = item.location_of(path)
            if not ALLOW_LITERAL.search(source_line(texts.get(location.file, ""), location.line)):
                problems.setdefault((location.file, location.line), _exposed_here(location, origins))
    return tuple(sorted(problems.values()))


def _exposed_here(location: Location, origins: Iterable[str]) -> Problem:
    remedy = "remove it here and from the history of git, and change the secret"
    return Problem(location, EXPOSED, f"the value of {', '.join(origins)} appears here in plain text", remedy)


def exposing_fields(fields: Mapping[str, str], origins_in: Origins) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each field whose text contains the value of a secret, with the origins of the secrets."""
    if origins_in("\n".join(fields.values())):  # one search for all: nearly always there is none
        for path, text in fields.items():
            if origins := origins_in(text):
                yield path, origins


def _exposing_lines(file: str, text: str, origins_in: Origins) -> Iterator[tuple[Location, tuple[str, ...]]]:
    lines = list(_without_allowed(text.split("\n")))
    exposing = [
        (Location(file, number, len(line) - len(line.lstrip()) + 1), origins)
        for number, line in enumerate(lines, 1)
        if (origins := origins_in(line))
    ]
    yield from exposing
    if not exposing and (origins := origins_in("\n".join(lines))):  # a secret that spans lines
        yield Location(file), origins


_BLOCK_SCALAR = re.compile(r"\s[|>][-+1-9]*\s+#")


def _without_allowed(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a file, but empty ones for lines that allow a secret and for the block scalars below them."""
    block_indent: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if block_indent is not None and (not line.strip() or indent > block_indent):
            yield ""
            continue
        is_allowed = bool(ALLOW_LITERAL.search(line))
        block_indent = indent if is_allowed and _BLOCK_SCALAR.search(line) else None
        yield "" if is_allowed else line


def unset_variables(desired: Iterable[Desired], variables: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each field that reads a variable which is not set."""
    for base_connection in desired:
        for path, symbol in base_connection.unset:
            if not all(variables.get(name) for name in symbol.names):
                message = f"{symbol.origin} is not set, or empty"
                yield Problem(base_connection.location_of(path), "secret.unset", message, "set the variable")
