"""Definitions arrive by pull request: what a hostile one may try, and the problem it gets.

Each case is what an attacker would write at one place of an otherwise sound definition. Whatever is refused is refused
before any variable is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from provisioner.definitions.check import validate
from provisioner.definitions.project import read_project
from provisioner.definitions.render import read
from provisioner.report import problems as report

PROJECT = """\
version: 1
default_target: prod
templates:
  allow_env:
    "orders*": ["MYSQL_ORDERS_*"]
    "stock*": ["MYSQL_STOCK_*"]
targets:
  prod: {org_id: 5C1328435BF324E90A49402A@AdobeOrg, sandbox: prod, vars: {host: db.example.com}}
"""
SOUND = {
    "name": "Orders",
    "description": "A",
    "server": "db.example.com",
    "database": "orders",
    "username": "svc_aep",
    "password": "\"{{ env('MYSQL_ORDERS_PASSWORD') }}\"",
    "sslMode": "DISABLED",
}


def basic(**changes: str) -> str:
    """A definition with basic authentication, each value as YAML."""
    values = {**SOUND, **changes}
    params = "\n".join(f"    {name}: {value}" for name, value in values.items() if name not in ("name", "description"))
    head = f"name: {values['name']}\ndescription: {values['description']}\n"
    return f"{head}auth:\n  specName: Basic Authentication\n  params:\n{params}\n"


def string(text: str) -> str:
    """One by connection string; ``text`` is put into a block scalar, so that it needs no quoting."""
    params = f"  params:\n    connectionString: >-\n      {text}\n"
    return f"name: Orders\nauth:\n  specName: Connection String Based Authentication\n{params}"


def password(template: str) -> str:
    return basic(password=f"\n      {template!s}" if template.startswith('"') else f'"{template}"')


class Variables(dict[str, str]):
    """An environment in which everything is set, that remembers what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def get(self, name: str, _default: str | None = None) -> str:  # type: ignore[override]
        return self[name]

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return "hunter2hunter3"

    def __contains__(self, name: object) -> bool:
        return True


def rules_of(folder: Path, files: Mapping[str, str | bytes]) -> set[str]:
    """The rules that ``validate`` finds broken; and nothing may be read of the environment for a broken definition."""
    (folder / "connections").mkdir(parents=True, exist_ok=True)
    (folder / "provisioner.yaml").write_text(PROJECT, "utf-8")
    for name, content in files.items():
        path = folder / "connections" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    project = read_project(folder)
    checked = validate(project, (project.target("prod"),))
    shown = report.as_text(checked.problems) + report.as_json(checked.problems, 1, checked.targets)
    assert shown.isprintable() or all(char.isprintable() or char == "\n" for char in shown)
    assert all(problem.remedy and problem.location.file for problem in checked.problems)
    variables = Variables()
    whole = read(project, (project.target("prod"),), variables)
    (built,) = whole.by_target
    refused = {one.key for one in whole.definitions} - {one.key for one in built.desired}
    assert not any("hunter2" in str(problem) for problem in built.problems)
    if refused:
        assert variables.read <= {"MYSQL_ORDERS_PASSWORD", "MYSQL_ORDERS_X"}, variables.read
    return {problem.rule for problem in checked.problems}


TEMPLATES = {
    "attributes": ("{{ ''.__class__.__mro__ }}", "template.expression"),
    "attributes by filter": ("{{ 'x' | attr('__class__') }}", "template.unknown-filter"),
    "subscripts": ("{{ 'x'['__class__'] }}", "template.expression"),
    "attributes of env": ("{{ env.__globals__ }}", "template.expression"),
    "methods": ("{{ 'x'.upper() }}", "template.expression"),
    "format strings": ("{{ '%1000000000d' | format(1) }}", "template.unknown-filter"),
    "str.format": ("{{ '{0.__class__}'.format(1) }}", "template.expression"),
    "Jinja's globals": ("{{ cycler.__init__.__globals__ }}", "template.expression"),
    "lipsum": ("{{ lipsum(1000) }}", "template.unknown-function"),
    "self": ("{{ self }}", "template.name"),
    "context": ("{{ environ }}", "template.name"),
    "range": ("{{ range(1000000000) }}", "template.unknown-function"),
    "multiplication": ("{{ 'a' * 1000000000 }}", "template.expression"),
    "power": ("{{ 9 ** 9 ** 9 }}", "template.expression"),
    "numbers": ("{{ 1 }}", "template.expression"),
    "lists": ("{{ ['a'] }}", "template.expression"),
    "comprehension by filter": ("{{ 'abc' | map('upper') | join }}", "template.unknown-filter"),
    "tests": ("{{ 'a' is defined }}", "template.expression"),
    "conditions": ("{{ 'a' if env('MYSQL_ORDERS_X') == 'b' else 'c' }}", "template.expression"),
    "a loop": ("{% for x in 'abc' %}{{ x }}{% endfor %}", "template.statement"),
    "a condition": ("{% if env('MYSQL_ORDERS_X') %}x{% endif %}", "template.statement"),
    "import": ("{% import 'os' as os %}", "template.statement"),
    "include": ("{% include '/etc/passwd' %}", "template.statement"),
    "set": ("{% set x = 1 %}", "template.statement"),
    "raw": ("{% raw %}{{ env('X') }}{% endraw %}", "template.statement"),
    "a computed name": ("{{ env('MYSQL_ORDERS_' ~ 'X') }}", "template.argument"),
    "a name from var": ("{{ env(var('host')) }}", "template.argument"),
    "a default": ("{{ env('MYSQL_ORDERS_X', 'changeme') }}", "template.argument"),
    "arguments by keyword": ("{{ env(name='MYSQL_ORDERS_X') }}", "template.argument"),
    "arguments unpacked": ("{{ env(*['MYSQL_ORDERS_X']) }}", "template.argument"),
    "a function that is none": ("{{ open('/etc/passwd') }}", "template.unknown-function"),
    "deep nesting": ("{{ " + "(" * 5000 + "'a'" + ")" * 5000 + " }}", "template.syntax"),
    "many parts": ("{{ " + " ~ ".join(["'a'"] * 3000) + " }}", "template.too-large"),
    "a long one": ("{{ '" + "a" * 20_000 + "' }}", "template.too-large"),
    "one that is not closed": ("{{ env('MYSQL_ORDERS_X')", "template.syntax"),
    "a literal behind var": ("{{ var('host') }}", "secret.literal"),
    "a literal in a template": ("{{ 'hunter2' }}", "secret.literal"),
    "the client secret": ("{{ env('AEP_CLIENT_SECRET') }}", "template.env-not-admitted"),
    "the access token": ("{{ env('AEP_ACCESS_TOKEN') | trim }}", "template.env-not-admitted"),
    "the fingerprint key": ("{{ env('PROVISIONER_FINGERPRINT_KEY') }}", "template.env-not-admitted"),
    "a pipeline's token": ("{{ env('GITHUB_TOKEN') }}", "template.env-not-admitted"),
    "another team's password": ("{{ env('MYSQL_STOCK_PASSWORD') }}", "template.env-not-admitted"),
    "in other letters": ("{{ env('mysql_orders_password') }}", "template.env-not-admitted"),
    "a pattern": ("{{ env('MYSQL_*') }}", "template.env-not-admitted"),
    "one admitted, one not": ("{{ env('MYSQL_ORDERS_X') ~ env('PATH') }}", "template.env-not-admitted"),
    "a filter that compares": (
        "{{ env('MYSQL_ORDERS_X') | replace('hunter', 'hunterhunter') }}",
        "template.filter-on-env",
    ),
    "one around a text": ("{{ ('x' ~ env('MYSQL_ORDERS_X')) | lower }}", "template.filter-on-env"),
    "one that is told by a variable": ("{{ 'abc' | replace(env('MYSQL_ORDERS_X'), 'x') }}", "template.argument"),
    "a length that tells": ("{{ env('MYSQL_ORDERS_X') | urlencode | urlencode }}", "template.too-large"),
    "growth": ("{{ var('host') | replace('.', '" + "." * 50 + "') }}", "template.too-large"),
    "growth from nothing": ("{{ var('host') | replace('', 'x') }}", "template.argument"),
    "many filters": ("{{ 'a'" + " | trim" * 100 + " }}", "template.too-large"),
    "many digits": ("{{ " + "1" * 5000 + " }}", "template.expression"),
    "half a character": (r"{{ '\\ud800' }}", "template.character"),
    "text that runs backwards": (r"{{ 'db\\u202eexample' }}", "template.character"),
    "text that nobody sees": (r"{{ env('MYSQL_ORDERS_X') ~ '\\u200b' }}", "template.character"),
    "in homoglyphs": ("{{ \u0435nv('MYSQL_ORDERS_X') }}", "template.unknown-function"),
}


@pytest.mark.parametrize("attack", TEMPLATES)
def test_templates(attack: str, tmp_path: Path) -> None:
    template, rule = TEMPLATES[attack]
    assert rule in rules_of(tmp_path, {"orders.yaml": basic(password=f'"{template}"')})


MISPLACED = {
    "a secret in the name": basic(name="\"{{ env('MYSQL_ORDERS_X') }}\""),
    "a secret in the description": basic(description="\"{{ env('MYSQL_ORDERS_X') }}\""),
    "a secret in the sslMode": basic(sslMode="\"{{ env('MYSQL_ORDERS_X') }}\""),
    "a secret behind an option": string(
        "Server=h;Database=d;UID=u;PWD={{ env('MYSQL_ORDERS_X') }};CharSet={{ env('MYSQL_ORDERS_X') }}"
    ),
    "by an alias": basic(password="&p \"{{ env('MYSQL_ORDERS_X') }}\"", sslMode="*p"),
}


@pytest.mark.parametrize("attack", MISPLACED)
def test_secrets_where_they_could_be_read(attack: str, tmp_path: Path) -> None:
    assert rules_of(tmp_path, {"orders.yaml": MISPLACED[attack]}) & {"template.env-misplaced", "schema.value"}


TELLING = {
    "whether text and a secret are a port": basic(port="\"6553{{ env('MYSQL_ORDERS_X') }}\""),
    "whether they are a connection string": string("{{ 'Server=h;Database=d;UID=u;PWD=' ~ env('MYSQL_ORDERS_X') }}"),
}


@pytest.mark.parametrize("attack", TELLING)
def test_validated_values_accept_no_text_or_filter(attack: str, tmp_path: Path) -> None:
    assert "template.env-alone" in rules_of(tmp_path, {"orders.yaml": TELLING[attack]})


def test_the_key_of_another_folder(tmp_path: Path) -> None:
    foreign = "key: orders\n" + basic(password="\"{{ env('MYSQL_ORDERS_X') }}\"")
    assert "template.env-not-admitted" in rules_of(tmp_path, {"evil.yaml": foreign})


def test_many_values(tmp_path: Path) -> None:
    options = ";".join(f"O{number}={{{{ env('MYSQL_ORDERS_X') }}}}{number}" for number in range(129))
    attack = string(f"Server=h;Database=d;UID=u;PWD={{{{ env('MYSQL_ORDERS_X') }}}};{options}")
    assert "connection-string.invalid" in rules_of(tmp_path, {"orders.yaml": attack})


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


DOCUMENTS: dict[str, tuple[str | bytes, str]] = {
    "a billion laughs": (bomb(9), "yaml.too-large"),
    "an alias that contains itself": ("name: &a [*a]\n", "yaml.alias-loop"),
    "deep mappings": ("{a: " * 1000 + "1" + "}" * 1000, "yaml.too-deep"),
    "deep sequences": ("[" * 50_000, "yaml.too-deep"),
    "many keys": ("".join(f"k{n}: 1\n" for n in range(6000)), "yaml.too-large"),
    "a huge file": ("#" + "x" * (1024 * 1024 + 1), "files.too-large"),
    "a huge scalar": (basic(description="x" * 100_000), "yaml.long-scalar"),
    "a long key": (basic() + "k" * 500 + ": 1\n", "yaml.long-key"),
    "a Python object": (basic(name='!!python/object/apply:os.system ["id"]'), "yaml.tag"),
    "a tag of one's own": (basic(name="!env X"), "yaml.tag"),
    "binary": (basic(name="!!binary aHVudGVyMg=="), "yaml.tag"),
    "a second document": (basic() + "---\n" + basic(name="Other"), "yaml.several-documents"),
    "a key twice": (basic() + "name: Other\n", "yaml.duplicate-key"),
    "a key twice, by escape": (basic() + '"n\\x61me": Other\n', "yaml.duplicate-key"),
    "a merge key": (basic() + "<<: {key: x}\n", "yaml.merge-key"),
    "a key that is no text": (basic() + "true: x\n", "yaml.non-string-key"),
    "a key that is a mapping": (basic() + "{a: b}: x\n", "yaml.non-string-key"),
    "a property in homoglyphs": (basic().replace("database:", "dat\u0430base:"), "schema.unknown-property"),
    "bytes that are no text": (basic().encode() + b"# \xff\xfe\n", "files.encoding"),
    "NUL": (basic(description="a\0b"), "yaml.character"),
    "an escape sequence": (basic(description="a\x1b[2Jb"), "yaml.character"),
    "an escape sequence, escaped": (basic(description='"a\\x1b[2Jb"'), "yaml.character"),
    "a C1 control character": (basic(description="a\u009bb"), "yaml.character"),
    "an override of direction": (basic(name="a\u202eb"), "yaml.character"),
    "an override of direction, escaped": (basic(name='"a\\u202eb"'), "yaml.character"),
    "an isolate": (basic(server="\u2066h\u2069"), "yaml.character"),
    "a mark of direction": (basic(username="a\u200fb"), "yaml.character"),
    "an override in a comment": (basic() + "# \u202e } if admin\n", "yaml.character"),
    "an override in a key": (basic() + "na\u202eme: x\n", "yaml.character"),
    "an override in a key, escaped": (basic() + '"na\\u202eme": x\n', "yaml.character"),
    "a character without width": (basic(username="svc\u200baep"), "yaml.character"),
    "a soft hyphen": (basic(server="db\u00ad.example.com"), "yaml.character"),
    "a tag character": (basic(name="Orders\U000e0041"), "yaml.character"),
    "a byte order mark inside": (basic(name="Or\ufeffders"), "yaml.character"),
    "a line separator": (basic(name="Or\u2028ders"), "yaml.character"),
    "a next line": (basic(name="Or\u0085ders"), "yaml.character"),
    "a line break in the name": (basic(name='"Or\\nders"'), "schema.value"),
    "a key above the folder": (basic() + "key: ../../etc/passwd\n", "schema.value"),
    "an absolute key": (basic() + "key: /etc/passwd\n", "schema.value"),
    "a key with a step of nothing": (basic() + "key: a//b\n", "schema.value"),
    "a key with a step of one dot": (basic() + "key: a/./b\n", "schema.value"),
    "a key with a line break": (basic() + 'key: "a\\nb"\n', "schema.value"),
    "a long definition key": (basic() + f"key: {'k' * 1000}\n", "schema.value"),
    "a secret in plain text": (basic(password="hunter2"), "secret.literal"),
    "another server behind the password": (
        string("Server=h;Database=d;UID=u;PWD={{ env('MYSQL_ORDERS_X') }};Host=evil.example"),
        "connection-string.invalid",
    ),
    "two passwords": (
        string("Server=h;Database=d;UID=u;PWD={{ env('MYSQL_ORDERS_X') }};Password=x"),
        "connection-string.invalid",
    ),
    "an option that is another server": (
        string("Server=h;Database=d;UID=u;PWD={{ env('MYSQL_ORDERS_X') }};Data Source=evil.example"),
        "connection-string.invalid",
    ),
    "a password under another name": (
        string("Server=h;Database=d;UID=u;PWD={{ env('MYSQL_ORDERS_X') }};CertificatePassword=hunter2"),
        "secret.literal",
    ),
    "quotes that do not close": (
        string("Server=h;Database=d;UID=u;PWD='{{ env('MYSQL_ORDERS_X') }}"),
        "connection-string.invalid",
    ),
    "a template around several parts": (
        string("{{ var('host') ~ ';PWD=' }}{{ env('MYSQL_ORDERS_X') }}"),
        "connection-string.invalid",
    ),
    "growth by replacing": (
        basic(server="\"{{ 'a' " + ("| replace('a', '" + "a" * 200 + "')") * 5 + ' }}"'),
        "template.too-large",
    ),
    "a target that is none": (basic() + "targets: [nowhere]\n", "definition.unknown-target"),
    "a template as target": (basic() + "targets: [\"{{ var('host') }}\"]\n", "definition.unknown-target"),
}


@pytest.mark.parametrize("attack", DOCUMENTS)
def test_documents(attack: str, tmp_path: Path) -> None:
    content, rule = DOCUMENTS[attack]
    assert rule in rules_of(tmp_path, {"orders.yaml": content})


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link out of the tree": (lambda folder: (folder / "orders.yaml").symlink_to("/etc/passwd"), "files.outside"),
    "a linked folder": (lambda folder: (folder / "more").symlink_to("/etc", True), "files.outside"),
    "a link to the project file": (
        lambda folder: (folder / "orders.yaml").symlink_to("../provisioner.yaml"),
        "files.outside",
    ),
    "a link to itself": (lambda folder: (folder / "orders.yaml").symlink_to("orders.yaml"), "files.loop"),
    "a folder within itself": (lambda folder: (folder / "more").symlink_to(".", True), "files.loop"),
    "a link to nothing": (lambda folder: (folder / "orders.yaml").symlink_to("nothing.yaml"), "files.unreadable"),
    "a pipe": (lambda folder: os.mkfifo(folder / "orders.yaml"), "files.unreadable"),
    "a device": (lambda folder: (folder / "orders.yaml").symlink_to("/dev/zero"), "files.outside"),
    "a file name with an override": (lambda folder: (folder / "a\u202eb.yaml").write_text(basic()), "key.invalid"),
    "a file name with a line break": (lambda folder: (folder / "a\nb.yaml").write_text(basic()), "key.invalid"),
    "a file name with an escape": (lambda folder: (folder / "a\x1b[2J.yaml").write_text(basic()), "key.invalid"),
    "a file name that looks like a flag": (lambda folder: (folder / "--yes.yaml").write_text(basic()), "key.invalid"),
    "a file name that is no text": (
        lambda folder: (folder / os.fsdecode(b"a\xff.yaml")).write_text(basic()),
        "key.invalid",
    ),
    "two files of one key": (
        lambda folder: [(folder / f"orders.{kind}").write_text(basic()) for kind in ("yaml", "yml")],
        "definition.duplicate-key",
    ),
    "two definitions of one name": (
        lambda folder: [(folder / f"orders{n}.yaml").write_text(basic()) for n in (1, 2)],
        "definition.duplicate-name",
    ),
}


@pytest.mark.parametrize("attack", FILES)
def test_files(attack: str, tmp_path: Path) -> None:
    make, rule = FILES[attack]
    (tmp_path / "connections").mkdir()
    make(tmp_path / "connections")
    assert rule in rules_of(tmp_path, {})


HARMLESS = {
    "a comment of Jinja's is text": (basic(description='"{# x #}"'), set()),
    "lines and tabs in a description": (basic(description='"one\\n\\ttwo"'), set()),
    "right-to-left letters": (basic(name="\u05d4\u05d6\u05de\u05e0\u05d5\u05ea"), set()),
    "an emoji of several characters": (basic(name="Orders \U0001f469\u200d\U0001f4bb"), set()),
}


@pytest.mark.parametrize("attack", HARMLESS)
def test_harmless(attack: str, tmp_path: Path) -> None:
    content, rules = HARMLESS[attack]
    assert rules_of(tmp_path, {"orders.yaml": content}) == rules


def test_the_valid_definition_is_valid(tmp_path: Path) -> None:
    """Else the cases above would show nothing."""
    assert rules_of(tmp_path, {"orders.yaml": basic()}) == set()
