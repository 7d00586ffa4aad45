"""Access tokens: a ready one, or OAuth server-to-server against IMS. Kept in memory and nowhere else.

``POST {ims}/ims/token/v3``, form-encoded ``client_id``, ``client_secret``, ``grant_type=client_credentials`` and
``scope``; the answer holds ``access_token`` and ``expires_in`` in seconds. Documented.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from provisioner.errors import NotAuthenticated, Unreachable, UsageError
from provisioner.secrets import Sensitive
from provisioner.service.calls import repeat
from provisioner.service.error_responses import explain_sign_in, read_fault, sentence
from provisioner.service.http import REAL, HttpRequest, HttpResponse, NoResponse, Timing, Transport
from provisioner.service.origin import Origin
from provisioner.service.retry import Policy

DEFAULT_SCOPES = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext"
"""What Adobe's samples for Experience Platform ask for. Documented; the Developer Console's list wins."""

TOKEN_PATH = "/ims/token/v3"  # noqa: S105

_EARLY = 300.0
_UNKNOWN_LIFE = 900.0
_MILLISECONDS = 1_000_000.0


class FixedToken:
    """A ready token, ``AEP_ACCESS_TOKEN``. White space around it, such as a file's last newline, is dropped."""

    def __init__(self, token: str) -> None:
        self._token = _checked(token.strip())
        if not self._token:
            raise UsageError(
                "AEP_ACCESS_TOKEN is empty or holds characters that no token has",
                "Set it to the token alone, without `Bearer`, quotes or line breaks.",
            )

    def token(self) -> str:
        return self._token

    def renew(self, stale: str) -> str:  # noqa: ARG002
        """Nothing to renew it with: always ``NotAuthenticated``."""
        raise NotAuthenticated(
            "AEP_ACCESS_TOKEN is not accepted",
            "Fetch a fresh token, or unset it and set AEP_API_KEY and AEP_CLIENT_SECRET so that one is fetched.",
        )


@dataclass(frozen=True, slots=True)
class _Held:
    token: str = field(repr=False)
    until: float


class ClientCredentials:
    """Fetches a token when first asked, anew before it expires, and once more when it is not accepted.

    ``issued`` is told each token before it is used; ``within`` are the seconds of one attempt. One fetch serves all
    threads that wait for it. A token call changes nothing, so it is repeated like a GET.
    """

    def __init__(
        self,
        ims: Origin,
        client_id: str,
        client_secret: Sensitive,
        transport: Transport,
        timing: Timing,
        issued: Callable[[str], None] = lambda _: None,
        *,
        scopes: str = DEFAULT_SCOPES,
        policy: Policy | None = None,
        within: float = REAL.attempt,
    ) -> None:
        self._ims = ims
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = ",".join(scopes.replace(",", " ").split()) or DEFAULT_SCOPES
        self._transport = transport
        self._timing = timing
        self._issued = issued
        self._policy = policy or Policy(attempts=5, total=60.0)
        self._within = within
        self._lock = Lock()
        self._held: _Held | None = None

    def token(self) -> str:
        with self._lock:
            if self._held is None or self._timing.monotonic() >= self._held.until:
                self._held = self._fetch()
            return self._held.token

    def renew(self, stale: str) -> str:
        with self._lock:
            if self._held is None or self._held.token == stale:
                self._held = self._fetch()
            return self._held.token

    def _fetch(self) -> _Held:
        asked = self._timing.monotonic()
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
            "grant_type": "client_credentials",
            "scope": self._scopes,
        }
        call = HttpRequest("POST", self._ims, TOKEN_PATH, form=form, within=self._within)
        settled = repeat("GET", lambda: self._transport.send(call), self._policy, self._timing)
        if settled.answer is None:
            raise self._failure(settled.outcome)
        return self._read(settled.answer, asked)

    def _read(self, answer: HttpResponse, asked: float) -> _Held:
        body = answer.body if isinstance(answer.body, dict) else {}
        raw = body.get("access_token")
        token = _checked(raw) if isinstance(raw, str) else ""
        if not token:
            raise NotAuthenticated(
                f"{self._ims} answered without an access token",
                "Check `ims_endpoint:`.",
                status=answer.status,
                request_id=answer.request_id,
            )
        self._issued(token)
        return _Held(token, asked + usable_for(body.get("expires_in")))

    def _failure(self, outcome: HttpResponse | NoResponse) -> NotAuthenticated | Unreachable:
        what = "no access token"
        if isinstance(outcome, NoResponse):
            return Unreachable(f"{what} from {self._ims}: {outcome.reason}", outcome.remedy or "Check the network.")
        fault = read_fault(outcome)
        known = explain_sign_in(fault)
        return NotAuthenticated(
            f"{what}: {sentence(fault, known)}",
            known.remedy,
            status=fault.status,
            code=fault.code,
            request_id=outcome.request_id,
        )


def usable_for(expires_in: object) -> float:
    """Seconds to use a token for: its life less five minutes, or two thirds of a short one.

    Values above a million are milliseconds, as the older JWT exchange sent them (documented). Anything that is no
    positive number counts as fifteen minutes.
    """
    number = isinstance(expires_in, int | float | str) and not isinstance(expires_in, bool)
    try:
        life = float(expires_in) if number else 0.0  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        life = 0.0
    if not 0 < life < float("inf"):
        life = _UNKNOWN_LIFE
    if life > _MILLISECONDS:
        life /= 1000
    return max(life - _EARLY, life * 2 / 3)


def _checked(token: str) -> str:
    return token if token.isascii() and token.isprintable() and " " not in token else ""
