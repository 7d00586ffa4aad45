"""The connection spec of MySQL for each cloud, and the validation of ``auth.params`` against its auth specs."""

from collections.abc import Mapping

from provisioner.emulator.behaviour import Behaviour
from provisioner.emulator.errors import bad_value, coded, missing_field
from provisioner.emulator.messages import MASK, Json, JsonObject

# Documented (SEED, MYSPEC, DBFLOW); the same on both clouds.
MYSQL_ID = "26d738e0-8963-47ea-aadf-c60de735468a"
MYSQL_VERSION = "1.0"
_PROVIDER_ID = "0ed90a81-07f4-4586-8190-b40eccef1c5a"

_TEXT: JsonObject = {"type": "string"}
_SECRET: JsonObject = {"type": "string", "format": "password"}
# DISABLED, PREFERRED and REQUIRED are documented (MYOV); the wire form of the two verifying modes is assumed.
_AZURE_SSL: list[Json] = ["DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"]
_AWS_SSL: list[Json] = ["true", "false"]  # documented as strings (SEED); a JSON boolean is assumed to be refused


def connection_spec(behaviour: Behaviour) -> JsonObject:
    """Return the item that ``GET /connectionSpecs`` lists.

    Its shape is documented (MYSPEC, DRAFT); that of Basic Authentication, and which of its parameters are required, are
    assumed: the page's examples send all six, its table leaves out the port.
    """
    on_azure = behaviour.cloud == "azure"
    ssl_mode: JsonObject = {"type": "string", "enum": _AZURE_SSL if on_azure else _AWS_SSL}
    basic = _auth_spec(
        "Basic Authentication",
        "basicAuthentication",
        required=["server", "database", "username", "password"],
        properties={
            **dict.fromkeys(("server", "port", "database", "username"), _TEXT),
            "password": _SECRET,
            "sslMode": ssl_mode,
        },
    )
    # Without the pattern published in 2020, which refuses the form that is documented today.
    string = _auth_spec(
        "Connection String Based Authentication",
        "connectionStringAuth",
        required=["connectionString"],
        properties={"connectionString": _SECRET},
    )
    return {
        "id": MYSQL_ID,
        "name": "mysql",
        "providerId": _PROVIDER_ID,
        "version": MYSQL_VERSION,
        "authSpec": [string, basic] if on_azure else [basic],
        "attributes": {"category": "Databases", "isSource": True, "connectorName": "MySQL"},
    }


def _auth_spec(name: str, auth_type: str, required: list[Json], properties: JsonObject) -> JsonObject:
    schema: JsonObject = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "description": "Parameters for connecting to MySQL",
        "properties": properties,
        "required": required,
    }
    return {"name": name, "type": auth_type, "spec": schema}


def auth_schema(behaviour: Behaviour, name: str) -> JsonObject:
    """Return the JSON Schema of an auth spec's parameters. Raise 1415-400 if the cloud has no such spec (ERR)."""
    specs = connection_spec(behaviour)["authSpec"]
    for spec in specs if isinstance(specs, list) else []:
        if isinstance(spec, dict) and spec["name"] == name and isinstance(spec["spec"], dict):
            return spec["spec"]
    raise coded("1415-400", name=name, spec=MYSQL_ID)


def visible_params(schema: JsonObject) -> frozenset[str]:
    """Return the parameters that may be stored and shown: those the schema names and does not mark as a password.

    A name that is not in the schema could be a misspelt password, so it counts as sensitive.
    """
    return frozenset(name for name, each in _properties(schema).items() if each.get("format") != "password")


def check_params(schema: JsonObject, params: JsonObject) -> None:
    """Raise ``ErrorReply`` for a missing parameter, one that is not a string, or one that is not in its enum.

    The error masks a value that the schema marks as a password.
    """
    required = schema["required"]
    for name in required if isinstance(required, list) else []:
        if name not in params:
            raise missing_field(f"auth.params.{name}")
    for name, param_schema in _properties(schema).items():
        if name not in params:
            continue
        path, value, allowed = f"auth.params.{name}", params[name], param_schema.get("enum")
        shown = MASK if param_schema.get("format") == "password" else value
        if not isinstance(value, str):
            raise bad_value(path, "it must be a string", shown)
        if isinstance(allowed, list) and value not in allowed:
            raise bad_value(path, f"it must be one of {', '.join(map(str, allowed))}", shown)


def _properties(schema: JsonObject) -> Mapping[str, JsonObject]:
    properties = schema["properties"]
    return {k: v for k, v in properties.items() if isinstance(v, dict)} if isinstance(properties, dict) else {}
