"""Select the definitions that read a variable (``--variable``), besides those selected by key. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.definitions.suggestions import suggestion
from provisioner.errors import UsageError
from provisioner.planning.plan import PlanOptions
from provisioner.text import listed


def needs_secrets(desired: Desired, options: PlanOptions) -> bool:
    """Return whether every variable of a definition has to be set to carry out a plan with these options.

    The options may come from the command line, where the readers of a variable are not known yet, or from a saved plan,
    which names them.
    """
    if options.refresh_only:
        return False
    if options.readers or not options.variables:
        return options.selects(desired.key)
    return _reads(desired, options) or (bool(options.select) and options.selects(desired.key))


def with_readers(options: PlanOptions, desired: Iterable[Desired], target: str) -> PlanOptions:
    """Return the options with the keys of the definitions that read one of their variables.

    Those of a saved plan name these keys already and stay as they are: what was approved does not change with the
    definitions. Raise ``UsageError`` for a variable that no definition of the target reads.
    """
    if options.readers or not options.variables:
        return options
    definitions = tuple(desired)
    known = frozenset[str]().union(*(definition.variables for definition in definitions))
    for variable in options.variables:
        if variable not in known:
            every = f"use one of: {listed(sorted(known))}" if known else "its definitions read none: select by key"
            raise UsageError(f"no definition for target {target} reads {variable}", suggestion(variable, known, every))
    return replace(options, readers=tuple(one.key for one in definitions if _reads(one, options)))


def _reads(desired: Desired, options: PlanOptions) -> bool:
    return not desired.variables.isdisjoint(options.variables)
