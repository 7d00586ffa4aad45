"""A secret that was pasted where a name or another value belongs: no report repeats it, nor a piece of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.definitions import yaml_loader
from provisioner.definitions.check import CheckResult, open_project
from provisioner.definitions.names import is_recognized, is_variable, quoted
from provisioner.definitions.project import FILE_NAME
from provisioner.errors import ProblemsFound
from provisioner.report import formats
from provisioner.report import problems as report
from provisioner.report.terminal import Style
from tests.definitions.support import check, project
from tests.leaks import holds

SECRETS: dict[str, tuple[str, str]] = {
    "letters-and-digits": ("kT7longsecret99", "kT7longsecret99"),
    "digits": ("4711081547110815", "4711081547110815"),
    "capitals": ("KT7LONGSECRET99", "KT7LONGSECRET99"),
    "capital-letters": ("QJXVKZWPQJXV", "QJXVKZWPQJXV"),
    "small-letters": ("qjxvkzwpqjxv", "qjxvkzwpqjxv"),
    "a-word-with-more": ("Password-kT7longsecret99", "kT7longsecret99"),
    "signs": ("kT7.longsecret+99/x", "longsecret"),
}
"""A secret, and what of it no report may hold."""

BASIC = "name: A\nauth:\n  specName: Basic Authentication\n  params:\n"
PARAMS = "    server: h\n    database: d\n    username: u\n    password: \"{{ env('MYSQL_P') }}\"\n"
STRING = "name: A\nauth:\n  specName: Connection String Based Authentication\n  params:\n    connectionString: "
PARTS = "\n      server: h\n      database: d\n      username: u\n      password: \"{{ env('MYSQL_P') }}\"\n"
FLOW = "name: A\nauth: {specName: Basic Authentication, params: {server: h, database: d, username: u"
TEXT = "Server=h;Database=d;UID=u;PWD={{ env('MYSQL_P') }}"

# by what it shows: § stands for the secret
PASTED = {
    # what was pasted is a piece of a connection string
    "a string that ends in `=`": f"{STRING}§=\n",
    "two `=`": f"{STRING}§==\n",
    "an unquoted password": f"{STRING}Server=h;Database=d;UID=u;PWD=a;§=\n",
    "an unquoted password, with a value": f"{STRING}Server=h;Database=d;UID=u;PWD=a;x=§\n",
    "an option without a value": f'{STRING}"{TEXT};§="\n',
    "an option whose value is a placeholder": f'{STRING}"{TEXT};§={{x}}"\n',
    "an option that is repeated": f'{STRING}"{TEXT};§=a;§=b"\n',
    "an option with a broken template": f'{STRING}"{TEXT};§={{{{ x }}}}"\n',
    "an option that reads env()": f"{STRING}\"{TEXT};§={{{{ env('MYSQL_Q') }}}}\"\n",
    "an option that reads no variable": f"{STRING}\"{TEXT};§={{{{ var('nothing') }}}}\"\n",
    "an option with an invisible character": f"{STRING}\"{TEXT};§={{{{ '\\\\u202e' }}}}\"\n",
    "an option like a password": f'{STRING}"{TEXT};pwd§=a"\n',
    "an option like a password, from var()": f"{STRING}\"{TEXT};pwd§={{{{ var('host') }}}}\"\n",
    "an option like a password, with text": f"{STRING}\"{TEXT};pwd§=a{{{{ env('MYSQL_Q') }}}}\"\n",
    "an option like a password, padded": f"{STRING}\"{TEXT};pwd§=' {{{{ env('MYSQL_Q') }}}}'\"\n",
    "an option like a password, repeated": f"{STRING}{PARTS}      options: {{pwd§: a, PWD§: b, pwd-§: c}}\n",
    "an option that is empty": f"{STRING}{PARTS}      options: {{§: ''}}\n",
    "an option without value": f"{STRING}{PARTS}      options:\n        §:\n",
    "an option that is a list": f"{STRING}{PARTS}      options: {{§: []}}\n",
    "an option that is a mapping": f"{STRING}{PARTS}      options: {{§: {{a: b}}}}\n",
    "an option with a name that is none": f"{STRING}{PARTS}      options: {{'§=': 1}}\n",
    "an option in two spellings": f"{STRING}{PARTS}      options:\n        a§: x\n        a-§: y\n",
    "a number under the name of an option": f"{STRING}{PARTS}      options: {{§: 007}}\n",
    # it is the name of a property
    "a name at the top": f"§: x\n{BASIC}{PARAMS}",
    "a name at the top, without value": f"{BASIC}{PARAMS}§:\n",
    "a name in auth": f"{BASIC}{PARAMS}  §: x\n",
    "a name in params": f"{BASIC}{PARAMS}    §: x\n",
    "a name in params, without value": f"{BASIC}{PARAMS}    §:\n",
    "a name in params, in quotes": f'{BASIC}{PARAMS}    "§": x\n',
    "a name in params, with a template": f"{BASIC}{PARAMS}    §: '{{{{ x }}}}'\n",
    "a name in params, with env()": f"{BASIC}{PARAMS}    §: \"{{{{ env('MYSQL_Q') }}}}\"\n",
    "a name in params, with a number": f"{BASIC}{PARAMS}    §: 007\n",
    "a name in params, with a mapping": f"{BASIC}{PARAMS}    §: {{password: x}}\n",
    "a name below a name": f"{BASIC}{PARAMS}    x: {{§: '{{{{ x }}}}'}}\n",
    "a name in flow style": f"{FLOW}, §: x}}}}\n",
    "a name in flow style, without value": f"{FLOW}, §}}}}\n",
    "the only name": f"{BASIC.rstrip()} {{§: }}\n",
    "the only name, in quotes": f'{BASIC.rstrip()} {{"§": }}\n',
    "a name in JSON": json.dumps({"name": "A", "auth": {"specName": "Basic Authentication", "params": {"§": 1}}}),
    "a name in JSON without blanks": '{"name":"A","auth":{"specName":"Basic Authentication","params":{"§":"a"}}}',
    "two words as a name": f"{FLOW}, § and more: x}}}}\n",
    "a quoted name with more": f'{FLOW}, "a \\" §": x}}}}\n',
    "a name of a list's item": f"targets:\n- §: x\n{BASIC}{PARAMS}",
    "a name that is there twice": f"{BASIC}{PARAMS}    §: x\n    §: y\n",
    "a name that is there twice, at the top": f"§: x\nS: y\n{BASIC}{PARAMS}",
    "a name of another authentication": f"{BASIC.replace('Basic', 'No')}    §: '{{{{ x }}}}'\n",
    "a name in options under text": f"{BASIC}    connectionString:\n      §: x\n",
    "a name that merges": f"{BASIC}{PARAMS}    <<: {{§: x}}\n",
    "an anchored name": f"{BASIC}{PARAMS}    &a §: x\n    *a : y\n",
    # it is the value under a name that is mistyped, or other than text
    "text under a mistyped name": f"{BASIC}{PARAMS}    pasword: §\n",
    "text under a name in other letters": f"{BASIC}{PARAMS}    Server: §\n",
    "text under a mistyped name in flow style": f"{FLOW}, pass: §}}}}\n",
    "text under a mistyped name in JSON": '{"name":"A","auth":{"params":{"server":"h","pw":"§"}}}',
    "a number under a mistyped name": f"{BASIC}{PARAMS}    pasword: 00§\n",
    "a number as an option": f"{STRING}{PARTS}      options: {{Unknown: 00§}}\n",
    "text in place of a mapping": f"{BASIC.rstrip()} §\n",
    "text in place of the password": f"{BASIC}{PARAMS.replace(chr(34), '')}".replace("{{ env('MYSQL_P') }}", "§"),
    "a list in place of a mapping": f"{BASIC}    - §\n    - §: x\n",
    # it stands in a template of a secret
    "the name of a variable": f"{BASIC}{PARAMS.replace('MYSQL_P', '§')}",
    "the name of a variable of a string": f'{STRING}"{TEXT.replace("MYSQL_P", "§")}"\n',
    "the name of a variable of a whole string": f"{STRING}\"{{{{ env('§') | trim }}}}\"\n",
    "the name of a variable of a port": f"{BASIC}{PARAMS}    port: \"{{{{ env('§') | trim }}}}\"\n",
    "the name of a var": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "var('§')"),
    "a secret store": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "secrets.§"),
    "a function": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "§()"),
    "a filter": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "env('MYSQL_P')|§"),
    "a test": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "env('MYSQL_P') is §"),
    "an argument": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "env('MYSQL_P')|replace('§', §)"),
    "a keyword argument": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "env(§='x')"),
    "a word": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "§"),
    "an operand": f"{BASIC}{PARAMS}".replace("env('MYSQL_P')", "'a' + §"),
    # the file is no YAML
    "an alias": f"{BASIC}{PARAMS}    x: *§\n",
    "an anchor that is there twice": f"{BASIC}{PARAMS}    x: &§ 1\n    y: &§ 2\n",
    "a tag": f"{BASIC}{PARAMS}    x: !§ 1\n",
    "a tag with a handle": f"{BASIC}{PARAMS}    x: !§!y 1\n",
    "a directive": f"%§ x\n{BASIC}{PARAMS}",
    "a handle that is there twice": f"%TAG !§! x\n%TAG !§! y\n---\n{BASIC}{PARAMS}",
    "a line without a colon": f"{BASIC}{PARAMS}    §\n    port: 1\n",
    "a bracket that is open": f"{BASIC}{PARAMS}    x: [§, §: x\n",
    "a quote that is open": f"{BASIC}{PARAMS}    x: '§: x\n",
    "two colons": f"{BASIC}{PARAMS}    x: §: x\n",
    "a second document": f"{BASIC}{PARAMS}---\n§: x\n",
    "a conflict": f"<<<<<<< §\n{BASIC}{PARAMS}=======\n>>>>>>> §\n",
}


def written(checked: CheckResult) -> Iterator[str]:
    """Every report of the problems."""
    yield report.as_text(checked.problems, Style(), checked.source_line)
    yield from (render(checked.problems) for render in formats.PROBLEMS.values())


def found_with(folder: Path, row: str) -> CheckResult:
    """The problems of one definition for each kind of secret."""
    texts = {f"{kind}.yaml": PASTED[row].replace("§", secret) for kind, (secret, _) in SECRETS.items()}
    checked = check(project(folder, texts))
    found = {one.location.file for one in checked.problems if one.rule != "definition.duplicate-name"}
    assert found == {f"connections/{name}" for name in texts}
    return checked


@pytest.fixture(params=["libyaml", "PyYAML"])
def _reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both readers of YAML: PyYAML's own repeats more in its messages."""
    if request.param == "PyYAML":
        monkeypatch.setattr("yaml.__with_libyaml__", False)
    yaml_loader._loader.cache_clear()
    yield
    yaml_loader._loader.cache_clear()


@pytest.mark.usefixtures("_reader")
@pytest.mark.parametrize("row", PASTED)
def test_no_report_repeats_what_was_pasted(tmp_path: Path, row: str) -> None:
    texts = written(found_with(tmp_path, row))
    assert [ways for text in texts if (ways := holds(text, *(core for _, core in SECRETS.values())))] == []


PROJECT = "version: 1\ntargets:\n  local:\n    emulator: true\n"
PASTED_INTO_THE_PROJECT = {
    "a name at the top": f"{PROJECT}§: x\n",
    "a name at the top, without value": f"{PROJECT}§:\n",
    "a name of a target": f"{PROJECT}    §: x\n",
    "a name that is there twice": f"{PROJECT}    §: x\n    §: y\n",
    "a sample that is a number": f"{PROJECT}    env: {{MYSQL_P: 00§, MYSQL_Q: 0}}\n",
    "a sample that is a list": f"{PROJECT}    env: {{MYSQL_P: [§]}}\n",
    "a sample in the wrong place": f"{PROJECT}    env: §\n",
    "text under a mistyped name": f"{PROJECT}    client_secret: §\n",
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("row", PASTED_INTO_THE_PROJECT)
def test_nor_what_was_pasted_into_the_project_file(tmp_path: Path, row: str, kind: str) -> None:
    secret, core = SECRETS[kind]
    text = PASTED_INTO_THE_PROJECT[row].replace("§", secret)
    with pytest.raises(ProblemsFound) as found:
        open_project(project(tmp_path, {}, text))
    checked = CheckResult((), (), found.value.problems, {FILE_NAME: text})
    assert not holds("\n".join(written(checked)), core)


SHOWN = {
    "a property": ["name", "sslMode", "default_target", "connectionString", "allow_env"],
    "in other letters": ["Name", "SSL-Mode", "sslmode", "ssl mode", "user_name"],
    "an option": ["Keepalive", "SslCa", "Allow Public Key Retrieval", "Password1", "ssh-pass-phrase"],
    "a slip": ["nam", "pasword", "passwort", "sslMdoe", "usrename", "targts", "conectionString"],
}
HIDDEN = {
    "no name": ["hunter2", "orders", "note", "labels", "", "x", "\x00"],
    "a known name with more to it": ["passwordabcd", "password12", "Pwd-kT7", "name1", "the password"],
    "known, but for a digit or a sign": ["passw0rd", "p@ssword", "na\u0301me", "pässword", "nam3"],
}


@pytest.mark.parametrize("name", [name for row in SHOWN.values() for name in row])
def test_names_that_are_shown(name: str) -> None:
    assert is_recognized(name)
    assert quoted(("auth", "params", name)) == f"`auth.params.{name}`"


@pytest.mark.parametrize("name", [name for row in HIDDEN.values() for name in row])
def test_names_that_are_not(name: str) -> None:
    assert not is_recognized(name)
    assert quoted(("auth", "params", name)) == "a property in `auth.params`"


@pytest.mark.parametrize("name", ["MYSQL_P", "A_1", "PASSWORD", "HOST", "ORDERS_DB_2"])
def test_names_of_variables(name: str) -> None:
    assert is_variable(name)


@pytest.mark.parametrize("name", ["HUNTER2", "XK7Q2M9PL4", "mysql_p", "MYSQL_", "_P", "password", "QJXVKZ", ""])
def test_what_may_be_no_name_of_a_variable(name: str) -> None:
    assert not is_variable(name)


OPTION = "text that is not empty, a whole number, or true or false"


def test_what_a_message_says_instead(tmp_path: Path) -> None:
    head = f"targets: [azure]\n{STRING}{PARTS}"
    text = f"{head}      options: {{hunter2: '', SslMode: ''}}\n      hunter2: x\n      pasword: x\n"
    found = check(project(tmp_path, {"a.yaml": text})).problems
    assert [(str(one.location), one.message, one.remedy) for one in found] == [
        (
            "connections/a.yaml:11:26",
            f"a property in `auth.params.connectionString.options` must be {OPTION}",
            'for example: `"Required"`',
        ),
        (
            "connections/a.yaml:11:39",
            f"`auth.params.connectionString.options.SslMode` must be {OPTION}",
            'for example: `SslMode: "Required"`',
        ),
        (
            "connections/a.yaml:12:7",
            "unknown property in `auth.params.connectionString`",
            "use one of: server, port, database, username, password, options",
        ),
        (
            "connections/a.yaml:13:7",
            "unknown property `pasword` in `auth.params.connectionString`",
            "did you mean `password`?",
        ),
    ]
