"""Variables as they are set -> what is odd about their values, and where a secret stands in plain text. Pure.

A finding names the variable and a place, never the value nor its length. What is only odd is no reason to stop: a
password may well end with a space.

What stands in a variable where a secret should: words, marks, references and paths that nothing replaced. Pure.

A lint, by form alone. Sources: the portals of Azure and Adobe, the tokens that tools for pipelines replace, the
references of secret stores, and what GitLab, Docker and Kubernetes put in the place of a secret: the path of its file.

Names and descriptions on one target -> warnings: which may not come back as sent, and which read alike. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace

from provisioner.definitions.desired import Desired
from provisioner.definitions.fields import ALLOW_LITERAL
from provisioner.definitions.syntax import source_line
from provisioner.model import Location, Problem, Severity
from provisioner.secrets import SHORTEST, SHORTEST_WORD, Sensitive, cannot_detect
from provisioner.text import instability, lookalikes, stabilized


def name_warnings(desired: Iterable[Desired]) -> Iterator[Problem]:
    """Yield what is doubtful about names, in a pair that reads alike about the later one.

    A name whose value is not known here, or not to be shown, is not judged.
    """
    by_file = {one.location.file: one for one in desired if "name" in one.texts}
    others = lookalikes({file: one.name for file, one in by_file.items()})
    earlier = set[str]()
    for file, one in by_file.items():
        reason = instability(one.name)
        if reason:
            message = f"the name {reason}, and may come back otherwise than it was sent"
            yield _warning(one, "name.unstable", message, _remedy(one.name))
        if others.get(file) in earlier:
            message = (
                f"the name reads like that of {others[file]}, and differs only in what is easily changed or unseen"
            )
            yield _warning(one, "name.lookalike", message, "give each base connection a name that reads otherwise")
        earlier.add(file)


def description_warnings(desired: Iterable[Desired]) -> Iterator[Problem]:
    """Yield a warning for each description with white space at its ends, as a block scalar leaves it.

    Assumed, not documented: a service that trims texts would make every later plan show it as changed.
    """
    for one in desired:
        text = one.texts.get("description", "")
        if text != text.strip():
            message = "the description begins or ends with white space, and may come back without it"
            remedy = "remove it; in a block, `|-` and `>-` add no line break at the end"
            at = one.location_of("description")
            yield Problem(at, "description.unstable", message, remedy, severity=Severity.WARNING)


def _remedy(name: str) -> str:
    written = stabilized(name)
    return f"write `{written}`" if written else "write a shorter name, of characters that are seen"


def _warning(one: Desired, rule: str, message: str, remedy: str) -> Problem:
    return Problem(one.location_of("name"), rule, message, remedy, severity=Severity.WARNING)


_SAID = r"[A-Za-z][A-Za-z0-9 _.:/-]*"
"""What stands between marks: words, and no random characters."""
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
_KINDS = (
    # words
    r"change[-_ ]?(me|it|this)|replace[-_ ]?(me|it|this)|todo|tbd|fixme|dummy|example|placeholder|test|n/?a|empty",
    rf"({_PLEASE})*(your|my|the)?([a-z]+[-_ ])*(password|passwd|pwd|secret)([-_ ](here|goes here|value))?\d{{0,4}}",
    r"none|null|nil|undefined|redacted|masked|hidden|x{3,}|[*.\u2022\u25cf\u00b7]{3,}|\[object object\]",
    # words between marks
    rf"<.*>|\{{{_SAID}\}}|\[+{_SAID}\]+|\({_SAID}\)|\(\(.*\)\)|\[\[.*|__{_SAID}__|@@.*@@|@{_SAID}@|%%.*%%|%[a-z_]\w*%",
    r"##.*|#\{.*\}#?|\$\{.*\}?|\$\(.*\)?|\$\[.*\]|\$[a-z_]\w*\$?|\{\{.*|\{%.*|%\{.*\}|~\{.*\}|\\\{.*\}",
    # references of secret stores, and what they encrypt
    r"[a-z][a-z0-9+.-]*://.*|arn:aws[\w-]*:.*|projects/[^/]+/secrets/.*|@microsoft\.keyvault\(.*",
    rf"({_STORES})[:#]\S.*",
    r"enc\[.*|enc\(.*\)|\{cipher\}.*|\$ansible_vault;.*|-----begin (age|pgp).*",
    r"!(vault|ref|sub|secret|env\w*|include)\b.*",
    r"\{\s*\".*\}",  # JSON, as a store gives it whole
    # the path of a file that holds it
    rf"/({_FOLDERS})(/{_NAME})+|(~|\.{{1,2}}|\$home)(/{_NAME})+|[a-z]:([\\/]{_NAME})+|\\\\\w+(\\{_NAME})+",
    r"[\w.-]+(/[\w.-]+)*\.(txt|env|json|ya?ml|key|pem|pfx|p12|secret|password|pwd)",
)
_PLACEHOLDER = re.compile("|".join(f"(?:{kind})" for kind in _KINDS), re.IGNORECASE | re.DOTALL)
_LONGEST = 2_000
"""Characters; no placeholder has as many."""


def is_placeholder(value: str) -> bool:
    """Return whether a value has the form of what should have been replaced by a secret."""
    said = value.strip().strip("'\"`")
    return len(said) <= _LONGEST and bool(_PLACEHOLDER.fullmatch(said))


Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Oddity:
    """One thing that may be wrong with a variable. ``message`` follows its name."""

    rule: str
    message: str
    remedy: str


_QUOTED = re.compile(r"(['\"`]).*\1", re.DOTALL)
ODDITIES: tuple[tuple[Oddity, Test], ...] = (
    (
        Oddity(
            "secret.line-break",
            "ends with a line break, which is sent as a part of it",
            "set it without one: printf %s instead of echo, $(cat FILE) instead of the file as it is",
        ),
        lambda value: value.endswith(("\n", "\r")),
    ),
    (
        Oddity(
            "secret.quotes",
            "stands in quotes, which are sent as a part of it",
            "remove the quotes: files of variables for containers and pipelines often take them literally",
        ),
        lambda value: bool(_QUOTED.fullmatch(value.strip())),
    ),
    (
        Oddity(
            "secret.spaces",
            "begins or ends with white space, which is sent as a part of it",
            "remove it, unless the secret is really like that",
        ),
        lambda value: value.strip("\r\n") != value.strip(),
    ),
    (
        Oddity(
            "secret.placeholder",
            "looks like a placeholder, a reference or a path instead of a secret",
            "set the value itself; what should have replaced a `${...}`, looked up a reference or read a file did not",
        ),
        is_placeholder,
    ),
)
"""What any variable is tested for that a definition reads."""

_TOO_SHORT = Oddity(
    "secret.unguarded",
    f"is shorter than {SHORTEST} characters, so that it cannot be looked for in what this run writes",
    "choose one of twelve random characters or more",
)
_LIKE_A_WORD = Oddity(
    "secret.unguarded",
    f"is made of lower-case letters alone and shorter than {SHORTEST_WORD}, so that it cannot be looked for in what "
    "this run writes",
    "choose one of twelve random characters or more",
)
LIKE_THE_USER = Oddity("secret.user-name", "is equal to the user name", "set the password; variables may be mixed up")

UNGUARDED: tuple[tuple[Oddity, Test], ...] = (
    (_TOO_SHORT, lambda value: len(value.strip()) < SHORTEST),
    (_LIKE_A_WORD, lambda value: cannot_detect(value) and len(value.strip()) >= SHORTEST),
)
"""What the value of a secret is tested for, whatever it is made of."""
_OF_PARTS = (*(row for row in ODDITIES if row[0].rule == "secret.placeholder"), *UNGUARDED)
"""The same for the secrets in a connection string that comes whole from a variable."""


def odd(desired: Iterable[Desired], variables: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return one finding for each variable with everything that is odd about it, where a definition first asks for it.

    ``variables`` are those to be judged, as they are set.
    """
    positions: dict[str, Location] = {}
    reasons: dict[str, dict[Oddity, None]] = {}
    for one in desired:
        for path, name, oddity in _all(one, variables):
            positions.setdefault(name, one.location_of(path))
            reasons.setdefault(name, {})[oddity] = None
    return tuple(_problem(positions[name], name, tuple(found)) for name, found in reasons.items())


def _problem(location: Location, name: str, found: tuple[Oddity, ...]) -> Problem:
    rules, messages, remedies = (dict.fromkeys(words) for words in zip(*map(astuple, found), strict=True))
    return Problem(location, ", ".join(rules), f"{name} {'; it '.join(messages)}", "; ".join(remedies))


def _all(one: Desired, variables: Mapping[str, str]) -> Iterator[tuple[str, str, Oddity]]:
    """Yield the path, the name of the variable and what is odd about it."""
    for path, value in one.sensitive:
        for name in value.names:
            if name in variables:
                yield from ((path, name, oddity) for oddity, test in ODDITIES if test(variables[name]))
    for path, secret in one.secrets:
        if _given(secret, variables):
            yield from ((path, _named(secret), oddity) for oddity in _of_secret(one, path, secret.reveal()))
    yield from _like_the_user(one, variables)


def _of_secret(one: Desired, path: str, content: str) -> Iterator[Oddity]:
    whole = one.symbols[path]
    if isinstance(whole, Sensitive) and whole.reveal() == content:
        yield from (oddity for oddity, test in UNGUARDED if test(content))
    else:
        found = (oddity for oddity, test in _OF_PARTS if test(content))
        yield from (replace(oddity, message=f"holds a secret that {oddity.message}") for oddity in found)


def _given(secret: Sensitive, variables: Mapping[str, str]) -> bool:
    """Return whether all that it is made of is to be judged."""
    return variables.keys() >= set(secret.names)


def _named(secret: Sensitive) -> str:
    return ", ".join(secret.names) or secret.origin


def _like_the_user(one: Desired, variables: Mapping[str, str]) -> Iterator[tuple[str, str, Oddity]]:
    for path, password in one.sensitive:
        if not path.endswith(".password"):
            continue
        user = one.value(f"{path.removesuffix('.password')}.username")
        name = user.reveal() if isinstance(user, Sensitive) else user
        if password.reveal() == name and _given(password, variables):
            yield path, _named(password), LIKE_THE_USER


EXPOSED = "secret.exposed"

Origins = Callable[[str], tuple[str, ...]]
"""Where the secrets came from whose values stand in a text."""


def exposed(texts: Mapping[str, str], desired: Iterable[Desired], origins_in: Origins) -> tuple[Problem, ...]:
    """Return a problem for each line of a file in which the value of a secret stands, sorted. ``texts`` are the files'
    own by path, ``desired`` what some of them came to.

    A line that allows ``secret.literal`` may hold one.
    """
    found: dict[tuple[str, int], Problem] = {}
    for file, text in texts.items():
        if origins := origins_in(file):
            folder = Location(file.partition("/")[0])
            found[file, 0] = _exposed(
                folder, "in the name of a file", origins, "rename the file, and change the secret"
            )
        elif origins_in(text):
            for location, origins in _exposing_lines(file, text, origins_in):
                found[file, location.line] = _exposed(location, "here in plain text", origins)
    for one in desired:
        for path, origins in exposing_fields(one.texts, origins_in):
            location = one.location_of(path)
            if not ALLOW_LITERAL.search(source_line(texts.get(location.file, ""), location.line)):
                found.setdefault((location.file, location.line), _exposed(location, "here in plain text", origins))
    return tuple(sorted(found.values()))


def exposing_fields(fields: Mapping[str, str], origins_in: Origins) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each field in whose text the value of a secret stands, and where that came from."""
    if origins_in("\n".join(fields.values())):  # all at once: nearly always there is none
        for path, text in fields.items():
            if origins := origins_in(text):
                yield path, origins


def _exposing_lines(file: str, text: str, origins_in: Origins) -> Iterator[tuple[Location, tuple[str, ...]]]:
    lines = list(_not_allowed(text.split("\n")))
    found = [
        (Location(file, number, len(line) - len(line.lstrip()) + 1), origins)
        for number, line in enumerate(lines, 1)
        if (origins := origins_in(line))
    ]
    yield from found
    if not found and (origins := origins_in("\n".join(lines))):  # a secret of several short lines
        yield Location(file), origins


_OPENS_A_BLOCK = re.compile(r"\s[|>][-+1-9]*\s+#")


def _not_allowed(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines, empty where they may hold a secret: those that say so, and what a block below one holds."""
    deeper_than: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if deeper_than is not None and (not line.strip() or indent > deeper_than):
            yield ""
            continue
        is_allowed = bool(ALLOW_LITERAL.search(line))
        deeper_than = indent if is_allowed and _OPENS_A_BLOCK.search(line) else None
        yield "" if is_allowed else line


def _exposed(
    location: Location,
    where: str,
    origins: Iterable[str],
    remedy: str = "remove it here and from the history of git, and change the secret",
) -> Problem:
    return Problem(location, EXPOSED, f"the value of {', '.join(origins)} stands {where}", remedy)
