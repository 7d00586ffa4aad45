"""Origins that may receive a token: a table, since every row is a different trick."""

from __future__ import annotations

import pytest

from provisioner.errors import UsageError
from provisioner.service.origin import check_origin

ALLOWED = {
    "https://platform.adobe.io": "https://platform.adobe.io",
    "https://platform.adobe.io/": "https://platform.adobe.io",
    "HTTPS://Platform.Adobe.IO": "https://platform.adobe.io",
    "https://platform.adobe.io:443": "https://platform.adobe.io",
    "https://platform-stage.adobe.io:8443": "https://platform-stage.adobe.io:8443",
    "https://ims-na1.adobelogin.com": "https://ims-na1.adobelogin.com",
    "http://localhost:8765": "http://localhost:8765",
    "https://localhost": "https://localhost",
    "http://LOCALHOST:1": "http://localhost:1",
    "http://127.0.0.1": "http://127.0.0.1",
    "http://127.8.9.10:80": "http://127.8.9.10",
    "http://[::1]:8765": "http://[::1]:8765",
    "http://[0:0:0:0:0:0:0:1]": "http://[::1]",
}


@pytest.mark.parametrize(("url", "canonical"), ALLOWED.items())
def test_allowed(url: str, canonical: str) -> None:
    assert str(check_origin(url)) == canonical


@pytest.mark.parametrize("url", ["http://[::ffff:127.0.0.1]:8765", "http://127.0.0.1:8765", "http://[::1]:8765"])
def test_loopback_is_known_as_such(url: str) -> None:
    assert check_origin(url).loopback


def test_adobe_is_not_loopback() -> None:
    assert not check_origin("https://platform.adobe.io").loopback


NOT_ADOBE = [
    "https://adobe.io",
    "https://adobe.io.evil.com",
    "https://platform.adobe.io.evil.com",
    "https://evil-adobe.io",
    "https://evil.com",
    "https://localhost.evil.com",
    "https://127.0.0.1.evil.com",
    "https://127.1",
    "https://2130706433",
    "https://0x7f.0.0.1",
    "https://0.0.0.0",
    "https://10.0.0.1",
    "https://[::]",
    "https://[2001:db8::1]",
    "https://[::ffff:10.0.0.1]",
    "https://xn--pltform-8fg.evil.io",
]


@pytest.mark.parametrize("url", NOT_ADOBE)
def test_not_adobe(url: str) -> None:
    with pytest.raises(UsageError, match="is not a host of Adobe") as caught:
        check_origin(url)
    assert "PROVISIONER_ALLOW_HOSTS=" in caught.value.remedy


@pytest.mark.parametrize(
    "url", ["http://platform.adobe.io", "http://10.0.0.1", "http://localhost.evil.com", "http://127.0.0.1.evil.com"]
)
def test_plain_http_is_for_loopback_only(url: str) -> None:
    with pytest.raises(UsageError, match="only https"):
        check_origin(url, ("platform.adobe.io", "10.0.0.1", "localhost.evil.com", "127.0.0.1.evil.com"))


MALFORMED = [
    "",
    "platform.adobe.io",
    "//platform.adobe.io",
    "ftp://platform.adobe.io",
    "file:///etc/passwd",
    "https://",
    "https:///x",
    "https://.adobe.io",
    "https://platform..adobe.io",
    "https://platform.adobe.io.",
    "http://localhost.",
    "http://127.0.0.1.",
    "https://platform_x.adobe.io",
    "https://platform.adobe.io:0",
    "https://platform.adobe.io:",
    "https://platform.adobe.io:99999",
    "https://platform.adobe.io:8a",
    "https://platform.adobe.io/data/foundation/flowservice",
    "https://platform.adobe.io?",
    "https://platform.adobe.io?x=1",
    "https://platform.adobe.io#",
    "https://platform.adobe.io#x",
    "https://evil.com#.adobe.io",
    "https://evil.com?.adobe.io",
    "https://evil.com/.adobe.io",
    "https://evil.com\\.adobe.io",
    "https://evil.com%2f.adobe.io",
    "https://evil.com%00.adobe.io",
    "https://platform.adobe.io\n",
    " https://platform.adobe.io",
    "https://plat form.adobe.io",
    "https://plаtform.adobe.io",  # a Cyrillic letter
    "https://evil.com。adobe.io",
    "https://platform。adobe.io",
    "https://wor\u212a.adobe.io",  # the Kelvin sign, whose lower case is a plain k
    "https://[::1",
    "https://[::1%25lo]",
    "https://[::1]x",
    "https://[v1.x]",
    "https://[platform.adobe.io]",
    "https://" + "a" * 64 + ".adobe.io",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_malformed(url: str) -> None:
    with pytest.raises(UsageError, match="is not an endpoint"):
        check_origin(url, ("evil.com",))


@pytest.mark.parametrize(
    "url", ["https://name:hunter22@platform.adobe.io", "https://hunter22@evil.com", "http://@[::1]"]
)
def test_credentials_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="holds a user name") as caught:
        check_origin(url)
    assert "hunter22" not in str(caught.value)


def test_a_message_holds_no_control_character() -> None:
    with pytest.raises(UsageError) as caught:
        check_origin("https://\x1b[31mplatform.adobe.io")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("entry", ["aep.acme.internal", " AEP.acme.internal "])
def test_further_hosts_are_named_exactly(entry: str) -> None:
    assert check_origin("https://aep.acme.internal", (entry,)).host == "aep.acme.internal"
    for other in ("https://x.aep.acme.internal", "https://acme.internal", "https://xaep.acme.internal"):
        with pytest.raises(UsageError):
            check_origin(other, (entry,))


@pytest.mark.parametrize("entry", ["", "*", ".", "internal"])
def test_allow_hosts_has_no_wildcards(entry: str) -> None:
    with pytest.raises(UsageError):
        check_origin("https://aep.acme.internal", (entry,))
