"""The same base connections as Terraform would keep them: a file and a ``terraform_data`` each, which needs no provider
and no network. The state is written as an apply leaves it: to let Terraform create ten thousand takes too long."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from functools import cache
from pathlib import Path

import yaml

from benchmarks.data import Project
from benchmarks.measure import Command

ABSENT = "Terraform is not installed here"


@cache
def executable() -> str | None:
    """Where it is, if it is installed."""
    return shutil.which("terraform")


def project_of(project: Project, folder: Path) -> Path:
    """The folder, with a file and a resource for each definition of the project, and their state."""
    if not folder.is_dir():
        unfinished = folder.with_suffix(".unfinished")
        _make(project, unfinished)
        unfinished.rename(folder)
    return folder


def _make(project: Project, folder: Path) -> None:
    folder.mkdir(parents=True)
    resources = []
    for file in sorted(project.folder.glob("connections/*/*.yaml")):
        text = file.read_text("utf-8")
        comments = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
        wanted = _without_templates(yaml.safe_load(text))
        name = file.stem.replace("-", "_")
        block = f'resource "terraform_data" "{name}" {{\n  input = {_hcl(wanted, 1)}\n}}\n'
        (folder / f"{file.stem}.tf").write_text(f"{comments}{block}", "utf-8")
        resources.append(_resource(name, wanted))
    state = {"version": 4, "serial": 1, "lineage": str(uuid.uuid4()), "outputs": {}, "resources": resources}
    version = json.loads(_said(command(folder, "version", "-json")))["terraform_version"]
    (folder / "terraform.tfstate").write_text(json.dumps({"terraform_version": version, **state}, indent=2), "utf-8")
    _said(command(folder, "init", "-input=false"))
    _said(command(folder, "plan", "-detailed-exitcode"))  # 2 would mean changes, and another kind of work


def command(folder: Path, *words: str) -> Command:
    found = executable()
    assert found, ABSENT
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "CHECKPOINT_DISABLE": "1"}
    return Command((found, *words), folder, environ)


def _said(wanted: Command) -> bytes:
    """What it writes. Raises ``CalledProcessError`` for any exit code but 0."""
    return subprocess.run(
        wanted.words, cwd=wanted.folder, env=dict(wanted.environ), check=True, capture_output=True
    ).stdout


def _without_templates(data: object) -> object:
    """The values as they are once rendered; a password is not Terraform's to keep."""
    if isinstance(data, dict):
        return {name: _without_templates(value) for name, value in data.items() if name != "password"}
    if isinstance(data, list):
        return [_without_templates(item) for item in data]
    return str(data).replace("{{ var('domain') }}", "example.com")


def _hcl(data: object, depth: int) -> str:
    if isinstance(data, dict):
        lines = "".join(f"{'  ' * (depth + 1)}{name} = {_hcl(value, depth + 1)}\n" for name, value in data.items())
        return f"{{\n{lines}{'  ' * depth}}}"
    return json.dumps(data)


def _resource(name: str, wanted: object) -> dict[str, object]:
    value = {"value": wanted, "type": _type(wanted)}
    made = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    attributes = {"id": made, "input": value, "output": value, "triggers_replace": None}
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": name,
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
    }


def _type(data: object) -> object:
    if isinstance(data, dict):
        return ["object", {name: _type(value) for name, value in data.items()}]
    return ["tuple", [_type(item) for item in data]] if isinstance(data, list) else "string"
