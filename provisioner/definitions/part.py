"""What one file comes to, as a value and as plain tuples in which a process hands it to another one.

Only our own processes read these, from a pipe that nobody else has: the contents of secrets are in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from provisioner.definitions.building import Built
from provisioner.definitions.definition import Definition
from provisioner.definitions.desired import Desired
from provisioner.model import Location, Problem
from provisioner.sensitive import Sensitive, Symbolic


@dataclass(frozen=True, slots=True)
class Part:
    """``text`` is None for a file that cannot be read, ``definition`` for one that cannot be parsed; ``problems`` are
    with the file as such. ``built`` has what is asked for on each target; it is empty where there is no definition."""

    file: str
    text: str | None = None
    definition: Definition | None = None
    problems: tuple[Problem, ...] = ()
    built: tuple[Built, ...] = ()


Packed: TypeAlias = tuple[Any, ...]


def pack(part: Part) -> Packed:
    """Values of the kinds that the ``marshal`` module knows: no subclass of any."""
    return (
        part.file,
        part.text,
        part.definition and _pack_definition(part.definition),
        _pack_problems(part.problems),
        tuple(map(_pack_built, part.built)),
    )


def unpack(packed: Packed) -> Part:
    """The part that was packed."""
    file, text, definition, problems, built = packed
    return Part(
        file,
        text,
        definition and _unpack_definition(definition),
        _unpack_problems(problems),
        tuple(map(_unpack_built, built)),
    )


def _pack_definition(one: Definition) -> Packed:
    places = tuple(one.key_at), tuple(one.moved_at)
    return (one.key, one.called, one.targets, one.sound, places[0], one.moved_from, places[1])


def _unpack_definition(packed: Packed) -> Definition:
    key, called, targets, sound, key_at, moved_from, moved_at = packed
    return Definition(key, called, targets, sound, Location(*key_at), moved_from, Location(*moved_at))


def _pack_problems(problems: Iterable[Problem]) -> Packed:
    return tuple((tuple(one.location), one.rule, one.message, one.remedy, one.targets) for one in problems)


def _unpack_problems(packed: Packed) -> tuple[Problem, ...]:
    return tuple(Problem(Location(*location), *rest) for location, *rest in packed)


def _pack_built(built: Built) -> Packed:
    return (
        tuple(map(_pack_desired, built.desired)),
        _pack_problems(built.problems),
        tuple(map(_pack_symbol, built.secrets)),
        tuple(map(_pack_symbol, built.private)),
    )


def _unpack_built(packed: Packed) -> Built:
    desired, problems, secrets, private = packed
    return Built(
        tuple(map(_unpack_desired, desired)),
        _unpack_problems(problems),
        tuple(Sensitive(*one) for one in secrets),
        tuple(Sensitive(*one) for one in private),
    )


def _pack_desired(one: Desired) -> Packed:
    symbols = {path: _pack_symbol(symbol) for path, symbol in one.symbols.items()}
    return (one.key, tuple(one.location), one.texts, symbols, one.places, one.keywords, one.moved_from)


def _unpack_desired(packed: Packed) -> Desired:
    key, location, texts, symbols, places, keywords, moved_from = packed
    unpacked = {path: _unpack_symbol(symbol) for path, symbol in symbols.items()}
    return Desired(key, Location(*location), texts, unpacked, places, keywords, moved_from)


def _pack_symbol(one: Symbolic) -> Packed:
    """Its content, None where it is not at hand, its origin and its names."""
    return (one.reveal() if isinstance(one, Sensitive) else None, one.origin, one.names)


def _unpack_symbol(packed: Packed) -> Symbolic:
    content, origin, names = packed
    return Symbolic(origin, names) if content is None else Sensitive(content, origin, names)
