"""Variables as they are set -> what is odd about their values, and where a secret stands in plain text. Pure.

A finding names the variable and a place, never the value nor its length. What is only odd is no reason to stop: a
password may well end with a space.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioner.definitions.desired import Desired
from provisioner.definitions.leaves import ALLOW_LITERAL
from provisioner.definitions.yaml_errors import source_line
from provisioner.model import Location, Problem
from provisioner.sensitive import SHORTEST, SHORTEST_WORD, Sensitive, cannot_detect

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Oddity:
    """One thing that may be wrong with a variable. ``message`` follows its name."""

    rule: str
    message: str
    remedy: str


_QUOTED = re.compile(r"(['\"`]).*\1", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"change[-_ ]?(me|it|this)|replace[-_ ]?(me|it|this)|(your|my|the)?[-_ ]?(password|passwd|pwd|secret)"
    r"|todo|tbd|fixme|x{3,}|\*{3,}|\.{3,}|dummy|example|placeholder|redacted|masked|none|null|nil|undefined|test"
    r"|<.*>|\$\{.*\}?|\$\(.*\)?|\$[a-z_]\w*|\{\{.*|%[a-z_]\w*%|##.*",
    re.IGNORECASE | re.DOTALL,
)

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
            "holds what looks like a placeholder",
            "set the real value; a `${...}` that arrives here was not replaced by whatever should have done so",
        ),
        lambda value: bool(_PLACEHOLDER.fullmatch(value.strip().strip("'\"`"))),
    ),
)
"""What any variable is tested for that a definition reads."""

UNGUARDED = Oddity(
    "secret.unguarded",
    f"cannot be looked for in what this run writes: it is shorter than {SHORTEST} characters, or shorter than "
    f"{SHORTEST_WORD} and made of lower-case letters alone",
    "choose one of twelve random characters or more",
)
LIKE_THE_USER = Oddity("secret.user-name", "is equal to the user name", "set the password; variables may be mixed up")


def odd(desired: Iterable[Desired], variables: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return everything odd, each variable and rule once, where the first definition asks for it.

    ``variables`` are those to be judged, as they are set.
    """
    found: dict[tuple[str, str], Problem] = {}
    for problem in _all(desired, variables):
        found.setdefault((problem.rule, problem.message), problem)
    return tuple(found.values())


def _all(desired: Iterable[Desired], variables: Mapping[str, str]) -> Iterator[Problem]:
    for one in desired:
        for path, value in one.sensitive:
            for name in value.names:
                if name in variables:
                    for oddity in (oddity for oddity, test in ODDITIES if test(variables[name])):
                        yield _problem(one.location_of(path), name, oddity)
        for path, secret in one.secrets:
            if _given(secret, variables) and cannot_detect(secret.reveal()):
                yield _problem(one.location_of(path), _named(secret), UNGUARDED)
        yield from _like_the_user(one, variables)


def _given(secret: Sensitive, variables: Mapping[str, str]) -> bool:
    """Whether all that it is made of is to be judged."""
    return variables.keys() >= set(secret.names)


def _named(secret: Sensitive) -> str:
    return ", ".join(secret.names) or secret.origin


def _problem(location: Location, name: str, oddity: Oddity) -> Problem:
    return Problem(location, oddity.rule, f"{name} {oddity.message}", oddity.remedy)


def _like_the_user(one: Desired, variables: Mapping[str, str]) -> Iterator[Problem]:
    for path, password in one.sensitive:
        if not path.endswith(".password"):
            continue
        user = one.value(f"{path.removesuffix('.password')}.username")
        name = user.reveal() if isinstance(user, Sensitive) else user
        if password.reveal() == name and _given(password, variables):
            yield _problem(one.location_of(path), _named(password), LIKE_THE_USER)


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
    lines = ["" if ALLOW_LITERAL.search(line) else line for line in text.split("\n")]
    found = [
        (Location(file, number, len(line) - len(line.lstrip()) + 1), origins)
        for number, line in enumerate(lines, 1)
        if (origins := origins_in(line))
    ]
    yield from found
    if not found and (origins := origins_in("\n".join(lines))):  # a secret of several short lines
        yield Location(file), origins


def _exposed(
    location: Location,
    where: str,
    origins: Iterable[str],
    remedy: str = "remove it here and from the history of git, and change the secret",
) -> Problem:
    return Problem(location, EXPOSED, f"the value of {', '.join(origins)} stands {where}", remedy)
