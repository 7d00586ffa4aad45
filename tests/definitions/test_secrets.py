"""Every form in which a secret is sent is known, so that an answer which repeats one can be withheld."""

from __future__ import annotations

import pytest

from provisioner.definitions.desired import Desired, Field
from provisioner.model import Location
from provisioner.sensitive import Sensitive, Symbolic, Value

HERE = Location("connections/orders.yaml")
STRING = "auth.params.connectionString"


def one(keywords: tuple[tuple[str, str], ...] = (), **fields: Value) -> Desired:
    found = tuple(Field(path.replace("__", "."), value, HERE) for path, value in fields.items())
    return Desired("orders", HERE, found, keywords)


def secret(content: str) -> Sensitive:
    return Sensitive(content, "env(MYSQL_P)", ("MYSQL_P",))


ROWS: list[tuple[str, Desired, set[str]]] = [
    ("a parameter", one(auth__params__password=secret("hunter2")), {"hunter2"}),
    (
        "a part of a connection string, quoted",
        one((("PWD", f"{STRING}.password"),), **{f"{STRING}.password": secret("a\"b'c")}),
        {"a\"b'c", '"a""b\'c"', 'PWD="a""b\'c"'},
    ),
    (
        "a string that is whole from the environment",
        one(**{STRING: secret("Server=s;PWD='hunt er2';CertificatePassword=other")}),
        {"Server=s;PWD='hunt er2';CertificatePassword=other", "hunt er2", "other", '"hunt er2"'},
    ),
    ("one that is not even that", one(**{STRING: secret("hunter2")}), {"hunter2"}),
    ("one that is not set", one(**{STRING: Symbolic("env(MYSQL_P)")}), set()),
]


@pytest.mark.parametrize(("desired", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_secrets(desired: Desired, expected: set[str]) -> None:
    assert expected <= set(desired.secrets)
