"""Values of the environment: what no header can carry is said by the variable's name."""

from __future__ import annotations

import pytest

from provisioner.cli.settings import read_settings
from provisioner.errors import UsageError

NAMES = ("AEP_API_KEY", "AEP_ORG_ID", "AEP_SANDBOX_NAME")
STRANGE = {
    "a line break inside": ("abc\ndef", "U+000A at character 4"),
    "two lines with blanks": ("abc\r\n def", "U+000D at character 4"),
    "a header of its own": ("abc\r\nx-evil: 1", "U+000D at character 4"),
    "a blank": ("abc def", "U+0020 at character 4"),
    "a tab": ("abc\tdef", "U+0009 at character 4"),
    "a no-break space": ("abc\u00a0def", "U+00A0 at character 4"),
    "a NUL": ("abc\x00def", "U+0000 at character 4"),
    "an escape": ("\x1b[31mabc", "U+001B at character 1"),
    "Latin-1": ("caf\u00e9", "U+00E9 at character 4"),
    "a typographic quote": ("\u201cabc\u201d", "U+201C at character 1"),
    "a zero-width space": ("abc\u200b", "U+200B at character 4"),
    "a byte order mark": ("\ufeffabc", "U+FEFF at character 1"),
    "an emoji": ("\U0001f511", "U+1F511 at character 1"),
    "bytes that are no UTF-8": ("abc\udcff", "U+DCFF at character 4"),
    "DEL": ("abc\x7f", "U+007F at character 4"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("value", "what"), STRANGE.values(), ids=STRANGE)
def test_what_no_header_can_carry(name: str, value: str, what: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_settings({name: value})
    assert refused.value.message == f"{name} holds {what}, which no header can carry"
    assert refused.value.remedy


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("value", "read"),
    [("abc", "abc"), ("abc\n", "abc"), (" abc\r\n", "abc"), ("\u00a0abc", "abc"), ("", None), (" \n", None)],
)
def test_white_space_around_it_is_dropped(name: str, value: str, read: str | None) -> None:
    settings = read_settings({name: value})
    found = {"AEP_API_KEY": settings.credentials.api_key, "AEP_ORG_ID": settings.org_id}
    assert found.get(name, settings.sandbox) == read
