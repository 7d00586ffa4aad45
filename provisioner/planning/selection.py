"""Select the definitions that read a variable (``--variable``), besides those selected by key. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from provisioner.definitions.desired import Desired
from provisioner.definitions.suggestions import suggestion
from provisioner.errors import UsageError
from provisioner.planning.impact import listed
from provisioner.planning.plan import PlanOptions


def is_selected(desired: Desired, options: PlanOptions, variables: Collection[str]) -> bool:
    """Return whether a definition is selected by its key or by a variable. Without globs and variables, all are."""
    if not desired.variables.isdisjoint(variables):
        return True
    return options.selects(desired.key) if options.select or not variables else False


def needs_secrets(desired: Desired, options: PlanOptions, variables: Collection[str] = ()) -> bool:
    """Return whether every variable of a definition has to be set to carry out a plan with these options."""
    return not options.refresh_only and is_selected(desired, options, variables)


def with_readers(
    options: PlanOptions, variables: Collection[str], desired: Iterable[Desired], target: str
) -> PlanOptions:
    """Return the options with the keys of the definitions that read one of these variables among ``select``.

    A plan then names its keys, and what is approved does not change with the definitions. Raise ``UsageError`` for a
    variable that no definition of the target reads.
    """
    if not variables:
        return options
    definitions = tuple(desired)
    known = frozenset[str]().union(*(definition.variables for definition in definitions))
    for variable in variables:
        if variable not in known:
            every = f"use one of: {listed(sorted(known))}" if known else "its definitions read none: select by key"
            raise UsageError(f"no definition for target {target} reads {variable}", suggestion(variable, known, every))
    readers = [one.key for one in definitions if not one.variables.isdisjoint(variables)]
    return replace(options, select=tuple(dict.fromkeys((*options.select, *readers))))
