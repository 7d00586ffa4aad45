"""Variables as they are set -> what is odd about their values. Pure.

A finding names the variable and the place that asks for it, never the value nor its length. Nothing here is a reason to
stop: a password may well end with a space.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioner.definitions.desired import Desired
from provisioner.model import Location, Problem
from provisioner.sensitive import Sensitive

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

GUESSABLE = Oddity(
    "secret.weak",
    "can be guessed by whoever reads the state",
    "choose one of twelve random characters or more, or set PROVISIONER_FINGERPRINT_KEY",
)
UNGUARDED = Oddity(
    "secret.unguarded",
    "is too short, or stands in plain text elsewhere, so that it cannot be looked for in what this run writes",
    "choose one of twelve random characters or more",
)
LIKE_THE_USER = Oddity("secret.user-name", "is equal to the user name", "set the password; variables may be mixed up")


def odd(
    desired: Iterable[Desired], variables: Mapping[str, str], judges: Iterable[tuple[Oddity, Test]] = ()
) -> tuple[Problem, ...]:
    """Everything odd, each variable and rule once, where the first definition asks for it.

    ``variables`` are those to be judged, as they are set; ``judges`` look at sensitive values only.
    """
    found: dict[tuple[str, str], Problem] = {}
    for problem in _all(desired, variables, tuple(judges)):
        found.setdefault((problem.rule, problem.message), problem)
    return tuple(found.values())


def _all(
    desired: Iterable[Desired], variables: Mapping[str, str], judges: tuple[tuple[Oddity, Test], ...]
) -> Iterator[Problem]:
    for one in desired:
        for path, value in one.sensitive:
            for name in value.names:
                if name in variables:
                    for oddity in _odd_in(variables[name], ODDITIES):
                        yield _problem(one.location_of(path), name, oddity)
        for path, secret in one.secrets:
            if _given(secret, variables):
                for oddity in _odd_in(secret.reveal(), judges):
                    yield _problem(one.location_of(path), _named(secret), oddity)
        yield from _like_the_user(one, variables)


def _odd_in(value: str, judges: Iterable[tuple[Oddity, Test]]) -> list[Oddity]:
    return [oddity for oddity, test in judges if test(value)]


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
