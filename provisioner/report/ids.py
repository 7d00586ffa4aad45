"""The ids of managed base connections, for whatever comes next in a pipeline. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from provisioner.errors import StateError, UsageError
from provisioner.model import Key
from provisioner.report.terminal import json_line, json_text
from provisioner.service.paging import is_id
from provisioner.state.records import Record


def as_id(record: Record) -> str:
    """Return the id of a record. Raise ``StateError`` for one that a shell or a runner could take for something else:
    it came from a state that somebody has edited."""
    if not is_id(record.id):
        message = f"the state has no usable id for {record.key}: it holds characters that no id has"
        raise StateError(message, "fetch the last state that is sound, or correct it: `provisioner state rebuild`")
    return record.id


def as_json(records: Iterable[Record]) -> str:
    """``{KEY: {id, name}}``."""
    return json_text({one.key: {"id": as_id(one), "name": one.texts.get("name", "")} for one in records})


def as_env(records: Iterable[Record]) -> str:
    """Lines that a shell or a CI system reads: ``BASE_CONNECTION_MARKETING_ORDERS=id``. Raises ``UsageError``."""
    named = _named(records, lambda key: f"BASE_CONNECTION_{re.sub(r'[^A-Z0-9]', '_', key.upper())}")
    return "\n".join(f"{name}={identity}" for name, identity in named.items())


def as_github(records: Iterable[Record]) -> str:
    """Outputs of a step: ``marketing-orders=id``, and ``base-connections`` with all as JSON. Raises ``UsageError``."""
    listed = tuple(records)
    named = _named(listed, lambda key: re.sub(r"[^A-Za-z0-9_-]", "-", key))
    if ALL in named:
        raise UsageError(f"the key {ALL} cannot be an output: all ids together are called so", "give it another key")
    every = json_line({one.key: as_id(one) for one in listed})
    return "\n".join([*(f"{name}={identity}" for name, identity in named.items()), f"{ALL}={every}"])


ALL = "base-connections"


def _named(records: Iterable[Record], name_of: Callable[[Key], str]) -> Mapping[str, str]:
    named: dict[str, str] = {}
    keys: dict[str, Key] = {}
    for record in records:
        name = name_of(record.key)
        if name in named:
            words = f"{keys[name]} and {record.key} would both be called {name}"
            raise UsageError(words, "give one of them another key (movedFrom), or use --format json")
        named[name], keys[name] = as_id(record), record.key
    return named
