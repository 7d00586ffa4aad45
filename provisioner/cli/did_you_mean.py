"""Flags, commands and arguments that users of other tools try, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

REMOVED = {
    "provisioner state recover": "run `provisioner apply`: it finds and records what an earlier run did but could not "
    "record",
}
"""Commands and flags (`provisioner plan --flag`) of earlier versions, and what to do instead."""

FLAGS: Mapping[str, str] = {
    "--yes": "--auto-approve --approve --assume-yes --force --no-confirm --non-interactive -y -f",
    "--allow-delete": "--destroy --delete --prune --remove --cleanup",
    "--exceed-limits": "--ignore-limits --no-limits --override-limits --skip-limits",
    "--target NAME": "--env --environment --stage --workspace --sandbox --profile -t -e",
    "--select KEY": "--only --filter --limit --include --key --name --connection -k -l",
    "--variable NAME": "--env-var --envvar --secret --password",
    "--project DIR": "--config --dir --directory --chdir --cwd --root --path -C -c -d",
    "--format json": "--json",
    "--format FORMAT": "--output --output-format -o",
    "--report FORMAT=FILE": "--markdown --html --junit --report-file",
    "--refresh-only": "--refresh --sync",
    "--offline": "--no-refresh --local",
    "--parallelism N": "--parallel --concurrency --jobs --workers -j -p",
    "--lock-timeout SECONDS": "--timeout --wait",
    "--detailed-exitcode": "--exit-code --exitcode --detailed-exit-code",
    "--verbose": "--debug --log-level --trace",
    "run `provisioner plan`, which changes nothing": "--dry-run --noop --check --what-if --whatif -n",
    "write it under `vars:` of the target in provisioner.yaml": "--var --vars --var-file --set --values",
    "set NO_COLOR=1 in the environment": "--no-color --no-colour",
    "redirect standard error: 2>/dev/null": "--quiet --silent -q -s",
}
"""By what to write here, or do: what other tools call it. An option is suggested only where the command has it."""

COMMANDS: Mapping[str, str] = {
    "provisioner plan": "diff preview dry-run changes",
    "provisioner apply": "deploy up sync push create update run converge release",
    "provisioner validate": "lint check verify compile parse fmt format",
    "provisioner import": "pull adopt fetch export",
    "provisioner init": "new scaffold setup bootstrap",
    "provisioner state list": "list ls status get",
    "provisioner state show KEY": "describe inspect details",
    "provisioner apply --refresh-only": "refresh",
    "remove its file, then: provisioner apply --allow-delete": "destroy delete remove rm down",
    "add `movedFrom: OLD` to the definition, or: provisioner state mv OLD NEW": "rename move mv",
    "provisioner emulator": "serve server mock emulate start",
    "provisioner explore KEY": "tables browse",
    "provisioner test": "ping connect",
    "provisioner doctor": "debug diagnose health troubleshoot selftest",
    "provisioner --version": "version",
    "provisioner COMMAND --help": "help man",
    "set AEP_API_KEY and AEP_CLIENT_SECRET in the environment": "login auth configure config",
    "targets are those of provisioner.yaml: --target NAME": "target targets workspace workspaces env environment",
    "end the process that holds the lock: the lock goes with it": "unlock force-unlock",
    "edit its file, then: provisioner apply": "edit set patch",
}


def _inverted(table: Mapping[str, str]) -> dict[str, str]:
    return {guess: replacement for replacement, guesses in table.items() for guess in guesses.split()}


def instead_of_flag(flag: str, options: Collection[str]) -> str:
    """Return what to write for a flag that a command with these options lacks; "" where that is unclear."""
    if not flag.startswith("--") and f"-{flag}" in options:
        return f"write -{flag}"
    replacements = _inverted(FLAGS)
    replacement = replacements.get(flag, "") or replacements.get(f"-{flag}", "")
    if not replacement.startswith("--"):
        return replacement
    if replacement.split()[0] in options:
        return f"write {replacement}"
    return "leave it out: this command asks nothing" if replacement == "--yes" else ""


def instead_of_command(name: str) -> str:
    """Return what to write for a command that does not exist; "" where that is unclear."""
    return _inverted(COMMANDS).get(name, "")


def instead_of_argument(folder: Path, word: str, options: Collection[str]) -> str:
    """Return what to write for an unexpected argument of a command with these options; "" where that is unclear.

    The project is read to tell targets and definitions apart.
    """
    from provisioner.definitions.files import list_definitions
    from provisioner.definitions.project import CONNECTIONS, read_project
    from provisioner.errors import ProvisionerError

    try:
        project = read_project(folder)
    except ProvisionerError:
        return ""
    key = as_key(word)
    is_definition = key != word or key in {
        entry.stem for entry in list_definitions(project.connections, CONNECTIONS)[0]
    }
    if word in project.targets and "--target" in options:
        return f"--target {word}"
    if is_definition and "--select" in options:
        return f"--select {key}"
    return "leave it out: all definitions are looked at" if is_definition else ""


_PATH = re.compile(r"(?:\./)*connections/(.+)\.(?:ya?ml)", re.IGNORECASE)


def as_key(word: str) -> str:
    """Return the key of a definition that was given as a path; any other word unchanged."""
    path = _PATH.fullmatch(word.replace("\\", "/"))
    return path[1] if path else word
