"""Secrets of a desired base connection, and values that cannot be printed."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

from provisioner.definitions.desired import Desired, Field
from provisioner.model import Location
from provisioner.secrets import Sensitive, Symbolic, Value
from tests.definitions.support import check, project
from tests.planning.examples import desired_of

HERE = Location("connections/orders.yaml")
STRING = "auth.params.connectionString"


def one(**fields: Value) -> Desired:
    found = (Field(path.replace("__", "."), value, HERE) for path, value in fields.items())
    return desired_of("orders", HERE, found)


def secret(content: str) -> Sensitive:
    return Sensitive(content, "env(MYSQL_P)", ("MYSQL_P",))


WHOLE = "Server=s;PWD='hunt er2';CertificatePassword=other"
ROWS: list[tuple[str, Desired, list[str]]] = [
    ("a password", one(auth__params__password=secret("hunter2")), ["hunter2"]),
    ("a server from the environment is no secret", one(auth__params__server=secret("db.internal")), []),
    ("a part of a connection string", one(**{f"{STRING}.password": secret("a\"b'c")}), ["a\"b'c"]),
    ("an option that is a password", one(**{f"{STRING}.options.CertificatePassword": secret("x")}), ["x"]),
    ("an option that is none", one(**{f"{STRING}.options.Keepalive": secret("5")}), []),
    ("a string that is whole from the environment", one(**{STRING: secret(WHOLE)}), [WHOLE, "hunt er2", "other"]),
    ("one that is not even that", one(**{STRING: secret("hunter2")}), ["hunter2"]),
    ("one that is not set", one(**{STRING: Symbolic("env(MYSQL_P)")}), []),
]


@pytest.mark.parametrize(("desired", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_secrets(desired: Desired, expected: list[str]) -> None:
    assert [value.reveal() for _, value in desired.secrets] == expected


SHOWN = {
    "str": str,
    "repr": repr,
    "format": lambda value: f"{value:>40}",
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031
    "in a list": lambda value: str([value]),
    "in a dataclass": lambda value: repr(Field("auth.params.password", value, HERE)),
    "JSON": lambda value: json.dumps({"password": value}, default=str),
    "pickle": lambda value: repr(pickle.dumps(value)),
    "an error": lambda value: str(ValueError(value)),
    "its attributes": lambda value: str(getattr(value, "__dict__", "")) + " env(MYSQL_P)",
}


@pytest.mark.parametrize("way", SHOWN)
def test_printing_a_value_prints_its_origin(way: str) -> None:
    shown = SHOWN[way](secret("hunter2"))
    assert "hunter2" not in shown
    assert "env(MYSQL_P)" in shown


def test_json_refuses_a_value() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(secret("hunter2"))


def test_a_pickle_contains_only_the_origin() -> None:
    back = pickle.loads(pickle.dumps(secret("hunter2")))
    assert type(back) is Symbolic
    assert (back.origin, back.names) == ("env(MYSQL_P)", ("MYSQL_P",))


def test_a_copy_within_the_process_keeps_the_content() -> None:
    value = secret("hunter2")
    assert copy.copy(value) is value
    assert copy.deepcopy([value])[0] is value


ADMITTING = {
    "anything": "version: 1\ntargets: {a: {emulator: true}}\ntemplates: {allow_env: ['*']}\n",
    "any letter": "version: 1\ntargets: {a: {emulator: true}}\ntemplates: {allow_env: ['?*']}\n",
    "a class": "version: 1\ntargets: {a: {emulator: true}}\ntemplates: {allow_env: ['[A-Z]*']}\n",
    "by key": "version: 1\ntargets: {a: {emulator: true}}\ntemplates: {allow_env: {'*': ['*']}}\n",
    "unsound rules": "version: 1\ntargets: {a: {emulator: true}}\ntemplates: {allow_env: 7}\n",
    "no YAML": "version: [\n",
    "a merge conflict": "<<<<<<< HEAD\nversion: 1\n=======\n>>>>>>> x\n",
    "a list": "- version: 1\n",
}


@pytest.mark.parametrize("written", ["HUNTER2_X", "$HUNTER2_X", "${HUNTER2_X}", "%HUNTER2_X%", "$(HUNTER2_X)"])
@pytest.mark.parametrize("admitted", ADMITTING)
def test_a_secret_that_looks_like_a_variable_is_not_repeated(tmp_path: Path, admitted: str, written: str) -> None:
    params = {"server": "db1", "database": "o", "username": "u", "password": written}
    text = json.dumps({"name": "Orders", "auth": {"specName": "Basic Authentication", "params": params}})
    checked = check(project(tmp_path, {"orders.yaml": text}, ADMITTING[admitted]))
    (found,) = (one for one in checked.problems if one.rule == "secret.literal")
    assert "HUNTER2" not in str(checked.problems)
    assert "env('NAME')" in found.remedy


@pytest.mark.parametrize("written", ["", "{}"])
def test_no_variable_without_a_name_is_suggested(tmp_path: Path, written: str) -> None:
    string = f"Server=db1;Database=o;UID=u;PWD=x{written}"
    spec = "Connection String Based Authentication"
    text = json.dumps({"name": "Orders", "auth": {"specName": spec, "params": {"connectionString": string}}})
    checked = check(project(tmp_path, {"orders.yaml": text}, "version: [\n"))
    assert "env('')" not in str(checked.problems)
