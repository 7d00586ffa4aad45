"""Flags that several commands share, each written once."""

from __future__ import annotations

import errno
import functools
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provisioner.cli.context import Context
from provisioner.cli.guesses import as_key
from provisioner.errors import ProvisionerError, UsageError

if TYPE_CHECKING:
    from provisioner.planning.plan import PlanOptions

Command = TypeVar("Command", bound=Callable[..., Any])

_FORMAT = click.Choice(["text", "json"])

PLAN_REPORTS = ("text", "json", "markdown", "html", "github", "gitlab-terraform", "gitlab-codequality", "digest")
APPLY_REPORTS = ("json", "markdown", "junit")
CHECK_REPORTS = ("json", "github", "gitlab-codequality", "junit")


class StrictCommand(click.Command):
    """One command. An empty value is nearly always a variable that is not set; taken for "not given", it would name
    another target, or approve what nobody has read."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            _refuse_long_words(ctx, args)
            values, _, order = self.make_parser(ctx).parse_args(list(args))
            for param, number in Counter(order).items():
                _check(param, number, values.get(str(param.name)))
        return super().parse_args(ctx, args)


class StrictGroup(click.Group):
    """Commands of this kind."""

    command_class = StrictCommand
    group_class = type


_LONG_WORD = re.compile(r"(-[A-Za-z][A-Za-z-]+)(?:=.*)?", re.DOTALL)


def _refuse_long_words(ctx: click.Context, args: list[str]) -> None:
    """Raise ``NoSuchOption`` for ``-target`` as Terraform writes it. Taken for letters, it would name others."""
    letters = {name[1] for one in ctx.command.get_params(ctx) for name in one.opts if len(name) == 2}
    for arg in itertools.takewhile("--".__ne__, args):
        word = _LONG_WORD.fullmatch(arg)
        if word and not letters.issuperset(word[1][1:]):
            raise click.NoSuchOption(word[1], ctx=ctx)


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


def _folder_of(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Return the folder of a project file; somebody may name the file itself."""
    return path.parent if path and path.name == "provisioner.yaml" and path.is_file() else path


def common_options(command: Command) -> Command:
    """Options of every command that calls the service. They may stand behind the command's name."""
    return _project_options(command, hidden=False)


def offline_options(command: Command) -> Command:
    """The same of a command that never calls it: ``-v`` has nothing to log, and is taken all the same."""
    return _project_options(command, hidden=True)


def _absolute(folder: Path) -> Path:
    try:
        return folder.resolve()
    except FileNotFoundError:
        raise UsageError("the current folder is gone", "change to a folder that exists") from None
    except RuntimeError:  # of Python before 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder)) from None


def _project_options(command: Command, hidden: bool) -> Command:
    @click.option(
        "--project",
        metavar="DIR",
        type=click.Path(path_type=Path, readable=False),
        callback=_folder_of,
        help="Folder of provisioner.yaml.  [default: .]",
    )
    @click.option(
        "-v",
        "--verbose",
        is_flag=True,
        hidden=hidden,
        help="Log each call (method, path, status, time, request id) and each wait.",
    )
    @click.pass_obj
    @functools.wraps(command)
    def wrapped(shell: Context, /, project: Path | None, verbose: bool, **options: Any) -> Any:
        return command(shell.at(_absolute(project or Path()), verbose), **options)

    return wrapped  # type: ignore[return-value]


def complete_target(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """For completion; a project file that cannot be read has none."""
    from provisioner.definitions.project import read_project

    try:
        project = read_project(Path(ctx.params.get("project") or "."))
    except ProvisionerError:
        return []
    return [name for name in project.targets if name.startswith(typed)]


def complete_key(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """The keys of all definitions; none where they cannot be read."""
    from provisioner.definitions.project import read_project
    from provisioner.definitions.read import read

    try:
        definitions = read(read_project(Path(ctx.params.get("project") or ".")), (), {}).definitions
    except ProvisionerError:
        return []
    return sorted(one.key for one in definitions if one.key.startswith(typed))


def read_key(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Return keys; somebody may name the files of definitions instead."""
    return tuple(map(as_key, value)) if isinstance(value, tuple) else as_key(value) if value else value


target_option = click.option(
    "--target",
    metavar="NAME",
    shell_complete=complete_target,
    help="Target of the project file.  [default: its default_target]",
)
format_option = click.option(
    "--format", "output", type=_FORMAT, default="text", show_default=True, help="Form of the result."
)

select_option = click.option(
    "--select",
    metavar="KEY",
    multiple=True,
    shell_complete=complete_key,
    callback=read_key,
    help="Only these keys; globs; may be repeated.",
)
parallelism_option = click.option(
    "--parallelism", type=click.IntRange(1, 64), default=8, show_default=True, help="Calls at a time."
)
lock_timeout_option = click.option(
    "--lock-timeout", type=click.FloatRange(0), default=0, metavar="SECONDS", help="Wait for another run."
)
overwrite_drift_option = click.option("--overwrite-drift", is_flag=True, help="Overwrite drift, even with --yes.")
no_wait_option = click.option(
    "--no-wait", is_flag=True, help="Do not wait to find out what became of calls whose outcome is unknown."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def reports_option(formats: tuple[str, ...]) -> Callable[[Command], Command]:
    """``--report FORMAT=FILE`` -> the two, for each time it is given."""

    def read(value: str) -> tuple[str, str]:
        form, _, file = value.partition("=")
        if form not in formats or not file:
            raise click.BadParameter(f"{value!r} is not FORMAT=FILE with one of the formats {', '.join(formats)}")
        return form, file

    words = f"Write this as well: {', '.join(formats)}; FILE may be - for standard output; may be repeated."

    def complete(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
        return [f"{form}=" for form in formats if form.startswith(typed)]

    return click.option(
        "--report", "reports", metavar="FORMAT=FILE", type=read, multiple=True, shell_complete=complete, help=words
    )


def asked_options(command: Command) -> Command:
    """What plan and apply may be asked for alike, so that the one shows what the other does."""
    options = (
        click.option(
            "--import-existing", is_flag=True, help="Adopt existing base connections that match their definition."
        ),
        click.option("--allow-delete", is_flag=True, help="Delete base connections whose definition was removed."),
        click.option(
            "--allow-mass-delete",
            is_flag=True,
            help="Also allow deleting all of them, or more than 30 % of ten or more.",
        ),
        click.option(
            "--allow-protected-delete", is_flag=True, help="Also allow deleting what lifecycle.preventDestroy protects."
        ),
        click.option(
            "--allow-mass-recreate",
            is_flag=True,
            help="Allow recreating all that were deleted outside, or more than 30 % of ten or more.",
        ),
        overwrite_drift_option,
        click.option("--prove", is_flag=True, help="Prove new credentials on a throwaway base connection first."),
        click.option("--resend", is_flag=True, help="Send credentials again, also unchanged ones; create nothing."),
        click.option("--test", is_flag=True, help="Test each database after its create or change of credentials."),
        click.option("--refresh-only", is_flag=True, help="Update the state from the service; change nothing else."),
        select_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def read_asked(flags: dict[str, Any]) -> PlanOptions:
    from provisioner.planning.plan import PlanOptions

    asked = PlanOptions(
        adopt=flags["import_existing"],
        delete=flags["allow_delete"],
        mass_delete=flags["allow_mass_delete"],
        protected_delete=flags["allow_protected_delete"],
        mass_recreate=flags["allow_mass_recreate"],
        refresh=flags["refresh_only"],
        overwrite_drift=flags["overwrite_drift"],
        test=flags["test"],
        prove=flags["prove"],
        resend=flags["resend"],
        select=flags["select"],
    )
    if asked.refresh and asked != PlanOptions(refresh=True, select=asked.select, mass_recreate=asked.mass_recreate):
        raise click.UsageError("--refresh-only changes the state alone: leave out the flags that would change more")
    return asked
