"""The connection spec of MySQL as the service has it, beside the schema of definitions, field by field. Pure.

What a definition may say there and not here is a limit of this tool. What it may say here and not there, the service
may refuse; that is a failure where a definition of the target does say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.definitions.desired import Desired
from provisioner.definitions.schema import narrowed
from provisioner.doctor.findings import Finding, failed, not_tried, passed, warned
from provisioner.errors import ServiceError
from provisioner.model import Cloud, Json, text_or_empty

BASIC = "Basic Authentication"
_PARAMETERS = {BASIC: "basicParams", "Connection String Based Authentication": "connectionStringParams"}
_REPORT = "report it with the facts of `--out FILE`: the schema of definitions has to follow"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its values if there is an enumeration, and its default. ``type`` is "" if none is given."""

    type: str = ""
    values: tuple[str, ...] = ()
    default: str | None = None
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """The parameters of one way to sign in. ``admits_others`` is None where nothing is said of further ones."""

    required: frozenset[str]
    parameters: Mapping[str, Parameter]
    admits_others: bool | None = None


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """All ways to sign in, by name. ``draft_mode`` is None if the service does not say."""

    version: str
    auth: Mapping[str, AuthSpec]
    draft_mode: bool | None = None


def read_spec(item: Json) -> ConnectionSpec:
    """Return the spec of an item of ``/connectionSpecs``. Raise ``ServiceError`` for one in another form."""
    entries = item.get("authSpec")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ServiceError("the connection spec holds no list `authSpec`", _REPORT)
    attributes = item.get("attributes")
    draft = attributes.get("isDraftModeSupported") if isinstance(attributes, dict) else None
    auth = {text_or_empty(entry.get("name")): _auth_spec(entry.get("spec")) for entry in entries}
    return ConnectionSpec(text_or_empty(item.get("version")), auth, draft if isinstance(draft, bool) else None)


def spec_of_definitions(cloud: Cloud) -> ConnectionSpec:
    """Return what the schema of definitions admits on a cloud, in the same form."""
    schema = narrowed(cloud)["$defs"]
    names = schema["specName"]["enum"]
    auth = {}
    for name in names:
        params = schema[_PARAMETERS[name]]
        resolved = {key: _resolved(schema, value) for key, value in params["properties"].items()}
        auth[name] = _auth_spec({**params, "properties": resolved})
    return ConnectionSpec("1.0", auth)


def _resolved(definitions: Json, node: Json) -> Json:
    """Return a property of our schema: without its reference, its enumeration at the top, and nothing that JSON Schema
    says only about templates."""
    node = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    branches = [branch for branch in node.get("anyOf", ()) if "enum" in branch]
    values = [str(value) for branch in branches for value in branch["enum"] if isinstance(value, str)]
    kept = {key: node[key] for key in ("default",) if key in node}
    return {**kept, "type": "string", **({"enum": values} if values else {})}


def _auth_spec(schema: Any) -> AuthSpec:
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return AuthSpec(frozenset(), {})
    required = schema.get("required")
    names = frozenset(name for name in required if isinstance(name, str)) if isinstance(required, list) else frozenset()
    others = schema.get("additionalProperties")
    parameters = {str(name): _parameter(one) for name, one in schema["properties"].items()}
    return AuthSpec(names, parameters, None if others is None else others is not False)


def _parameter(schema: Any) -> Parameter:
    if not isinstance(schema, dict):
        return Parameter()
    values = schema.get("enum")
    return Parameter(
        text_or_empty(schema.get("type")),
        tuple(map(_as_text, values)) if isinstance(values, list) else (),
        _as_text(schema["default"]) if "default" in schema else None,
        text_or_empty(schema.get("pattern")),
    )


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def judge_auth_specs(here: ConnectionSpec, there: ConnectionSpec, desired: Iterable[Desired]) -> Finding:
    used = {definition.texts.get("auth.specName", "") for definition in desired}
    return _compared(tuple(here.auth), tuple(there.auth), used)


def judge_ssl_mode(here: ConnectionSpec, there: ConnectionSpec, desired: Iterable[Desired]) -> Finding:
    """Compare the values of ``sslMode`` in their exact spelling."""
    theirs = _ssl_mode_of(there)
    if theirs is None:
        return not_tried("the service has no `sslMode`: see spec.parameters", here=list(_values_of(here)))
    if not theirs.values:
        return warned("the service does not list the values", _REPORT, here=list(_values_of(here)), there=[])
    used = {definition.texts.get("auth.params.sslMode", "") for definition in desired}
    for cloud in Cloud:
        values = _values_of(spec_of_definitions(cloud))
        if set(values) == set(theirs.values) != set(_values_of(here)):
            seen = f"not the same: these are those of {cloud}: {', '.join(theirs.values)}"
            facts = {"here": list(_values_of(here)), "there": list(theirs.values)}
            return failed(seen, f"write `cloud: {cloud}` into the target", **facts)
    return _compared(_values_of(here), theirs.values, used)


def _compared(here: tuple[str, ...], there: tuple[str, ...], used: Iterable[str]) -> Finding:
    """Compare what definitions may say, and what those of the target do say, with what the service has."""
    facts = {"here": list(here), "there": list(there)}
    only_here, only_there = [x for x in here if x not in there], [x for x in there if x not in here]
    if not only_here and not only_there:
        return passed(f"the same: {', '.join(there)}", **facts)
    details = [f"there and not here: {', '.join(only_there)}"] if only_there else []
    details += [f"here and not there: {', '.join(only_here)}"] if only_here else []
    refused = sorted(set(used) & set(only_here))
    if refused:
        remedy = f"the service may refuse {', '.join(refused)}, which definitions use: write one that it has"
        return failed("not the same", remedy, details, **facts)
    return warned("not the same", _REPORT, details, **facts)


def judge_required(here: ConnectionSpec, there: ConnectionSpec) -> Finding:
    details, facts = [], {}
    for name, ours, theirs in _common(here, there):
        always_sent = {parameter for parameter, one in ours.parameters.items() if one.default is not None}
        more = sorted(theirs.required - ours.required - always_sent)
        fewer = sorted(ours.required - theirs.required)
        facts[name] = {"here": sorted(ours.required), "there": sorted(theirs.required)}
        details += [f"{name}: required there and not here: {', '.join(more)}"] if more else []
        details += [f"{name}: required here and not there: {', '.join(fewer)}"] if fewer else []
    if details:
        return warned("not the same parameters", _REPORT, details, auth=facts)
    return passed("the same parameters", auth=facts)


def judge_parameters(here: ConnectionSpec, there: ConnectionSpec) -> Finding:
    """Compare names, types, and enumerations and patterns that only the service has."""
    details, facts = [], {}
    for name, ours, theirs in _common(here, there):
        parameters = {
            parameter: {"type": one.type, "values": list(one.values), "pattern": one.pattern}
            for parameter, one in sorted(theirs.parameters.items())
        }
        facts[name] = {"parameters": parameters, "admits_others": theirs.admits_others}
        only_there = sorted(theirs.parameters.keys() - ours.parameters.keys())
        only_here = sorted(ours.parameters.keys() - theirs.parameters.keys())
        details += [f"{name}: there and not here: {', '.join(only_there)}"] if only_there else []
        details += [f"{name}: here and not there: {', '.join(only_here)}"] if only_here else []
        details += _differences(name, ours.parameters, theirs.parameters)
    if details:
        return warned("not the same parameters", _REPORT, details, auth=facts)
    return passed("the same names and types", auth=facts)


def _differences(name: str, here: Mapping[str, Parameter], there: Mapping[str, Parameter]) -> Iterable[str]:
    for parameter in sorted(here.keys() & there.keys()):
        theirs = there[parameter]
        if theirs.type not in ("", "string"):
            yield f"{name}: {parameter} is of type {theirs.type} there, and sent as a string"
        if theirs.values and not here[parameter].values:
            yield f"{name}: {parameter} has these values there: {', '.join(theirs.values)}"
        if theirs.pattern:
            yield f"{name}: {parameter} has a pattern there, which is not checked here: {theirs.pattern}"


def judge_defaults(here: ConnectionSpec, there: ConnectionSpec) -> Finding:
    """Compare the defaults that the service has. One that only we have is always sent, so it makes no difference."""
    details, facts = [], {}
    for name, ours, theirs in _common(here, there):
        for parameter, one in sorted(theirs.parameters.items()):
            if one.default is None:
                continue
            own = ours.parameters.get(parameter, Parameter()).default
            facts[f"{name}.{parameter}"] = {"here": own, "there": one.default}
            if own != one.default:
                details.append(f"{name}: {parameter} is {one.default} there if left out, {own or 'nothing'} here")
    if details:
        return warned("not the same", "write these parameters into the definitions", details, defaults=facts)
    return passed("the same" if facts else "the service has none", defaults=facts)


def judge_draft_mode(there: ConnectionSpec) -> Finding:
    shown = {None: "the service does not say", True: "supported there, not used here", False: "not supported there"}
    return passed(shown[there.draft_mode], supported=there.draft_mode)


def _common(here: ConnectionSpec, there: ConnectionSpec) -> Iterable[tuple[str, AuthSpec, AuthSpec]]:
    return ((name, here.auth[name], there.auth[name]) for name in here.auth if name in there.auth)


def _ssl_mode_of(spec: ConnectionSpec) -> Parameter | None:
    return spec.auth[BASIC].parameters.get("sslMode") if BASIC in spec.auth else None


def _values_of(spec: ConnectionSpec) -> tuple[str, ...]:
    """Return the values of ``sslMode``."""
    parameter = _ssl_mode_of(spec)
    return parameter.values if parameter else ()
