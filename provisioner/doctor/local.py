"""Judging what is on this machine: versions, project, variables, state. Pure, except for reading the versions."""

from __future__ import annotations

import platform
import re
import ssl
from collections.abc import Collection, Iterable, Mapping
from importlib import metadata
from typing import Any

from provisioner import __version__
from provisioner.definitions.desired import Desired
from provisioner.definitions.project import FILE_NAME, Project
from provisioner.doctor.findings import Finding, failed, not_tried, passed, warned
from provisioner.doctor.site import StateFiles
from provisioner.planning.target_context import TargetContext
from provisioner.service.auth import NO_API_KEY, NO_SECRET
from provisioner.state.fingerprint import KEY_VARIABLE, Fingerprinter
from provisioner.state.records import Record, State
from provisioner.text import count, listed, plural

_SHOWN_LIBRARIES = ("requests", "urllib3")
_MINIMUM = re.compile(r"([A-Za-z0-9_-]+)[^;]*>=([0-9.]+)")
_MAX_NAMES = 12


def installed_versions() -> Mapping[str, tuple[str, str]]:
    """Return the version of each library that provisioner needs, "" for none, and the lowest that it needs."""
    try:
        required = [entry for entry in metadata.requires("provisioner") or () if "extra ==" not in entry]
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        required = []
    minimums = {match[1]: match[2] for match in map(_MINIMUM.match, required) if match}
    return {name: (_version_of(name), minimums.get(name, "")) for name in (*minimums, "urllib3")}


def _version_of(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def judge_versions(libraries: Mapping[str, tuple[str, str]]) -> Finding:
    facts: dict[str, Any] = {
        "provisioner": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "openssl": ssl.OPENSSL_VERSION,
        "libraries": {name: version or None for name, (version, _) in sorted(libraries.items())},
    }
    shown = [f"{name} {libraries[name][0]}" for name in _SHOWN_LIBRARIES if libraries.get(name, ("", ""))[0]]
    openssl = " ".join(ssl.OPENSSL_VERSION.split()[:2])
    seen = ", ".join((f"provisioner {__version__}", f"Python {platform.python_version()}", *shown, openssl))
    old = [
        f"{name} {version or 'is missing'}: {least} or newer is needed"
        for name, (version, least) in libraries.items()
        if least and _numbers(version) < _numbers(least)
    ]
    if old:
        return failed(seen, "install provisioner again, with its requirements", old, **facts)
    return passed(seen, **facts)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])[:3]))


def judge_project(project: Project) -> Finding:
    names = list(project.targets)
    return passed(f"{FILE_NAME}: {plural(len(names), 'target')} {listed(names, _MAX_NAMES)}", targets=len(names))


def judge_schemas(same: Mapping[str, bool | None]) -> Finding:
    facts: dict[str, Any] = {"same": dict(same)}
    others = [name for name, is_same in same.items() if not is_same]
    if not same:
        return passed("none in the project", **facts)
    if not others:
        return passed(f"{plural(len(same), 'schema')} {listed(list(same), _MAX_NAMES)}: those of this version", **facts)
    names = " and ".join(f"schemas/{name}.schema.json" for name in others)
    commands = "; ".join(f"provisioner schema {name} > schemas/{name}.schema.json" for name in others)
    verb = "is not that" if len(others) == 1 else "are not those"
    return warned(
        f"{names} {verb} of provisioner {__version__}, so editors complete and check differently", commands, **facts
    )


def judge_target(target: TargetContext) -> Finding:
    kind = "an emulator" if target.target.emulator else target.identity.endpoint
    facts: dict[str, Any] = {
        "name": target.name,
        "cloud": target.target.cloud.value,
        "emulator": target.target.emulator,
        "loopback": target.loopback,
    }
    return passed(f"{target.name}: {kind}, cloud {target.target.cloud.value}", **facts)


def judge_identity(target: TargetContext) -> Finding:
    identity = target.identity
    facts: dict[str, Any] = {
        name: "project" if value else "environment" if not target.target.emulator else "emulator"
        for name, value in (("org_id", target.target.org_id), ("sandbox", target.target.sandbox))
    }
    return passed(f"organization {identity.org_id}, sandbox {identity.sandbox}", **facts)


def judge_definitions(desired: Collection[Desired]) -> Finding:
    if not desired:
        return warned("no definition applies to this target", "add a file to connections/", number=0)
    return passed(f"{len(desired):,} for this target, without problems", number=len(desired))


_OPTIONAL = ("AEP_SCOPES", "PROVISIONER_ALLOW_HOSTS")


def judge_credentials(environ: Mapping[str, str], emulator: bool) -> Finding:
    """Judge the variables of the tool itself: set or not. Their values are not looked at."""
    names = ("AEP_API_KEY", "AEP_CLIENT_SECRET", "AEP_ACCESS_TOKEN", "AEP_ORG_ID", "AEP_SANDBOX_NAME", *_OPTIONAL)
    facts = _set_or_not(names, {name: value.strip() for name, value in environ.items()})
    if emulator:
        return passed("an emulator needs none", **facts)
    missing = [NO_API_KEY] if "AEP_API_KEY" in facts["not_set"] else []
    if {"AEP_CLIENT_SECRET", "AEP_ACCESS_TOKEN"} <= {*facts["not_set"]}:
        missing.append(NO_SECRET)
    if missing:
        remedy = "set AEP_API_KEY and AEP_CLIENT_SECRET to those of the credential in the Developer Console"
        return failed("; ".join(missing), remedy, **facts)
    return passed(f"set: {', '.join(facts['set'])}", **facts)


def judge_variables(desired: Iterable[Desired], values: Mapping[str, str]) -> Finding:
    """Judge the variables that definitions read: set or not."""
    names = sorted({name for definition in desired for name in definition.variables})
    facts = _set_or_not(names, values)
    if facts["not_set"]:
        remedy = "set them for `provisioner apply`; `plan` does without, but cannot tell whether a secret has changed"
        return warned(f"not set: {listed(facts['not_set'], _MAX_NAMES)}", remedy, **facts)
    return passed(f"set: {listed(names, _MAX_NAMES)}" if names else "the definitions read none", **facts)


def _set_or_not(names: Iterable[str], values: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"set": [], "not_set": []}
    for name in names:
        found["set" if values.get(name) else "not_set"].append(name)
    return found


def judge_fingerprint_key(fingerprinter: Fingerprinter, target: TargetContext) -> Finding:
    if fingerprinter.has_key:
        return passed(f"{KEY_VARIABLE} is set, and long enough", set=True)
    if target.target.emulator:
        return passed("not set; an emulator needs none", set=False)
    return warned(
        f"{KEY_VARIABLE} is not set: whoever reads the state can try out weak passwords",
        "make one with `openssl rand -hex 32`, and give the same to the whole team and the pipeline",
        set=False,
    )


def judge_state(state: State, files: StateFiles) -> Finding:
    applied = max((record.applied_at for record in state.records), default="")
    facts: dict[str, Any] = {
        "exists": files.state,
        "serial": state.serial,
        "records": len(state.records),
        "last_applied_at": applied or None,
    }
    if not files.state and not files.journal:
        return passed("none yet: nothing was applied from here", **facts)
    last = f", last applied {applied[:16].replace('T', ' ')} UTC" if applied else ""
    return passed(
        f"{count(len(state.records), 'record')}, serial {state.serial}, lineage {state.lineage[:8]}{last}", **facts
    )


def judge_journal(state: State, files: StateFiles) -> Finding:
    calls = sorted(f"{intent.step} of {intent.key}, sent at {intent.sent_at}" for intent in state.intents)
    facts: dict[str, Any] = {"exists": files.journal, "open_calls": [intent.step for intent in state.intents]}
    if calls:
        remedy = "run `provisioner apply`: it finds out what became of them before it does anything else"
        return warned(f"{len(calls):,} with an unknown outcome", remedy, calls[:_MAX_NAMES], **facts)
    if files.journal:
        remedy = "the next `apply` folds it into the state; keep both files together"
        return warned("there is a journal, so a run did not end", remedy, **facts)
    return passed("no journal, no open call", **facts)


def judge_lock(files: StateFiles) -> Finding:
    if files.holder:
        return warned(f"held by {files.holder}", "wait until that run ends before you apply", held=True)
    return passed("free", held=False)


def judge_fingerprints(records: Iterable[Record], fingerprinter: Fingerprinter) -> Finding:
    """Judge whether values can be compared with the fingerprints in the state."""
    made = [secret.fingerprint for record in records for secret in record.secrets]
    unknown = sum(not fingerprinter.knows_key_of(fingerprint) for fingerprint in made)
    facts: dict[str, Any] = {"recorded": len(made), "made_with_another_key": unknown}
    if not made:
        return not_tried("nothing is recorded", **facts)
    if unknown:
        remedy = f"set {KEY_VARIABLE} to the key of the team, or the former one as {KEY_VARIABLE}_OLD"
        seen = f"{unknown:,} of {len(made):,} made with another key: whether those secrets have changed is not known"
        return warned(seen, remedy, **facts)
    return passed(f"{len(made):,}, all comparable", **facts)
