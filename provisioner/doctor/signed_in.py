"""Judging what the services say to our credentials: token, organization, sandbox, permissions. Pure.

An access token of IMS is a JWT with ``client_id``, ``scope``, and ``created_at`` and ``expires_in`` in milliseconds
(inferred: jwt-claims). Nothing relies on it: what is not there is not shown.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.doctor.findings import Finding, facts_of, failed, not_tried, passed, warned
from provisioner.doctor.site import Token
from provisioner.errors import NotAuthenticated, ServiceError
from provisioner.model import Cloud, Json, text_or_empty

_ENDS_SOON = 900
"""Seconds: a token of ``AEP_ACCESS_TOKEN`` cannot be renewed, and an apply may take this long."""

_NEEDED_SCOPES = ("openid", "AdobeID", "read_organizations", "additional_info.projectedProductContext")
_ORG_CODES = frozenset({"2000-401", "2001-401", "2002-401", "1008-401", "1009-403", "403025", "400003"})
_AWS_REGIONS = frozenset({"VA6"})
_AZURE_REGIONS = frozenset({"VA7", "GBR9", "NLD2", "CAN2", "IND2", "AUS5"})
_MAX_SANDBOXES = 8


def claims_of(token: str) -> Mapping[str, Any]:
    """Return the claims of a JWT, unverified; none for a token of another form."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def judge_token(token: Token, source: str, api_key: str) -> Finding:
    """Judge a token. ``source`` is the variable that it comes from or was fetched with, "" for an emulator."""
    claims = claims_of(token.text)
    left = _seconds_left(claims, token)
    scopes = [scope for scope in text_or_empty(claims.get("scope")).replace(",", " ").split() if scope.isprintable()]
    client = text_or_empty(claims.get("client_id"))
    facts: dict[str, Any] = {
        "source": source or "emulator",
        "readable": bool(claims),
        "seconds_left": round(left) if left is not None else None,
        "client_is_api_key": client == api_key if client else None,
        "scopes": scopes,
    }
    how = f"fetched with {source} in {token.seconds:.2f} s" if source == "AEP_CLIENT_SECRET" else f"from {source}"
    parts = [how if source else "an emulator takes any", *([f"lives {_duration(left)}"] if left is not None else [])]
    parts += [f"client {client}"] if client else []
    parts += [f"scopes {', '.join(scopes)}"] if scopes else []
    seen = "; ".join(parts)
    fresh = "fetch a fresh AEP_ACCESS_TOKEN, or unset it and set AEP_CLIENT_SECRET"
    if left is not None and left <= 0:
        remedy = fresh if source == "AEP_ACCESS_TOKEN" else "check this machine's clock, and `ims_endpoint:`"
        return failed(f"{how}, but it has expired", remedy, **facts)
    if client and client != api_key:
        return warned(f"{seen}; AEP_API_KEY is another client", "set AEP_API_KEY to the client of the token", **facts)
    if scopes and (missing := [scope for scope in _NEEDED_SCOPES if scope not in scopes]):
        remedy = f"add {', '.join(missing)} to AEP_SCOPES, or unset it"
        return warned(f"{seen}; without {', '.join(missing)}", remedy, **facts)
    if source == "AEP_ACCESS_TOKEN" and left is not None and left < _ENDS_SOON:
        return warned(f"{seen}: not long enough for a long apply", fresh, **facts)
    return passed(seen, **facts)


def _seconds_left(claims: Mapping[str, Any], token: Token) -> float | None:
    """Return the seconds until a token expires, by its claims or by the response; None if neither says so."""
    created, lives, expires = (_number(claims.get(name)) for name in ("created_at", "expires_in", "exp"))
    now = token.at.timestamp()
    if created is not None and lives is not None:
        return (created + lives) / 1000 - now
    if expires is not None:
        return expires - now
    return token.lifetime or None


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < 1e15 else None


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"


def judge_organization(sandboxes: Sequence[Json] | ServiceError, org_id: str) -> Finding:
    """Judge whether the credentials belong to the organization, by the first call that names it."""
    if not isinstance(sandboxes, ServiceError):
        return passed(f"{org_id}: accepted", accepted=True)
    facts = facts_of(sandboxes)
    if isinstance(sandboxes, NotAuthenticated) or sandboxes.code in _ORG_CODES:
        return failed(sandboxes.message, sandboxes.remedy, accepted=False, **facts)
    return warned(f"not known: {sandboxes.message}", sandboxes.remedy, accepted=None, **facts)


def judge_sandbox(sandboxes: Sequence[Json] | ServiceError, name: str) -> Finding:
    if isinstance(sandboxes, ServiceError):
        return not_tried("sandboxes cannot be listed: see organization", listed=False)
    found = next((sandbox for sandbox in sandboxes if sandbox.get("name") == name), None)
    facts: dict[str, Any] = {"listed": True, "exists": found is not None, "sandboxes": len(sandboxes)}
    if found is None:
        names = sorted(filter(None, (text_or_empty(sandbox.get("name")) for sandbox in sandboxes)))
        shown = ", ".join(names[:_MAX_SANDBOXES]) + (", ..." if len(names) > _MAX_SANDBOXES else "")
        remedy = "check `sandbox:` of the target or AEP_SANDBOX_NAME, and that the technical account's role includes it"
        return failed(f"{name} does not exist, or is not ours to see; there are: {shown or 'none'}", remedy, **facts)
    state, kind, region = (text_or_empty(found.get(field)) for field in ("state", "type", "region"))
    facts |= {"state": state, "type": kind, "region": region or None}
    shown = ", ".join(filter(None, (state, kind, f"region {region}" if region else "")))
    if state != "active":
        return failed(f"{name}: {shown or 'it shows no state'}", "wait until it is active, or use another", **facts)
    return passed(f"{name}: {shown}", **facts)


def judge_cloud(sandboxes: Sequence[Json] | ServiceError, name: str, cloud: Cloud) -> Finding:
    """Judge ``cloud:`` of the target by the region of the sandbox: VA6 is AWS, the others are Azure
    (inferred: region-cloud)."""
    listed = () if isinstance(sandboxes, ServiceError) else sandboxes
    region = next((text_or_empty(sandbox.get("region")) for sandbox in listed if sandbox.get("name") == name), "")
    facts: dict[str, Any] = {"declared": cloud.value, "region": region or None}
    if not region:
        return not_tried("the service shows no region: see spec.auth-specs and spec.ssl-mode", **facts)
    actual = Cloud.AWS if region in _AWS_REGIONS else Cloud.AZURE if region in _AZURE_REGIONS else None
    if actual is None:
        remedy = "see spec.auth-specs and spec.ssl-mode: they differ by cloud"
        return warned(f"region {region} is not known to be on {cloud.value}", remedy, **facts)
    if actual is not cloud:
        remedy = f"write `cloud: {actual.value}` into the target: auth specs and sslMode differ"
        return failed(f"region {region} is on {actual.value}, and the target says {cloud.value}", remedy, **facts)
    return passed(f"{cloud.value}, as region {region} is", **facts)
