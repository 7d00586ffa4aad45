"""JSON Schema: load the published schemas and validate values against them.

No other module imports jsonschema or jsonschema-rs, except for the emulator, which imports nothing of the product.
jsonschema-rs decides quickly whether a value is valid; jsonschema explains why it is not, and has the last word.
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
    """Return the schema in ``schemas/NAME.schema.json``. The value is shared: do not modify it."""
    package = Path(__file__).resolve().parent
    # Inside the package when it is installed, beside it in a checkout.
    folder = next(folder for folder in (package / "schemas", package.parent / "schemas") if folder.is_dir())
    schema: Json = json.loads((folder / f"{name}.schema.json").read_text("utf-8"))
    return schema


def accepts(schema: Json) -> Callable[[Any], bool]:
    """Compile ``schema`` into a function that returns whether a value is valid.

    The function also rejects values that jsonschema-rs cannot read, such as lone surrogates: ask ``errors`` about each
    rejected value.
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
    """Yield a ``jsonschema.ValidationError`` for each error in ``value``.

    Their messages repeat values: show ``absolute_path`` and texts from ``schema`` instead.
    """
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema).iter_errors(value)
