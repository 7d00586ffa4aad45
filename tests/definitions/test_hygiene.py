"""What is odd about the variables that a definition reads: said by name and place, never by value or length."""

from __future__ import annotations

import pytest

from provisioner.definitions.desired import Desired, Field
from provisioner.definitions.hygiene import GUESSABLE, odd
from provisioner.model import Location
from provisioner.sensitive import Sensitive, Symbolic, Value
from tests.planning.examples import desired_of

HERE = Location("connections/orders.yaml", 12, 15)
GOOD = "xJ2kq9Lm4Tz8wQ"


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
    ("'", set()),
    (f" {GOOD}", {"secret.spaces"}),
    (f"{GOOD}\t", {"secret.spaces"}),
    (f"a {GOOD}", set()),
    ("changeme", {"secret.placeholder"}),
    ("CHANGE_ME", {"secret.placeholder"}),
    ("'changeme'", {"secret.placeholder", "secret.quotes"}),
    ("${MYSQL_P}", {"secret.placeholder"}),
    ("$(cat secret)", {"secret.placeholder"}),
    ("$MYSQL_P", {"secret.placeholder"}),
    ("{{ vault.password }}", {"secret.placeholder"}),
    ("<password>", {"secret.placeholder"}),
    ("##PASSWORD##", {"secret.placeholder"}),
    ("%MYSQL_P%", {"secret.placeholder"}),
    ("password", {"secret.placeholder"}),
    ("***", {"secret.placeholder"}),
    ("changeme-not", set()),
    ("svc_aep", {"secret.user-name"}),
]


@pytest.mark.parametrize(("content", "rules"), ROWS)
@pytest.mark.parametrize("prefix", ["auth.params", "auth.params.connectionString"])
def test_values(content: str, rules: set[str], prefix: str) -> None:
    found = odd([one(secret(content), prefix=prefix)], {"MYSQL_P": content})
    assert {problem.rule for problem in found} == rules
    for problem in found:
        assert problem.message.startswith("MYSQL_P ")
        assert problem.remedy
        assert problem.location == HERE
        assert content.strip() not in problem.message.removeprefix("MYSQL_P ").split()


def test_each_variable_is_named_once_whatever_the_number_of_definitions() -> None:
    many = [one(secret("changeme"), key=f"orders{number}") for number in range(9)]
    assert len(odd(many, {"MYSQL_P": "changeme"})) == 1


def test_a_user_name_from_the_environment_counts() -> None:
    (found,) = odd([one(secret(GOOD), secret(GOOD, "MYSQL_U"))], {"MYSQL_P": GOOD, "MYSQL_U": GOOD})
    assert (found.rule, found.message) == ("secret.user-name", "MYSQL_P is equal to the user name")


def test_what_was_not_set_by_anybody_is_not_judged() -> None:
    """The samples that a target for the emulator gives."""
    assert odd([one(secret("changeme"))], {}, [(GUESSABLE, lambda _: True)]) == ()
    assert odd([one(Symbolic("env(MYSQL_P)", ("MYSQL_P",)))], {"MYSQL_P": "changeme"}) == ()


def test_judges_see_secrets_and_nothing_else() -> None:
    seen: list[str] = []
    desired = one(secret(GOOD), secret("svc", "MYSQL_U"))
    found = odd([desired], {"MYSQL_P": GOOD, "MYSQL_U": "svc"}, [(GUESSABLE, lambda text: not seen.append(text))])
    assert seen == [GOOD]
    assert [problem.rule for problem in found] == ["secret.weak"]


def test_of_a_whole_connection_string_the_password_is_judged() -> None:
    string = "Server=h;Database=d;UID=u;PWD=hunter2"
    desired = desired_of("orders", HERE, (Field("auth.params.connectionString", secret(string), HERE),))
    found = odd([desired], {"MYSQL_P": string}, [(GUESSABLE, lambda text: text == "hunter2")])
    assert [problem.rule for problem in found] == ["secret.weak"]
