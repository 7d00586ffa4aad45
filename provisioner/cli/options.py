"""Options that several commands share, each written once."""

from __future__ import annotations

import errno
import functools
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import click

from provisioner.cli.context import Context
from provisioner.cli.did_you_mean import as_key
from provisioner.errors import ProvisionerError, UsageError
from provisioner.report.formats import RESULT

Command: TypeAlias = Callable[..., Any]


class StrictCommand(click.Command):
    """A command that refuses empty values, options given twice, and reports that cannot be written.

    An empty value is nearly always a variable that is not set. Taken for "not given", it would choose another target,
    or approve a plan that nobody has read.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            context = ctx.find_object(Context)
            if context and any(param.name == "reports" for param in self.params):
                _expect_results(context, args)  # first, so that usage errors have a result too
            _refuse_single_dash(ctx, args)
            values, _, order = self.make_parser(ctx).parse_args(list(args))
            for param, number in Counter(order).items():
                _check(param, number, values.get(str(param.name)))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Before it sends anything, try the files of its reports."""
        if context := ctx.find_object(Context):
            context.try_files(file for _, file in ctx.params.get("reports", ()))
        return super().invoke(ctx)


class StrictGroup(click.Group):
    """A group of strict commands."""

    command_class = StrictCommand
    group_class = type


_SINGLE_DASH = re.compile(r"(-[A-Za-z][A-Za-z-]+)(?:=.*)?", re.DOTALL)


def _refuse_single_dash(ctx: click.Context, args: list[str]) -> None:
    """Raise ``NoSuchOption`` for ``-target``, as Terraform writes it; click would read several one-letter options."""
    letters = {name[1] for one in ctx.command.get_params(ctx) for name in one.opts if len(name) == 2}
    for arg in itertools.takewhile("--".__ne__, args):
        word = _SINGLE_DASH.fullmatch(arg)
        if word and not letters.issuperset(word[1][1:]):
            raise click.NoSuchOption(word[1], ctx=ctx)


def _expect_results(context: Context, args: Iterable[str]) -> None:
    """Register the files of ``--report result=FILE``, and remove those that an earlier run left."""
    previous = ""
    for arg in itertools.takewhile("--".__ne__, args):
        if previous == "--report" or arg.startswith("--report="):
            form, _, file = arg.removeprefix("--report=").partition("=")
            if form == RESULT and file:
                context.result_files.append(file)
                if file != "-":
                    context.console.remove_report(Path(file))
        previous = arg


def _check(param: click.Parameter, number: int, value: Any) -> None:
    """Raise ``UsageError`` for an empty value, or for one of several values that would be dropped."""
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


def project(command: Command) -> Command:
    """Add the options of every command that calls the service. They may stand after the command's name."""
    return _project(command, hide_verbose=False)


def offline_project(command: Command) -> Command:
    """Add the same to a command that never calls the service: ``-v`` is accepted, and has nothing to log."""
    return _project(command, hide_verbose=True)


def _project(command: Command, hide_verbose: bool) -> Command:
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
        hidden=hide_verbose,
        help="Log each call (method, path, status, time, request id) and each wait.",
    )
    @click.pass_obj
    @functools.wraps(command)
    def wrapped(context: Context, /, project: Path | None, verbose: bool, **options: Any) -> Any:
        return command(context.at(_absolute(project or Path()), verbose), **options)

    return wrapped


def _folder_of(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Return the folder of a project file, for users who name the file itself."""
    return path.parent if path and path.name == "provisioner.yaml" and path.is_file() else path


def _absolute(folder: Path) -> Path:
    try:
        return folder.resolve()
    except FileNotFoundError:
        raise UsageError("the current folder is gone", "change to a folder that exists") from None
    except RuntimeError:  # raised by Python before 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder)) from None


def complete_target(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Return the targets that begin so; none where the project file cannot be read."""
    from provisioner.definitions.project import read_project

    try:
        project = read_project(Path(ctx.params.get("project") or "."))
    except ProvisionerError:
        return []
    return [name for name in project.targets if name.startswith(typed)]


def complete_key(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Return the keys of definitions that begin so; none where they cannot be read."""
    from provisioner.definitions.project import read_project
    from provisioner.definitions.render import read

    try:
        definitions = read(read_project(Path(ctx.params.get("project") or ".")), (), {}).definitions
    except ProvisionerError:
        return []
    return sorted(definition.key for definition in definitions if definition.key.startswith(typed))


def complete_variable(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Return the variables that definitions read and that begin so; none where the definitions cannot be read."""
    from provisioner.definitions.project import read_project
    from provisioner.definitions.render import read

    try:
        project = read_project(Path(ctx.params.get("project") or "."))
        name = ctx.params.get("target")
        targets = (project.target(name),) if name else tuple(project.targets.values())
        by_target = read(project, targets, {}).by_target
    except ProvisionerError:
        return []
    names = {name for built in by_target for definition in built.desired for name in definition.variables}
    return sorted(name for name in names if name.startswith(typed))


def read_key(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Return keys, also for users who name the files of definitions."""
    return tuple(map(as_key, value)) if isinstance(value, tuple) else as_key(value) if value else value


target = click.option(
    "--target",
    metavar="NAME",
    shell_complete=complete_target,
    help="Target from provisioner.yaml.  [default: its default_target]",
)
form = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the result.",
)
progress_form = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "events"]),
    default="text",
    show_default=True,
    help="Format of the result; events: progress as it happens, one JSON object per line.",
)
select = click.option(
    "--select",
    metavar="KEY",
    multiple=True,
    shell_complete=complete_key,
    callback=read_key,
    help="Only keys that match this key or glob; may be repeated.",
)
variable = click.option(
    "--variable",
    "variables",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_variable,
    help="Only definitions that read this environment variable; may be repeated, and adds to the selected keys.",
)
parallelism = click.option(
    "--parallelism", type=click.IntRange(1, 64), default=8, show_default=True, help="Number of concurrent calls."
)
lock_timeout = click.option(
    "--lock-timeout",
    type=click.FloatRange(0),
    default=0,
    metavar="SECONDS",
    help="Wait up to this long for another run to end.",
)
exceed_limits = click.option(
    "--exceed-limits", is_flag=True, help="Allow more deletes or updates than `limits` in provisioner.yaml."
)
overwrite_drift = click.option("--overwrite-drift", is_flag=True, help="Overwrite drift; --yes alone does not.")
no_wait = click.option("--no-wait", is_flag=True, help="Do not wait for calls whose outcome is unknown.")
yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def reports(formats: Iterable[str]) -> Callable[[Command], Command]:
    """Add ``--report FORMAT=FILE``, which may be repeated and becomes pairs of both.

    The report ``result`` is added: how the command ended.
    """
    names = (*formats, RESULT)

    def read(value: str) -> tuple[str, str]:
        form, _, file = value.partition("=")
        if form not in names or not file:
            raise click.BadParameter(f"{value!r} is not FORMAT=FILE with one of the formats {', '.join(names)}")
        return form, file

    def complete(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
        return [f"{form}=" for form in names if form.startswith(typed)]

    return click.option(
        "--report",
        "reports",
        metavar="FORMAT=FILE",
        type=read,
        multiple=True,
        shell_complete=complete,
        help=f"Also write a report: {', '.join(formats)}; or {RESULT}: one word for the exit code, however the command "
        "ends. FILE - is standard output; may be repeated.",
    )


_PLAN_OPTIONS = (
    click.option(
        "--import-existing", is_flag=True, help="Adopt existing base connections that match their definition."
    ),
    click.option("--allow-delete", is_flag=True, help="Delete base connections whose definition was removed."),
    click.option(
        "--allow-mass-delete",
        is_flag=True,
        help="Also allow deletes when no definition is left, or of more than 30 % of ten or more.",
    ),
    click.option(
        "--allow-protected-delete",
        is_flag=True,
        help="Also allow deleting base connections with lifecycle.preventDestroy.",
    ),
    click.option(
        "--allow-mass-recreate",
        is_flag=True,
        help="Allow recreating base connections that were deleted outside provisioner, if that is all of two or more, "
        "or more than 30 % of ten or more.",
    ),
    exceed_limits,
    overwrite_drift,
    click.option("--prove", is_flag=True, help="Prove new credentials on a throwaway base connection first."),
    click.option("--resend", is_flag=True, help="Send credentials again, even if unchanged; create nothing."),
    click.option("--test", is_flag=True, help="Test each database after a create or a change of credentials."),
    click.option("--refresh-only", is_flag=True, help="Update the state from the service; change nothing else."),
    select,
    variable,
)


def plan_options(command: Command) -> Command:
    """Add the options that plan and apply share, so that the one shows what the other does.

    Each is a field of ``PlanOptions``, and the command receives them as one, named ``plan_options``. ``with_readers``
    adds the keys that ``--variable`` stands for once the definitions are read.
    """

    @functools.wraps(command)
    def wrapped(*args: Any, **given: Any) -> Any:
        from provisioner.planning.plan import PlanOptions

        names = given.keys() & {option.name for option in fields(PlanOptions)}
        options = PlanOptions(**{name: given.pop(name) for name in names})
        admitted = PlanOptions(
            refresh_only=True,
            select=options.select,
            variables=options.variables,
            allow_mass_recreate=options.allow_mass_recreate,
        )
        if options.refresh_only and options != admitted:
            raise click.UsageError("--refresh-only changes the state alone: leave out the flags that would change more")
        return command(*args, plan_options=options, **given)

    for option in reversed(_PLAN_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
