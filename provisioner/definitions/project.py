"""The project file ``provisioner.yaml``: read and validate it; its targets, and its rules for ``env()``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from provisioner import json_schema
from provisioner.definitions import files, schema
from provisioner.definitions.suggestions import suggestion
from provisioner.definitions.yaml_loader import Document, YamlPath, as_text, parse
from provisioner.errors import ProblemsFound, UsageError
from provisioner.model import Cloud, Json, Key, Location, Problem

FILE_NAME = "provisioner.yaml"
CONNECTIONS = "connections"
DEFAULT_ENDPOINT = "https://platform.adobe.io"
DEFAULT_IMS_ENDPOINT = "https://ims-na1.adobelogin.com"
"""Documented, both. They serve every region and both clouds (inferred: one-host)."""
DEFAULT_ALLOW_ENV = ("MYSQL_*",)
NEVER_ADMITTED = ("AEP_*", "PROVISIONER_*")
"""The tool's own credentials and settings: no template may read them, whatever the project file says."""

KeyAndPath: TypeAlias = tuple[Key, str]
"""The key of a definition, and its path without suffix. A rule must match both: reviewers look at the path, and the key
could be chosen to match."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The most changes of a kind that one plan may make. ``location`` is that of the number."""

    number: int
    location: Location


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a target, named after their properties; None for no limit."""

    deletes: Limit | None = None
    updates: Limit | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A named place to deploy to. ``org_id`` and ``sandbox`` are None if the environment is to provide them; ``var_at``
    holds the location of each of ``vars``."""

    name: str
    cloud: Cloud
    emulator: bool
    endpoint: str
    ims_endpoint: str
    org_id: str | None
    sandbox: str | None
    state: str
    limits: Limits
    vars: Mapping[str, str]
    var_at: Mapping[str, Location]
    sample_env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EnvRule:
    """Patterns of the variables that ``env()`` may read in definitions whose key and path match ``key_pattern``."""

    key_pattern: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """The content of a project file. ``folder`` contains it, ``text`` is its source. ``unsound`` names the targets with
    problems, which are not among ``targets``; it is None if the targets cannot be read."""

    folder: Path
    default_target: str | None
    allow_env: tuple[EnvRule, ...]
    targets: Mapping[str, Target]
    text: str = field(default="", repr=False)
    unsound: tuple[str, ...] | None = ()

    @property
    def connections(self) -> Path:
        return self.folder / CONNECTIONS

    def target(self, name: str) -> Target:
        """Return a target. Raise ``UsageError`` with the names of all targets if there is none of this name."""
        if name not in self.targets:
            raise UsageError(f"there is no target `{name}`", f"use a target of {FILE_NAME}: {', '.join(self.targets)}")
        return self.targets[name]

    def has_target(self, name: str) -> bool:
        """Return whether there is a target of this name, with or without problems, or the targets cannot be read."""
        return name in self.targets or self.unsound is None or name in self.unsound

    def admits(self, definition: KeyAndPath, variable: str) -> bool:
        """Return whether a definition may read an environment variable."""
        return _matches(variable, self.admitted_patterns(definition)) and not _matches(variable, NEVER_ADMITTED)

    def recognizes(self, definition: KeyAndPath, text: str) -> bool:
        """Return whether a text is certainly the name of a variable, because a pattern that is specific admits it."""
        specific = tuple(pattern for pattern in self.admitted_patterns(definition) if _SPECIFIC.match(pattern))
        return _matches(text, specific) and self.admits(definition, text)

    def admitted_patterns(self, definition: KeyAndPath) -> tuple[str, ...]:
        """Return the patterns of the variables that a definition may read."""
        return tuple(
            name
            for rule in self.allow_env
            if rule.key_pattern == "*" or all(_matches(text, (rule.key_pattern,)) for text in definition)
            for name in rule.names
        )


_SPECIFIC = re.compile("[A-Z0-9_]{3}")
"""The beginning of a pattern that does not admit arbitrary text, as ``*`` does."""


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return _union(patterns).match(name) is not None


@lru_cache(1000)
def _union(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)")


class UnsoundProject(ProblemsFound):
    """A project file with problems. ``rest`` is the project without them, to find problems in the definitions too."""

    def __init__(self, problems: tuple[Problem, ...], rest: Project) -> None:
        super().__init__(problems)
        self.rest = rest


def read_project(folder: Path) -> Project:
    """Read the project file in ``folder``. Raise ``UnsoundProject`` for problems in it, ``UsageError`` if there is
    none."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise files.no_project_file(folder, FILE_NAME)
    text = files.read_text(path, FILE_NAME, folder)
    if isinstance(text, Problem):
        raise UnsoundProject((text,), _sound_part(folder, Document(FILE_NAME, "")))
    document = parse(FILE_NAME, text)
    problems = set(document.problems)
    if document.data is not None or not problems:
        checked = (*schema.Checker(json_schema.load("project")).check(document), *_cross_problems(document))
        unreadable = {problem.location for problem in document.problems}
        problems |= {problem for problem in checked if problem.location not in unreadable}
    if problems:
        raise UnsoundProject(tuple(sorted(problems)), _sound_part(folder, document))
    return _project(folder, document, document.data)


def _project(folder: Path, document: Document, data: Json) -> Project:
    allow_env = data.get("templates", {}).get("allow_env", list(DEFAULT_ALLOW_ENV))
    by_key = {"*": allow_env} if isinstance(allow_env, list) else allow_env
    return Project(
        folder=folder,
        default_target=data.get("default_target"),
        allow_env=tuple(EnvRule(pattern, tuple(names)) for pattern, names in by_key.items()),
        targets={name: _target(document, data, name) for name in data["targets"]},
        text=document.text,
    )


def _target(document: Document, project: Json, name: str) -> Target:
    data = project["targets"][name]
    paths = {variable: ("targets", name, "vars", variable) for variable in data.get("vars", {})}
    return Target(
        name=name,
        cloud=Cloud(data.get("cloud", Cloud.AZURE)),
        emulator=data.get("emulator", False),
        endpoint=data.get("endpoint", DEFAULT_ENDPOINT).rstrip("/"),
        ims_endpoint=data.get("ims_endpoint", DEFAULT_IMS_ENDPOINT).rstrip("/"),
        org_id=data.get("org_id"),
        sandbox=data.get("sandbox"),
        state=_state_file(name, data),
        limits=_limits(document, {("limits",): project, ("targets", name, "limits"): data}),
        # The source text, so that a plain `007` keeps its zeros.
        vars={variable: document.texts.get(path, as_text(data["vars"][variable])) for variable, path in paths.items()},
        var_at={variable: document.value_location(path) for variable, path in paths.items()},
        sample_env=data.get("env", {}),
    )


def _limits(document: Document, owners: Mapping[YamlPath, Json]) -> Limits:
    """Return the limits of a target. ``owners`` holds the mappings that may have ``limits`` at these paths; a number of
    a later one replaces that of an earlier one."""
    numbers = {
        kind: Limit(number, document.value_location((*path, kind)))
        for path, owner in owners.items()
        for kind, number in owner.get("limits", {}).items()
    }
    return Limits(**numbers)


def _state_file(target: str, data: Json) -> str:
    default = f".provisioner/{target}/state.json" if data.get("emulator", False) else f"state/{target}.json"
    return str(data.get("state", default))


_WITHOUT_EFFECT_ON_DEFINITIONS = ("org_id", "sandbox", "endpoint", "ims_endpoint", "state", "limits")
"""Properties of a target that no definition depends on: problems in them do not keep definitions from being checked."""


def _sound_part(folder: Path, document: Document) -> Project:
    """Return the project with the targets against which definitions can be checked.

    If the rules for ``env()`` are unsound, every variable is admitted, so that definitions are not blamed.
    """
    accepts = json_schema.accepts(json_schema.load("project"))
    data = _mapping(document.data)
    targets, templates = _mapping(data.get("targets")), data.get("templates", {})
    unreadable = {problem.location.line for problem in document.problems}
    unreadable_targets = {
        path[1]
        for path, position in document.value_positions.items()
        if position[0] in unreadable and len(path) > 1 and path[0] == "targets"
    }
    sound: Json = {}
    for name, target in targets.items():
        if not isinstance(target, dict) or name in unreadable_targets:
            continue
        relevant = {key: value for key, value in target.items() if key not in _WITHOUT_EFFECT_ON_DEFINITIONS}
        if accepts({"version": 1, "targets": {name: relevant}}) and not any(
            "{{" in str(value) for value in relevant.get("vars", {}).values()
        ):
            sound[name] = relevant
    if not data or not accepts({"version": 1, "targets": {"any": {}}, "templates": templates}):
        templates = {"allow_env": ["*"]}
    project = _project(folder, document, {"targets": sound, "templates": templates})
    return replace(project, unsound=tuple(targets) if isinstance(data.get("targets"), dict) else None)


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _cross_problems(document: Document) -> Iterator[Problem]:
    """Yield the problems that a schema cannot express, also for a file that has others."""
    data = _mapping(document.data)
    targets = _mapping(data.get("targets"))
    default = data.get("default_target")
    if targets and isinstance(default, str) and default and default not in targets:
        remedy = suggestion(default, targets, f"use one of: {', '.join(targets)}")
        location = document.value_location(("default_target",))
        yield Problem(location, "project.target", f"there is no target `{default}`", remedy)
    well_formed = {name: target for name, target in targets.items() if isinstance(target, dict)}
    yield from _state_problems(document, well_formed)
    yield from _shared_services(document, well_formed)
    for name, target in well_formed.items():
        for variable, value in _mapping(target.get("vars")).items():
            if "{{" in str(value):  # it would be sent as it is
                location = document.value_location(("targets", name, "vars", variable))
                message = f"the value of `{variable}` is a template, but vars are not rendered"
                yield Problem(location, "project.var", message, "write the value out")


def _state_problems(document: Document, targets: Mapping[str, Json]) -> Iterator[Problem]:
    owners: dict[Path, str] = {}
    for name, data in targets.items():
        path = Path(_state_file(name, data))
        owner = owners.setdefault(path, name)
        location = document.value_location(("targets", name, "state"))
        if ".." in path.parts:
            yield Problem(location, "project.state", "the state file is outside the project", "remove the `..`")
        elif owner != name:
            message = f"the targets `{owner}` and `{name}` share a state file"
            yield Problem(location, "project.state", message, "give each target a state file of its own")


def _shared_services(document: Document, targets: Mapping[str, Json]) -> Iterator[Problem]:
    """Yield a problem for each target with the sandbox of an earlier one: each would keep a state of its own for the
    same base connections, and undo the changes of the other.

    Properties that the environment is to provide count as equal.
    """
    owners: dict[tuple[str, str, str], str] = {}
    for name, data in targets.items():
        if data.get("emulator", False):
            continue
        endpoint = _origin(str(data.get("endpoint", DEFAULT_ENDPOINT)))
        org_id, sandbox = str(data.get("org_id", "")), str(data.get("sandbox", ""))
        owner = owners.setdefault((endpoint, org_id.casefold(), sandbox), name)
        if owner != name:
            message = f"the targets `{owner}` and `{name}` share endpoint, organization and sandbox"
            remedy = "remove one of them, or give it another `sandbox`"
            yield Problem(document.key_location(("targets", name)), "project.same-place", message, remedy)


def _origin(endpoint: str) -> str:
    """Return scheme, host and port in a form to compare; the endpoint itself if it is not a URL, which the schema
    refuses."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return endpoint
    host = parts.hostname or ""
    with suppress(ValueError):
        host = IPv6Address(host).compressed
    return f"{parts.scheme}://{host}:{port}"
