"""What the documentation says is so, as far as it can be read from the code."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest

from provisioner import errors
from provisioner.cli import cli, run, settings
from provisioner.cli.console import Console
from provisioner.definitions.schema import Checker
from provisioner.definitions.yaml_loader import parse
from provisioner.json_schema import load
from provisioner.planning.plan import Action
from provisioner.report.wording import SYMBOL
from provisioner.scaffold.files import scaffold
from tests.docs.generate import commands, generated
from tests.docs.pages import PAGES, ROOT, blocks, text_of
from tests.every_command import all_commands

OF_OTHER_PROGRAMS = re.compile(
    r"\b(git|openssl|pip|pip-compile|aws secretsmanager|aws ssm|doppler run|op run|sops exec-env|teller run)[- ][^\n`]*"
)
SOURCES = {path: path.read_text("utf-8") for path in (ROOT / "provisioner").rglob("*.py")}


@pytest.mark.parametrize("page", PAGES)
def test_what_comes_from_the_code_is_as_the_code_is(page: str) -> None:
    assert generated(text_of(page)) == text_of(page), "run: make docs"


def test_generating_changes_no_command() -> None:
    """``-h`` is an option of the group, which a command that was first seen outside of it would not have."""
    assert list(commands())
    for path, _ in all_commands():
        out, err = io.StringIO(), io.StringIO()
        assert run([*path, "-h"], {}, None, Console(out, err)) == 0, err.getvalue()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"(?:\]\(|src=\")([^)\"]+)[)\"]", text_of(page)):
        path, _, anchor = link.partition("#")
        if not link.startswith("https://"):
            target = (PAGES[page].parent / path).resolve() if path else PAGES[page]
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_index_names_every_page() -> None:
    named = set(re.findall(r"\]\(([\w-]+\.md)\)", text_of("docs/README.md")))
    assert named == {Path(page).name for page in PAGES} - {"README.md"}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_flag_that_it_names_exists(page: str) -> None:
    flags = {
        flag
        for _, command in all_commands()
        for option in command.params
        for flag in (*option.opts, *option.secondary_opts)
    }
    text = OF_OTHER_PROGRAMS.sub("", text_of(page))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - {"--help", "--version", "--allow-"}
    assert named <= flags
    commands = set(re.findall(r"\bprovisioner ([a-z]+)\b", "\n".join(blocks(page, "sh") + blocks(page, "console"))))
    assert commands <= set(cli.commands)


def test_all_rules_are_told_of() -> None:
    kinds = "yaml|template|secret|schema|project|key|name|description|files|definition|connection-string"
    constants = (
        node for text in SOURCES.values() for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)
    )
    known = {str(one.value) for one in constants if re.fullmatch(rf"({kinds})\.[a-z-]+", str(one.value))}
    told = text_of("docs/troubleshooting.md").partition("<!-- generated: rules -->")[2].partition("<!-- end -->")[0]
    assert known == {line.split("`")[1] for line in told.splitlines() if line.startswith("| `")}


def test_every_exit_code_of_an_error_is_explained() -> None:
    classes = [
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ProvisionerError)
    ]
    assert {one.exit_code for one in classes} <= set(errors.ExitCode)


def test_every_variable_is_explained() -> None:
    source = "\n".join(SOURCES.values())
    read = set(re.findall(r'"((?:AEP|PROVISIONER)_[A-Z_]+)"', source)) - {"PROVISIONER_"}
    told = set(re.findall(r"`((?:AEP|PROVISIONER)_[A-Z_]+)`", text_of("docs/secrets.md")))
    assert {name for name in read if not name.startswith("_")} <= told
    assert told <= set(re.findall(r"(?:AEP|PROVISIONER)_[A-Z_]+", source))
    assert all(name in told for name in settings._OWN_SECRETS)


def test_every_action_is_explained_with_its_symbol() -> None:
    page = text_of("docs/review.md")
    for action in Action:
        symbol = f"`{SYMBOL[action]}` " if SYMBOL[action].strip() else ""
        assert f"| {symbol}{action.value} |" in page


def test_what_troubleshooting_quotes_is_said_by_the_code() -> None:
    source = " ".join(" ".join(SOURCES.values()).split())
    table = text_of("docs/troubleshooting.md").partition("## By what you see")[2].partition("\n## ")[0]
    quoted = [
        text
        for row in table.splitlines()
        for text in re.findall(r"\*([^*]+)\*", row.split("|")[1] if "|" in row else "")
    ]
    assert len(quoted) > 8
    assert [text for text in quoted if text not in source] == []


@pytest.mark.parametrize("page", PAGES)
def test_definitions_and_project_files_that_it_shows_are_valid(page: str) -> None:
    for block in blocks(page, "yaml"):
        document = parse(page, block)
        assert not document.problems
        if "name" in document.data and "auth" in document.data:
            assert Checker(load("connection")).check(document) == ()
        if "version" in document.data:
            assert Checker(load("project")).check(document) == ()


def test_the_guide_names_what_init_makes() -> None:
    page = text_of("docs/pipelines.md")
    made = {path for pipeline in ("github", "gitlab", "azure") for path in scaffold(pipeline)}
    rows = page.partition("|---|---|\n")[2].partition("\n\n")[0].splitlines()
    named = {path for row in rows for path in re.findall(r"`([\w./-]+)`", row.split("|")[1])}
    assert named <= made
    elsewhere = ("connections/", "schemas/", ".git")  # docs/start.md
    assert {path for path in made if not path.startswith(elsewhere)} <= {*named, "provisioner.yaml"}
