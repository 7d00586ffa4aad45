"""Everything that a command needs, made once: its process (``Context``) and its target (``Run``)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TextIO

from provisioner.cli.console import Console
from provisioner.cli.settings import Settings, coloured, in_ci, plain, read_settings
from provisioner.errors import NotWritten, ProblemsFound, ProvisionerError, remedy_for
from provisioner.progress import Progress, Waits
from provisioner.report.terminal import Style, safe
from provisioner.text import count

if TYPE_CHECKING:
    from provisioner.definitions.desired import Desired
    from provisioner.definitions.project import Project, Target
    from provisioner.model import Location, Problem
    from provisioner.planning.target_context import TargetContext
    from provisioner.service.client import FlowReader, FlowService
    from provisioner.service.messages import CallLog
    from provisioner.state.store import FileStore

_MAX_WARNINGS = 10
"""Warnings of one rule that are listed; the rest is counted."""


class Needs(IntEnum):
    """Which settings a command needs, and whether to report problems of definitions beside a missing one.

    Each value includes those before it. An offline plan needs no settings of the service, and reads definitions.
    """

    STATE = 0
    SERVICE = 1
    DEFINITIONS = 2


@dataclass(frozen=True, slots=True)
class Context:
    """The process of a command: environment, streams, folder of the project."""

    environ: Mapping[str, str] = field(repr=False)
    stdin: TextIO | None
    console: Console
    folder: Path = Path()
    verbose: bool = False
    result_files: list[str] = field(default_factory=list)
    """The files of ``--report result=FILE``, ``-`` for none but the line on standard error."""

    def at(self, folder: Path, verbose: bool) -> Context:
        return replace(self, folder=folder, verbose=verbose)

    def open(
        self,
        target_name: str | None,
        needs: Needs = Needs.STATE,
        lineage: str | None = None,
        requires_secrets: Callable[[Desired], bool] = lambda _: False,
        instead: str = "",
    ) -> Run:
        """Return a run on a target. ``lineage`` is used for a state that does not exist yet.

        ``requires_secrets`` says for which definitions every variable has to be set; ``instead``, what the command can
        do without credentials.

        Raise ``UsageError`` or ``NotAuthenticated`` if a setting is missing, together with the problems of the
        definitions as ``ProblemsFound`` if the command needs those: a user can then correct all of it at once.
        """
        from provisioner.cli import connect
        from provisioner.definitions.check import open_project

        settings = read_settings(self.environ)
        project = open_project(self.folder)
        target = connect.choose_target(project, target_name, settings)
        try:
            connect.check_settings(target, settings, online=needs > Needs.STATE, instead=instead)
        except ProvisionerError as missing:
            problems = _definition_problems(project, target, settings, needs, requires_secrets)
            raise ProblemsFound(problems, also=missing) if problems else missing from None
        target_context = connect.target_context(
            project, target, settings, self.console.scanner, self.progress, self.waits
        )
        store = connect.open_store(project, target, target_context.identity, self.console, lineage)
        return Run(self, settings, target_context, store)

    def try_files(self, files: Iterable[str | Path]) -> None:
        """Raise ``NotWritten`` if one of these files certainly cannot be written. ``-`` is standard output."""
        for file in files:
            try:
                if file != "-":
                    self.console.try_file(Path(file))
            except OSError as error:
                message = f"{file} cannot be written: {error.strerror}; nothing was sent"
                raise NotWritten(message, remedy_for(error)) from None

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""
        if self.stdin is None or in_ci(self.environ):
            return False
        # The plan goes to standard output and the question to standard error: both must be seen.
        return all(stream.isatty() for stream in (self.stdin, self.console.stdout, self.console.stderr))

    @property
    def out_style(self) -> Style:
        return self._style(self.console.stdout)

    @property
    def err_style(self) -> Style:
        return self._style(self.console.stderr)

    @property
    def progress(self) -> Progress:
        """A status line on a terminal; elsewhere, as in logs, a new line every ten seconds."""
        if self.console.stderr.isatty() and not plain(self.environ):
            # A line that the terminal wraps could not be erased.
            width = max(self.err_style.width - 1, 0) or None
            return Progress(
                time.monotonic, 1, lambda text: self.console.status(safe(text)[:width]), lambda: self.console.status("")
            )
        return Progress(time.monotonic, 10, lambda text: self.console.err(safe(text)))

    @property
    def waits(self) -> Waits:
        """Like ``progress``; with ``--verbose`` each wait has a line of its own, among those of the calls."""
        return Waits(
            Progress(time.monotonic, 0, lambda text: self.console.err(safe(text))) if self.verbose else self.progress
        )

    def log_to(self, record_call: Callable[[CallLog], None]) -> Callable[[CallLog], None]:
        """Return a log of calls that passes each on to ``record_call``, and prints it with ``--verbose``."""

        def log(call: CallLog) -> None:
            if call.request_id and self.console.scanner.contains(call.request_id):
                call = replace(call, request_id="")  # errors leave it out too, see ``RedactingTransport``
            record_call(call)
            if self.verbose:
                self.console.err(safe(_log_line(call)))

        return log

    def _style(self, stream: TextIO) -> Style:
        return Style(coloured(self.environ, stream.isatty()), _width(stream))


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command on one target."""

    context: Context
    settings: Settings
    target: TargetContext
    store: FileStore

    def load_definitions(
        self, allow_none: bool = False, requires_secrets: Callable[[Desired], bool] = lambda _: False
    ) -> tuple[Desired, ...]:
        """Return what the definitions ask for on the target, and print warnings. See ``load_definitions`` below."""
        desired = load_definitions(self.target, allow_none, requires_secrets)
        self.warn(desired)
        return desired

    def warn(self, desired: tuple[Desired, ...]) -> None:
        """Print which files were overlooked and what is odd about the variables that were read; never a value."""
        from provisioner.definitions.files import overlooked_files
        from provisioner.definitions.project import CONNECTIONS
        from provisioner.definitions.variables import variable_warnings
        from provisioner.report import problems

        console, style = self.context.console, self.context.err_style
        variables = {name: value for name, value in self.settings.variables.items() if value}  # not a target's samples
        by_rule: Counter[str] = Counter()
        for problem in (*overlooked_files(self.context.folder, CONNECTIONS), *variable_warnings(desired, variables)):
            by_rule[problem.rule] += 1
            if by_rule[problem.rule] <= _MAX_WARNINGS:
                console.err(problems.as_warning(problem, style))
        for rule, number in by_rule.items():
            if number > _MAX_WARNINGS:
                console.err(f"{count(number - _MAX_WARNINGS, 'warning')} more ({rule})")

    def hold(self, command: str, timeout: float) -> AbstractContextManager[None]:
        """Hold the lock of the state. ``timeout`` in seconds. Raise ``LockedError``."""
        from provisioner.cli.connect import own_holder

        holder = own_holder(f"provisioner {command} --target {self.target.name}", self.settings)
        return self.store.hold(
            holder, timeout, lambda other: self.context.console.err(f"waiting for {safe(str(other))}")
        )

    def other_writer(self) -> str:
        """Return who is writing the state now, "" if nobody is."""
        from provisioner.state.lock import current_holder

        return current_holder(self.target.project.folder / self.target.target.state)

    @contextmanager
    def connect(
        self, interrupted: Event | None = None, record_call: Callable[[CallLog], None] = lambda _: None
    ) -> Iterator[FlowService]:
        """Connect to the Flow Service of the target, or start its emulator. Raise ``NotAuthenticated``.

        Once ``interrupted`` is set, nothing is waited for or sent again. ``record_call`` gets each call, in the thread
        that sends it.
        """
        from provisioner.cli.connect import connect

        log, repeats = self.context.log_to(record_call), self.context.console.scanner.contains
        with connect(self.target, self.settings, log, repeats, interrupted) as service:
            yield service

    @contextmanager
    def connect_reader(self, offline: bool = False) -> Iterator[FlowReader | None]:
        """Connect for reading alone; yield None when ``offline``."""
        if offline:
            yield None
            return
        with self.connect() as service:
            yield service.reading()


def new_id() -> str:
    return os.urandom(16).hex()


def load_definitions(
    target: TargetContext, allow_none: bool = False, requires_secrets: Callable[[Desired], bool] = lambda _: False
) -> tuple[Desired, ...]:
    """Return what the definitions ask for on a target. Raise ``ProblemsFound`` with everything that is wrong with them.

    No definitions at all are a problem unless ``allow_none``: with records in the state, the guards against deletes
    judge that. ``requires_secrets`` says for which of them every variable has to be set.
    """
    from provisioner.definitions.check import CheckResult
    from provisioner.definitions.files import NO_DEFINITION
    from provisioner.definitions.project import FILE_NAME
    from provisioner.definitions.render import read
    from provisioner.definitions.variables import exposed_secrets, unset_variables

    scanner = target.scanner
    definitions = read(target.project, (target.target,), target.environment, target.progress)
    (built,) = definitions.by_target
    scanner.register((secret for secret in built.secrets if not target.is_sample(secret)), built.private)
    texts = {FILE_NAME: target.project.text, **definitions.texts}
    exposures = exposed_secrets(texts, built.desired, scanner.origins_in)
    unset = unset_variables(filter(requires_secrets, built.desired), target.environment)
    problems = {
        problem
        for problem in (*definitions.problems, *built.problems, *unset)
        if not (allow_none and problem.rule == NO_DEFINITION)
        # A problem that would repeat a secret is about a line that is among the exposures.
        and not (exposures and scanner.origins_in(f"{problem.location} {problem.message} {problem.remedy}"))
    }
    if problems or exposures:
        checked = CheckResult(definitions.definitions, (target.name,), tuple(sorted({*problems, *exposures})), texts)

        def harmless_line(location: Location) -> str:
            line = checked.source_line(location)
            return "" if scanner.origins_in(line) else line

        raise ProblemsFound(checked.problems, harmless_line)
    return built.desired


def _log_line(call: CallLog) -> str:
    note = f" {call.note}" if call.note else ""
    request = f" request {call.request_id}" if call.request_id else ""
    return f"{call.method} {call.host}{call.path} {call.status or '-'} {call.seconds:.3f} s{request}{note}"


def _definition_problems(
    project: Project,
    target: Target,
    settings: Settings,
    needs: Needs,
    requires_secrets: Callable[[Desired], bool],
) -> tuple[Problem, ...]:
    if needs < Needs.DEFINITIONS:
        return ()
    from provisioner.definitions.files import NO_DEFINITION, NO_FOLDER
    from provisioner.definitions.render import read
    from provisioner.definitions.variables import unset_variables

    definitions = read(project, (target,), {})
    (built,) = definitions.by_target
    unset = unset_variables(filter(requires_secrets, built.desired), settings.variables)
    found = {*definitions.problems, *built.problems, *unset}
    return tuple(sorted(one for one in found if one.rule not in (NO_DEFINITION, NO_FOLDER)))  # the state judges these


def _width(stream: TextIO) -> int:
    """Return the columns of a terminal; 0 where there is none, or it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0
