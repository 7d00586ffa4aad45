"""JSON Patch with the Flow Service's restrictions: three operations, and a list of paths that may be changed."""

import copy

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import ErrorReply, coded, malformed
from provisioner.emulator.messages import Json, JsonObject

_OPERATIONS = ("add", "replace", "remove")
# Documented (ERR): the states that 1456-400 lists. That /state can be patched at all is inferred from that text.
_STATES = ("enabled", "disabled", "initializing")


def apply_patch(document: JsonObject, operations: Json, behaviour: Behaviour) -> JsonObject:
    """Return a copy of ``document`` with every operation applied, in order. Raise ``ErrorReply`` if one is refused.

    Documented: an array (UPD, OASD); ``op`` in any case, since OAS writes upper and every example lower case; ``move``
    is 1434-400 and an unknown key 1455-400 (ERR); ``/auth/params`` is replaced whole (OASD). Assumed: ``value`` may be
    left out of a remove; replace and remove need an existing target (RFC 6902); which other paths are refused.
    """
    if not isinstance(operations, list):
        raise malformed("a patch must be an array of operations.")
    if not operations:
        raise coded("1405-400")
    result = copy.deepcopy(document)
    for operation in operations:
        _apply(result, operation, behaviour)
    return result


def touches_credentials(operations: Json) -> bool:
    """Return whether accepted operations may have set parameters whose values are not stored."""
    listed = operations if isinstance(operations, list) else []
    return any(isinstance(each, dict) and str(each.get("path")).startswith("/auth") for each in listed)


def _apply(document: JsonObject, operation: Json, behaviour: Behaviour) -> None:
    if not isinstance(operation, dict):
        raise _invalid("an operation must be an object.")
    op, path = operation.get("op"), operation.get("path")
    if not isinstance(op, str):
        raise _missing("op")
    if op.lower() not in _OPERATIONS:
        raise coded("1434-400", op=op)
    op = op.lower()
    if not isinstance(path, str) or not path.startswith("/"):
        raise _missing("path")
    if op != "remove" and "value" not in operation:
        raise _missing("value")
    keys = [key.replace("~1", "/").replace("~0", "~") for key in path[1:].split("/")]
    _check_path(keys, operation.get("value"), behaviour)
    _edit(document, keys, op, operation.get("value"))


def _check_path(keys: list[str], value: Json, behaviour: Behaviour) -> None:
    if keys[0] == "connectionSpec":
        raise coded("1414-400")
    if keys == ["state"] and value not in _STATES:
        raise coded("1456-400", state=str(value))
    if keys == ["auth", "specName"] and behaviour.patch_spec_name == "accept":
        return
    if keys[:2] == ["auth", "params"] and len(keys) == 3 and behaviour.patch_single_param == "accept":
        return
    if keys not in (["name"], ["description"], ["state"], ["auth", "params"]):
        raise _missing(keys[-1])


def _edit(document: JsonObject, keys: list[str], op: str, value: Json) -> None:
    parent: JsonObject = document
    for key in keys[:-1]:
        child = parent.get(key)
        if not isinstance(child, dict):
            raise _missing(key)
        parent = child
    if op != "add" and keys[-1] not in parent and keys != ["state"]:
        raise _missing(keys[-1])
    if op == "remove":
        parent.pop(keys[-1], None)
    else:
        parent[keys[-1]] = copy.deepcopy(value)


def _missing(key: str) -> ErrorReply:
    return _invalid(f'Missing field "{key}".')


def _invalid(reason: str) -> ErrorReply:
    return coded("1455-400", reason=reason)
