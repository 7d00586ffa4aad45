"""Access tokens: a fixed one, or OAuth server-to-server against IMS. Kept in memory only.

``POST {ims}/ims/token/v3``, form-encoded ``client_id``, ``client_secret``, ``grant_type=client_credentials`` and
``scope``; the response holds ``access_token`` and ``expires_in`` in seconds. Documented.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from provisioner.errors import NotAuthenticated, Unreachable, UsageError
from provisioner.secrets import Sensitive
from provisioner.service.calls import send_with_retries
from provisioner.service.error_responses import explain_sign_in, read_fault, sentence
from provisioner.service.messages import REMOTE, HttpOutcome, HttpRequest, NoResponse, Timing, Transport
from provisioner.service.origin import Origin
from provisioner.service.retry import Policy

DEFAULT_SCOPES = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext"
"""The scopes in Adobe's samples for Experience Platform. Documented; the Developer Console's list wins."""

TOKEN_PATH = "/ims/token/v3"  # noqa: S105

NO_API_KEY = "AEP_API_KEY is not set"
NO_SECRET = "neither AEP_CLIENT_SECRET nor AEP_ACCESS_TOKEN is set"  # noqa: S105

_RENEW_BEFORE_EXPIRY = 300.0
_DEFAULT_LIFETIME = 900.0
_LARGEST_SECONDS = 1_000_000.0
"""An ``expires_in`` above this is in milliseconds."""


class FixedToken:
    """The token in ``AEP_ACCESS_TOKEN``. White space around it, such as a file's last newline, is dropped."""

    def __init__(self, token: str) -> None:
        self._token = _valid_token(token.strip())
        if not self._token:
            raise UsageError(
                "AEP_ACCESS_TOKEN is empty or holds characters that are not allowed in a token",
                "set it to the token alone, without `Bearer`, quotes or line breaks",
            )

    def token(self) -> str:
        return self._token

    def renew(self, stale: str) -> str:  # noqa: ARG002
        """Raise ``NotAuthenticated``: a fixed token cannot be renewed."""
        raise NotAuthenticated(
            "AEP_ACCESS_TOKEN is not accepted",
            "fetch a fresh token, or unset it and set AEP_API_KEY and AEP_CLIENT_SECRET so that one is fetched",
        )


@dataclass(frozen=True, slots=True)
class _CachedToken:
    token: str = field(repr=False)
    renew_at: float
    lifetime: float


class ClientCredentials:
    """Fetches a token on first use, before it expires, and when it is not accepted. For any number of threads.

    ``issued`` is called with each token before its first use; ``within`` are the seconds of one attempt. Threads that
    wait for a token share one fetch. A token request changes nothing, so it is retried like a GET.
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
        within: float = REMOTE.attempt,
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
        self._cached: _CachedToken | None = None

    def token(self) -> str:
        with self._lock:
            if self._cached is None or self._timing.monotonic() >= self._cached.renew_at:
                self._cached = self._fetch()
            return self._cached.token

    def renew(self, stale: str) -> str:
        with self._lock:
            if self._cached is None or self._cached.token == stale:
                self._cached = self._fetch()
            return self._cached.token

    @property
    def lifetime(self) -> float:
        """Return the seconds that the last token lives, as its response said; 0 before there is one."""
        return self._cached.lifetime if self._cached else 0.0

    def _fetch(self) -> _CachedToken:
        requested_at = self._timing.monotonic()
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
            "grant_type": "client_credentials",
            "scope": self._scopes,
        }
        request = HttpRequest("POST", self._ims, TOKEN_PATH, form=form, within=self._within)
        result = send_with_retries("GET", lambda: self._transport.send(request), self._policy, self._timing)
        response = result.response
        if response is None:
            raise self._token_error(result.outcome)
        body = response.body if isinstance(response.body, dict) else {}
        raw = body.get("access_token")
        token = _valid_token(raw) if isinstance(raw, str) else ""
        if not token:
            raise NotAuthenticated(
                f"{self._ims} answered without an access token",
                "check `ims_endpoint:`",
                status=response.status,
                request_id=response.request_id,
            )
        self._issued(token)
        expires_in = body.get("expires_in")
        return _CachedToken(token, requested_at + usable_for(expires_in), lifetime_of(expires_in))

    def _token_error(self, outcome: HttpOutcome) -> NotAuthenticated | Unreachable:
        if isinstance(outcome, NoResponse):
            message = f"cannot get an access token from {self._ims}: {outcome.reason}"
            return Unreachable(message, outcome.remedy or "check the network")
        fault = read_fault(outcome)
        explanation = explain_sign_in(fault)
        return NotAuthenticated(
            f"no access token: {sentence(fault, explanation)}",
            explanation.remedy,
            status=fault.status,
            code=fault.code,
            request_id=outcome.request_id,
        )


def lifetime_of(expires_in: object) -> float:
    """Return the lifetime of a token in seconds.

    Values above a million are milliseconds, as the older JWT exchange sent them (documented). Anything but a positive
    number counts as fifteen minutes.
    """
    number = isinstance(expires_in, int | float | str) and not isinstance(expires_in, bool)
    try:
        lifetime = float(expires_in) if number else 0.0  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        lifetime = 0.0
    if not 0 < lifetime < float("inf"):
        lifetime = _DEFAULT_LIFETIME
    return lifetime / 1000 if lifetime > _LARGEST_SECONDS else lifetime


def usable_for(expires_in: object) -> float:
    """Return the seconds to use a token for: its lifetime less five minutes, or two thirds of a short one."""
    lifetime = lifetime_of(expires_in)
    return max(lifetime - _RENEW_BEFORE_EXPIRY, lifetime * 2 / 3)


def _valid_token(token: str) -> str:
    """Return the token if a header can carry it, else ""."""
    return token if token.isascii() and token.isprintable() and " " not in token else ""
