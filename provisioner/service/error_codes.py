"""Error codes that a user of base connections can meet: meaning and remedy, in plain words. Data only.

A code is ``NNNN-SSS``, number and HTTP status together: Adobe's two catalogues, of Flow Service errors and of sources
errors, use one number for different things (both documented). Gateway codes (six digits) are documented in Adobe's
troubleshooting guide; 403027 and 429050 are inferred from other AEP services. IMS codes are documented for the older
JWT exchange and assumed for client credentials.
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
_WORDS = "See the service's own words."
_CHANGED = Explanation("the base connection was changed by somebody else", _MOVED)
_NOT_FOUND = Explanation("the service did not find something that the request names", _WORDS)
_UNAVAILABLE = Explanation("the Flow Service is not available at the moment", _LATER)
_TOO_SLOW = Explanation("the Flow Service did not get its own answer in time", _LATER)
_NO_TOKEN = Explanation("the access token is not accepted", _TOKEN)
_FORBIDDEN = Explanation("the credentials may not do this", _PERMISSION)
_SPEC_NAME = "Check `auth.specName`; on AWS only Basic Authentication is documented for MySQL."
_TABLES = "Choose one of the tables that `explore KEY` lists."

_OF_IDENTITY = {
    "invalid_client": Explanation("Adobe's identity service does not accept client id and secret", _SECRET),
    "invalid_scope": Explanation("Adobe's identity service does not grant the requested scopes", _SCOPES),
    "invalid_request": Explanation("Adobe's identity service could not read the token request", _SECRET),
    "bad_request": Explanation("Adobe's identity service could not read the token request", _SECRET),
    "unauthorized_client": Explanation("the credential may not fetch tokens this way", _SECRET),
    "access_denied": Explanation("Adobe's identity service denies the credential a token", _SECRET),
    "internal_error": Explanation("an internal error of Adobe's identity service", _LATER),
}

_OF_SOURCES = {
    "1000-400": Explanation("the layer that talks to databases did not accept the request", _WORDS),
    "1001-401": _NO_TOKEN,
    "1002-403": _FORBIDDEN,
    "1003-404": _NOT_FOUND,
    "1006-408": Explanation("the service gave up waiting for the request", _LATER),
    "1008-401": Explanation("the access token has no access to this organization", _ORG),
    "1009-403": Explanation("the service misses the organization id", _ORG),
    "1011-503": _UNAVAILABLE,
    "1012-504": _TOO_SLOW,
    "1013-412": _CHANGED,
    "1101-500": Explanation("an internal error of the layer that talks to databases", _LATER),
    "1102-404": _NOT_FOUND,
    "1105-401": _NO_TOKEN,
    "1106-403": _FORBIDDEN,
    "1107-412": _CHANGED,
    "1300-400": Explanation(
        "base connections of this connector cannot be changed",
        "Give the definition a new key, so that a new base connection is created.",
    ),
    "1301-400": Explanation("the connector does not support this auth spec", _SPEC_NAME),
    "1302-400": Explanation("the connector does not support this kind of authentication", _SPEC_NAME),
    "1303-400": Explanation(
        "a value of the auth parameters cannot be URL-encoded", "Use other characters in that value."
    ),
    "1304-400": Explanation("a mandatory field is missing", "Add the field that the service names."),
    "1305-400": Explanation("the connector does not support this call", _WORDS),
    "1308-400": Explanation("the connector did not accept the request", _WORDS),
    "1312-400": Explanation("a value is not valid for a property", "Correct the value that the service names."),
    "1330-400": Explanation("the service found no columns for the table", _TABLES),
    "1336-400": Explanation("the connector does not support to explore this", _WORDS),
    "1337-400": Explanation("a query parameter of the request is empty", _REPORT),
    "1358-400": Explanation("the service does not know the kind of object to explore", _REPORT),
    "1402-500": Explanation("an internal error of the layer that talks to databases", _LATER),
    "1600-400": Explanation("the Flow Service did not accept a request of the layer that talks to databases", _WORDS),
    "1602-404": _NOT_FOUND,
    "1603-503": _UNAVAILABLE,
    "1604-504": _TOO_SLOW,
    "1605-401": _NO_TOKEN,
    "1606-403": _FORBIDDEN,
    "1607-412": _CHANGED,
}
"""The catalogue of sources errors, where it says something else or more than that of Flow Service errors."""

CODES = MappingProxyType(
    {
        "1100-400": Explanation(
            "the service could not process the request; the provider that talks to the database rejected it",
            "Check server, port, database, user name, password and sslMode, and that the database admits "
            "Experience Platform's addresses.",
        ),
        "1101-404": Explanation("there is no such object", _GONE),
        "1102-500": Explanation("an internal error of the Flow Service", _LATER),
        "1103-503": Explanation("the Flow Service is not available at the moment", _LATER),
        "1104-504": Explanation("the Flow Service did not get its own answer in time", _LATER),
        "1400-500": Explanation("an internal error of the Flow Service", _LATER),
        "1401-400": Explanation("the service does not take a limit and a count together", _REPORT),
        "1403-400": Explanation("the service misses the If-Match header", _REPORT),
        "1404-412": Explanation("the base connection was changed by somebody else", _MOVED),
        "1405-400": Explanation("the service received an empty body", _REPORT),
        "1410-400": Explanation("the service does not accept a state in a create request", _REPORT),
        "1411-400": Explanation("the service finds no id in the path", _REPORT),
        "1413-400": Explanation(
            "the service does not know the connection spec", "Check `connectionSpec.id` in the definition."
        ),
        "1414-400": Explanation(
            "the connection spec of a base connection cannot be changed",
            "Give the definition a new key, so that a new base connection is created.",
        ),
        "1415-400": Explanation(
            "the connection spec has no auth spec of this name",
            "Check `auth.specName`; on AWS only Basic Authentication is documented for MySQL.",
        ),
        "1416-400": Explanation(
            "the base connection is in a state in which it can be neither changed nor deleted", _WAIT_STATE
        ),
        "1417-400": Explanation(
            "the base connection is still initializing and cannot be changed or deleted yet", _WAIT_STATE
        ),
        "1418-400": Explanation(
            "the base connection is still used by one or more dataflows", "Delete those dataflows first, or keep it."
        ),
        "1420-400": Explanation("the base connection is being disabled and cannot be changed now", _WAIT_STATE),
        "1421-400": Explanation("the base connection is being updated and cannot be changed now", _WAIT_STATE),
        "1432-400": _FILTER,
        "1433-400": _FILTER,
        "1434-400": Explanation("the service does not support this patch operation", _REPORT),
        "1439-400": Explanation("there is no such object", _GONE),
        "1439-404": Explanation("there is no such object", _GONE),
        "1445-400": Explanation(
            "changing base connections is not enabled for this organization or connection spec",
            "Ask Adobe's support to enable PATCH of connections, or give the definition a new key.",
        ),
        **dict.fromkeys(("1448-400", "1449-400", "1450-400", "1451-400", "1452-400", "1453-400", "1454-400"), _FILTER),
        "1455-400": Explanation("the service misses a field that the change touches", _REPORT),
        "1456-400": Explanation("the service does not accept this state", _REPORT),
        "1457-400": Explanation("the base connection is being deleted and cannot be changed", _GONE),
        "1458-400": Explanation("the base connection is being deleted already", "Wait a little, then run again."),
        "2000-401": Explanation(
            "the access token has no access to this organization, or there is none of this id", _ORG
        ),
        "2001-401": Explanation("the service misses the organization id", _ORG),
        "2002-401": Explanation("the organization id is empty", _ORG),
        "2100-404": Explanation("there is no sandbox of this name for these credentials", _SANDBOX),
        "2101-404": Explanation("there is no such sandbox for these credentials", _SANDBOX),
        "2102-500": Explanation("the service could not look up the sandbox", _LATER),
        "2103-404": Explanation("there is no such sandbox for these credentials", _SANDBOX),
        "2104-500": Explanation("the service could not look up the sandbox", _LATER),
        "2105-400": Explanation("the service misses the sandbox name", _SANDBOX),
        "2106-404": Explanation("the organization has no default sandbox", _SANDBOX),
        "2107-500": Explanation("the service could not look up the sandbox", _LATER),
        "2108-500": Explanation("the service could not look up the sandbox", _LATER),
        "2110-400": Explanation("the service does not accept a sandbox id from this caller", _REPORT),
        "2111-403": Explanation("the sandbox name `*` is not allowed", _SANDBOX),
        "2112-400": Explanation("the sandbox name `*` is not allowed here", _SANDBOX),
        "2113-400": Explanation("the sandbox name `*` is not allowed here", _SANDBOX),
        "2114-400": Explanation("the access token is empty", _TOKEN),
        "2115-400": Explanation("the access token is not valid or has expired", _TOKEN),
        "2116-500": Explanation("the service could not read the access token", _LATER),
        "2117-500": Explanation("the service could not look up the permissions", _LATER),
        "2118-403": Explanation("a permission is missing", _PERMISSION),
        "2120-403": Explanation("the credentials may not do this", _PERMISSION),
        "2121-403": Explanation("a permission on sources is missing", _PERMISSION),
        "2200-500": Explanation("the service did not reach the catalog of Experience Platform", _LATER),
        **_OF_SOURCES,
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
        **_OF_IDENTITY,
    }
)

_OTHERS = (
    (range(1000, 1015), 400),
    (range(1301, 1313), 400),
    (range(1360, 1370), 400),
    (range(1401, 1459), 400),
    (range(1600, 1602), 400),
    (range(2119, 2120), 400),
)
"""Codes of both catalogues that speak of something else than base connections: they refuse, and are not explained."""

CATALOGUED = frozenset(CODES) | {f"{number}-{status}" for numbers, status in _OTHERS for number in numbers}

STATUSES = MappingProxyType(
    {
        400: Explanation("the service did not accept the request", "See the service's own words."),
        401: Explanation("the access token is not accepted", _TOKEN),
        403: Explanation("the credentials may not do this", _PERMISSION),
        404: Explanation("nothing was found at this address", "Check endpoint, sandbox and id."),
        407: Explanation("the proxy requires credentials", "Put them into the URL in HTTPS_PROXY."),
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
        511: Explanation(  # RFC 6585: never the word of the server that was asked
            "the network wants a login before it lets anything through",
            "Sign in to the network with a browser, or check the proxy and the VPN.",
        ),
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

SIGN_IN_CODES = frozenset(_OF_IDENTITY)
SIGN_IN_REFUSED = Explanation("Adobe's identity service refused the token request", _SECRET)
SIGN_IN_STATUSES = MappingProxyType(
    {
        401: Explanation("Adobe's identity service does not accept the credential", _SECRET),
        403: Explanation("Adobe's identity service denies the credential a token", _SECRET),
        404: Explanation("there is no identity service at this address", "Check `ims_endpoint:` of the target."),
        407: STATUSES[407],
        408: STATUSES[408],
        429: STATUSES[429],
    }
)
"""What a refusal of the token call means, by status, where its code says nothing."""
