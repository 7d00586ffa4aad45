"""Many ``file:line`` in few words: by folder and line, numbered names as ranges. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from os.path import commonprefix

from provisioner.model import Location

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")


def places(locations: Iterable[Location]) -> Iterator[str]:
    """Each as ``folder/name.yaml:4``, several of one folder and line as ``folder/{one,two-[07-12]}.yaml:4``.

    Every file is named, so that a search for its name or number range finds it.
    """
    by_place: dict[tuple[str, int, str], list[str]] = {}
    for location in locations:
        folder, slash, file = location.file.rpartition("/")
        stem, dot, extension = file.rpartition(".")
        stem, extension = (stem, f".{extension}") if dot else (file, "")
        by_place.setdefault((f"{folder}{slash}", location.line, extension), []).append(stem)
    for (folder, line, extension), stems in sorted(by_place.items()):
        for names in _portions(list(ranges(sorted(set(stems))))):
            yield f"{folder}{_together(names)}{extension}:{line}"


def _together(names: list[str]) -> str:
    """``orders-{01,03,[07-12]}``: what all begin with is said once, up to where their numbers begin."""
    if len(names) == 1:
        return names[0]
    start = re.sub(r"[\d\[]*\Z", "", commonprefix(names))  # noqa: RUF071 - names, not paths
    return f"{start}{{{','.join(name[len(start) :] for name in names)}}}"


_PORTION = 400
"""Characters of one entry: a line that nobody has to scroll for long, and that can be left out alone."""


def _portions(names: list[str]) -> Iterator[list[str]]:
    portion: list[str] = []
    for name in names:
        if portion and sum(map(len, portion)) + len(name) > _PORTION:
            yield portion
            portion = []
        portion.append(name)
    yield portion


def ranges(names: Iterable[str]) -> Iterator[str]:
    """Sorted names; those that differ in one running number become ``prefix[first-last]suffix``."""
    for (prefix, suffix, _), run in groupby(_counted(names), key=lambda one: one[0]):
        numbers = [number for _, number in run]
        if len(numbers) == 1:
            yield f"{prefix}{numbers[0]}{suffix}"
        else:
            yield f"{prefix}[{numbers[0]}-{numbers[-1]}]{suffix}"


def _counted(names: Iterable[str]) -> Iterator[tuple[tuple[str, str, object], str]]:
    """Each name's number, and before it what those of one run have in common."""
    for index, name in enumerate(names):
        match = _NUMBERED.fullmatch(name)
        if match is None:
            yield (name, "", ("no number", index)), ""
        else:
            prefix, number, suffix = match.groups()
            yield (prefix, suffix, (len(number), int(number) - index)), number
