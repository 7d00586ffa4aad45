"""Error codes that a user of base connections can meet: meaning and remedy, in plain words. Data only.

Flow Service codes are documented as ``NNNN-SSS`` (S: HTTP status) in Adobe's table of Flow Service errors, gateway
codes (six digits) in Adobe's troubleshooting guide; 403027 and 429050 are inferred from other AEP services. IMS
codes are documented for the older JWT exchange and assumed for client credentials.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple


class Explanation(NamedTuple):
    """What a failure means, and what to do."""

    meaning: str
    remedy: str = ""


_PERMISSION = (
    "In Adobe's Permissions, give the role of the technical account Manage Sources (View Sources is enough to plan) "
    "and this sandbox."
)
_SANDBOX = "Check `sandbox:` of the target or AEP_SANDBOX_NAME, and that the technical account's role includes it."
_ORG = "Check `org_id:` of the target or AEP_ORG_ID; the credential must belong to that organization."
_LATER = "Run the same command again later; if it stays, give Adobe's support the request id."
_WAIT_STATE = "Wait until the base connection is enabled or disabled, then run again."
_API_KEY = "Set AEP_API_KEY to the client id of the credential in the Developer Console."
_SECRET = "Check AEP_API_KEY and AEP_CLIENT_SECRET against the credential in the Developer Console."  # noqa: S105
_TOKEN = "Fetch a fresh AEP_ACCESS_TOKEN, or unset it and set AEP_CLIENT_SECRET, and run again."  # noqa: S105
_SCOPES = "Set AEP_SCOPES to the scopes that the Developer Console shows for the credential, or unset it."
_REPORT = "This should not happen: please report it with the request id."
_MOVED = "Run `provisioner plan` to see what moved, then apply again."
_FILTER = Explanation("the service does not understand a filter or an order of a list", _REPORT)
_GONE = "Run `provisioner plan`: the base connection was deleted, or lies in another sandbox."

CODES = MappingProxyType(
    {
        "1100": Explanation(
            "the service could not process the request; the provider that talks to the database rejected it",
            "Check server, port, database, user name, password and sslMode, and that the database admits "
            "Experience Platform's addresses.",
        ),
        "1101": Explanation("there is no such object", _GONE),
        "1102": Explanation("an internal error of the Flow Service", _LATER),
        "1103": Explanation("the Flow Service is not available at the moment", _LATER),
        "1104": Explanation("the Flow Service did not get its own answer in time", _LATER),
        "1400": Explanation("an internal error of the Flow Service", _LATER),
        "1401": Explanation("the service does not take a limit and a count together", _REPORT),
        "1403": Explanation("the service misses the If-Match header", _REPORT),
        "1404": Explanation("the base connection was changed by somebody else", _MOVED),
        "1405": Explanation("the service received an empty body", _REPORT),
        "1410": Explanation("the service does not accept a state in a create request", _REPORT),
        "1411": Explanation("the service finds no id in the path", _REPORT),
        "1413": Explanation(
            "the service does not know the connection spec", "Check `connectionSpec.id` in the definition."
        ),
        "1414": Explanation(
            "the connection spec of a base connection cannot be changed",
            "Give the definition a new key, so that a new base connection is created.",
        ),
        "1415": Explanation(
            "the connection spec has no auth spec of this name",
            "Check `auth.specName`; on AWS only Basic Authentication is documented for MySQL.",
        ),
        "1416": Explanation(
            "the base connection is in a state in which it can be neither changed nor deleted", _WAIT_STATE
        ),
        "1417": Explanation(
            "the base connection is still initializing and cannot be changed or deleted yet", _WAIT_STATE
        ),
        "1418": Explanation(
            "the base connection is still used by one or more dataflows", "Delete those dataflows first, or keep it."
        ),
        "1420": Explanation("the base connection is being disabled and cannot be changed now", _WAIT_STATE),
        "1421": Explanation("the base connection is being updated and cannot be changed now", _WAIT_STATE),
        "1432": _FILTER,
        "1433": _FILTER,
        "1434": Explanation("the service does not support this patch operation", _REPORT),
        "1439": Explanation("there is no such object", _GONE),
        "1445": Explanation(
            "changing base connections is not enabled for this organization or connection spec",
            "Ask Adobe's support to enable PATCH of connections, or give the definition a new key.",
        ),
        **dict.fromkeys(("1448", "1449", "1450", "1451", "1452", "1453", "1454"), _FILTER),
        "1455": Explanation("the service misses a field that the change touches", _REPORT),
        "1456": Explanation("the service does not accept this state", _REPORT),
        "1457": Explanation("the base connection is being deleted and cannot be changed", _GONE),
        "1458": Explanation("the base connection is being deleted already", "Wait a little, then run again."),
        "2000": Explanation("the access token has no access to this organization, or there is none of this id", _ORG),
        "2001": Explanation("the service misses the organization id", _ORG),
        "2002": Explanation("the organization id is empty", _ORG),
        "2100": Explanation("there is no sandbox of this name for these credentials", _SANDBOX),
        "2101": Explanation("there is no such sandbox for these credentials", _SANDBOX),
        "2102": Explanation("the service could not look up the sandbox", _LATER),
        "2103": Explanation("there is no such sandbox for these credentials", _SANDBOX),
        "2104": Explanation("the service could not look up the sandbox", _LATER),
        "2105": Explanation("the service misses the sandbox name", _SANDBOX),
        "2106": Explanation("the organization has no default sandbox", _SANDBOX),
        "2107": Explanation("the service could not look up the sandbox", _LATER),
        "2108": Explanation("the service could not look up the sandbox", _LATER),
        "2110": Explanation("the service does not accept a sandbox id from this caller", _REPORT),
        "2111": Explanation("the sandbox name `*` is not allowed", _SANDBOX),
        "2112": Explanation("the sandbox name `*` is not allowed here", _SANDBOX),
        "2113": Explanation("the sandbox name `*` is not allowed here", _SANDBOX),
        "2114": Explanation("the access token is empty", _TOKEN),
        "2115": Explanation("the access token is not valid or has expired", _TOKEN),
        "2116": Explanation("the service could not read the access token", _LATER),
        "2117": Explanation("the service could not look up the permissions", _LATER),
        "2118": Explanation("a permission is missing", _PERMISSION),
        "2120": Explanation("the credentials may not do this", _PERMISSION),
        "2121": Explanation("a permission on sources is missing", _PERMISSION),
        "2200": Explanation("the service did not reach the catalog of Experience Platform", _LATER),
        "400003": Explanation("the gateway misses a header, usually the organization id", _ORG),
        "401013": Explanation("the access token is not valid or has expired", _TOKEN),
        "403000": Explanation("the gateway misses the API key", _API_KEY),
        "403003": Explanation("the gateway does not know the API key", _API_KEY),
        "403010": Explanation("the gateway misses the access token", _TOKEN),
        "403025": Explanation(
            "the access token is not entitled for this organization",
            "Check `org_id:`, and that the credential has a product profile of Experience Platform.",
        ),
        "403027": Explanation("the credentials may not do this", _PERMISSION),
        "429050": Explanation("too many requests", "Run again later, or with a smaller --parallelism."),
        "invalid_client": Explanation("Adobe's identity service does not accept client id and secret", _SECRET),
        "invalid_scope": Explanation("Adobe's identity service does not grant the requested scopes", _SCOPES),
        "invalid_request": Explanation("Adobe's identity service could not read the token request", _SECRET),
        "bad_request": Explanation("Adobe's identity service could not read the token request", _SECRET),
        "unauthorized_client": Explanation("the credential may not fetch tokens this way", _SECRET),
        "access_denied": Explanation("Adobe's identity service denies the credential a token", _SECRET),
        "internal_error": Explanation("an internal error of Adobe's identity service", _LATER),
    }
)

STATUSES = MappingProxyType(
    {
        400: Explanation("the service did not accept the request", "See the service's own words."),
        401: Explanation("the access token is not accepted", _TOKEN),
        403: Explanation("the credentials may not do this", _PERMISSION),
        404: Explanation("there is no such object", "Check endpoint, sandbox and id."),
        407: Explanation("the proxy wants credentials", "Put them into the URL in HTTPS_PROXY."),
        408: Explanation("the service gave up waiting for the request", _LATER),
        409: Explanation("the service sees a conflict with the present state of the object", _MOVED),
        412: Explanation("the base connection was changed by somebody else", _MOVED),
        413: Explanation("the request is too large for the service", "Shorten the definition."),
        422: Explanation("the service does not accept a value of the request", "See the service's own words."),
        429: Explanation("too many requests", "Run again later, or with a smaller --parallelism."),
        500: Explanation("an internal error of the service", _LATER),
        502: Explanation("a gateway got no proper answer from the service", _LATER),
        503: Explanation("the service is not available at the moment", _LATER),
        504: Explanation("a gateway got no answer from the service in time", _LATER),
    }
)

CLASSES = MappingProxyType(
    {
        2: Explanation("the service's answer cannot be read", _LATER),
        3: Explanation(
            "the service answered with a redirect, which is not followed",
            "Check the endpoint, and whether a proxy asks for a login.",
        ),
        4: Explanation("the service refused the request", "See the service's own words."),
        5: Explanation("the service failed", _LATER),
    }
)
"""By the first digit of the status, where nothing above applies."""
