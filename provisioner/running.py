"""Commands as the command line runs them: wired to the world, their values shown, their exit codes decided."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from provisioner import guarding, wiring
from provisioner.applying.outcome import Applied, Outcome, exit_code
from provisioner.commands import apply as applying
from provisioner.commands import plan as planning
from provisioner.commands.init import next_steps, scaffold
from provisioner.commands.validate import Checked
from provisioner.commands.validate import validate as check
from provisioner.definitions.project import read_project
from provisioner.errors import NotWritten, PlanFileError, ProblemsFound, UsageError
from provisioner.guarding import Guard
from provisioner.interruption import Interruption
from provisioner.planning import saved
from provisioner.planning.approval import ExpectedDigest, SavedPlan, hold_to
from provisioner.planning.renewal import forgotten_key
from provisioner.report import events, faces, outcomes, plan_json, plan_text, problems
from provisioner.report.style import count
from provisioner.settings import Settings, read_settings
from provisioner.state.fingerprint import KEY_VARIABLE

Value = TypeVar("Value")

if TYPE_CHECKING:
    from provisioner.commands.plan import Place
    from provisioner.planning.plan import Asked, Plan
    from provisioner.service.exchange import CallLog, Log
    from provisioner.shell import Shell
    from provisioner.state.records import State
    from provisioner.state.store import FileStore


Reports: TypeAlias = tuple[tuple[str, str], ...]
"""Each a format and the file that it is written to, ``-`` for standard output."""


def in_form(shell: Shell, output: str, reports: Reports, run: Callable[[], int]) -> int:
    """Run a command. The problems it stumbles over are in the reports; with ``--format json`` in the result too."""
    try:
        return run()
    except ProblemsFound as error:
        _write(shell, faces.PROBLEMS, tuple(error.problems), reports)
        if output != "json":
            raise
        shell.egress.result(problems.as_json(error.problems, 0, ()))
        return error.exit_code


def _write(shell: Shell, forms: Mapping[str, Callable[[Value], str]], value: Value, reports: Reports) -> None:
    """The reports that this value has a form for. Raises ``NotWritten``."""
    for form, file in reports:
        if form not in forms:
            continue
        text = forms[form](value)
        if file == "-":
            shell.egress.result(text)
        else:
            _to_file(Path(file), text, shell.egress.publish)


def _to_file(path: Path, text: str, write: Callable[[Path, str], None]) -> None:
    try:
        write(path, text)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}", "name a file in a folder that exists") from None


def validate(shell: Shell, names: tuple[str, ...], output: str, reports: Reports = ()) -> int:
    """Check, show, and say so where all is well."""
    project = read_project(shell.folder)
    targets = tuple(project.target(name) for name in names) or tuple(project.targets.values())
    checked = check(project, targets, shell.progress, shell.share)
    shell.egress.result(_validation(shell, checked, output))
    _write(shell, {**faces.PROBLEMS, "json": lambda _: _validation(shell, checked, "json")}, checked.problems, reports)
    return 1 if checked.problems else 0


def _validation(shell: Shell, checked: Checked, output: str) -> str:
    number = len(checked.texts)
    if output == "json":
        return problems.as_json(checked.problems, number, checked.targets)
    if checked.problems:
        frames = checked.source_line if shell.egress.stdout.isatty() else None
        shown = problems.as_text(checked.problems, shell.result_style, frames)
        return f"{shown}\n{count(len(checked.problems), 'problem')} found in {count(number, 'definition')}"
    return f"{count(number, 'definition')} checked for {_names(checked.targets)}: no problems"


def _names(targets: tuple[str, ...]) -> str:
    return f"target{'' if len(targets) == 1 else 's'} {', '.join(targets)}"


def init(shell: Shell, folder: Path, pipeline: str) -> int:
    """Make a project, and say what is left to do. What is there already stays."""
    for path, text in scaffold(pipeline).items():
        try:
            shell.egress.create(folder / path, text)
            shell.egress.result(f"made  {path}")
        except FileExistsError:
            shell.egress.result(f"kept  {path}  (it was there)")
        except OSError as error:
            raise NotWritten(f"{folder / path} cannot be written: {error.strerror}") from None
    shell.egress.note(shell.note_style.fold(next_steps(pipeline)))
    return 0


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a plan is asked for. ``detailed``: the exit code says whether it holds changes. ``out``: where to save it.
    ``approved``: what it has to be."""

    offline: bool
    detailed: bool
    asked: Asked
    out: Path | None = None
    approved: ExpectedDigest | None = None


def plan(shell: Shell, name: str | None, output: str, options: PlanOptions, reports: Reports = ()) -> int:
    """Make a plan, show it, keep it."""
    offline, asked = options.offline, options.asked
    if offline and asked.adopt:
        raise UsageError("--import-existing has to look at what exists", "leave out --offline")
    if offline and asked.refresh:
        raise UsageError("--refresh-only has to look at what exists", "leave out --offline")
    settings = read_settings(shell.environ)
    where, store = place_of(shell, settings, name)
    state = store.load()
    # What is wrong with the files is said before anything is asked for.
    desired = planning.read_desired(where, state.serial > 0)
    guarding.warn(shell, where, settings, desired)
    if offline:
        made = planning.plan(where, desired, state, None, asked)
    else:
        with wiring.connect(where, settings, log_of(shell), shell.egress.wall.repeats) as service:
            made = planning.plan(where, desired, state, service.reading(), asked)
    shell.egress.result(_plan_text(shell, made, output))
    for words in _advice(made, state, where):
        shell.egress.note(shell.note_style.fold(words))
    _write(shell, faces.PLAN, made, reports)
    if options.approved:
        hold_to(options.approved, made, where.fingerprinter(made.lineage))
    if options.out:
        _to_file(options.out, saved.encoded(made), shell.egress.keep)
        shell.egress.note(f"saved: `apply {options.out}` carries out exactly this plan")
    return planning.exit_code(made, options.detailed)


def _advice(made: Plan, state: State, where: Place) -> Iterator[str]:
    """What is wrong with the plan as a whole rather than with a change of it."""
    key = forgotten_key(state, where.fingerprinter(state.lineage))
    if key:
        yield f"note: {KEY_VARIABLE} is not set, and secrets are recorded with key {key}: {applying.GIVE_UP_KEY}"
    if made.is_first and made.blocked and not made.pending:
        yield (
            "note: nothing is recorded yet, and all of this exists: if there was a state, fetch it; if it is lost, "
            f"`provisioner state rebuild --target {made.target}`"
        )


def place_of(shell: Shell, settings: Settings, name: str | None, lineage: str | None = None) -> tuple[Place, FileStore]:
    project = read_project(shell.folder)
    target = wiring.choose_target(project, name, settings)
    watch = Guard(shell.egress, settings.github).watch
    where = wiring.place(project, target, settings, watch, shell.progress, shell.share)
    return where, wiring.store(project, target, where.identity, shell.egress, lineage)


def _plan_text(shell: Shell, made: Plan, output: str) -> str:
    return plan_json.as_json(made) if output == "json" else plan_text.as_text(made, shell.result_style)


def apply(
    shell: Shell,
    name: str | None,
    output: str,
    options: applying.Options,
    lock_timeout: float,
    reports: Reports = (),
) -> int:
    """Hold the lock, apply, show what became of it."""
    settings = read_settings(shell.environ)
    approved = options.approved if isinstance(options.approved, SavedPlan) else None
    where, store = place_of(shell, settings, name, approved.lineage if approved else None)
    with (
        Interruption() as interruption,
        held(shell, store, where, settings, "apply", lock_timeout),
    ):
        desired = applying.read_complete(where, options.asked, store.load().serial > 0)
        guarding.warn(shell, where, settings, desired)
        with wiring.connect(where, settings, log_of(shell), shell.egress.wall.repeats, interruption.asked) as service:
            ports = _ports(shell, store, service, output, interruption, wiring.token_expires(where, settings))
            applied = applying.apply(where, desired, ports, options)
    shell.egress.result(_end(shell, applied, output))
    with _only_said(shell):
        _write(shell, faces.APPLIED, applied, reports)
    return exit_code(applied)


def _end(shell: Shell, applied: Applied, output: str) -> str:
    if output == "events":
        return events.of_end(applied, datetime.now(UTC))
    if output == "json":
        return outcomes.as_json(applied)
    return shell.result_style.fold(shell.result_style.paint(outcomes.summary(applied), "bold"))


@contextmanager
def _only_said(shell: Shell) -> Iterator[None]:
    """What was applied decides the exit code, not whether a report of it could be written."""
    try:
        yield
    except NotWritten as error:
        shell.egress.note(f"warning: {error.message}")


def read_saved(file: Path, name: str | None) -> SavedPlan:
    """A saved plan. Raises ``PlanFileError``; ``UsageError`` where it is for another target than the one named."""
    try:
        kept = saved.decoded(file.read_text("utf-8"))
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise PlanFileError(f"{file} cannot be read: {reason}", "make one with `plan --out FILE`") from None
    if name and name != kept.target:
        raise UsageError(f"{file} was planned for target {kept.target}, not {name}", "leave out --target")
    return kept


def held(
    shell: Shell, store: FileStore, where: Place, settings: Settings, command: str, timeout: float
) -> AbstractContextManager[None]:
    holder = wiring.holder(f"provisioner {command} --target {where.target.name}", settings)
    return store.hold(holder, timeout, lambda whom: shell.egress.note(f"waiting for {whom}"))


def new_id() -> str:
    return uuid.uuid4().hex


def _ports(
    shell: Shell,
    store: FileStore,
    service: applying.Service,
    output: str,
    interruption: Interruption,
    token_expires: datetime | None,
) -> applying.Ports:
    # Only one JSON document goes to standard output, so then everything on the way is a note.
    say = shell.egress.note if output == "json" else shell.egress.result
    style = shell.note_style if output == "json" else shell.result_style
    more = shell.progress.of("changes done", 0)

    def show(made: Plan) -> None:
        nonlocal more
        more = shell.progress.of("changes done", len(made.pending))
        if output == "events":
            shell.egress.result("\n".join(events.of_plan(made, datetime.now(UTC))))
        else:
            say(plan_text.as_text(made, style) + "\n\n")

    def progress(outcome: Outcome) -> None:
        say(events.of_outcome(outcome, datetime.now(UTC)) if output == "events" else outcomes.line(outcome, style))
        more(1)

    return applying.Ports(
        store=store,
        service=service,
        sleep=lambda seconds: _sleep(interruption, seconds),
        new_id=new_id,
        tell=shell.egress.note,
        show=show,
        confirm=lambda: _confirm(shell),
        progress=progress,
        interrupted=interruption.asked,
        undisturbed=interruption.undisturbed,
        token_expires=token_expires,
    )


def _sleep(interruption: Interruption, seconds: float) -> None:
    interruption.asked.wait(seconds)


def _confirm(shell: Shell) -> bool:
    if shell.stdin is None or not shell.interactive:
        raise UsageError("there is no terminal to ask on; nothing was done", "read the plan, then pass --yes")
    shell.egress.ask("Apply these changes? Only `yes` will do: ")
    answer = shell.stdin.readline()
    if not answer.endswith("\n"):
        shell.egress.ask("\n")
    return answer.strip().lower() == "yes"


def log_of(shell: Shell) -> Log:
    return (lambda call: shell.egress.note(_call(call))) if shell.verbose else (lambda _: None)


def _call(call: CallLog) -> str:
    note = f" {call.note}" if call.note else ""
    request = f" request {call.request_id}" if call.request_id else ""
    return f"{call.method} {call.host}{call.path} {call.status or '-'} {call.seconds:.3f} s{request}{note}"
