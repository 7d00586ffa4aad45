"""Every refusal: which code it has, and in which of the documented shapes it is sent.

Codes and titles are documented (ERR); the wording is our own except where an official page shows a body verbatim.
"""

from dataclasses import dataclass

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.messages import Json, Reply

_INVALID = "Invalid request"
_NO_HEADER = "Header is missing"

CATALOGUE: dict[int, tuple[int, str, str]] = {
    1100: (400, _INVALID, "The request could not be processed. Error from flow provider: {reason}"),
    1101: (404, "Resource not found", "The resource was not found. Error from flow provider: no connection {id}."),
    1103: (503, "Service Unavailable", "The service is temporarily unavailable; try again."),
    1401: (400, _INVALID, "limit and count cannot be given together; send only one of them."),
    1403: (400, _NO_HEADER, "The header 'If-Match' is missing; send the current etag."),
    1404: (412, "Version not matching", "Supplied version '{supplied}' is not the current version '{current}'."),
    1405: (400, _INVALID, "The request body must not be null or empty."),
    1410: (400, _INVALID, "State is not allowed in a create request."),
    1413: (400, _INVALID, "The spec ID is invalid; provide a valid one."),
    1414: (400, _INVALID, "The connection spec of a connection cannot be updated."),
    1415: (400, _INVALID, "Auth spec '{name}' could not be found for the connection spec ID {spec}."),
    1417: (400, _INVALID, "Delete or update in state initializing is not allowed with a user token."),
    1418: (400, _INVALID, "The base connection with the ID {id} cannot be deleted: it is used in one or more flows."),
    1423: (400, _INVALID, "Unhandled field {field} in the filter of connection specs."),
    1432: (400, _INVALID, "Incorrect sort order; put + (ascending) or - (descending) before the field name."),
    1433: (400, _INVALID, "Incorrect field {field} in orderby; examples are +name, -name, name."),
    1434: (400, _INVALID, "Unsupported operation '{op}'; use add, replace or remove."),
    1439: (400, "Resource not found", "The {kind} resource {id} was not found."),
    1440: (400, _INVALID, "Operator '{op}' is not implemented."),
    1443: (400, _INVALID, "Operator '{op}' is not allowed for multiple values."),
    1448: (400, _INVALID, "Operator {op} is not supported for field {field}."),
    1449: (400, _INVALID, "Invalid field {field} in filter params."),
    1450: (400, _INVALID, "Invalid operator {op} in filter params."),
    1451: (400, _INVALID, "Invalid params {param} provided in query params."),
    1452: (400, _INVALID, "Invalid value {value} for field {field}."),
    1453: (400, _INVALID, "Invalid query value {value} provided in query param."),
    1454: (400, _INVALID, "Unhandled filter value type."),
    1455: (400, _INVALID, "An error occurred while validating patch instructions: {reason}"),
    1456: (400, _INVALID, "State {state} is not valid. Allowed values are [enabled, disabled, initializing]."),
    2100: (404, "Sandbox not found", "The sandbox with the name '{name}' could not be found."),
    2105: (400, _NO_HEADER, "The header x-sandbox-name is missing in the request."),
    2110: (400, "Headers not allowed", "The header x-sandbox-id is not allowed with a user token."),
    2111: (403, "Headers with value restricted", "x-sandbox-name with value * is restricted with a user token."),
}

_LEGACY = {  # verbatim, OASD
    1101: "connections not found with id = [{id}]",
    1404: "Supplied version=[{supplied}] does not match the current version on entity=[{current}]",
}
_MESSAGE = {1413: "Please provide a valid spec id"}  # verbatim, OASD

_GATEWAY = {  # verbatim, TRB; the status is the first three digits
    "400003": "Missing header",
    "401013": "Oauth token is not valid",
    "403000": "Api Key is required",
    "403003": "Api Key is invalid",
    "403010": "Oauth token is missing.",
}


@dataclass(frozen=True, slots=True)
class Error:
    """One error of the service itself. ``number`` is None where no code is documented."""

    status: int
    title: str
    detail: str
    number: int | None = None
    words: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """Raised anywhere in the core; the dispatcher answers with it."""

    def __init__(self, error: Error | Reply) -> None:
        """``error`` is either rendered in the shape that is switched on, or sent as it is."""
        super().__init__(error)
        self.error = error


def coded(number: int, **words: str) -> Refused:
    """A refusal with one of the documented codes; ``words`` fill its text."""
    status, title, detail = CATALOGUE[number]
    return Refused(Error(status, title, detail.format_map(words), number, tuple(words.items())))


def uncoded(status: int, title: str, detail: str) -> Refused:
    """A refusal for which no code is known."""
    return Refused(Error(status, title, detail))


def invalid(reason: str) -> Refused:
    """A body that the service would pass to its provider and get back wrapped. Inferred: ERR has no closer code."""
    return coded(1100, reason=reason)


def unreachable(words: str) -> Refused:
    """What the provider says of its database. Documented (ERR): the code and the words before; the rest is assumed."""
    return coded(1100, reason=words)


def no_such_object() -> Refused:
    """Nothing to explore at this path. Assumed: the code, as for all that the provider refuses."""
    return coded(1100, reason="there is no such object.")


def gateway(code: str) -> Refused:
    """A refusal by Adobe's gateway. Documented (TRB): the shape, the codes and the texts."""
    return Refused(Reply(int(code[:3]), {"error_code": code, "message": _GATEWAY[code]}))


def reply(refused: Refused, behaviour: Behaviour) -> Reply:
    """The answer to a refused request."""
    if isinstance(refused.error, Reply):
        return refused.error
    return Reply(refused.error.status, _body(refused.error, behaviour))


def _body(error: Error, behaviour: Behaviour) -> Json:
    number, shape = error.number, behaviour.error_shape
    if number in _MESSAGE and shape != "problem":
        return {"message": _MESSAGE[number]}
    if shape == "legacy" or (shape == "documented" and number in _LEGACY):
        text = _LEGACY[number].format_map(dict(error.words)) if number in _LEGACY else error.detail
        return {"errorMessage": text, "errorDetails": text}
    name = "about:blank" if number is None else f"{behaviour.error_prefix}-{number}-{error.status}"
    kind = name if number is None else f"http://ns.adobe.com/aep/errors/{name}"
    return {"type": kind, "title": error.title, "status": error.status, "detail": error.detail}
