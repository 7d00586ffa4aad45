"""Error replies: the catalogue of codes, the functions that raise them, and their rendering in the documented shapes.

Codes and titles are documented by two catalogues: ERR, and SRCERR for the layer that talks to databases. Both use some
numbers with different meanings, so a code is the number and the status. The wording is our own except where an official
page shows a body verbatim.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.messages import MASK, Json, JsonObject, Reply, dump

_INVALID = "Invalid request"
_BAD = "Bad Request"  # SRCERR's title of an invalid request
_NO_HEADER = "Header is missing"
_NOT_FOUND = "Resource not found"
_NO_SUCH_ID = "The requested {type} resource {id} is not found. Verify the resource ID before trying again."  # LAB

CATALOGUE: Mapping[str, tuple[str, str]] = {
    "1000-400": (_BAD, "The request is invalid: {reason}"),
    "1100-400": (_INVALID, "The request could not be processed. Error from flow provider: {reason}"),
    "1101-404": (_NOT_FOUND, "The resource was not found. Error from flow provider: no resource with the given id."),
    "1103-503": ("Service Unavailable", "The service is temporarily unavailable; try again."),
    "1304-400": (_BAD, "The mandatory field {field} is not provided. Provide the {field} and try again."),
    "1312-400": (_BAD, "The provided param value {value} is not a valid input for property={property}: {reason}."),
    "1330-400": (_BAD, "No columns were found for table {table}. Provide a valid table name and try again."),
    "1337-400": (_BAD, "The {param} cannot be empty for objectType={kind}. Provide a valid {param} and try again."),
    "1358-400": (_BAD, "The provided param 'objectType' is invalid. Provide a valid objectType and try again."),
    "1401-400": (_INVALID, "limit and count cannot be given together; send only one of them."),
    "1403-400": (_NO_HEADER, "The header 'If-Match' is missing; send the current etag."),
    "1404-412": ("Version not matching", "Supplied version '{supplied}' is not the current version '{current}'."),
    "1405-400": (_INVALID, "The request body must not be null or empty."),
    "1410-400": (_INVALID, "State is not allowed in a create request."),
    "1413-400": (_INVALID, "The spec ID is invalid; provide a valid one."),
    "1414-400": (_INVALID, "The connection spec of a connection cannot be updated."),
    "1415-400": (_INVALID, "Auth spec '{name}' could not be found for the connection spec ID {spec}."),
    "1417-400": (_INVALID, "Delete or update in state initializing is not allowed with a user token."),
    "1418-400": (_INVALID, "The base connection with the ID {id} cannot be deleted: it is used in one or more flows."),
    "1423-400": (_INVALID, "Unhandled field {field} in the filter of connection specs."),
    "1432-400": (_INVALID, "Incorrect sort order; put + (ascending) or - (descending) before the field name."),
    "1433-400": (_INVALID, "Incorrect field {field} in orderby; examples are +name, -name, name."),
    "1434-400": (_INVALID, "Unsupported operation '{op}'; use add, replace or remove."),
    "1439-400": (_NOT_FOUND, _NO_SUCH_ID),  # the status in ERR
    "1439-404": (_NOT_FOUND, _NO_SUCH_ID),  # the status in LAB
    "1440-400": (_INVALID, "Operator '{op}' is not implemented."),
    "1443-400": (_INVALID, "Operator '{op}' is not allowed for multiple values."),
    "1448-400": (_INVALID, "Operator {op} is not supported for field {field}."),
    "1449-400": (_INVALID, "Invalid field {field} in filter params."),
    "1450-400": (_INVALID, "Invalid operator {op} in filter params."),
    "1451-400": (_INVALID, "Invalid params {param} provided in query params."),
    "1452-400": (_INVALID, "Invalid value {value} for field {field}."),
    "1453-400": (_INVALID, "Invalid query value {value} provided in query param."),
    "1454-400": (_INVALID, "Unhandled filter value type."),
    "1455-400": (_INVALID, "An error occurred while validating patch instructions: {reason}"),
    "1456-400": (_INVALID, "State {state} is not valid. Allowed values are [enabled, disabled, initializing]."),
    "2100-404": ("Sandbox not found", "The sandbox with the name '{name}' could not be found."),
    "2105-400": (_NO_HEADER, "The header x-sandbox-name is missing in the request."),
    "2110-400": ("Headers not allowed", "The header x-sandbox-id is not allowed with a user token."),
    "2111-403": ("Headers with value restricted", "x-sandbox-name with value * is restricted with a user token."),
}

_GONE = "{type} not found with id = [{id}]"
_LEGACY = {  # verbatim, OASD
    **dict.fromkeys(("1101-404", "1439-400", "1439-404"), _GONE),
    "1404-412": "Supplied version=[{supplied}] does not match the current version on entity=[{current}]",
}
_MESSAGE = {"1413-400": "Please provide a valid spec id"}  # verbatim, OASD

_GATEWAY = {  # verbatim, TRB; the status is the first three digits
    "400003": "Missing header",
    "401013": "Oauth token is not valid",
    "403000": "Api Key is required",
    "403003": "Api Key is invalid",
    "403010": "Oauth token is missing.",
}


@dataclass(frozen=True, slots=True)
class Error:
    """An error of the service. ``code`` is empty if none is documented; ``parameters`` were filled into ``detail``."""

    status: int
    title: str
    detail: str
    code: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


class ErrorReply(Exception):
    """The exception for every refused request; the dispatcher sends it as the reply."""

    def __init__(self, error: Error | Reply) -> None:
        """Take an ``Error``, to be rendered in the configured shape, or a ``Reply``, to be sent unchanged."""
        super().__init__(error)
        self.error = error


def coded(code: str, **parameters: str) -> ErrorReply:
    """Return an error with a documented code, which ends in the status; ``parameters`` fill its text."""
    title, detail = CATALOGUE[code]
    return ErrorReply(Error(int(code[-3:]), title, detail.format_map(parameters), code, tuple(parameters.items())))


def uncoded(status: int, title: str, detail: str) -> ErrorReply:
    """Return an error for which no code is documented."""
    return ErrorReply(Error(status, title, detail))


def missing_object(behaviour: Behaviour, resource: str, id: str) -> ErrorReply:  # noqa: A002
    """Return the error for an id that does not exist; ``resource`` is its name in paths (LAB, OASD)."""
    return coded(behaviour.missing_object, type=resource, id=id)


def malformed(reason: str) -> ErrorReply:
    """Return the error for a body that is not JSON or has the wrong type. Assumed: SRCERR's generic code."""
    return coded("1000-400", reason=reason)


def missing_field(field: str) -> ErrorReply:
    """Return the error for a body without a required field.

    Documented (SRCERR): the code. Inferred: that it is used for the fields of a create, not only for the parameters of
    its auth spec.
    """
    return coded("1304-400", field=field)


def bad_value(name: str, reason: str, value: Json = MASK) -> ErrorReply:
    """Return the error for an invalid value. Leave out ``value`` if it may be sensitive.

    Documented (SRCERR): the code, and that its text quotes name and value. Assumed: that sensitive values are masked.
    """
    shown = value if isinstance(value, str) else dump(value).decode()
    return coded("1312-400", value=shown, property=name, reason=reason)


def unreachable(reason: str) -> ErrorReply:
    """Return the provider's error for its database.

    Documented (ERR): the code and the text before the reason. Assumed: the reason, and that the code is not 1308-400,
    with which SRCERR passes on errors of Microsoft's service.
    """
    return coded("1100-400", reason=reason)


def too_late() -> ErrorReply:
    """Return the error for a database that did not answer in time. Assumed: the text."""
    return unreachable("the database did not answer in time.")


def gateway(code: str) -> ErrorReply:
    """Return an error of Adobe's gateway. Documented (TRB): the shape, the codes and the texts."""
    return ErrorReply(Reply(int(code[:3]), {"error_code": code, "message": _GATEWAY[code]}))


def error_reply(raised: ErrorReply, behaviour: Behaviour, request_id: str) -> Reply:
    """Return the reply to a refused request; its ``x-request-id`` is the same as in the body, if that has one."""
    error = raised.error
    if isinstance(error, Reply):
        return error
    return Reply(error.status, _body(error, behaviour, request_id), (("x-request-id", request_id),))


def _body(error: Error, behaviour: Behaviour, request_id: str) -> JsonObject:
    name = f"{behaviour.error_prefix}-{error.code}"
    match _shape(error, behaviour.error_shape):
        case "message":
            return {"message": _MESSAGE[error.code]}
        case "legacy":
            text = _LEGACY[error.code].format_map(dict(error.parameters)) if error.code in _LEGACY else error.detail
            return {"errorMessage": text, "errorDetails": text}
        case "problem":
            kind = f"http://ns.adobe.com/aep/errors/{name}" if error.code else "about:blank"
            return {"type": kind, "title": error.title, "status": error.status, "detail": error.detail}
    kind = f"https://ns.adobe.com/aep/errors/{name}" if error.code else "about:blank"
    resource: JsonObject = {name: value for name, value in error.parameters if name in ("id", "type")}
    report: JsonObject = {"detailed-message": error.detail, **resource, "request-id": request_id}
    problem: JsonObject = {"type": kind, "title": error.title, "status": error.status, "report": report}
    return {**problem, "errorMessage": error.detail, "errorDetails": error.detail}


def _shape(error: Error, configured: str) -> str:
    """Return the shape of this error, given the switch ``error_shape``."""
    if error.code in _MESSAGE and configured in ("documented", "legacy"):
        return "message"
    if configured == "documented":
        return "legacy" if error.code in _LEGACY else "problem"
    return configured
