"""The files that ``init`` writes: one folder for every project, one for the state on a branch, one for each platform.

They are templates with ``[% ... %]`` and ``[= ... =]``, because braces are those of definitions and of the platforms.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from provisioner import json_schema

_PARTS = {"github": ("state", "github"), "gitlab": ("state", "gitlab"), "azure": ("state", "azure"), "none": ()}
_HIDDEN = "dot-"
"""The prefix in place of a leading dot, so that no tool takes a template for its own file."""


def scaffold(pipeline: str, targets: tuple[str, ...] = ("prod",)) -> Mapping[str, str]:
    """Return the text of each file by its path, sorted.

    ``pipeline`` is github, gitlab, azure, or none; ``targets`` are in the order in which they are applied.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701 -- no HTML
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[=",
        variable_end_string="=]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    root = files("provisioner") / "scaffold"
    texts = {path: text for part in ("project", *_PARTS[pipeline]) for path, text in _below(root / part, "")}
    made = {path: environment.from_string(text).render(targets=targets) for path, text in texts.items()}
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
