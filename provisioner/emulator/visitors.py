"""Who may ask: programs on this machine, and no page of a browser. Pure.

A page elsewhere whose host name is made to resolve to 127.0.0.1 says that name in ``Host``. A page that posts across
sites says so in ``Origin`` and ``Sec-Fetch-Site`` (Fetch Metadata); only what a person opens by hand has ``none``.
"""

import re

from provisioner.emulator.errors import Refused, uncoded
from provisioner.emulator.messages import Request

CONTROL = "/_emulator"
_LOOPBACK = re.compile(
    r"(localhost|127(\.\d{1,3}){3}|\[::1\]|\[::ffff:127(\.\d{1,3}){3}\])\.?(:\d{0,5})?", re.IGNORECASE
)


def check(request: Request) -> None:
    """Raise ``Refused`` for a request that was not meant for the emulator of this machine."""
    if "host" in request.headers and not _LOOPBACK.fullmatch(request.header("host")):
        raise _refused("The emulator answers to localhost and 127.0.0.1 only.")
    from_a_page = "origin" in request.headers or request.headers.get("sec-fetch-site", "none").strip() != "none"
    if from_a_page and request.path.startswith(CONTROL):
        raise _refused("The paths below /_emulator are not for pages of a browser.")


def _refused(detail: str) -> Refused:
    return uncoded(403, "Forbidden", detail)
