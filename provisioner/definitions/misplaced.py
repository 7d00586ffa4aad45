"""Properties that stand too far left or right, as a slip of the indentation leaves them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from provisioner.definitions.loader import Document, Path
from provisioner.model import Json, Problem

ANY = "*"
"""Stands in a home for a name that the user chose, such as that of a target."""


class Misplaced(NamedTuple):
    """Properties that stand at ``path`` and belong to the mapping at ``home``."""

    path: Path
    names: tuple[str, ...]
    home: Path

    def problem(self, document: Document) -> Problem:
        """Return one problem for all of them, at the first."""
        *most, last = (f"`{name}`" for name in self.names)
        names = f"{', '.join(most)} and {last} belong" if most else f"{last} belongs"
        where = _shown(self.home)
        remedy = f"move {'them' if most else 'it'} there, and check the indentation"
        at = document.key_at((*self.path, self.names[0]))
        return Problem(at, "schema.misplaced", f"{names} {where}", remedy)


def _shown(home: Path) -> str:
    if not home:
        return "to the top of the file"
    if home[-1] == ANY:
        return f"to one of the {home[-2]}"
    return f"under `{'.'.join(map(str, home))}`"


def misplaced(schema: Json, errors: Iterable[Any]) -> Iterator[Misplaced]:
    """Yield the unknown properties among ``errors`` that are known further in or further out."""
    strays = [error for error in errors if error.validator == "additionalProperties" and error.validator_value is False]
    homes = list(_homes(schema, schema, ())) if strays else []
    for error in strays:
        path: Path = tuple(error.absolute_path)
        astray: dict[Path, list[str]] = {}
        for name in error.instance:
            if name not in error.schema.get("properties", {}):
                found = [home for known, home in homes if known == name and _is_above_or_below(path, home)]
                if found:
                    nearest = min(found, key=lambda home: (abs(len(home) - len(path)), -len(home)))
                    astray.setdefault(nearest, []).append(name)
        yield from (Misplaced(path, tuple(names), home) for home, names in astray.items())


def _is_above_or_below(path: Path, home: Path) -> bool:
    return len(path) != len(home) and all(one == other or other == ANY for one, other in zip(path, home, strict=False))


def _homes(schema: Any, root: Json, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield every property with the path of the mapping that it belongs to."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from _homes(root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    for branch in (*schema.get("allOf", ()), *schema.get("anyOf", ()), schema.get("then"), schema.get("else")):
        yield from _homes(branch, root, path)
    for name, child in schema.get("properties", {}).items():
        if child.get("not") != {}:
            yield name, path
            yield from _homes(child, root, (*path, name))
    yield from _homes(schema.get("additionalProperties"), root, (*path, ANY))
