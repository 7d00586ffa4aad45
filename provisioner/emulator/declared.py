"""A create's body, or a patched document -> what the client declares, or the reason why not."""

from collections.abc import Mapping

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.connection import MASK, Declared
from provisioner.emulator.errors import bad_value, coded, malformed, missing_field, uncoded
from provisioner.emulator.json_text import parse
from provisioner.emulator.messages import Json, JsonObject
from provisioner.emulator.specs import MYSQL_ID, MYSQL_VERSION, auth_schema, check, visible


def body(raw: bytes) -> Json:
    """The JSON of a request. Empty or null is 1405-400 (ERR)."""
    if not raw.strip():
        raise coded("1405-400")
    try:
        value = parse(raw)
    except ValueError:
        raise malformed("the body is not valid JSON.") from None
    if value is None:
        raise coded("1405-400")
    return value


def declared(document: Json, behaviour: Behaviour) -> Declared:
    """Everything that POST requires: name, auth.specName, auth.params, connectionSpec.id (OAS), and the version.

    ``state`` is refused (1410-400, ERR, there for flows). Other keys are ignored (assumed).
    """
    if not isinstance(document, dict):
        raise malformed("the body must be a JSON object.")
    if not document:
        raise coded("1405-400")
    if "state" in document:
        raise coded("1410-400")
    spec_id, spec_version = _spec(document, behaviour)
    auth = _object(document, "auth")
    auth_name = _text(auth, "specName", "auth.specName")
    shown, hidden = _params(auth_name, _object(auth, "params", "auth.params"), behaviour)
    name, description = _text(document, "name"), _description(document)
    return Declared(name, description, spec_id, spec_version, auth_name, shown, hidden)


def sensitive(document: Json, value: Declared) -> JsonObject:
    """The parameters that ``value`` does not hold, out of the document that declares them; placeholders are none."""
    auth = _object(document, "auth") if isinstance(document, dict) else {}
    params = _object(auth, "params", "auth.params")
    return {name: params[name] for name in value.hidden if params[name] != MASK}


def document(value: Declared, held: Mapping[str, Json]) -> JsonObject:
    """The inverse, for a patch to work on; a sensitive parameter that is not ``held`` has a placeholder for a value."""
    params = dict(value.params) | dict.fromkeys(value.hidden, MASK) | dict(held)
    result: JsonObject = {
        "name": value.name,
        "auth": {"specName": value.auth_name, "params": params},
        "connectionSpec": {"id": value.spec_id, "version": value.spec_version},
    }
    if value.description is not None:
        result["description"] = value.description
    return result


def _spec(document: JsonObject, behaviour: Behaviour) -> tuple[str, str]:
    spec = _object(document, "connectionSpec")
    if spec.get("id") != MYSQL_ID:
        raise coded("1413-400")
    version = spec.get("version")
    if version is None and behaviour.missing_version == "latest":
        return MYSQL_ID, MYSQL_VERSION
    if version is None:
        detail = "connectionSpec.version 'version' is required for spec info"
        raise uncoded(422, "Unprocessable Entity", detail)
    if version != MYSQL_VERSION:
        raise coded("1413-400")
    return MYSQL_ID, MYSQL_VERSION


def _params(auth_name: str, params: JsonObject, behaviour: Behaviour) -> tuple[JsonObject, tuple[str, ...]]:
    schema = auth_schema(behaviour, auth_name)
    if behaviour.auth_params == "schema":
        check(schema, params)
    known = visible(schema)
    return {k: v for k, v in params.items() if k in known}, tuple(k for k in params if k not in known)


def _description(document: JsonObject) -> str | None:
    value = document.get("description")
    if value is not None and not isinstance(value, str):
        raise bad_value("description", "it must be a string", value)
    return value


def _object(parent: JsonObject, key: str, path: str = "") -> JsonObject:
    value = parent.get(key)
    if value is None:
        raise missing_field(path or key)
    if not isinstance(value, dict):
        raise bad_value(path or key, "it must be an object")
    return value


def _text(parent: JsonObject, key: str, path: str = "") -> str:
    value = parent.get(key)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise missing_field(path or key)
    if not isinstance(value, str):
        raise bad_value(path or key, "it must be a string", value)
    return value
