"""The connection spec of MySQL, per cloud, and the check of parameters against it."""

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
    """The item that ``GET /connectionSpecs`` lists. Shape documented (MYSPEC, DRAFT); the Basic spec's is assumed."""
    on_azure = behaviour.cloud == "azure"
    basic = _auth_spec("Basic Authentication", "basicAuthentication", _basic(_AZURE_SSL if on_azure else _AWS_SSL))
    string = _auth_spec("Connection String Based Authentication", "connectionStringAuth", _connection_string())
    return {
        "id": MYSQL_ID,
        "name": "mysql",
        "providerId": _PROVIDER_ID,
        "version": MYSQL_VERSION,
        "authSpec": [string, basic] if on_azure else [basic],
        "attributes": {"category": "Databases", "isSource": True, "connectorName": "MySQL"},
    }


def auth_schema(behaviour: Behaviour, name: str) -> JsonObject:
    """The JSON Schema of an auth spec's parameters; 1415-400 when the cloud has no spec of that name (ERR)."""
    specs = connection_spec(behaviour)["authSpec"]
    for spec in specs if isinstance(specs, list) else []:
        if isinstance(spec, dict) and spec["name"] == name and isinstance(spec["spec"], dict):
            return spec["spec"]
    raise coded("1415-400", name=name, spec=MYSQL_ID)


def properties(schema: JsonObject) -> Mapping[str, JsonObject]:
    """Parameter name -> its schema."""
    found = schema["properties"]
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def visible(schema: JsonObject) -> frozenset[str]:
    """The parameters that may be stored and shown: those the schema names and does not mark as a password.

    A name the schema does not know could be a misspelt password, so it counts as sensitive.
    """
    return frozenset(name for name, each in properties(schema).items() if each.get("format") != "password")


def check(schema: JsonObject, params: JsonObject) -> None:
    """Required names, strings, and the values of an enum. A value that the schema marks as a password is masked."""
    required = schema["required"]
    for name in required if isinstance(required, list) else []:
        if name not in params:
            raise missing_field(f"auth.params.{name}")
    for name, each in properties(schema).items():
        if name in params:
            _check_value(f"auth.params.{name}", each, params[name])


def _check_value(name: str, schema: JsonObject, value: Json) -> None:
    shown = MASK if schema.get("format") == "password" else value
    if not isinstance(value, str):
        raise bad_value(name, "it must be a string", shown)
    allowed = schema.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        raise bad_value(name, f"it must be one of {', '.join(map(str, allowed))}", shown)


def _auth_spec(name: str, kind: str, schema: JsonObject) -> JsonObject:
    return {"name": name, "type": kind, "spec": schema}


def _schema(required: list[Json], described: JsonObject) -> JsonObject:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "description": "Parameters for connecting to MySQL",
        "properties": described,
        "required": required,
    }


def _connection_string() -> JsonObject:
    # No pattern: the one published in 2020 refuses the form that is documented today.
    return _schema(["connectionString"], {"connectionString": _SECRET})


def _basic(ssl_modes: list[Json]) -> JsonObject:
    # Assumed: which are required. The page's examples send all six, its table leaves out the port.
    required: list[Json] = ["server", "database", "username", "password"]
    plain: JsonObject = dict.fromkeys(("server", "port", "database", "username"), _TEXT)
    return _schema(required, plain | {"password": _SECRET, "sslMode": {"type": "string", "enum": ssl_modes}})
