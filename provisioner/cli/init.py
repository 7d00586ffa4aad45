"""``init``: create a project, with its pipeline."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from provisioner.cli import options
from provisioner.cli.context import Context
from provisioner.definitions.project import FILE_NAME
from provisioner.errors import NotWritten
from provisioner.scaffold.files import scaffold


@click.command(cls=options.StrictCommand)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--pipeline",
    type=click.Choice(["github", "gitlab", "azure", "none"]),
    default="github",
    show_default=True,
    help="CI system to generate a pipeline for.",
)
@click.option(
    "--target",
    "targets",
    metavar="NAME",
    multiple=True,
    default=("prod",),
    show_default=True,
    callback=lambda *args: _read_targets(args[-1]),
    help="Target of the project and its pipeline; repeat it for stages, in the order in which they are applied.",
)
@click.pass_obj
def init(context: Context, folder: Path, pipeline: str, targets: tuple[str, ...]) -> int:
    """Create a project in DIR: a sample definition, schemas for editors, a pipeline. Overwrites nothing."""
    console = context.console
    for path, text in scaffold(pipeline, targets).items():
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
    console.err(context.err_style.fold(next_steps(pipeline, targets, folder)))
    return 0


_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_SUFFIXES = ("-approval", "-review")
_RESERVED = ("local", "all", "y", "n", "yes", "no", "on", "off", "true", "false", "null")
"""The emulator's target, the choice of all targets in a pipeline, and what YAML does not read as text."""


def _read_targets(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of targets. Raise ``BadParameter`` for one that cannot be a target or occurs twice."""
    taken: dict[str, str] = {}
    for name in names:
        if not _PLAIN_NAME.fullmatch(name):
            message = f"{name!r}: a letter comes first, then letters, digits, `_` and `-`, 64 characters at most"
            raise click.BadParameter(message)
        if name.casefold() in _RESERVED:
            raise click.BadParameter(f"{name} is the emulator, or means something else in YAML: choose another name")
        stage = name.casefold().replace("_", "-")
        if stage.endswith(_SUFFIXES):
            raise click.BadParameter(f"{name}: an environment of another target has such a name: choose another one")
        if stage in taken:
            raise click.BadParameter(f"{taken[stage]} and {name} become the same stage: choose another name")
        taken[stage] = name
    return names


_OF_LINES = (".gitattributes", ".gitignore", "CODEOWNERS", "Makefile")
"""Files that consist of independent lines, so that a user can add ours."""

_TARGET = re.compile(r"^  [\w-]+:\n(?:    .*\n)+", re.MULTILINE)
"""A target in a project file, whose lines a user can add as well."""


def lacking_lines(path: Path, text: str) -> tuple[str, ...]:
    """Return our lines that an existing file lacks, if lines can be added to it."""
    try:
        there = {line.strip() for line in path.read_text("utf-8").splitlines()}
    except (OSError, UnicodeError):
        there = set()
    if path.name == FILE_NAME:
        blocks = (block[0].splitlines() for block in _TARGET.finditer(text))
        return tuple(line for block in blocks if block[0].strip() not in there for line in block)
    if path.name not in _OF_LINES:
        return ()
    return tuple(line for line in text.splitlines() if line.strip() and line[0] != "#" and line.strip() not in there)


_SETTINGS = {
    "github": "create the environments {names}, for the branch main only, with the secrets named in "
    ".github/workflows/provisioner.yml, and {approvals}, with required reviewers",
    "gitlab": "add AEP_API_KEY, AEP_CLIENT_SECRET, PROVISIONER_FINGERPRINT_KEY and the passwords as masked, protected "
    "variables of the project, with the environment scopes {names}",
    "azure": "create the variable groups {groups}, with the secrets named in azure-pipelines.yml, {reviews} for pull "
    "requests, and the environments {names}, with approvers",
}


def next_steps(pipeline: str, targets: tuple[str, ...], folder: Path = Path()) -> str:
    """Return the next steps for the user, in order."""
    commands = "provisioner validate, then provisioner apply --target local"
    if folder.resolve() != Path.cwd():
        commands = f"cd {shlex.quote(str(folder))}, then provisioner validate and provisioner apply --target local"
    steps = [
        f"try it: {commands}",
        "provisioner.yaml: enter your organization, sandboxes and hosts; connections/: one file per database",
    ]
    if pipeline != "none":
        settings = _SETTINGS[pipeline].format(
            names=", ".join(targets),
            approvals=", ".join(f"{target}-approval" for target in targets),
            groups=", ".join(f"provisioner-{target}" for target in targets),
            reviews=", ".join(f"provisioner-{target}-review" for target in targets),
        )
        steps += [
            "provisioner.txt: enter where the pipeline installs provisioner from",
            settings,
            *(["CODEOWNERS: name your approvers"] if pipeline != "azure" else []),
        ]
    return "\n".join(["next:", *(f"  {number}. {step}" for number, step in enumerate(steps, 1))])
