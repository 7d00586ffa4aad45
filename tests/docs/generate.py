"""What the documentation says of commands, fields, rules and codes, taken from the code: `make docs`.

A page holds it between two lines, ``<!-- generated: NAME -->`` and ``<!-- end -->``; a test compares.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from provisioner.cli import cli
from provisioner.definitions import variables
from provisioner.doctor.lines import LINES
from provisioner.errors import ExitCode
from provisioner.json_schema import load
from provisioner.model import Problem
from provisioner.service.error_codes import CODES, STATUSES, Explanation
from tests.definitions.support import CASES, check, project_of
from tests.docs.pages import PAGES, text_of
from tests.every_command import all_commands

_PART = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    parts = re.split(r"(`[^`]*`)", text.replace("|", r"\|").replace("\n", " "))
    return "".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))


def commands() -> Iterator[str]:
    """Every command, with its arguments and flags."""
    # As a run makes them, from the group down: a command keeps the first help option that a context asks it for, and
    # without the group's settings, that one would have no `-h` in later runs of the same process.
    root = cli.make_context("provisioner", [], resilient_parsing=True)
    for path, command in sorted(all_commands()):
        name = " ".join(("provisioner", *path))
        context = command.make_context(name, [], parent=root, resilient_parsing=True)
        yield f"### `{name}`"
        yield ""
        yield " ".join((command.help or "").split())
        yield ""
        yield f"`{' '.join([name, *command.collect_usage_pieces(context)])}`"
        yield ""
        yield from table(("flag", "what it does"), _flags(command, context))
        yield ""


def _flags(command: click.Command, context: click.Context) -> Iterator[tuple[str, ...]]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and record[1] and "--help" not in record[0]:
            yield f"`{record[0]}`", record[1]


def exit_codes() -> Iterator[str]:
    yield from table(("exit", "meaning"), ((str(code), code.meaning) for code in ExitCode))


def fields(schema: str) -> Iterator[str]:
    """Every field of a file, as its schema describes it."""
    whole = load(schema)
    yield from table(("field", "what it is"), _fields(whole, whole, ""))


def _fields(whole: Any, node: Any, path: str, needed: bool = False) -> Iterator[tuple[str, ...]]:
    node = _resolved(whole, node)
    if path and "description" in node:
        notes = ["required"] if needed else []
        notes += [f"default `{_plain(node['default'])}`"] if "default" in node else []
        yield f"`{path}`", " ".join([node["description"], f"*({', '.join(notes)})*" if notes else ""]).strip()
    for name, below in node.get("properties", {}).items():
        yield from _fields(whole, below, f"{path}.{name}".lstrip("."), name in node.get("required", ()))
    for kind in ("then", "else"):
        for branch in (node, *node.get("allOf", ())):
            if "description" not in branch.get(kind, {"description": ""}):
                yield from _fields(whole, branch[kind], path)
    if isinstance(node.get("additionalProperties"), dict) and "$ref" in node["additionalProperties"]:
        yield from _fields(whole, node["additionalProperties"], f"{path}.NAME")


def _resolved(whole: Any, node: Any) -> Any:
    return whole["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("'", '"')


RARE = {
    "files.loop": ("the link leads back to a folder above it", "remove the link"),
    "files.outside": ("the link leads out of the folder of definitions", "copy the linked file"),
    "files.too-large": ("larger than 1 MiB", "split it: a definition is one small YAML document"),
    "files.unreadable": ("cannot be read: Permission denied", "check the file and its permissions"),
    "secret.exposed": (
        "the value of a variable appears in a definition or in the project file",
        "remove it there and from the history of git, and change the secret",
    ),
    "secret.encoding": ("the variable is not UTF-8", "set the variable to UTF-8 text"),
    "secret.unset": ("the variable is not set, or empty: only `apply` asks for it", "set the variable"),
    "template.failed": ("the template cannot be rendered", "check the filters and their arguments"),
    "yaml.long-scalar": ("a value of more than 65,536 characters", "shorten it; no property takes so much"),
}
"""What no case file can show. A test asks that all rules of the code are told of."""


def rules() -> Iterator[str]:
    """Every rule that a test case breaks, with the shortest message that it has, and those for variables."""
    found: dict[str, Problem] = {}
    for case in sorted((*(CASES / "invalid").iterdir(), *(CASES / "warned").iterdir())):
        if case.is_dir() or case.suffix == ".yaml":
            with tempfile.TemporaryDirectory() as folder:
                for problem in check(project_of(case, Path(folder))).findings:
                    kept = found.setdefault(problem.rule, problem)
                    if len(problem.message) < len(kept.message):
                        found[problem.rule] = problem
    told = RARE | {rule: (problem.message, problem.remedy) for rule, problem in found.items()}
    for one in (*(oddity for oddity, _ in (*variables.ODDITIES, *variables.UNGUARDED)), variables.LIKE_THE_USER):
        before = f"{told[one.rule][0]}; or " if one.rule in told else "the variable "
        told[one.rule] = (f"{before}{one.message}", one.remedy)
    rows = ((f"`{rule}`", message, remedy) for rule, (message, remedy) in sorted(told.items()))
    yield from table(("rule", "for example", "remedy"), rows)


def doctor_lines() -> Iterator[str]:
    rows = ((f"`{line.id}`", line.title, ", ".join(f"`{name}`" for name in line.after) or "-") for line in LINES)
    yield from table(("line", "passed if", "tried after"), rows)


def error_codes() -> Iterator[str]:
    yield from table(("code", "meaning", "remedy"), _explained(CODES))


def statuses() -> Iterator[str]:
    yield from table(("status", "meaning", "remedy"), _explained(STATUSES))


def _explained(known: Mapping[Any, Explanation]) -> Iterator[tuple[str, ...]]:
    for code, (meaning, remedy) in known.items():
        yield f"`{code}`", meaning, remedy


PARTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "commands": commands,
    "exit-codes": exit_codes,
    "definition": lambda: fields("connection"),
    "project": lambda: fields("project"),
    "rules": rules,
    "doctor": doctor_lines,
    "error-codes": error_codes,
    "statuses": statuses,
}


def generated(page: str) -> str:
    """The page with its generated parts as they are now."""
    return _PART.sub(lambda found: f"{found[1]}\n{_part(found[2])}\n\n{found[3]}", page)


def _part(name: str) -> str:
    return "\n".join(PARTS[name]()).strip()


def main() -> int:
    for page, path in PAGES.items():
        path.write_text(generated(text_of(page)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
