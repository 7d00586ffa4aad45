"""Keywords of a connection string that hold a secret, in every form of a definition."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.definitions.connection_string import OPEN, SECRET, Pair, is_secret, secrets
from provisioner.definitions.fields import is_sensitive
from tests.definitions.support import SECRET as VALUE
from tests.definitions.support import brief, check, project

SECRETS = [
    *("Password", "PWD", "pwd", "Password1", "Pwd1", "Password2", "pwd2", "Password3", "PWD3"),
    *("CertificatePassword", "Certificate Password", "ssl-ca-pwd", "SSL-CA-PWD"),
    *("SshPassword", "Ssh Password", "ssh-password", "SshPassPhrase", "Ssh Pass Phrase", "ssh-pass-phrase"),
    *("SSHPASSPHRASE", "Ssh  PassPhrase", "ssh_pass_phrase"),
    *("SslKeyPassword", "Pass Word", "Passphrase", "KeyPasswd"),  # none of Connector/NET's, and meant as one
]
OPENS = [
    *("Server", "SslMode", "Ssl-Key", "SslCert", "SshKeyFile", "ssh-key-file", "SshHostName", "SshUserName"),
    *("CertificateFile", "CertificateThumbprint", "Certificate Store Location", "PersistSecurityInfo"),
    *("AllowPublicKeyRetrieval", "Compress", "ByPass", "Whatever"),
]


@pytest.mark.parametrize("keyword", SECRETS)
def test_a_secret(keyword: str) -> None:
    assert is_secret(keyword)
    assert secrets(f"Server=s;{keyword}=x") == ["x"]
    part = Pair(keyword, "").part
    assert is_sensitive(f"auth.params.connectionString.{part}")


@pytest.mark.parametrize("keyword", OPENS)
def test_no_secret(keyword: str) -> None:
    assert not is_secret(keyword)
    assert secrets(f"{keyword}=x") == []
    assert not is_sensitive(f"auth.params.connectionString.options.{keyword}")


def test_the_schema_agrees_with_the_whole_table() -> None:
    assert all(map(is_secret, SECRET))
    assert not any(map(is_secret, OPEN))
    for keyword in SECRET | OPEN:
        assert is_sensitive(f"auth.params.connectionString.options.{keyword}") == (keyword in SECRET), keyword


HEAD = "name: Orders\ntargets: [azure]\nauth:\n  specName: Connection String Based Authentication\n  params:\n"
PARTS = "{server: s, database: d, username: u, password: \"{{ env('MYSQL_P') }}\", options: {"
OPTIONS = [word for word in SECRETS if Pair(word, "").part != "password" and "-" not in word and "_" not in word]


@pytest.mark.parametrize("keyword", OPTIONS)
def test_a_literal_secret_is_refused_and_never_shown(keyword: str, tmp_path: Path) -> None:
    string = f"Server=s;Database=d;UID=u;PWD={{{{ env('MYSQL_P') }}}};{keyword}="
    literal = f'{HEAD}    connectionString: "{string}{VALUE}"\n'
    checked = check(project(tmp_path, {"a.yaml": literal}))
    assert [brief(problem) for problem in checked.problems] == ["6:23 secret.literal"]
    assert VALUE not in str(checked.problems)
    from_env = literal.replace(VALUE, "{{ env('MYSQL_Q') }}")
    assert check(project(tmp_path, {"a.yaml": from_env})).problems == ()


@pytest.mark.parametrize("keyword", OPTIONS)
def test_a_literal_secret_in_a_mapping_is_refused_and_never_shown(keyword: str, tmp_path: Path) -> None:
    literal = f"{HEAD}    connectionString: {PARTS}{keyword}: {VALUE}}}}}\n"
    (problem,) = check(project(tmp_path, {"a.yaml": literal})).problems
    assert problem.rule == "secret.literal"
    from_env = literal.replace(VALUE, "\"{{ env('MYSQL_Q') }}\"")
    assert check(project(tmp_path, {"a.yaml": from_env})).problems == ()
