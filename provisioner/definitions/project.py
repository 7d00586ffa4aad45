"""The project file -> ``Project`` and ``Target`` values."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv6Address
from pathlib import Path as FilePath
from typing import TypeAlias
from urllib.parse import urlsplit

from provisioner import json_schema
from provisioner.definitions import files, schema
from provisioner.definitions.files import no_project_file
from provisioner.definitions.hints import suggestion
from provisioner.definitions.loader import Document, as_text, parse
from provisioner.errors import ProblemsFound, UsageError
from provisioner.model import Cloud, Json, Key, Location, Problem

FILE_NAME = "provisioner.yaml"
CONNECTIONS = "connections"
DEFAULT_ENDPOINT = "https://platform.adobe.io"
DEFAULT_IMS_ENDPOINT = "https://ims-na1.adobelogin.com"
DEFAULT_ALLOW_ENV = ("MYSQL_*",)
NEVER_ADMITTED = ("AEP_*", "PROVISIONER_*")
"""The tool's own credentials and settings: no template reads them, whatever the project file says."""


@dataclass(frozen=True, slots=True)
class Target:
    """A named place to deploy to. ``org_id`` and ``sandbox`` are None where the environment fills them in; ``var_at``
    is where each of ``vars`` stands."""

    name: str
    cloud: Cloud
    emulator: bool
    endpoint: str
    ims_endpoint: str
    org_id: str | None
    sandbox: str | None
    state: str
    vars: Mapping[str, str]
    var_at: Mapping[str, Location]
    sample_env: Mapping[str, str]


Called: TypeAlias = tuple[Key, str]
"""A definition's key, and its path without suffix. Both have to match a rule: the path is where reviewers look, and the
key could be chosen to match."""


@dataclass(frozen=True, slots=True)
class EnvRule:
    """Which variables ``env()`` may read in the definitions whose key and path match."""

    key_pattern: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """The project file as values. ``folder`` is where it lies, ``text`` what stands in it. ``unsound`` are the targets
    that have problems of their own and are not among ``targets``; None where nobody can tell which there are."""

    folder: FilePath
    default_target: str | None
    allow_env: tuple[EnvRule, ...]
    targets: Mapping[str, Target]
    text: str = field(default="", repr=False)
    unsound: tuple[str, ...] | None = ()

    @property
    def connections(self) -> FilePath:
        return self.folder / CONNECTIONS

    def target(self, name: str) -> Target:
        """Raises ``UsageError`` with the names there are."""
        if name not in self.targets:
            raise UsageError(f"there is no target `{name}`", f"targets in {FILE_NAME}: {', '.join(self.targets)}")
        return self.targets[name]

    def has_target(self, name: str) -> bool:
        """Return whether there is a target of this name, sound or not; true where that cannot be told."""
        return name in self.targets or self.unsound is None or name in self.unsound

    def admits(self, called: Called, name: str) -> bool:
        """Whether ``env(name)`` may be read in the definition that is so called."""
        return _is_one_of(name, self.admitted(called)) and not _is_one_of(name, NEVER_ADMITTED)

    def knows(self, called: Called, name: str) -> bool:
        """Whether a text is surely the name of a variable: one that ``allow_env`` admits by how it begins."""
        telling = tuple(pattern for pattern in self.admitted(called) if _BEGINNING.match(pattern))
        return _is_one_of(name, telling) and self.admits(called, name)

    def admitted(self, called: Called) -> tuple[str, ...]:
        """The patterns of the variables that the definition that is so called may read."""
        rules = [
            rule
            for rule in self.allow_env
            if rule.key_pattern == "*" or all(_is_one_of(name, (rule.key_pattern,)) for name in called)
        ]
        return tuple(name for rule in rules for name in rule.names)


_BEGINNING = re.compile("[A-Z0-9_]{3}")
"""Of a pattern that says which variables are meant; ``*`` admits every text."""


def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    return _any_of(patterns).match(name) is not None


@lru_cache(1000)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)")


class UnsoundProject(ProblemsFound):
    """The project file has problems. ``rest`` is what of it is sound, to look for more in the definitions."""

    def __init__(self, problems: tuple[Problem, ...], rest: Project) -> None:
        super().__init__(problems)
        self.rest = rest


def read_project(folder: FilePath) -> Project:
    """Read ``provisioner.yaml`` in ``folder``. Raise ``UnsoundProject``, or ``UsageError`` where there is none."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise no_project_file(folder, FILE_NAME)
    text = files.read_text(path, FILE_NAME, folder)
    if isinstance(text, Problem):
        raise UnsoundProject((text,), _rest(folder, Document(FILE_NAME, "")))
    document = parse(FILE_NAME, text)
    problems = set(document.problems)
    if document.data is not None or not problems:
        unread = {one.location for one in document.problems}  # as YAML; nothing more is said of these places
        found = schema.Checker(json_schema.load("project")).check(document)
        problems |= {one for one in (*found, *_cross_problems(document)) if one.location not in unread}
    if problems:
        raise UnsoundProject(tuple(sorted(problems)), _rest(folder, document))
    return _project(folder, document, document.data)


_OF_THE_PLACE = ("org_id", "sandbox", "endpoint", "ims_endpoint", "state")
"""What of a target no definition depends on; that it is wrong hides nothing of what is wrong with those."""


def _rest(folder: FilePath, document: Document) -> Project:
    """Return the project with the targets that are sound as far as definitions depend on them. Where what ``env()`` may
    read is not, nothing is held against the definitions."""
    accepts = json_schema.accepts(json_schema.load("project"))
    data = document.data if isinstance(document.data, dict) else {}
    targets, templates = data.get("targets"), data.get("templates", {})
    named = targets if isinstance(targets, dict) else {}
    judged = {
        name: {part: value for part, value in target.items() if part not in _OF_THE_PLACE}
        for name, target in named.items()
        if isinstance(target, dict)
    }
    unread = {problem.location.line for problem in document.problems}
    sound = {
        name: target
        for name, target in judged.items()
        if accepts({"version": 1, "targets": {name: target}})
        and not any("{{" in str(value) for value in target.get("vars", {}).values())
        and not any(
            mark[0] in unread for path, mark in document.value_positions.items() if path[:2] == ("targets", name)
        )
    }
    if not data or not accepts({"version": 1, "targets": {"any": {}}, "templates": templates}):
        templates = {"allow_env": ["*"]}
    project = _project(folder, document, {"targets": sound, "templates": templates})
    return replace(project, unsound=tuple(named) if isinstance(targets, dict) else None)


def _cross_problems(document: Document) -> tuple[Problem, ...]:
    """Return what no schema can say, also of a file that has other problems."""
    data = document.data if isinstance(document.data, dict) else {}
    found = data.get("targets")
    written = found if isinstance(found, dict) else {}
    targets = {name: target for name, target in written.items() if isinstance(target, dict)}
    return (
        *(_default_target(document, written) if written else ()),
        *_states(document, targets),
        *_same_places(document, targets),
        *_templated_vars(document, targets),
    )


def _default_target(document: Document, targets: Json) -> Iterator[Problem]:
    default = document.data.get("default_target")
    if isinstance(default, str) and default and default not in targets:
        location = document.value_location(("default_target",))
        remedy = suggestion(default, targets, f"targets: {', '.join(targets)}")
        yield Problem(location, "project.target", f"there is no target `{default}`", remedy)


def _states(document: Document, targets: Mapping[str, Json]) -> Iterator[Problem]:
    owners: dict[FilePath, str] = {}
    for name, data in targets.items():
        path = FilePath(_state(name, data))
        owner = owners.setdefault(path, name)
        location = document.value_location(("targets", name, "state"))
        if ".." in path.parts:
            yield Problem(location, "project.state", "the state file lies outside the project", "remove the `..`")
        elif owner != name:
            message = f"the targets `{owner}` and `{name}` have one state file"
            yield Problem(location, "project.state", message, "give each target a state file of its own")


def _same_places(document: Document, targets: Mapping[str, Json]) -> Iterator[Problem]:
    """Two targets of one place would each keep a state of its base connections, and undo what the other does.

    What the file leaves to the environment is the same for both.
    """
    owners: dict[tuple[str, str, str], str] = {}
    for name, data in targets.items():
        if data.get("emulator", False):
            continue
        endpoint = _origin(str(data.get("endpoint", DEFAULT_ENDPOINT)))
        org_id, sandbox = (str(data.get(part, "")) for part in ("org_id", "sandbox"))
        owner = owners.setdefault((endpoint, org_id.casefold(), sandbox), name)
        if owner != name:
            message = f"the targets `{owner}` and `{name}` have one endpoint, organization and sandbox"
            remedy = "remove one of them, or give it another `sandbox`"
            yield Problem(document.key_location(("targets", name)), "project.same-place", message, remedy)


def _origin(endpoint: str) -> str:
    """Return scheme, host and port as they are compared; what is no URL, and refused before it is used, as it is."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return endpoint
    host = parts.hostname or ""
    with suppress(ValueError):
        host = IPv6Address(host).compressed
    return f"{parts.scheme}://{host}:{port}"


def _templated_vars(document: Document, targets: Mapping[str, Json]) -> Iterator[Problem]:
    """What var() gives is text, and a template in it would go to the service as it stands."""
    for target, data in targets.items():
        values = data.get("vars")
        for name, value in (values if isinstance(values, dict) else {}).items():
            if "{{" in str(value):
                location = document.value_location(("targets", target, "vars", name))
                message = f"the value of `{name}` is a template, and vars are not rendered"
                yield Problem(location, "project.var", message, "write the value out")


def _state(name: str, data: Json) -> str:
    default = f".provisioner/{name}/state.json" if data.get("emulator", False) else f"state/{name}.json"
    return str(data.get("state", default))


def _project(folder: FilePath, document: Document, data: Json) -> Project:
    return Project(
        folder=folder,
        default_target=data.get("default_target"),
        allow_env=_env_rules(data.get("templates", {}).get("allow_env", list(DEFAULT_ALLOW_ENV))),
        targets={name: _target(document, name, target) for name, target in data["targets"].items()},
        text=document.text,
    )


def _env_rules(written: list[str] | dict[str, list[str]]) -> tuple[EnvRule, ...]:
    if isinstance(written, list):
        return (EnvRule("*", tuple(written)),)
    return tuple(EnvRule(pattern, tuple(names)) for pattern, names in written.items())


def _target(document: Document, name: str, data: Json) -> Target:
    return Target(
        name=name,
        cloud=Cloud(data.get("cloud", Cloud.AZURE)),
        emulator=data.get("emulator", False),
        endpoint=data.get("endpoint", DEFAULT_ENDPOINT).rstrip("/"),
        ims_endpoint=data.get("ims_endpoint", DEFAULT_IMS_ENDPOINT).rstrip("/"),
        org_id=data.get("org_id"),
        sandbox=data.get("sandbox"),
        state=_state(name, data),
        vars=_vars(document, name, data.get("vars", {})),
        var_at={one: document.value_location(("targets", name, "vars", one)) for one in data.get("vars", {})},
        sample_env=data.get("env", {}),
    )


def _vars(document: Document, target: str, values: Json) -> Mapping[str, str]:
    """As text: a plain ``007`` keeps its zeros, because the text it was written with is what counts."""
    return {
        name: document.texts.get(("targets", target, "vars", name), as_text(value)) for name, value in values.items()
    }
