"""JSON Schema: the published schemas, and what holds values against them.

No other module imports jsonschema or jsonschema-rs, but for the emulator, which imports nothing of the product.
jsonschema-rs says yes or no, two hundred times faster; jsonschema explains a no, and has the last word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from provisioner.model import Json


@cache
def load(name: str) -> Json:
    """Return the schema in ``schemas/NAME.schema.json``. Shared: do not change it."""
    here = Path(__file__).resolve().parent
    # Inside the package when it is installed, beside it in a checkout.
    folder = next(folder for folder in (here / "schemas", here.parent / "schemas") if folder.is_dir())
    schema: Json = json.loads((folder / f"{name}.schema.json").read_text("utf-8"))
    return schema


def accepts(schema: Json) -> Callable[[Any], bool]:
    """Compile ``schema`` into a function that says whether a value is valid.

    It also says no to what it cannot read, such as lone surrogates: ask ``errors`` about every no.
    """
    import jsonschema_rs

    is_valid = jsonschema_rs.validator_for(schema).is_valid

    def accepted(value: Any) -> bool:
        try:
            return bool(is_valid(value))
        except ValueError:
            return False

    return accepted


def errors(schema: Json, value: Any) -> Iterator[Any]:
    """Yield a ``jsonschema.ValidationError`` for everything that is wrong with ``value``.

    Their messages repeat values: show ``absolute_path`` and what ``schema`` says instead.
    """
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema).iter_errors(value)
