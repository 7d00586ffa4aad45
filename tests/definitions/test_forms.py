"""Rules for the parts of a connection are the same in every form and for every source of a value; their messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from provisioner.definitions import connection_string
from provisioner.definitions.check import CheckResult
from provisioner.definitions.connection_string import Pair
from provisioner.definitions.project import read_project
from provisioner.definitions.render import read
from provisioner.definitions.suggestions import reason_for
from provisioner.model import Problem
from tests.definitions.support import check, project

SOUND = {"server": "db1", "port": "3306", "database": "orders", "username": "svc"}
WRONG = [
    ("server", ""),
    ("server", "db1.example.com:3306"),
    ("server", "mysql://db1.example.com:3306/orders"),
    ("server", "tcp:db1.example.com,3306"),
    ("server", "[2001:db8::1]:3306"),
    ("server", "/var/run/mysqld/mysqld.sock"),
    ("server", "db1 .example.com"),
    ("server", "svc@db1.example.com"),
    ("server", "“db1.example.com”"),
    ("server", "{SERVER}"),
    ("server", "${DB_HOST}"),
    ("server", "db1;Port=3307"),
    ("server", "db1 "),
    ("port", ""),
    ("port", "abc"),
    ("port", "0"),
    ("port", "99999"),
    ("port", "-1"),
    ("port", "3306.0"),
    ("port", "33 06"),
    ("port", "{PORT}"),
    ("database", ""),
    ("database", " orders"),
    ("database", "{your_database}"),
    ("database", "„orders”"),
    ("username", ""),
    ("username", "svc\t"),
    ("username", "<user>"),
    ("username", "YOUR_USER"),
]


def basic(parts: Mapping[str, str]) -> str:
    return definition("Basic Authentication", parts)


def definition(spec: str, params: object) -> str:
    return json.dumps({"name": "Orders", "auth": {"specName": spec, "params": params}}, ensure_ascii=False)


def string(whole: object) -> str:
    return definition("Connection String Based Authentication", {"connectionString": whole})


def written(parts: Mapping[str, str]) -> str:
    """Parts as text; templates stay as they are, which needs quotes around what is odd beside them."""
    return ";".join(
        f"{connection_string.WRITTEN[part]}={value if '{{' in value else connection_string.quote(value)}"
        for part, value in parts.items()
    )


PASSWORD = "{{ env('MYSQL_PASSWORD') }}"
FORMS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "basic": basic,
    "mapping": string,
    "text": lambda parts: string(written(parts)),
}


def problems(folder: Path, text: str, environment: Mapping[str, str], values: Mapping[str, str]) -> tuple[Problem, ...]:
    target = {"org_id": "A@AdobeOrg", "sandbox": "prod", "vars": dict(values)}
    sound = json.dumps({"version": 1, "targets": {"prod": target}}, ensure_ascii=False)
    found = read_project(project(folder, {"orders.yaml": text}, sound))
    whole = read(found, (found.target("prod"),), {"MYSQL_PASSWORD": "hunter2", **environment})
    return (*whole.problems, *whole.by_target[0].problems)


@pytest.mark.parametrize(("part", "value"), WRONG)
@pytest.mark.parametrize("form", FORMS)
def test_a_part_is_refused_in_every_form(tmp_path: Path, form: str, part: str, value: str) -> None:
    parts = {**SOUND, "password": PASSWORD}
    literal = problems(tmp_path, FORMS[form]({**parts, part: value}), {}, {})
    assert [one.rule for one in literal] == ["schema.value"]
    assert f".{part}` must be" in literal[0].message
    said = reason_for(part, value)
    assert said is None or said.message in literal[0].message

    from_var = problems(tmp_path, FORMS[form]({**parts, part: "{{ var('it') }}"}), {}, {"it": value})
    assert [(one.location.file, one.rule) for one in from_var] == [("provisioner.yaml", "schema.value")]
    assert from_var[0].message == f"var('it') is {json.dumps(value, ensure_ascii=False)}: {literal[0].message}"

    if value:  # a variable that is empty is not set
        text = FORMS[form]({**parts, part: "{{ env('MYSQL_IT') }}"})
        from_env = problems(tmp_path, text, {"MYSQL_IT": value}, {})
        assert [(one.rule, one.remedy) for one in from_env] == [("schema.value", "check MYSQL_IT")]
        assert value not in from_env[0].message
        assert said is None or said.message not in from_env[0].message


@pytest.mark.parametrize(("part", "value"), [*WRONG, ("password", "")])
def test_a_part_is_refused_in_a_whole_string_from_a_variable(tmp_path: Path, part: str, value: str) -> None:
    parts = {**SOUND, "password": "hunter2", part: value}
    whole = connection_string.join(Pair(connection_string.WRITTEN[one], each) for one, each in parts.items())
    (found,) = problems(tmp_path, string("{{ env('MYSQL_STRING') }}"), {"MYSQL_STRING": whole}, {})
    assert (found.rule, found.remedy) == ("schema.value", "check MYSQL_STRING")
    assert f"`auth.params.connectionString.{part}` must be" in found.message
    assert not value or value not in f"{found.message} {found.remedy}"


UNSEEN = ["\u200borders", "or\u00a0ders", "orders\u202e", "o\u00adrders", "or\ufe0fders", "or\u2800ders", "o\u3164"]


@pytest.mark.parametrize("value", UNSEEN)
@pytest.mark.parametrize("part", ["server", "database", "username"])
def test_invisible_characters_in_a_variable_are_refused(tmp_path: Path, part: str, value: str) -> None:
    parts = {**SOUND, "password": PASSWORD, part: "{{ env('MYSQL_IT') }}"}
    for form in FORMS.values():
        assert {one.rule for one in problems(tmp_path, form({**parts, part: value}), {}, {})} >= {"yaml.character"}
        (found,) = problems(tmp_path, form(parts), {"MYSQL_IT": value}, {})
        assert (found.rule, found.remedy) == ("schema.value", "check MYSQL_IT")
    whole = connection_string.join(
        Pair(connection_string.WRITTEN[one], each)
        for one, each in {**SOUND, "password": "hunter2", part: value}.items()
    )
    (found,) = problems(tmp_path, string("{{ env('MYSQL_STRING') }}"), {"MYSQL_STRING": whole}, {})
    assert (found.rule, found.remedy) == ("schema.value", "check MYSQL_STRING")


def test_a_secret_may_contain_invisible_characters(tmp_path: Path) -> None:
    text = basic({**SOUND, "password": "{{ env('MYSQL_IT') }}"})
    assert problems(tmp_path, text, {"MYSQL_IT": "hun\u00a0ter2"}, {}) == ()
    whole = "Server=db1;Database=o;UID=u;PWD=hun\u00a0ter2"
    assert problems(tmp_path, string("{{ env('MYSQL_STRING') }}"), {"MYSQL_STRING": whole}, {}) == ()


WHOLE = {
    "sound": ("Server=db1;Port=3306;Database=o;UID=u;PWD=hunter2;Ssl-Mode=Required", []),
    "empty password": ("Server=db1;Port=3306;Database=o;UID=u;PWD=", ["auth.params.connectionString.password"]),
    "two empty": (
        "Server=;Database=;UID=u;PWD=hunter2",
        [f"auth.params.connectionString.{one}" for one in ("database", "server")],
    ),
    "option without value": (
        "Server=db1;Database=o;UID=u;PWD=hunter2;Hunter=",
        ["auth.params.connectionString.options"],
    ),
    "a name that is none": ("Server=db1;Database=o;UID=u;PWD=a;hunt+er=2", ["auth.params.connectionString.options"]),
}


@pytest.mark.parametrize("case", WHOLE)
def test_keywords_of_a_whole_string_from_a_variable_are_not_repeated(tmp_path: Path, case: str) -> None:
    text, places = WHOLE[case]
    found = problems(tmp_path, string("{{ env('MYSQL_STRING') }}"), {"MYSQL_STRING": text}, {})
    assert sorted(one.message.split("`")[1] for one in found) == places
    assert "hunt" not in str(found).lower()


@pytest.mark.parametrize("value", ["db1", "db1:3306", "{x}", "a b", " ", "hunter2"])
@pytest.mark.parametrize("beside", ["{}.example.com", "{}:3306", " {}", "a{}", "{}}}"])
def test_the_result_with_surrounding_text_reveals_nothing_of_a_variable(
    tmp_path: Path, value: str, beside: str
) -> None:
    text = basic({**SOUND, "server": beside.format("{{ env('MYSQL_IT') }}"), "password": PASSWORD})
    as_it_is, another = (problems(tmp_path, text, {"MYSQL_IT": one}, {}) for one in (value, "x"))
    assert as_it_is == another


ADMITTED = [
    "db1",
    "DB_1",
    "db1.example.com",
    "db1.example.com.",
    "10.0.0.1",
    "::1",
    "2001:db8::1",
    "xn--bcher-kva.example",
]


@pytest.mark.parametrize("server", ADMITTED)
@pytest.mark.parametrize("form", FORMS)
def test_host_names_and_ip_addresses_are_accepted(tmp_path: Path, form: str, server: str) -> None:
    assert problems(tmp_path, FORMS[form]({**SOUND, "server": server, "password": PASSWORD}), {}, {}) == ()


REASONS = [
    ("db1.example.com:3306", "a port"),
    ("db1.example.com,3306", "a port"),
    ("db1 3306", "a port"),
    ("[::1]:3306", "a port"),
    ("https://db1/", "a URL"),
    ("jdbc:mysql://db1:3306/orders?useSSL=true&user=a", "a URL"),
    ("//db1", "a URL"),
    ("tcp:db1", "a protocol"),
    ("np:db1", "a protocol"),
    ("localhost:/tmp/mysql.sock", "a socket"),
    ("\\\\.\\pipe\\mysql", "a socket"),
    ("./mysql.sock", "a socket"),
    ("svc:pw@db1", "a user name"),
    ("Server=db1", "connection string"),
    ("db1,db2", "more than one server"),
    ("db1.example.com/orders", "a path"),
    ("[::1]", "in brackets"),
    ("bücher.example", "ASCII"),
    ("10.0.0.300", "not a valid IP address"),
    ("3306", "not a valid IP address"),
    ("2001:db8::1::2", "not an IPv6 address"),
    ("db1:port", "not an IPv6 address"),
    ("YOUR_SERVER", "a placeholder"),
    ("%DB_HOST%", "a placeholder"),
    ("#{host}#", "a placeholder"),
    ("[server]", "a placeholder"),
    ("__SERVER__", "a placeholder"),
    ("@@server@@", "a placeholder"),
    ("$(DB_HOST)", "a placeholder"),
    ("‘db1’", "in quotes"),
    ("'db1'", "in quotes"),
    ("db1\n", "white space"),
    ("d\x07b1", "control"),
]


@pytest.mark.parametrize(("server", "word"), REASONS)
def test_reasons_for_refusing_a_server(server: str, word: str) -> None:
    found = reason_for("server", server)
    assert found is not None
    assert word in found.message.replace("the path of", "a").replace("begins with ", "")


PLACEHOLDERS = [
    *("{DATABASE}", "{your_server}.mysql.database.azure.com", "<db>", "${DB}", "$(DB)", "$DB", "%DB%", "[database]"),
    *("#{DB}#", "##DB##", "@@DB@@", "__DB__", "YOURDATABASE", "your_user", "Your-Server", "{}"),
]
NAMES = [
    "orders",
    "svc_aep",
    "a$b",
    "yourshop",
    "svc@tenant",
    "100%",
    "a_b__c",
    "DOMAIN\\svc",
    "#orders",
    "[a]b",
    "o'b",
]


@pytest.mark.parametrize("database", PLACEHOLDERS)
def test_placeholders_are_refused(tmp_path: Path, database: str) -> None:
    (found,) = problems(tmp_path, basic({**SOUND, "database": database, "password": PASSWORD}), {}, {})
    assert "contains a placeholder" in found.message


@pytest.mark.parametrize("name", NAMES)
def test_names_are_not_placeholders(tmp_path: Path, name: str) -> None:
    assert problems(tmp_path, basic({**SOUND, "username": name, "password": PASSWORD}), {}, {}) == ()


def test_a_problem_with_a_var_of_the_project_is_reported_once(tmp_path: Path) -> None:
    text = (
        '{"name": "%s", "auth": {"specName": "Basic Authentication", "params": {"server": "db1", "database": "o", '
        '"username": "u", "password": "{{ env(\'MYSQL_P\') }}", "sslMode": "{{ var(\'ssl\') }}"}}}'
    )
    files = {f"{name}.yaml": text % name for name in ("a", "b", "c")}
    sound = "version: 1\ntargets:\n  local:\n    sandbox: dev\n    vars:\n      ssl: disabled\n"
    checked: CheckResult = check(project(tmp_path, files, sound))
    (found,) = checked.problems
    assert str(found.location) == "provisioner.yaml:6:12"
    assert found.message.startswith("var('ssl') is \"disabled\": `auth.params.sslMode` must be DISABLED, ")
    assert (found.remedy, found.targets) == ("did you mean `DISABLED`?", ("local",))
    assert checked.source_line(found.location) == "      ssl: disabled"
    assert checked.files == 3


PADDED = ["server", "port", "database", "username"]


@pytest.mark.parametrize("part", PADDED)
@pytest.mark.parametrize("value", ["", "3306", "db1"])
def test_white_space_in_the_file_is_not_blamed_on_the_variable(tmp_path: Path, part: str, value: str) -> None:
    text = basic({**SOUND, part: "{{ env('MYSQL_IT') }} ", "password": PASSWORD})
    (found,) = problems(tmp_path, text, {"MYSQL_IT": value}, {})
    assert found.message.endswith("but begins or ends with white space")
