"""``init``: create a project, with its pipeline."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from provisioner import json_schema
from provisioner.cli import options
from provisioner.cli.context import Context
from provisioner.errors import NotWritten


@click.command(cls=options.StrictCommand)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--pipeline",
    type=click.Choice(["github", "gitlab", "azure", "none"]),
    default="github",
    show_default=True,
    help="CI system to generate a pipeline for.",
)
@click.pass_obj
def init(context: Context, folder: Path, pipeline: str) -> int:
    """Create a project in DIR: a sample definition, schemas for editors, a pipeline. Overwrites nothing."""
    console = context.console
    for path, text in scaffold(pipeline).items():
        try:
            console.create(folder / path, text)
            console.out(f"created  {path}")
        except FileExistsError:
            lacking = lacking_lines(folder / path, text)
            console.out(f"kept  {path}  (already exists{'; add these lines to it' if lacking else ''})")
            console.out("\n".join(f"      {line}" for line in lacking))
        except OSError as error:
            message = f"{folder / path} cannot be written: {error.strerror}"
            raise NotWritten(message, "check permissions and room") from None
    console.err(context.err_style.fold(next_steps(pipeline, folder)))
    return 0


_PARTS = {"github": ("state", "github"), "gitlab": ("state", "gitlab"), "azure": ("state", "azure"), "none": ()}
_HIDDEN = "dot-"
"""The prefix in place of a leading dot, so that no tool takes a template for its own file."""


def scaffold(pipeline: str) -> Mapping[str, str]:
    """Return the text of each file by its path, sorted. ``pipeline``: github, gitlab, azure, or none."""
    root = files("provisioner") / "scaffold"
    made = {path: text for part in ("project", *_PARTS[pipeline]) for path, text in _below(root / part, "")}
    for name in ("connection", "project"):
        made[f"schemas/{name}.schema.json"] = json.dumps(json_schema.load(name), indent=2, ensure_ascii=False) + "\n"
    return dict(sorted(made.items()))


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        name = f".{entry.name.removeprefix(_HIDDEN)}" if entry.name.startswith(_HIDDEN) else entry.name
        if entry.is_dir():
            yield from _below(entry, f"{path}{name}/")
        else:
            yield f"{path}{name}", entry.read_text("utf-8")


_OF_LINES = (".gitattributes", ".gitignore", "CODEOWNERS")
"""Files that consist of independent lines, so that a user can add ours."""


def lacking_lines(path: Path, text: str) -> tuple[str, ...]:
    """Return our lines that an existing file lacks, if lines can be added to it."""
    if path.name not in _OF_LINES:
        return ()
    try:
        there = {line.strip() for line in path.read_text("utf-8").splitlines()}
    except (OSError, UnicodeError):
        there = set()
    return tuple(line for line in text.splitlines() if line.strip() and line[0] != "#" and line.strip() not in there)


_SECRETS = {
    "github": "add the secrets named in .github/workflows/provisioner.yml to the repository's secrets",
    "gitlab": "create AEP_API_KEY, AEP_CLIENT_SECRET and the passwords as masked, protected variables of the project",
    "azure": "create the variable group `provisioner` and the environment `prod`, as azure-pipelines.yml says",
}


def next_steps(pipeline: str, folder: Path = Path()) -> str:
    """Return the next steps for the user, in order."""
    commands = "provisioner validate, then provisioner apply --target local"
    if folder.resolve() != Path.cwd():
        commands = f"cd {shlex.quote(str(folder))}, then provisioner validate and provisioner apply --target local"
    steps = [
        f"try it: {commands}",
        "provisioner.yaml: fill in your organization, sandbox and hosts; connections/: one file per database",
    ]
    if pipeline != "none":
        steps += [
            "requirements.txt: enter where the pipeline installs provisioner from",
            _SECRETS[pipeline],
            *(["CODEOWNERS: name your approvers"] if pipeline != "azure" else []),
        ]
    return "\n".join(["next:", *(f"  {number}. {step}" for number, step in enumerate(steps, 1))])
