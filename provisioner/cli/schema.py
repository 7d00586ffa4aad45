"""``schema``: print a JSON Schema."""

from __future__ import annotations

import json

import click

from provisioner import json_schema
from provisioner.cli import options
from provisioner.cli.context import Context
from provisioner.errors import UsageError
from provisioner.model import Cloud

_SCHEMAS = ("connection", "project", "plan", "apply", "state", "doctor", "faults")


# The metavar is written out: versions of click show an optional choice in different brackets.
@click.command(cls=options.StrictCommand)
@click.argument("name", metavar=f"[{'|'.join(_SCHEMAS)}]", type=click.Choice(_SCHEMAS), default="connection")
@click.option("--cloud", type=click.Choice(["azure", "aws"]), help="Only allow the values of this cloud.")
@click.pass_obj
def schema(context: Context, name: str, cloud: str | None) -> int:
    """Print the JSON Schema of definitions, the project file, a plan, an apply or
    the facts of doctor as JSON, a state or a fault file."""
    from provisioner.definitions.schema import narrowed

    if cloud is None:
        document = json_schema.load(name)
    elif name == "connection":
        document = narrowed(Cloud(cloud))
    else:
        raise UsageError("only the schema of definitions is not the same for every cloud", "leave out --cloud")
    context.console.out(json.dumps(document, indent=2, ensure_ascii=False))
    return 0
