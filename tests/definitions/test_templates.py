"""Templates: accepted syntax, rendered values, and what is refused before anything is evaluated."""

from __future__ import annotations

import pytest

from provisioner.definitions import templates
from provisioner.definitions.templates import BadTemplate, compile_template, render
from provisioner.secrets import Sensitive, Symbolic

VARS = {"host": "Db1", "a b": " x/y ", "many": "a" * 1000}
ENV = {"MYSQL_P": "p;{{ x }}", "MYSQL_Q": "q", "MYSQL_EMPTY": ""}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ var('host') }}", "Db1"),
        ('{{var("host")}}', "Db1"),
        ("{{ var('host') | lower }}", "db1"),
        ("{{ var('host')|upper }}", "DB1"),
        ("<{{ var('a b') | trim }}>", "<x/y>"),
        ("{{ var('a b') | urlencode }}", "%20x%2Fy%20"),
        ("{{ var('host') | replace('Db', '') }}", "1"),
        ("{{ 'a' ~ var('host') ~ 'b' }}", "aDb1b"),
        ("a{{ var('host') }}b{{ '' }}", "aDb1b"),
        ("{{ var('host') | lower | upper }}\n", "DB1\n"),
        ("{{ '}}' }}", "}}"),
        ("{{ '{{' }}", "{{"),
        ("{# kept #}{{ '' }}", "{# kept #}"),
        ("# {{ 'no line statement' }}", "# no line statement"),
        ("{{- var('host') -}}", "Db1"),
    ],
)
def test_rendered(source: str, text: str) -> None:
    assert render(compile_template(source), VARS, {}) == text


@pytest.mark.parametrize(
    ("source", "content", "origin"),
    [
        ("{{ env('MYSQL_P') }}", "p;{{ x }}", "env(MYSQL_P)"),
        ("{{ env('MYSQL_P') | trim }}", "p;{{ x }}", "template of env(MYSQL_P) by trim"),
        ("a{{ env('MYSQL_Q') }}", "aq", "template of env(MYSQL_Q) #e3bd3874beed5789"),
        ("{{ var('host') ~ env('MYSQL_Q') }}", "Db1q", "template of env(MYSQL_Q) #5cab2c5a6944e136"),
    ],
)
def test_a_template_that_calls_env_is_sensitive_as_a_whole(source: str, content: str, origin: str) -> None:
    value = render(compile_template(source), VARS, ENV)
    assert isinstance(value, Sensitive)
    assert (value.reveal(), str(value)) == (content, origin)


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("{{ env('MYSQL_Q') }}", "env(MYSQL_Q)"),
        ("{{ env('MYSQL_Q') }}.example.com", "env(MYSQL_Q).example.com"),
        ("{{ env('MYSQL_Q') }}.{{ var('host') }}", "env(MYSQL_Q).Db1"),
        ("{{ env('MYSQL_Q') | trim }}", "env(MYSQL_Q) by trim"),
    ],
)
def test_a_readable_origin_includes_the_surrounding_text(source: str, origin: str) -> None:
    for environment in (ENV, {}):
        assert str(render(compile_template(source), VARS, environment, readable=True)) == origin


def test_variables_that_are_not_utf_8_are_refused_by_name() -> None:
    with pytest.raises(BadTemplate, match="MYSQL_RAW is not UTF-8"):
        render(compile_template("{{ env('MYSQL_RAW') }}"), {}, {"MYSQL_RAW": "a\udcffb"})


@pytest.mark.parametrize("name", ["MYSQL_EMPTY", "MYSQL_ABSENT"])
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    value = render(compile_template(f"{{{{ env('MYSQL_P') ~ env('{name}') }}}}"), VARS, ENV)
    assert isinstance(value, Symbolic)
    assert not isinstance(value, Sensitive)
    assert value.names == tuple(sorted({"MYSQL_P", name}))


WRITTEN_ELSEWHERE = [
    ("{{ env_var('MYSQL_P') }}", "did you mean env()?"),
    ("{{ getenv('MYSQL_P') }}", "did you mean env()?"),
    ("{{ lookup('env', 'MYSQL_P') }}", "did you mean env()?"),
    ("{{ secret('MYSQL_P') }}", "did you mean env()?"),
    ("{{ vars('host') }}", "did you mean var()?"),
    ("{{ vars.host }}", "write var('host')"),
    ("{{ var.host }}", "write var('host')"),
    ("{{ local.host }}", "write var('host')"),
    ("{{ values.host }}", "write var('host')"),
    ("{{ parameters.host }}", "write var('host')"),
    ("{{ vars.MYSQL_P }}", "write \"{{ env('MYSQL_P') }}\""),
    ("{{ secrets.MYSQL_P }}", "write \"{{ env('MYSQL_P') }}\""),
    ("{{ env.MYSQL_P }}", "write \"{{ env('MYSQL_P') }}\""),
]


@pytest.mark.parametrize(("source", "remedy"), WRITTEN_ELSEWHERE)
def test_foreign_template_syntax_is_corrected(source: str, remedy: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        compile_template(source)
    assert refused.value.remedy.startswith(remedy)


@pytest.mark.parametrize("quotes", ["‘’", "“”", "„“", "‚‘", "«»", "’’", "'’"])
def test_typographic_quotes_are_named(quotes: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        compile_template(f"{{{{ env({quotes[0]}MYSQL_P{quotes[1]}) }}}}")
    assert refused.value.message == "the template contains typographic quotes"


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("{{", "template.syntax"),
        ("{{ }}", "template.syntax"),
        ("{{ 'a }}", "template.syntax"),
        ("a }} b", "template.syntax"),
        ("{{ 'a' 'b' | }}", "template.syntax"),
        ("{{ " + "(" * 3000 + " }}", "template.syntax"),
        ("{% if 1 %}{% endif %}", "template.statement"),
        ("{%- set x = 1 %}", "template.statement"),
        ("{{ host }}", "template.name"),
        ("{{ env }}", "template.name"),
        ("{{ self }}", "template.name"),
        ("{{ loop }}", "template.name"),
        ("{{ range(9) }}", "template.unknown-function"),
        ("{{ super() }}", "template.unknown-function"),
        ("{{ var('host') | attr('x') }}", "template.unknown-filter"),
        ("{{ var('host') | format }}", "template.unknown-filter"),
        ("{{ var('host') | lower(1) }}", "template.argument"),
        ("{{ var('host') | replace('a', *'b') }}", "template.argument"),
        ("{{ var('host') | replace('a', new='b') }}", "template.argument"),
        ("{{ var() }}", "template.argument"),
        ("{{ var('') }}", "template.argument"),
        ("{{ var(1) }}", "template.argument"),
        ("{{ var('a', 'b') }}", "template.argument"),
        ("{{ var(*['a']) }}", "template.argument"),
        ("{{ env('A' ~ 'B') }}", "template.argument"),
        ("{{ ''.__class__ }}", "template.expression"),
        ("{{ ''['__class__'] }}", "template.expression"),
        ("{{ ''.join('a') }}", "template.expression"),
        ("{{ env('A')('B') }}", "template.expression"),
        ("{{ 'a' * 9 }}", "template.expression"),
        ("{{ 'a' + 'b' }}", "template.expression"),
        ("{{ 'a' % 'b' }}", "template.expression"),
        ("{{ 9 ** 9 }}", "template.expression"),
        ("{{ 1 }}", "template.expression"),
        ("{{ true }}", "template.expression"),
        ("{{ none }}", "template.expression"),
        ("{{ ['a'] }}", "template.expression"),
        ("{{ {'a': 'b'} }}", "template.expression"),
        ("{{ 'a', 'b' }}", "template.expression"),
        ("{{ 'a' if 'b' }}", "template.expression"),
        ("{{ 'a' is defined }}", "template.expression"),
        ("{{ 'a' in 'b' }}", "template.expression"),
        ("{{ not 'a' }}", "template.expression"),
        ("{{ 'a' or 'b' }}", "template.expression"),
        ("{{ 'a' }}" * 300, "template.too-large"),
        ("{{ 'a' }}" + "x" * 20_000, "template.too-large"),
        ("{{ 'a' ~ '" + "b" * 2000 + "' | replace('b', '" + "c" * 2000 + "') }}", "template.too-large"),
    ],
)
def test_refused(source: str, rule: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        render(compile_template(source), VARS, ENV)
    assert refused.value.rule == rule
    assert refused.value.remedy


def test_a_rendering_error_reveals_nothing_of_the_value() -> None:
    def fail(text: str) -> str:
        raise RuntimeError(text)

    templates._jinja().filters["urlencode"], kept = fail, templates._jinja().filters["urlencode"]
    try:
        with pytest.raises(BadTemplate) as refused:
            render(compile_template("{{ env('MYSQL_P') | urlencode | trim }}"), VARS, ENV)
    finally:
        templates._jinja().filters["urlencode"] = kept
    assert refused.value.rule == "template.failed"
    assert ENV["MYSQL_P"] not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "is_one"), [("{{ x }}", True), ("{% x %}", True), ("x }}", True), ("{x}", False), ("", False)]
)
def test_is_template(text: str, is_one: bool) -> None:
    assert templates.is_template(text) is is_one
