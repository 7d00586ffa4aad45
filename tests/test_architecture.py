"""The shape of the code: the map, the layers, one name a type, one home a library, and how long things may get."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import provisioner

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "provisioner"
MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {module: ast.parse(module.read_text("utf-8")) for module in MODULES}

VOCABULARY = frozenset({"errors", "json_schema", "model", "progress", "secrets", "text"})
STAGES = VOCABULARY | {"definitions", "state", "service", "secret_scanner"}
LAYERS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(VOCABULARY, VOCABULARY),
    "definitions": VOCABULARY,
    "state": VOCABULARY,
    "service": VOCABULARY,
    "secret_scanner": VOCABULARY | {"report"},  # lazily: the writers of the reports say how a secret may be spelled
    "planning": STAGES,
    "apply": STAGES | {"planning"},
    "importing": STAGES | {"planning", "apply"},
    "doctor": STAGES | {"planning"},
    "report": STAGES | {"planning", "apply", "doctor"},
    "cli": STAGES | {"planning", "apply", "importing", "doctor", "report", "emulator", "scaffold"},
    "scaffold": VOCABULARY,
    "emulator": frozenset(),
    "__main__": frozenset({"cli"}),
}
"""What each package and top-level module may import, beside itself and the version."""

LIBRARIES = {
    "yaml": {"definitions/yaml_loader.py", "importing/drafts.py"},
    "jsonschema": {"json_schema.py"},
    "jsonschema_rs": {"json_schema.py", "emulator/fault_config.py"},
    "jinja2": {"definitions/templates.py", "report/plan_html.py", "scaffold/files.py"},
    "requests": {"service/transport.py"},
    "filelock": {"state/lock.py"},
    "ahocorasick_rs": {"secret_scanner.py"},
    "pymysql": {"emulator/mysql.py"},
}
LONGEST_MODULE, LONGEST_FUNCTION = 400, 50
TOP_LEVEL_FILES = 9


def shown(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def dotted(module: Path) -> str:
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(name: str) -> str:
    """``provisioner.state.codec`` -> ``state``; "" for the package itself."""
    return f"{name}.".split(".")[1]


NAMES = {dotted(module): module for module in MODULES}


def imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Yield the modules that statements import, ours by their full names."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in NAMES else node.module


def top_level(module: Path) -> Iterator[ast.AST]:
    """Yield the statements that run when a module is imported."""
    for node in TREES[module].body:
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node


def test_the_map_names_every_package_and_top_level_module() -> None:
    there = {path.stem if path.suffix else path.name for path in PACKAGE.iterdir() if path.name != "py.typed"}
    named = set(re.findall(r"^    ([a-z_]+)(?=  )", provisioner.__doc__ or "", re.MULTILINE))
    assert named == there - {"__init__", "__main__", "__pycache__"}
    assert len(list(PACKAGE.glob("*.py"))) <= TOP_LEVEL_FILES


@pytest.mark.parametrize("module", MODULES, ids=shown)
def test_imports_point_one_way(module: Path) -> None:
    layer = layer_of(dotted(module))
    ours = {layer_of(name) for name in imports(ast.walk(TREES[module])) if f"{name}.".startswith("provisioner.")}
    assert not layer or ours <= LAYERS[layer] | {layer, ""}


def test_no_modules_import_each_other() -> None:
    graph = {dotted(module): set(imports(top_level(module))) & NAMES.keys() for module in MODULES}
    packages = {dotted(module) for module in MODULES if module.name == "__init__.py"}
    try:
        tuple(TopologicalSorter({name: found - packages for name, found in graph.items()}).static_order())
    except CycleError as error:
        pytest.fail(f"cycle: {' -> '.join(error.args[1])}")


def test_only_lazy_lines_outside_import_the_emulator() -> None:
    for module in MODULES:
        if layer_of(dotted(module)) != "emulator":
            eager = {layer_of(name) for name in imports(top_level(module)) if name.startswith("provisioner.")}
            assert "emulator" not in eager, shown(module)


def public_types() -> Mapping[str, set[str]]:
    homes: dict[str, set[str]] = defaultdict(set)
    for module, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(shown(module))
            elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
                homes[ast.unparse(node.target)].add(shown(module))
    return homes


def test_no_two_public_types_share_a_name() -> None:
    assert {name: homes for name, homes in public_types().items() if len(homes) > 1} == {}


def test_no_import_renames() -> None:
    for module, tree in TREES.items():
        found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        renamed = [ast.unparse(node) for node in found if any(alias.asname for alias in node.names)]
        assert not renamed, shown(module)


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_library_is_imported_in_one_place(library: str) -> None:
    users = {
        shown(module) for module, tree in TREES.items() if library in {n.split(".")[0] for n in imports(ast.walk(tree))}
    }
    assert users == LIBRARIES[library]


def test_click_stays_in_the_command_line() -> None:
    users = {module for module, tree in TREES.items() if "click" in {n.split(".")[0] for n in imports(ast.walk(tree))}}
    assert {layer_of(dotted(module)) for module in users} == {"cli"}


def test_packages_re_export_nothing() -> None:
    for module, tree in TREES.items():
        if module.name == "__init__.py" and shown(module) != "cli/__init__.py":
            assert all(isinstance(node, ast.Expr | ast.Assign) for node in tree.body), shown(module)


def test_nothing_prints_but_the_console() -> None:
    for module, tree in TREES.items():
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        writes = {call for call in calls if call in ("print", "click.echo") or call.endswith("stdout.write")}
        assert not writes or shown(module) == "cli/console.py", shown(module)


def test_the_environment_is_read_in_one_place() -> None:
    texts = {shown(module): module.read_text("utf-8").replace("``os.environ``", "") for module in MODULES}
    assert {name for name, text in texts.items() if "os.environ" in text} == {"cli/__init__.py"}


def test_types_are_ignored_nowhere_without_a_code() -> None:
    lines = Counter(
        (shown(module), line.partition("type: ignore")[2])
        for module in MODULES
        for line in module.read_text("utf-8").splitlines()
        if "type: ignore" in line
    )
    assert all(reason.startswith("[") for _, reason in lines)
    assert lines.total() <= 3, lines


def test_modules_and_functions_stay_short() -> None:
    modules = {shown(module): len(module.read_text("utf-8").splitlines()) for module in MODULES}
    assert {name: length for name, length in modules.items() if length > LONGEST_MODULE} == {}
    functions = {
        f"{shown(module)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    }
    bodies = {name: length for name, length in functions.items() if length > LONGEST_FUNCTION}
    assert bodies == {}


def test_help_waits_for_nothing_but_click() -> None:
    """Only the standard library, click and light modules of ours load before a command's own module does."""
    loaded: set[str] = set()
    waiting = {"provisioner.cli"}
    while waiting:
        name = waiting.pop()
        loaded.add(name)
        waiting |= (set(imports(top_level(NAMES[name]))) & NAMES.keys()) - loaded
    assert {layer_of(name) for name in loaded} <= VOCABULARY | {"", "cli", "report", "secret_scanner"}
    libraries = {name.split(".")[0] for module in loaded for name in imports(top_level(NAMES[module]))}
    assert not libraries & LIBRARIES.keys()
