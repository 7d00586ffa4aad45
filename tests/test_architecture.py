"""The shape of the code, kept by tests: layers, who imports which library, who writes, how long things may get."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "provisioner"
MODULES = sorted(PACKAGE.rglob("*.py"))

VOCABULARY = {"", "errors", "json_schema", "model", "names", "once", "progress", "sensitive", "unseen"}
LAYERS = {
    "errors": {"model"},
    "json_schema": {"model"},
    "model": set(),
    "names": {"unseen"},
    "once": set(),
    "progress": set(),
    "sensitive": set(),
    "unseen": set(),
    "definitions": VOCABULARY,
    "state": VOCABULARY,
    "service": VOCABULARY,
    "planning": VOCABULARY | {"definitions", "state", "service"},
    "applying": VOCABULARY | {"definitions", "state", "service", "planning"},
    "report": VOCABULARY | {"definitions", "state", "service", "planning", "applying"},
    "commands": VOCABULARY | {"definitions", "state", "service", "planning", "applying", "emulator", "secret_scanner"},
    "secret_scanner": VOCABULARY | {"report"},
    "console": VOCABULARY | {"secret_scanner"},
    "settings": VOCABULARY,
    "emulator": {""},
}
SHELL = {
    "cli_life",
    "cli_state",
    "cli",
    "flags",
    "shell",
    "reporting",
    "running",
    "running_apply",
    "running_check",
    "running_import",
    "running_output",
    "running_plan",
    "running_probing",
    "running_state",
    "wiring",
    "guarding",
    "guesses",
    "interruption",
}

LIBRARIES = {
    "yaml": {"definitions/documents.py", "definitions/writer.py"},
    "jsonschema": {"json_schema.py"},
    "jsonschema_rs": {"json_schema.py", "emulator/rehearsal.py"},
    "jinja2": {"definitions/templates.py", "report/plan_html.py"},
    "requests": {"service/transport.py"},
    "filelock": {"state/lock.py"},
    "ahocorasick_rs": {"secret_scanner.py"},
    "pymysql": {"emulator/mysql.py"},
    "click": {"cli.py", "cli_life.py", "cli_state.py", "flags.py", "shell.py"},
}
MOST_LINES = 350


def layer_of(module: Path) -> str:
    parts = module.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imports_of(module: Path) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from provisioner import wiring` names a module, `from provisioner import __version__` does not.
            package = node.module == "provisioner"
            yield from ((f"{node.module}.{alias.name}" if package else node.module, node) for alias in node.names)


def imported_layers(module: Path) -> set[str]:
    names = {name for name, _ in imports_of(module) if name == "provisioner" or name.startswith("provisioner.")}
    parts = {[*name.split("."), ""][1] for name in names}
    return {"" if part.startswith("__") else part for part in parts}


def shown(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=shown)
def test_imports_point_one_way(module: Path) -> None:
    layer = layer_of(module)
    if layer in SHELL or layer == "":
        return
    admitted = LAYERS[layer] | {layer}
    assert imported_layers(module) <= admitted


def test_the_layers_are_all_there_are() -> None:
    assert {layer_of(module) for module in MODULES} == set(LAYERS) | SHELL | {""}


def test_only_lazy_lines_outside_import_the_emulator() -> None:
    for module in MODULES:
        if layer_of(module) == "emulator":
            continue
        top_level = ast.parse(module.read_text("utf-8")).body
        eager = [node for node in top_level if isinstance(node, ast.ImportFrom) and "emulator" in (node.module or "")]
        assert not [node for node in eager if str(node.module).startswith("provisioner.emulator")], shown(module)


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_library_is_imported_in_one_place(library: str) -> None:
    users = {
        shown(module) for module in MODULES if any(name.split(".")[0] == library for name, _ in imports_of(module))
    }
    assert users == LIBRARIES[library]


def test_packages_re_export_nothing() -> None:
    for module in PACKAGE.rglob("__init__.py"):
        body = ast.parse(module.read_text("utf-8")).body
        assert all(isinstance(node, ast.Expr | ast.Assign) for node in body), shown(module)


def calls_of(module: Path) -> set[str]:
    return {
        ast.unparse(node.func) for node in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(node, ast.Call)
    }


def test_nothing_prints_but_the_way_out() -> None:
    for module in MODULES:
        if shown(module) != "console.py":
            writes = {
                call for call in calls_of(module) if call in ("print", "click.echo") or call.endswith("stdout.write")
            }
            assert not writes, shown(module)


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        shown(module) for module in MODULES if "os.environ" in module.read_text("utf-8").replace("``os.environ``", "")
    }
    assert readers == {"cli.py"}


def test_types_are_ignored_nowhere_without_a_code() -> None:
    ignored = [
        (shown(module), line)
        for module in MODULES
        for line in module.read_text("utf-8").splitlines()
        if "type: ignore" in line
    ]
    assert all("type: ignore[" in line for _, line in ignored)
    assert len(ignored) <= 2, ignored


def test_modules_stay_short() -> None:
    lengths = {shown(module): len(module.read_text("utf-8").splitlines()) for module in MODULES}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_help_waits_for_nothing_but_click() -> None:
    """Only the standard library, click and our own light modules load before a command runs."""
    heavy = {"yaml", "jsonschema", "jinja2", "requests", "filelock", "ahocorasick_rs"}
    for name in ("cli.py", "cli_life.py", "cli_state.py", "flags.py", "shell.py", "console.py"):
        top = ast.parse((PACKAGE / name).read_text("utf-8")).body
        eager = {node.module for node in top if isinstance(node, ast.ImportFrom) and node.module}
        ours = {module.split(".")[1] for module in eager if module.startswith("provisioner.")}
        assert ours <= {
            "cli_life",
            "cli_state",
            "console",
            "errors",
            "flags",
            "guesses",
            "model",
            "progress",
            "sensitive",
            "report",
            "settings",
            "shell",
            "secret_scanner",
        }
        assert not eager & heavy
