"""Property tests: nothing raises, nothing takes long, and two ways to the same result agree."""

from __future__ import annotations

import contextlib
import json
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from provisioner.definitions import connection_string, templates
from provisioner.definitions import templates as template_values
from provisioner.definitions.connection_string import Malformed, Pair
from provisioner.definitions.yaml_loader import parse
from provisioner.report import problems as report
from provisioner.report.terminal import Style
from provisioner.secrets import Sensitive
from tests.definitions.support import CASES, check, project

SOURCES = [path.read_bytes() for path in sorted((CASES / "valid").glob("*.yaml"))]
PIECES = [
    b"{{",
    b"}}",
    b"{%",
    b"'",
    b'"',
    b"\n",
    b"\t",
    b": ",
    b"- ",
    b"*a",
    b"&a ",
    b"!x ",
    b"\x00",
    b"\xff",
    b"[",
    b"}",
]
FEW = settings(
    max_examples=60, deadline=timedelta(seconds=2), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
awkward = st.text(st.sampled_from(list(";'\"={} \t\n\r\0\x1b\x7fab€🐬")), max_size=12) | st.text(max_size=12)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid definition, with pieces cut out, repeated or put in."""
    content = draw(st.sampled_from(SOURCES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 20)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=4) | st.just(content[start:end] * 2))
        content = content[:start] + piece + content[end:]
    return content


@given(st.binary(max_size=200) | mutated())
@FEW
def test_any_bytes_give_problems_or_a_definition(tmp_path: Path, content: bytes) -> None:
    checked = check(project(tmp_path, {"case.yaml": content}))
    assert list(checked.problems) == sorted(set(checked.problems))
    lines = content.count(b"\n") + content.count(b"\r") + content.count(b"\xc2\x85") + content.count(b"\xe2\x80") + 1
    for problem in checked.problems:
        assert 1 <= problem.location.line <= lines + 1
        assert problem.location.column >= 1
        assert problem.message
        assert problem.remedy
    assert report.as_text(checked.problems, Style(colour=True), checked.source_line) or not checked.problems
    json.loads(report.as_json(checked.problems, 1, checked.targets))


@given(st.binary(max_size=100))
@FEW
def test_any_bytes_as_the_project_file(tmp_path: Path, content: bytes) -> None:
    folder = project(tmp_path, {})
    (folder / "provisioner.yaml").write_bytes(content)
    assert check(folder).problems


LARGE = {
    "one long word": b"name: " + b"x" * 1_000_000,
    "spaces in a name": b"name: '" + b" " * 1_000_000 + b"'",
    "many unknown properties": b"".join(b"key%d: x\n" % number for number in range(4000)),
    "many leaves": b"auth:\n  params:\n" + b"".join(b"    k%d: '{{ x }}'\n" % number for number in range(4000)),
    "many pairs": b"auth: {params: {connectionString: '" + b"a=b;" * 200_000 + b"'}}",
    "spaces in a pair": b"auth: {params: {connectionString: 'a=b" + b" " * 16_000 + b"c'}}",
    "spaces in a keyword": b"auth: {params: {connectionString: 'a" + b" " * 16_000 + b"c'}}",
    "templates in a quote": b"auth: {params: {connectionString: \"a='" + b"{{a}}" * 3000 + b'"}}',
    "opened templates": b"auth: {params: {connectionString: \"a='" + b"{{a" * 5000 + b'"}}',
    "aliases": b"a: &a [x]\nb: [" + b"*a," * 100_000 + b"]",
    "brackets": b"name: " + b"[" * 500_000,
    "a template of brackets": b"name: '{{ " + b"(" * 8000 + b" }}'",
    "a template of tildes": b"name: '{{ " + b"a ~ " * 4000 + b" }}'",
    "quotes": b"name: " + b"'" * 500_001,
}


@pytest.mark.parametrize("content", LARGE.values(), ids=LARGE)
def test_nothing_takes_long(content: bytes, tmp_path: Path) -> None:
    folder = project(tmp_path, {"case.yaml": content})
    began = time.process_time()
    assert check(folder).problems
    assert time.process_time() - began < 4


NUMBER_OF_1_2 = re.compile(r"[-+]?\.?[0-9][0-9.]*[eE][-+]?[0-9]+|0o[0-7]+")
"""Plain, PyYAML reads and writes these as texts."""

texts = st.text(max_size=20).filter(lambda text: not NUMBER_OF_1_2.fullmatch(text))
same_in_both = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(same_in_both, st.booleans())
@settings(max_examples=100)
def test_pyyaml_output_is_read_back(data: Any, flow: bool) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow)
    document = parse("f", text)
    rules = {problem.rule for problem in document.problems}
    assume(rules <= {"yaml.empty"})  # a key that YAML 1.2 reads as a number and 1.1 does not
    assert document.data == data


@given(st.sampled_from(SOURCES))
def test_valid_cases_are_read_as_by_pyyaml(source: bytes) -> None:
    text = source.decode("utf-8-sig")
    ours = parse("f", text).data
    # BaseLoader keeps every scalar as its text: what both versions of YAML agree on.
    assert _as_texts(ours) == _as_texts(yaml.load(text, yaml.BaseLoader))


def _as_texts(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _as_texts(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_texts(item) for item in data]
    return str(data).lower()


spaces = st.text(" \t\n", max_size=2)
names = st.text("AZ_09az-. é", min_size=1, max_size=8)


@st.composite
def calls(draw: st.DrawFn) -> str:
    space, quote = draw(spaces), draw(st.sampled_from("'\""))
    function, name = draw(st.sampled_from(["env", "var"])), draw(names)
    return f"{{{{{space}{function}({space}{quote}{name}{quote}{space}){space}}}}}"


beside = st.text(st.sampled_from(list("{}%#-+'\"() a.\n\r\\")), max_size=4)


@given(st.lists(st.tuples(beside, calls()), min_size=1, max_size=4), beside)
@settings(max_examples=300)
def test_compiling_without_jinja_gives_the_same_result(parts: list[tuple[str, str]], last: str) -> None:
    source = "".join(text + call for text, call in parts) + last
    fast = templates._compile_without_jinja(source)
    assume(fast is not None)
    assert fast is not None
    slow = templates._compile_with_jinja(source)
    assert (fast.env_names, fast.var_names, fast.filters) == (slow.env_names, slow.var_names, slow.filters)
    variables = {name: f"v<{name}>{{{{ x }}}}" for name in fast.var_names}
    environment = {name: f"e<{name}>\n" for name in fast.env_names}
    assert fast.evaluate(variables, environment) == slow.evaluate(variables, environment)


@pytest.mark.parametrize(
    "source", ["{{{ env('A') }}", "{{ env('A') }} }}", "a\rb{{ env('A') }}", "{{ env('A')|trim }}"]
)
def test_other_syntax_needs_jinja(source: str) -> None:
    assert templates._compile_without_jinja(source) is None


def test_most_calls_need_no_jinja() -> None:
    for source in ("{{ env('A') }}", "db1.{{ var('domain') }}", "a{{ env('A') }}b{{var(\"b\")}}c"):
        assert templates._compile_without_jinja(source) is not None


@given(st.text(st.sampled_from(list("{}%#'\"()|~ab,.[]=*\n\\")) | st.characters(), max_size=30))
@example("{{ 'a' }}")
@example("{{ ''.__class__ }}")
def test_any_template_renders_or_is_refused(source: str) -> None:
    with contextlib.suppress(template_values.BadTemplate):
        template = templates.compile_template("{{" + source + "}}")
        names = dict.fromkeys((*template.env_names, *template.var_names), "value")
        rendered = template_values.render(template, names, names)
        assert len(rendered.reveal() if isinstance(rendered, Sensitive) else str(rendered)) <= templates.MAX_OUTPUT


@given(awkward)
@example("'\"")
@example("a''b\"c;")
@example(" leading")
@example("\x85")
def test_a_quoted_value_is_read_back(value: str) -> None:
    assert connection_string.split(f"PWD={connection_string.quote(value)};x=y") == (Pair("PWD", value), Pair("x", "y"))


@given(st.dictionaries(st.text("abAB= ", min_size=1, max_size=6).map(lambda name: f"k{name.strip()}"), awkward))
def test_joined_pairs_are_read_back(values: dict[str, str]) -> None:
    pairs = tuple(Pair(name, value) for name, value in values.items())
    assume(len({pair.meaning for pair in pairs}) == len(pairs))
    assert connection_string.split(connection_string.join(pairs)) == pairs


@given(st.sampled_from(["", "'", '"']), st.text("abc'\"; =", max_size=8))
def test_a_template_in_a_value_is_opaque(quote: str, inside: str) -> None:
    value = f"{{{{ env({inside}) }}}}"
    assert connection_string.split_template(f"PWD={quote}{value}{quote};x=y")[0].value == value


@given(st.text(st.sampled_from(list("ab=;'\"{} \n")), max_size=40))
def test_any_text_is_a_connection_string_or_malformed(text: str) -> None:
    try:
        pairs = connection_string.split(text)
    except Malformed:
        return
    assert connection_string.split(connection_string.join(pairs)) == pairs
