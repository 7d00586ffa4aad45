"""``emulator``: run the emulator of the Flow Service in the foreground."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import click

from provisioner.cli import options
from provisioner.cli.context import Context
from provisioner.definitions.yaml_problems import json_problem
from provisioner.errors import ProvisionerError, UsageError

if TYPE_CHECKING:
    from provisioner.emulator.behaviour import Behaviour
    from provisioner.emulator.fault_config import FaultConfig

_HELP = "docs/emulator.md lists the switches"
_FAULTS_HELP = "docs/emulator.md lists the faults"


@click.command(cls=options.StrictCommand)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Port; 0 picks a free one."
)
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep base connections in this file.")
@click.option(
    "--behaviour", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON file with switches."
)
@click.option(
    "--faults", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON file with faults to inject."
)
@click.pass_obj
def emulator(context: Context, port: int, data: Path | None, behaviour: Path | None, faults: Path | None) -> int:
    """Run an emulator of the Flow Service on 127.0.0.1 and print its URL. See docs/emulator.md."""

    def announce(url: str) -> None:
        context.console.out(url)
        if context.console.stdout.isatty():
            hint = f"a target reaches it by `endpoint: {url}`, with any org_id, sandbox and credentials"
            context.console.err(context.err_style.fold(f"{hint}; Ctrl-C ends it"))

    run(port, data, behaviour, announce, faults)
    return 0


def run(
    port: int, data: Path | None, behaviour: Path | None, announce: Callable[[str], None], faults: Path | None = None
) -> None:
    """Serve until interrupted; call ``announce`` with the URL once it answers. Raise ``UsageError``."""
    from provisioner.emulator.fault_config import FaultError
    from provisioner.emulator.server import serve

    switches = read_behaviour(_read(behaviour, _HELP) if behaviour else {})
    fault_config = read_faults(_read(faults, _FAULTS_HELP) if faults else [])
    try:
        serve(data, port, switches, announce, fault_config)
    except ModuleNotFoundError as error:
        if error.name != "pymysql":
            raise
        remedy = "in the checkout of provisioner: pip install '.[databases]'"
        raise ProvisionerError("real databases cannot be contacted: PyMySQL is not installed", remedy) from error
    except FaultError as error:
        raise UsageError(str(error), _FAULTS_HELP) from error
    except OSError as error:
        raise UsageError(error.strerror or str(error), "name another --port, or 0 for any; and check --data") from error


def _read(path: Path, remedy: str) -> Any:
    try:
        return json.loads(text := path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        place, message, also = json_problem(text, error)
        raise UsageError(f"{path}:{place}: {message}", also or remedy) from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not a JSON file: {error}", remedy) from error


def read_behaviour(switches: Any) -> Behaviour:
    """Return the behaviour that a JSON object of switches describes. Raise ``UsageError`` for a bad switch."""
    from provisioner.emulator.behaviour import Behaviour

    known = {field.name for field in dataclasses.fields(Behaviour)}
    if not isinstance(switches, dict):
        raise UsageError("the switches must be a JSON object", _HELP)
    if unknown := sorted(set(switches) - known):
        raise UsageError(f"there is no switch {unknown[0]}", f"the switches are: {', '.join(sorted(known))}")
    hints = get_type_hints(Behaviour)
    return Behaviour(**{name: _checked(name, value, hints[name]) for name, value in switches.items()})


def read_faults(document: Any) -> FaultConfig:
    """Return the faults that a JSON document describes. Raise ``UsageError`` that names the bad entry."""
    from provisioner.emulator.fault_config import FaultError, fault_config

    try:
        return fault_config(document)
    except FaultError as error:
        raise UsageError(str(error), _FAULTS_HELP) from error


def _checked(name: str, value: Any, hint: Any) -> Any:
    if value is None and type(None) in get_args(hint):
        return None
    if get_origin(hint) is Literal:
        fits = value in get_args(hint)
    elif hint in (bool, int, float, str):
        fits = isinstance(value, (int, float) if hint is float else hint) and (hint is bool) == isinstance(value, bool)
    elif any(get_origin(one) is Mapping and get_origin(get_args(one)[1]) is Mapping for one in get_args(hint)):
        if not isinstance(value, dict):
            raise UsageError(f"the switch {name} must be an object of objects", _HELP)
        return {inner: _collection(name, texts, Mapping[str, str] | None) for inner, texts in value.items()}
    else:
        return _collection(name, value, hint)
    if not fits:
        raise UsageError(f"the switch {name} cannot be {value!r}", _HELP)
    return value


def _collection(name: str, value: Any, hint: Any) -> Any:
    """Return a mapping of texts, or a set of texts, which JSON writes as an array."""
    is_mapping = any(get_origin(one) is Mapping for one in get_args(hint))
    texts = [*value, *value.values()] if isinstance(value, dict) else value
    if not isinstance(value, dict if is_mapping else list) or not all(isinstance(text, str) for text in texts):
        # Not the value itself: it may hold a client's secret.
        raise UsageError(f"the switch {name} must be {'an object' if is_mapping else 'an array'} of texts", _HELP)
    return value if is_mapping else frozenset(texts)
