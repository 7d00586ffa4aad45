"""Our constructor and PyYAML's give the same data wherever YAML 1.1 and 1.2 agree."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.definitions.yaml_loader import Document, parse
from tests.definitions.support import CASES

SOURCES = [path.read_text("utf-8-sig") for path in sorted((CASES / "valid").glob("*.yaml"))]

REFUSED_BY_US = {
    "yaml.character",
    "yaml.duplicate-key",
    "yaml.empty",
    "yaml.fraction",
    "yaml.merge-key",
    "yaml.non-string-key",
    "yaml.tag",
    "yaml.unquoted-template",
}
"""What PyYAML admits, and a definition may not hold."""

ONLY_IN_ONE = re.compile(
    r"""
    (y|yes|n|no|on|off|<<|=)          # words of YAML 1.1
    | [-+]?0[0-9_]+                   # octal there, or text, and decimal here
    | 0o[0-7]+                        # octal here
    | [-+]?0b[01_]+                   # binary there
    | [-+]?[0-9][0-9_.]*(:[0-9_.]+)+  # sexagesimal there
    | [-+]?[0-9.]+_[0-9_.eE+-]*       # digits in groups there
    | [-+]?0x[0-9a-f_]*_[0-9a-f_]*
    | [-+]0x[0-9a-f]+                 # with a sign there
    | [-+]?[0-9]+([eE][-+]?[0-9]+)    # a float here: there it needs a point
    | [-+]?[0-9]*\.[0-9]*[eE][0-9]+   # and a sign in its exponent
    | [-+]?\.[0-9]+([eE].*)?
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.* # dates there
    | [-+]?[0-9]{40,}                 # text here, whatever it is there
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Plain scalars of which the two versions of YAML say different things."""

WRITTEN = r"""
a
a b
a: b
a #b
#
- a
? a
@a
%a
`a`
é
007
19
-28
3306
0x1F
1.0
1.5
.inf
-.Inf
.nan
1:30
1_000
1e3
2024-01-01
true
True
NO
null
~
<<
=
---
...
"\u00e9\n"
'it''s'
"a
'a
{{ env('A') }}
&x a
*x
!!str 1
!x a
[a, 1, {b: 0x1F}]
{a: 1, b: [2]}
"""
BLOCKS = ("", "\t", "|\n      text\n      more", ">-\n      text\n\n      more")
scalars = st.sampled_from([*WRITTEN.split("\n")[1:-1], *BLOCKS])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A valid file with some of its lines or characters changed."""
    lines = draw(st.sampled_from(SOURCES)).splitlines()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        lines[place : place + 1] = draw(st.sampled_from(CHANGES))(draw, lines[place])
        lines = lines or [""]
    if len(lines) > 1 and draw(st.booleans()):
        places = draw(st.lists(st.integers(0, len(lines) - 1), min_size=2, max_size=2, unique=True))
        for place, value in zip(sorted(places), (f"&x {draw(scalars)}", "*x"), strict=True):
            lines[place] = f"{lines[place].partition(':')[0]}: {value}"
    return "\n".join([*lines, ""])


def _another_value(draw: st.DrawFn, line: str) -> list[str]:
    return [f"{line.partition(':')[0]}: {draw(scalars)}"]


def _another_key(draw: st.DrawFn, line: str) -> list[str]:
    return [f"{line[: len(line) - len(line.lstrip())]}{draw(scalars)}:{line.partition(':')[2]}"]


def _another_character(draw: st.DrawFn, line: str) -> list[str]:
    place = draw(st.integers(0, len(line)))
    return [line[:place] + draw(st.sampled_from("\"'#&*!|>{}[],:? -\t%@`~é\\a1")) + line[place + draw(st.booleans()) :]]


CHANGES = (
    *[_another_value] * 6,
    _another_key,
    _another_character,
    lambda *_: [],
    lambda _, line: [line, line],
    lambda _, line: [f"  {line}"],
    lambda _, line: [line[1:]],
)


@given(text=texts())
@settings(max_examples=1500, deadline=None)
def test_data_equals_that_of_pyyaml(text: str) -> None:
    document = parse("f", text)
    rules = {problem.rule for problem in document.problems}
    try:
        written = yaml.load(text, yaml.CBaseLoader)
    except yaml.YAMLError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert rules, refusal
        return
    if rules:
        assert rules <= REFUSED_BY_US, "PyYAML admits it"
        return
    assert _as_written(document, document.data, ()) == written
    with suppress(yaml.constructor.ConstructorError, ValueError):  # it cannot make a value of `<<`, nor of 2024-99-99
        assert _agree(document, document.data, yaml.load(text, yaml.CSafeLoader), ())


def _as_written(document: Document, data: Any, path: tuple[str | int, ...]) -> Any:
    """Every scalar as its text, which is what PyYAML's simplest loader makes of all of them."""
    if isinstance(data, dict):
        return {key: _as_written(document, value, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_written(document, value, (*path, place)) for place, value in enumerate(data)]
    return document.texts.get(path, data)


def _agree(document: Document, ours: Any, theirs: Any, path: tuple[str | int, ...]) -> bool:
    """Whether the types are the same too, but of scalars that the two versions of YAML read in different ways."""
    if isinstance(ours, dict):
        # A key is text here; there `yes` is none.
        return len(ours) == len(theirs) and all(
            _agree(document, value, theirs[key], (*path, key)) for key, value in ours.items() if key in theirs
        )
    if isinstance(ours, list):
        return all(
            _agree(document, one, other, (*path, place))
            for place, (one, other) in enumerate(zip(ours, theirs, strict=True))
        )
    text = document.texts.get(path, ours)
    if isinstance(text, str) and ONLY_IN_ONE.fullmatch(text):
        return True
    return repr(ours) == repr(theirs)
