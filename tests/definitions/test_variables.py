"""Warnings about variables name the variable and a location, never the value or its length; exposed secrets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioner.definitions.desired import Desired, Field
from provisioner.definitions.variables import exposed_secrets, variable_warnings
from provisioner.model import Location
from provisioner.secret_scanner import SecretScanner
from provisioner.secrets import Sensitive, Symbolic, Value
from tests.planning.examples import desired_of

HERE = Location("connections/orders.yaml", 12, 15)
GOOD = "xJ2kq9Lm4Tz8wQ"
UNSEARCHED = "so the output of this run cannot be scanned for it"
PLACEHOLDER = "looks like a placeholder, a reference or a path instead of a secret"
SPACES = "begins or ends with white space, which is sent as part of it"
LINE_BREAK = "ends with a line break, which is sent as part of it"


def one(password: Value, username: Value = "svc_aep", prefix: str = "auth.params", key: str = "orders") -> Desired:
    fields = (Field(f"{prefix}.username", username, HERE), Field(f"{prefix}.password", password, HERE))
    return desired_of(key, HERE, fields)


def secret(content: str, name: str = "MYSQL_P") -> Sensitive:
    return Sensitive(content, f"env({name})", (name,))


ROWS: list[tuple[str, set[str]]] = [
    (GOOD, set()),
    (f"{GOOD}\n", {"secret.line-break"}),
    (f"{GOOD}\r\n", {"secret.line-break"}),
    (f"{GOOD}\nand more", set()),
    (f"'{GOOD}'", {"secret.quotes"}),
    (f'"{GOOD}"', {"secret.quotes"}),
    (f'"{GOOD}"\n', {"secret.quotes", "secret.line-break"}),
    (f"'{GOOD}\"", set()),
    ("'", {"secret.unguarded"}),
    (f" {GOOD}", {"secret.spaces"}),
    (f"{GOOD}\t", {"secret.spaces"}),
    (f"a {GOOD}", set()),
    ("changeme", {"secret.placeholder", "secret.unguarded"}),
    ("CHANGE_ME", {"secret.placeholder"}),
    ("'changeme'", {"secret.placeholder", "secret.quotes"}),
    ("${MYSQL_P}", {"secret.placeholder"}),
    ("$(cat secret)", {"secret.placeholder"}),
    ("$MYSQL_P", {"secret.placeholder"}),
    ("{{ vault.password }}", {"secret.placeholder"}),
    ("<password>", {"secret.placeholder"}),
    ("##PASSWORD##", {"secret.placeholder"}),
    ("%MYSQL_P%", {"secret.placeholder"}),
    ("password", {"secret.placeholder", "secret.unguarded"}),
    ("***", {"secret.placeholder", "secret.unguarded"}),
    ("changeme-not", set()),
    ("svc_aep", {"secret.user-name", "secret.unguarded"}),
]


@pytest.mark.parametrize(("content", "rules"), ROWS)
@pytest.mark.parametrize("prefix", ["auth.params", "auth.params.connectionString"])
def test_values(content: str, rules: set[str], prefix: str) -> None:
    found = variable_warnings([one(secret(content), prefix=prefix)], {"MYSQL_P": content})
    assert {rule for problem in found for rule in problem.rule.split(", ")} == rules
    assert len(found) == bool(rules)
    for problem in found:
        assert problem.message.startswith("MYSQL_P ")
        assert problem.remedy
        assert problem.location == HERE
        assert content.strip() not in problem.message.removeprefix("MYSQL_P ").split()


# a value; all that is said of it
SAID = [
    (f"{GOOD}\n", "ends with a line break, which is sent as part of it"),
    ("hunter2", f"is shorter than 8 characters, {UNSEARCHED}"),
    (" hunter2 ", f"{SPACES}; it is shorter than 8 characters, {UNSEARCHED}"),
    ("correcthorse", f"consists of lower-case letters only and is shorter than 16, {UNSEARCHED}"),
    ("'correct'", "is in quotes, which are sent as part of it"),
    ("changeme", f"{PLACEHOLDER}; it consists of lower-case letters only and is shorter than 16, {UNSEARCHED}"),
    ("svc_aep", f"is shorter than 8 characters, {UNSEARCHED}; it is equal to the user name"),
    ("todo\n", f"{LINE_BREAK}; it {PLACEHOLDER}; it is shorter than 8 characters, {UNSEARCHED}"),
]


@pytest.mark.parametrize(("content", "message"), SAID)
def test_one_warning_per_variable_with_all_reasons(content: str, message: str) -> None:
    many = [one(secret(content), key=f"orders{number}") for number in range(9)]
    (found,) = variable_warnings(many, {"MYSQL_P": content})
    assert found.message == f"MYSQL_P {message}"


def test_each_variable_has_its_own_warning() -> None:
    found = variable_warnings(
        [one(secret("hunter2")), one(secret("hunter3", "MYSQL_Q"))], {"MYSQL_P": "hunter2", "MYSQL_Q": "x"}
    )
    assert [problem.message.split(" ")[0] for problem in found] == ["MYSQL_P", "MYSQL_Q"]


def test_a_user_name_from_the_environment_counts() -> None:
    (found,) = variable_warnings([one(secret(GOOD), secret(GOOD, "MYSQL_U"))], {"MYSQL_P": GOOD, "MYSQL_U": GOOD})
    assert (found.rule, found.message) == ("secret.user-name", "MYSQL_P is equal to the user name")


def test_unset_variables_and_samples_are_not_checked() -> None:
    """Samples of a target with the emulator are not among the variables to check."""
    assert variable_warnings([one(secret("changeme"))], {}) == ()
    assert variable_warnings([one(Symbolic("env(MYSQL_P)", ("MYSQL_P",)))], {"MYSQL_P": "changeme"}) == ()


@pytest.mark.parametrize(
    ("string", "message"),
    [
        ("PWD=hunter2", f"contains a secret that is shorter than 8 characters, {UNSEARCHED}"),
        (f"PWD={GOOD};SshPassPhrase=hunter2", f"contains a secret that is shorter than 8 characters, {UNSEARCHED}"),
        ("PWD={PASSWORD}", f"contains a secret that {PLACEHOLDER}"),
        ("Password={your_password}", f"contains a secret that {PLACEHOLDER}"),
        (f"PWD={GOOD}", None),
    ],
)
def test_secrets_in_a_whole_connection_string_are_checked(string: str, message: str | None) -> None:
    string = f"Server=db1.example.com;Database=orders;UID=svc_aep;{string}"
    desired = desired_of("orders", HERE, (Field("auth.params.connectionString", secret(string), HERE),))
    found = variable_warnings([desired], {"MYSQL_P": string})
    assert [problem.message for problem in found] == ([f"MYSQL_P {message}"] if message else [])


FILE = "connections/orders.yaml"
ALLOWED = "# provisioner: allow secret.literal"
STANDS = "the value of env(MYSQL_P) appears here in plain text"

# what stands in the file; lines and columns of the problems
EXPOSED: list[tuple[str, list[tuple[int, int]]]] = [
    ("name: Orders\n", []),
    (f"name: {GOOD}\n", [(1, 1)]),
    (f"name: Orders\nauth:\n    params:\n      server: x-{GOOD}-y\n", [(4, 7)]),
    (f"# the password is {GOOD}\nname: Orders\n", [(1, 1)]),
    (f"name: {GOOD.upper()}\n", [(1, 1)]),
    (f"name: {GOOD}\ndescription: {GOOD}\n", [(1, 1), (2, 1)]),
    (f"name: {GOOD} {ALLOWED}\n", []),
    (f"name: {GOOD} {ALLOWED}\ndescription: {GOOD}\n", [(2, 1)]),
]


def origins_in(*values: str) -> Callable[[str], tuple[str, ...]]:
    scanner = SecretScanner()
    scanner.register(map(secret, values))
    return scanner.origins_in


@pytest.mark.parametrize(("text", "places"), EXPOSED)
def test_a_secret_in_a_file_is_a_problem_of_its_line(text: str, places: list[tuple[int, int]]) -> None:
    found = exposed_secrets({FILE: text, "provisioner.yaml": "version: 1\n"}, (), origins_in(GOOD))
    assert [(problem.location.file, problem.location[1:]) for problem in found] == [(FILE, place) for place in places]
    assert {problem.message for problem in found} <= {STANDS}
    assert {problem.rule for problem in found} <= {"secret.exposed"}


def test_a_secret_of_several_short_lines_is_found_too() -> None:
    (found,) = exposed_secrets(
        {FILE: "description: |-\n  one1\n  two2\n  six6\n"}, (), origins_in("one1\n  two2\n  six6")
    )
    assert found.location == Location(FILE)


def test_a_secret_in_the_name_of_a_file_is_not_repeated() -> None:
    (found,) = exposed_secrets({f"connections/{GOOD}.yaml": f"name: {GOOD}\n"}, (), origins_in(GOOD))
    assert str(found.location) == "connections:1:1"
    assert found.message == "the value of env(MYSQL_P) appears in the name of a file"


@pytest.mark.parametrize(
    ("line", "number"),
    [("name: 'it''s-a-9ecret'", 1), (f"name: 'it''s-a-9ecret' {ALLOWED}", 0)],
    ids=["bare", "allowed"],
)
def test_an_escaped_secret_is_found_by_its_parsed_value(line: str, number: int) -> None:
    desired = desired_of("orders", HERE, (Field("name", "it's-a-9ecret", Location(FILE, 1, 7)),))
    found = exposed_secrets({FILE: f"{line}\n"}, [desired], origins_in("it's-a-9ecret"))
    assert [problem.location for problem in found] == [Location(FILE, 1, 7)] * number
