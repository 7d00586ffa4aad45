"""Commands that take no empty value, and none twice where it counts once: click takes both for granted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from provisioner.errors import UsageError


class Command(click.Command):
    """One command. An empty value is nearly always a variable that is not set; taken for "not given", it would name
    another target, or approve what nobody has read."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            values, _, order = self.make_parser(ctx).parse_args(list(args))
            for param, number in Counter(order).items():
                _check(param, number, values.get(str(param.name)))
        return super().parse_args(ctx, args)


class Group(click.Group):
    """Commands of this kind."""

    command_class = Command
    group_class = type


def _check(param: click.Parameter, number: int, value: Any) -> None:
    """Raise ``UsageError`` for a parameter that was given ``number`` times."""
    shown = param.opts[-1] if isinstance(param, click.Option) else param.human_readable_name.strip("[].")
    if any(not text.strip() for text in _texts(value)):
        remedy = "set the variable that it comes from; what is not meant to be given is left out"
        raise UsageError(f"{shown} is empty", remedy)
    if number > 1 and isinstance(param, click.Option) and not (param.multiple or param.is_flag):
        raise UsageError(f"{shown} is given {number} times, and only one counts", "leave out the others")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        yield from (text for text in value if isinstance(text, str))
