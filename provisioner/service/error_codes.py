"""Meaning and remedy of the error codes and HTTP statuses that concern base connections. Data only.

A code is ``NNNN-SSS``, a number and the HTTP status: Adobe's two catalogues, of Flow Service errors and of sources
errors, use the same number for different errors (both documented). Gateway codes (six digits) are documented in Adobe's
troubleshooting guide, 403027 and 429050 for other AEP services (inferred: gateway-codes). IMS codes are documented for
the older JWT exchange; those for client credentials are the same (assumed: token-errors).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple


class Explanation(NamedTuple):
    """Meaning of a failure and its remedy."""

    meaning: str
    remedy: str = ""


_PERMISSION = (
    "in Adobe's Permissions, give the technical account's role Manage Sources (View Sources is enough to plan) "
    "and access to this sandbox"
)
_SANDBOX = "check `sandbox:` of the target or AEP_SANDBOX_NAME, and that the technical account's role includes it"
_ORG = "check `org_id:` of the target or AEP_ORG_ID; the credential must belong to that organization"
_RUN_LATER = "run the same command again later; if it fails again, give Adobe's support the request id"
_WAIT_UNTIL_SETTLED = "wait until the base connection is enabled or disabled, then run again"
_API_KEY = "set AEP_API_KEY to the client id of the credential in the Developer Console"
_SECRET = "check AEP_API_KEY and AEP_CLIENT_SECRET against the credential in the Developer Console"  # noqa: S105
_TOKEN = "fetch a fresh AEP_ACCESS_TOKEN, or unset it and set AEP_CLIENT_SECRET, then run again"  # noqa: S105
_SCOPES = "set AEP_SCOPES to the scopes that the Developer Console shows for the credential, or unset it"
_REPORT_BUG = "report this as a bug, with the request id"
_PLAN_AGAIN = "run `provisioner plan` to see what changed, then apply again"
_BAD_FILTER = Explanation("the service does not understand the filter or the order of a list", _REPORT_BUG)
_PLAN_AFTER_DELETE = "run `provisioner plan`: the base connection was deleted, or is in another sandbox"
_SEE_MESSAGE = "see the service's message"
_CHANGED = Explanation("the base connection was changed by somebody else", _PLAN_AGAIN)
_NOT_FOUND = Explanation("an object that the request refers to was not found", _SEE_MESSAGE)
_UNAVAILABLE = Explanation("the Flow Service is unavailable", _RUN_LATER)
_TOO_SLOW = Explanation("the Flow Service timed out waiting for another service", _RUN_LATER)
_NO_TOKEN = Explanation("the access token is not accepted", _TOKEN)
_FORBIDDEN = Explanation("the credentials lack the permission for this", _PERMISSION)
_SPEC_NAME = "check `auth.specName`; on AWS only Basic Authentication is documented for MySQL"
_TABLES = "choose one of the tables that `explore KEY` lists"

_IDENTITY_CODES = {
    "invalid_client": Explanation("Adobe's identity service does not accept client id and secret", _SECRET),
    "invalid_scope": Explanation("Adobe's identity service does not grant the requested scopes", _SCOPES),
    "invalid_request": Explanation("Adobe's identity service could not read the token request", _SECRET),
    "bad_request": Explanation("Adobe's identity service could not read the token request", _SECRET),
    "unauthorized_client": Explanation("the credential may not fetch tokens this way", _SECRET),
    "access_denied": Explanation("Adobe's identity service denies the credential a token", _SECRET),
    "internal_error": Explanation("an internal error of Adobe's identity service", _RUN_LATER),
}

_SOURCES_CODES = {
    "1000-400": Explanation("the connector layer did not accept the request", _SEE_MESSAGE),
    "1001-401": _NO_TOKEN,
    "1002-403": _FORBIDDEN,
    "1003-404": _NOT_FOUND,
    "1006-408": Explanation("the service timed out waiting for the request", _RUN_LATER),
    "1008-401": Explanation("the access token has no access to this organization", _ORG),
    "1009-403": Explanation("the organization id is missing from the request", _ORG),
    "1011-503": _UNAVAILABLE,
    "1012-504": _TOO_SLOW,
    "1013-412": _CHANGED,
    "1101-500": Explanation("an internal error of the connector layer", _RUN_LATER),
    "1102-404": _NOT_FOUND,
    "1105-401": _NO_TOKEN,
    "1106-403": _FORBIDDEN,
    "1107-412": _CHANGED,
    "1300-400": Explanation(
        "base connections of this connector cannot be changed",
        "give the definition a new key, so that a new base connection is created",
    ),
    "1301-400": Explanation("the connector does not support this auth spec", _SPEC_NAME),
    "1302-400": Explanation("the connector does not support this kind of authentication", _SPEC_NAME),
    "1303-400": Explanation(
        "a value of the auth parameters cannot be URL-encoded", "use other characters in that value"
    ),
    "1304-400": Explanation("a mandatory field is missing", "add the field that the service names"),
    "1305-400": Explanation("the connector does not support this call", _SEE_MESSAGE),
    "1308-400": Explanation("the connector did not accept the request", _SEE_MESSAGE),
    "1312-400": Explanation("a value is not valid for a property", "correct the value that the service names"),
    "1330-400": Explanation("the service found no columns for the table", _TABLES),
    "1336-400": Explanation("the connector does not support exploring this object", _SEE_MESSAGE),
    "1337-400": Explanation("a query parameter of the request is empty", _REPORT_BUG),
    "1358-400": Explanation("the service does not know this type of object to explore", _REPORT_BUG),
    "1402-500": Explanation("an internal error of the connector layer", _RUN_LATER),
    "1600-400": Explanation("the Flow Service did not accept a request of the connector layer", _SEE_MESSAGE),
    "1602-404": _NOT_FOUND,
    "1603-503": _UNAVAILABLE,
    "1604-504": _TOO_SLOW,
    "1605-401": _NO_TOKEN,
    "1606-403": _FORBIDDEN,
    "1607-412": _CHANGED,
}
"""From the catalogue of sources errors, where it differs from that of Flow Service errors or adds to it."""

CODES = MappingProxyType(
    {
        "1100-400": Explanation(
            "the service could not process the request; the provider that talks to the database rejected it",
            "check server, port, database, user name, password and sslMode, and that the database admits "
            "Experience Platform's addresses",
        ),
        "1101-404": Explanation("there is no such object", _PLAN_AFTER_DELETE),
        "1102-500": Explanation("an internal error of the Flow Service", _RUN_LATER),
        "1103-503": Explanation("the Flow Service is unavailable", _RUN_LATER),
        "1104-504": Explanation("the Flow Service timed out waiting for another service", _RUN_LATER),
        "1400-500": Explanation("an internal error of the Flow Service", _RUN_LATER),
        "1401-400": Explanation("the service does not accept a limit together with a count", _REPORT_BUG),
        "1403-400": Explanation("the If-Match header is missing from the request", _REPORT_BUG),
        "1404-412": Explanation("the base connection was changed by somebody else", _PLAN_AGAIN),
        "1405-400": Explanation("the service received an empty body", _REPORT_BUG),
        "1410-400": Explanation("the service does not accept a state in a create request", _REPORT_BUG),
        "1411-400": Explanation("the request path holds no id", _REPORT_BUG),
        "1413-400": Explanation(
            "the service does not know the connection spec", "check `connectionSpec.id` in the definition"
        ),
        "1414-400": Explanation(
            "the connection spec of a base connection cannot be changed",
            "give the definition a new key, so that a new base connection is created",
        ),
        "1415-400": Explanation(
            "the connection spec has no auth spec of this name",
            "check `auth.specName`; on AWS only Basic Authentication is documented for MySQL",
        ),
        "1416-400": Explanation(
            "the base connection is in a state that allows neither changes nor deletion", _WAIT_UNTIL_SETTLED
        ),
        "1417-400": Explanation(
            "the base connection is still initializing and cannot be changed or deleted yet", _WAIT_UNTIL_SETTLED
        ),
        "1418-400": Explanation(
            "the base connection is still used by one or more dataflows",
            "delete those dataflows first, or keep the base connection; an access label may hide them from the "
            "technical account",
        ),
        "1420-400": Explanation("the base connection is being disabled and cannot be changed now", _WAIT_UNTIL_SETTLED),
        "1421-400": Explanation("the base connection is being updated and cannot be changed now", _WAIT_UNTIL_SETTLED),
        "1432-400": _BAD_FILTER,
        "1433-400": _BAD_FILTER,
        "1434-400": Explanation("the service does not support this patch operation", _REPORT_BUG),
        "1439-400": Explanation("there is no such object", _PLAN_AFTER_DELETE),
        "1439-404": Explanation("there is no such object", _PLAN_AFTER_DELETE),
        "1445-400": Explanation(
            "changing base connections is not enabled for this organization or connection spec",
            "ask Adobe's support to enable PATCH of connections, or give the definition a new key",
        ),
        **dict.fromkeys((f"{number}-400" for number in range(1448, 1455)), _BAD_FILTER),
        "1455-400": Explanation("a field that the change refers to is missing", _REPORT_BUG),
        "1456-400": Explanation("the service does not accept this state", _REPORT_BUG),
        "1457-400": Explanation("the base connection is being deleted and cannot be changed", _PLAN_AFTER_DELETE),
        "1458-400": Explanation("the base connection is already being deleted", "wait a little, then run again"),
        "2000-401": Explanation(
            "the access token has no access to this organization, or no organization has this id", _ORG
        ),
        "2001-401": Explanation("the organization id is missing from the request", _ORG),
        "2002-401": Explanation("the organization id is empty", _ORG),
        "2100-404": Explanation("no sandbox of this name is visible to these credentials", _SANDBOX),
        "2101-404": Explanation("no such sandbox is visible to these credentials", _SANDBOX),
        "2102-500": Explanation("the service could not look up the sandbox", _RUN_LATER),
        "2103-404": Explanation("no such sandbox is visible to these credentials", _SANDBOX),
        "2104-500": Explanation("the service could not look up the sandbox", _RUN_LATER),
        "2105-400": Explanation("the sandbox name is missing from the request", _SANDBOX),
        "2106-404": Explanation("the organization has no default sandbox", _SANDBOX),
        "2107-500": Explanation("the service could not look up the sandbox", _RUN_LATER),
        "2108-500": Explanation("the service could not look up the sandbox", _RUN_LATER),
        "2110-400": Explanation("the service does not accept a sandbox id from this caller", _REPORT_BUG),
        "2111-403": Explanation("the sandbox name `*` is not allowed", _SANDBOX),
        "2112-400": Explanation("the sandbox name `*` is not allowed here", _SANDBOX),
        "2113-400": Explanation("the sandbox name `*` is not allowed here", _SANDBOX),
        "2114-400": Explanation("the access token is empty", _TOKEN),
        "2115-400": Explanation("the access token is not valid or has expired", _TOKEN),
        "2116-500": Explanation("the service could not read the access token", _RUN_LATER),
        "2117-500": Explanation("the service could not look up the permissions", _RUN_LATER),
        "2118-403": Explanation("a permission is missing", _PERMISSION),
        "2120-403": Explanation("the credentials lack the permission for this", _PERMISSION),
        "2121-403": Explanation("a permission on sources is missing", _PERMISSION),
        "2200-500": Explanation("the service could not reach the catalog of Experience Platform", _RUN_LATER),
        **_SOURCES_CODES,
        "400003": Explanation("a header that the gateway needs is missing, usually the organization id", _ORG),
        "401013": Explanation("the access token is not valid or has expired", _TOKEN),
        "403000": Explanation("the API key is missing from the request", _API_KEY),
        "403003": Explanation("the gateway does not know the API key", _API_KEY),
        "403010": Explanation("the access token is missing from the request", _TOKEN),
        "403025": Explanation(
            "the access token is not entitled for this organization",
            "check `org_id:`, and that the credential has a product profile of Experience Platform",
        ),
        "403027": Explanation("the credentials lack the permission for this", _PERMISSION),
        "429050": Explanation("too many requests", "run again later, or with a smaller --parallelism"),
        **_IDENTITY_CODES,
    }
)

_UNRELATED = (
    (range(1000, 1015), 400),
    (range(1301, 1313), 400),
    (range(1360, 1370), 400),
    (range(1401, 1459), 400),
    (range(1600, 1602), 400),
    (range(2119, 2120), 400),
)
"""Codes of both catalogues that do not concern base connections: known to be refusals, but not explained."""

CATALOGUED = frozenset(CODES) | {f"{number}-{status}" for numbers, status in _UNRELATED for number in numbers}

STATUSES = MappingProxyType(
    {
        400: Explanation("the service did not accept the request", "see the service's message"),
        401: Explanation("the access token is not accepted", _TOKEN),
        403: Explanation("the credentials lack the permission for this", _PERMISSION),
        404: Explanation("nothing was found at this address", "check endpoint, sandbox and id"),
        407: Explanation("the proxy requires credentials", "put them into the URL in HTTPS_PROXY"),
        408: Explanation("the service timed out waiting for the request", _RUN_LATER),
        409: Explanation("the request conflicts with the current state of the object", _PLAN_AGAIN),
        412: Explanation("the base connection was changed by somebody else", _PLAN_AGAIN),
        413: Explanation("the request is too large for the service", "shorten the definition"),
        422: Explanation("the service does not accept a value of the request", "see the service's message"),
        429: Explanation("too many requests", "run again later, or with a smaller --parallelism"),
        500: Explanation("an internal error of the service", _RUN_LATER),
        502: Explanation("a gateway got an invalid response from the service", _RUN_LATER),
        503: Explanation("the service is unavailable", _RUN_LATER),
        504: Explanation("a gateway got no response from the service in time", _RUN_LATER),
        511: Explanation(  # RFC 6585: sent by a captive portal, never by the server itself
            "the network requires a login",
            "sign in to the network with a browser, or check the proxy and the VPN",
        ),
    }
)

CLASSES = MappingProxyType(
    {
        2: Explanation("the service's response cannot be read", _RUN_LATER),
        3: Explanation(
            "the service answered with a redirect, which is not followed",
            "check the endpoint, and whether a proxy requires a login",
        ),
        4: Explanation("the service refused the request", "see the service's message"),
        5: Explanation("the service failed", _RUN_LATER),
    }
)
"""Explanations by the first digit of the status, for everything not covered above."""

SIGN_IN_CODES = frozenset(_IDENTITY_CODES)
SIGN_IN_REFUSED = Explanation("Adobe's identity service refused the token request", _SECRET)
SIGN_IN_STATUSES = MappingProxyType(
    {
        401: Explanation("Adobe's identity service does not accept the credential", _SECRET),
        403: Explanation("Adobe's identity service denies the credential a token", _SECRET),
        404: Explanation("there is no identity service at this address", "check `ims_endpoint:` of the target"),
        407: STATUSES[407],
        408: STATUSES[408],
        429: STATUSES[429],
    }
)
"""Explanations of a refused token request by status, for codes that are not known."""
