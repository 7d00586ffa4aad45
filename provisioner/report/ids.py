"""The ids of managed base connections, for later steps of a pipeline: JSON, environment variables, step outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from provisioner.errors import StateError, UsageError
from provisioner.model import Key
from provisioner.report.terminal import json_line, json_text
from provisioner.service.paging import is_id
from provisioner.state.records import Record

ALL = "base-connections"
"""The name of the step output that holds all ids."""


def as_id(record: Record) -> str:
    """Return the id of a record.

    Raises ``StateError`` for an id that a shell or a runner could take for something else, as in an edited state.
    """
    if not is_id(record.id):
        message = f"the state has no usable id for {record.key}: it has characters that no id may have"
        raise StateError(message, "restore the last valid state, or run `provisioner state rebuild`")
    return record.id


def as_json(records: Iterable[Record]) -> str:
    """Return ``{KEY: {id, name}}``."""
    return json_text({record.key: {"id": as_id(record), "name": record.texts.get("name", "")} for record in records})


def as_env(records: Iterable[Record]) -> str:
    """Return lines such as ``BASE_CONNECTION_MARKETING_ORDERS=id``. Raises ``UsageError``."""
    ids = _ids_by_name(records, lambda key: f"BASE_CONNECTION_{re.sub(r'[^A-Z0-9]', '_', key.upper())}")
    return "\n".join(f"{name}={id_}" for name, id_ in ids.items())


def as_github(records: Iterable[Record]) -> str:
    """Return outputs of a step: ``marketing-orders=id``, and ``base-connections`` with all ids as JSON.

    Raises ``UsageError``.
    """
    records = tuple(records)
    ids = _ids_by_name(records, lambda key: re.sub(r"[^A-Za-z0-9_-]", "-", key))
    if ALL in ids:
        message = f"the key {ALL} cannot be an output: the output with all ids has that name"
        raise UsageError(message, "choose another key")
    ids_by_key = json_line({record.key: as_id(record) for record in records})
    return "\n".join([*(f"{name}={id_}" for name, id_ in ids.items()), f"{ALL}={ids_by_key}"])


def _ids_by_name(records: Iterable[Record], name_of: Callable[[Key], str]) -> Mapping[str, str]:
    """Return the ids by output name. Raise ``UsageError`` if two keys have the same name."""
    ids: dict[str, str] = {}
    keys: dict[str, Key] = {}
    for record in records:
        name = name_of(record.key)
        if name in ids:
            message = f"{keys[name]} and {record.key} would both be named {name}"
            raise UsageError(message, "change one of the keys (movedFrom), or use --format json")
        ids[name], keys[name] = as_id(record), record.key
    return ids
