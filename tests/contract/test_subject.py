"""The opt-in to a real sandbox, without one."""

from __future__ import annotations

import pytest

from provisioner.model import Cloud
from provisioner.service.auth import ClientCredentials, FixedToken
from provisioner.service.transport import HttpTransport, real_timing

from .subject import real, why_not_real

ALL = {
    "PROVISIONER_CONTRACT": "sandbox",
    "AEP_ORG_ID": "org",
    "AEP_SANDBOX_NAME": "dev",
    "AEP_API_KEY": "key",
    "AEP_CLIENT_SECRET": "hunter22",
}


@pytest.mark.parametrize("missing", ALL)
def test_without_any_of_these_it_does_not_run(missing: str) -> None:
    environ = {name: value for name, value in ALL.items() if name != missing}
    assert missing in why_not_real(environ)


def test_with_all_of_them_it_runs() -> None:
    assert why_not_real(ALL) == ""
    with HttpTransport(real_timing()) as transport:
        subject = real(ALL, transport)
        ready = real({**ALL, "AEP_ACCESS_TOKEN": "tok", "PROVISIONER_CONTRACT_CLOUD": "aws"}, transport)
    assert (str(subject.origin), subject.org, subject.sandbox) == ("https://platform.adobe.io", "org", "dev")
    assert isinstance(subject.tokens, ClientCredentials)
    assert isinstance(ready.tokens, FixedToken)
    assert ready.cloud is Cloud.AWS
    assert subject.fresh().org == "org"
