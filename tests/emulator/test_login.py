"""Logins from the parameters of base connections, and the errors for unusable parameters."""

import pytest

from provisioner.emulator.databases import Login, login
from provisioner.emulator.errors import Error, ErrorReply

BASIC = {"server": "h", "port": "3307", "database": "d", "username": "u", "password": "p-secret"}
WHOLE = "Server=h;Port=3307;Database=d;UID=u;PWD=p-secret"


def said(params, cloud="azure"):
    with pytest.raises(ErrorReply) as refused:
        login(params, cloud)
    assert isinstance(refused.value.error, Error)
    assert refused.value.error.code == "1100-400"
    return refused.value.error.detail.partition("Error from flow provider: ")[2]


def test_the_names_of_basic_authentication():
    assert login(BASIC, "azure") == Login("h", 3307, "d", "u", "p-secret", "preferred")


def test_a_port_may_be_left_out():
    assert login({**BASIC, "port": ""}, "azure").port == 3306


@pytest.mark.parametrize(
    ("cloud", "mode", "tls"),
    [
        ("azure", None, "preferred"),
        ("azure", "DISABLED", "off"),
        ("azure", "PREFERRED", "preferred"),
        ("azure", "REQUIRED", "required"),
        ("azure", "VERIFY_CA", "verify-ca"),
        ("azure", "VERIFY_IDENTITY", "verify-identity"),
        ("azure", "Verify-Ca", "verify-ca"),
        ("azure", "Verify Identity", "verify-identity"),
        ("aws", None, "off"),
        ("aws", "false", "off"),
        ("aws", "true", "required"),
    ],
)
def test_ssl_modes(cloud, mode, tls):
    assert login(BASIC if mode is None else {**BASIC, "sslMode": mode}, cloud).tls == tls


@pytest.mark.parametrize("name", ["Server", "host", "DATA SOURCE", "datasource", "Address", "Addr", "Network Address"])
def test_names_of_a_server(name):
    assert login({"connectionString": WHOLE.replace("Server", name)}, "azure").server == "h"


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ("UID", "User Id", "username", "u"),
        ("UID", "user-id", "username", "u"),
        ("UID", "Username", "username", "u"),
        ("UID", "user", "username", "u"),
        ("PWD", "password", "password", "p-secret"),
        ("Database", "Initial Catalog", "database", "d"),
        ("Port=3307;", "", "port", 3306),
        ("Port=3307;", "Pooling=false;;", "port", 3306),
        ("=h", " = h ", "server", "h"),
        ("p-secret", '"a;b""c\'"', "password", "a;b\"c'"),
        ("p-secret", "'a;b''c\"' ", "password", "a;b'c\""),
        ("p-secret", "a=b", "password", "a=b"),
        ("p-secret", "p-secret;SslMode=VerifyFull", "tls", "verify-identity"),
        ("p-secret", "p-secret;ssl mode=Required;", "tls", "required"),
        ("p-secret", "p-secret;SslMode=None", "tls", "off"),
    ],
)
def test_connection_strings(old, new, field, value):
    assert getattr(login({"connectionString": WHOLE.replace(old, new)}, "azure"), field) == value


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({**BASIC, "server": ""}, "no server is given."),
        ({**BASIC, "database": ""}, "no database is given."),
        ({**BASIC, "username": ""}, "no username is given."),
        ({**BASIC, "password": ""}, "no password is given."),
        ({"connectionString": "nothing of use p-secret"}, "no server is given."),
        ({**BASIC, "port": "mysql"}, "the port is not a number from 1 to 65535."),
        ({**BASIC, "port": "0"}, "the port is not a number from 1 to 65535."),
        ({**BASIC, "port": "65536"}, "the port is not a number from 1 to 65535."),
        ({**BASIC, "port": "9" * 5000}, "the port is not a number from 1 to 65535."),
        ({**BASIC, "port": "٣"}, "the port is not a number from 1 to 65535."),
        (
            {"connectionString": WHOLE.replace("3307;Database", "3307 PWD=p-secret;Database")},
            "the port is not a number",
        ),
        ({"connectionString": f"{WHOLE};SslMode=None,PWD=p-secret"}, "the SSL mode is not known."),
        ({"connectionString": WHOLE.replace("p-secret", '"p-secret')}, "the connection string has a quote"),
        ({"connectionString": WHOLE.replace("p-secret", "'p-secret' x")}, "the connection string has a quote"),
    ],
)
def test_what_leads_nowhere_is_said_without_a_value(params, words):
    text = said(params)
    assert text.startswith(words)
    assert "p-secret" not in text


@pytest.mark.parametrize(
    "text", [" " * 500_000, "a" * 500_000, '"' * 500_001, "=;" * 250_000, "PWD='" + "''" * 250_000]
)
def test_a_long_string_takes_no_long_time(text):
    """A test that hangs fails by its runner's patience; what grew with the square took minutes here."""
    said({"connectionString": text})


def test_no_secret_is_in_a_repr():
    found = login({"connectionString": WHOLE.replace("=h", "=h,PWD=p-secret")}, "azure")
    assert "p-secret" not in repr(found)
    assert not found.quotable
