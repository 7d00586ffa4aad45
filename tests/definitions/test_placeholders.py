"""Placeholders are told from secrets."""

from __future__ import annotations

import random
import string

import pytest

from provisioner.definitions.variables import is_placeholder

GIVEN = [
    *("<password>", "${MYSQL_PASSWORD}", "##PASSWORD##", "{your_password}", "{PASSWORD}", "[YOUR-PASSWORD]"),
    *("your-password-here", "#{PASSWORD}#", "__PASSWORD__", "@@PASSWORD@@", "%%PASSWORD%%", "[object Object]"),
    *("op://vault/orders/password", "vault:secret/data/orders#password"),
    *("@Microsoft.KeyVault(SecretUri=https://v.example/s)", "ENC[AES256_GCM,data:abcd,iv:abcd,tag:abcd,type:str]"),
    *("arn:aws:secretsmanager:eu-west-1:1:secret:orders", "/run/secrets/mysql_orders"),
    "/builds/group/project.tmp/MYSQL_ORDERS_PASSWORD",
]
WORDS = [
    *("changeme", "change_me", "REPLACE-ME", "replace_with_password", "insert-password-here", "enter your password"),
    *("YOUR_PASSWORD", "your_mysql_password", "<your password here>", "my-secret-value", "Password1", "secret123"),
    *("todo", "TBD", "xxxxxxxx", "********", "\u2022\u2022\u2022\u2022\u2022\u2022", "...", "null", "None", "n/a"),
    *("undefined", "[MASKED]", "[REDACTED]", "(sensitive value)", "(known after apply)", "<redacted>", "hidden"),
]
MARKS = [
    *("$MYSQL_P", "$(cat secret)", "$[variables.password]", "{{ vault.password }}", "{{PASSWORD}}", "%MYSQL_P%"),
    *("{% raw %}", "%{password}", "~{password}", "((password))", "[[password]]", "<%= password %>", "@PASSWORD@"),
    *("#{password}", "{db.password}", "'${MYSQL_P}'", '"<password>"', " {PASSWORD}\n", "$PASSWORD$", "<<PASSWORD>>"),
]
REFERENCES = [
    *("vault://kv/orders", "ref+vault://secret/orders#/password", "secretref:mysql-orders", "awssm://orders"),
    *("gcpsm://projects/x", "projects/shop/secrets/orders/versions/latest", "arn:aws:ssm:eu-west-1:1:parameter/orders"),
    *("arn:aws-cn:secretsmanager:cn-north-1:1:secret:x", "keyvault:orders", "ssm:/prod/orders", "kms:alias/orders"),
    *("{{resolve:secretsmanager:orders}}", "{cipher}4a5b6c", "ENC(kq9Lm4Tz8wQ=)", "$ANSIBLE_VAULT;1.1;AES256"),
    *("!vault |", "!Sub ${Password}", "https://vault.example/ui/secret", "op://Private/db/password?attribute=otp"),
    *(
        "env:MYSQL_P",
        "file:/run/secrets/p",
        '{"username": "svc", "password": "x"}',
        "bws:4711",
        "secret:orders/password",
    ),
]
PATHS = [
    *("/var/run/secrets/mysql", "/mnt/secrets-store/orders", "/etc/mysql/password", "/tmp/tmp.Zq9/secret"),
    *("~/.mysql_password", "./secret.txt", "../secrets/orders", "C:\\secrets\\orders.txt", "c:/secrets/orders"),
    *("\\\\server\\share\\password", "secrets/orders.txt", "password.txt", "mysql_orders.password", "$HOME/.pw/orders"),
    *("/home/runner/work/_temp/secret", "/Users/me/secret", "/dev/shm/password"),
]


@pytest.mark.parametrize("value", [*GIVEN, *WORDS, *MARKS, *REFERENCES, *PATHS])
def test_a_placeholder(value: str) -> None:
    assert is_placeholder(value)


SECRETS = [
    *("xJ2kq9Lm4Tz8wQ", "Zk3-9vqLpT77xw", "correct horse battery staple", "changeme-not", "moon-lamp-river-42"),
    *("/aB3/xk9Lm4Tz8wQ==", "{r4!Kd}9xQ", "[aK9#x2!Lm]", "(7yU$kL)", "a/b+c/D9==", "$2b$12$N9qo8uLOickgx2ZMRZoMye"),
    *("p@ss:word!77", "%x9%Kd", "#T7-longsecret", "@k9!Lm", "vault9x:", "x<y>z", "__aB9$__x", "~x/y", "a:\\"),
    *("Test1234!", "tr0ub4dor&3xx", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "null7", "nonesuch99"),
]


@pytest.mark.parametrize("value", SECRETS)
def test_a_secret(value: str) -> None:
    assert not is_placeholder(value)


def test_random_secrets_are_not_placeholders() -> None:
    """Of any generator: letters and digits, base64, all that can be typed."""
    source = random.Random(21)
    for alphabet in (
        string.ascii_letters + string.digits,
        string.ascii_letters + string.digits + "+/=",
        string.printable,
    ):
        for _ in range(2_000):
            value = "".join(source.choices(alphabet.strip(), k=20))
            assert not is_placeholder(value) or "##" in value[:2] or value[0] in "<{[($%#@", value


@pytest.mark.parametrize(
    "value", ["a-" * 5_000, "{" * 5_000, "your-" * 1_000, "/run" + "/x" * 900, "[" * 1_999, "a_" * 999]
)
def test_no_value_takes_long(value: str) -> None:
    assert is_placeholder(value) in (True, False)
