"""What a run does with its secrets before anything is sent: guard what goes out, tell the runner, say what is odd."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from provisioner.definitions.hygiene import GUESSABLE, UNGUARDED, odd
from provisioner.errors import StateError
from provisioner.model import Problem
from provisioner.planning.reuse import reused
from provisioner.report import problems
from provisioner.report.style import count
from provisioner.sensitive import Sensitive
from provisioner.state.formats import state_from_bytes
from provisioner.state.strength import is_guessable
from provisioner.wall.masking import mask_commands

if TYPE_CHECKING:
    from provisioner.commands.plan import Place
    from provisioner.definitions.desired import Desired
    from provisioner.egress import Egress
    from provisioner.settings import Settings
    from provisioner.shell import Shell

MOST_ALIKE = 10
"""More warnings of one rule than this are counted, not listed."""


class Guard:
    """Tells the wall, and the pipeline's runner where there is one, what must not be shown."""

    def __init__(self, egress: Egress, runner: bool) -> None:
        self._egress = egress
        self._runner = runner

    def watch(self, secrets: Iterable[Sensitive], plain: Iterable[str] = (), private: Iterable[Sensitive] = ()) -> None:
        """From now on nothing of it is shown, unless it stands in one of the ``plain`` texts. What is ``private`` is
        not repeated where the service says it."""
        known = tuple(secrets)
        self._egress.wall.watch(known, plain, private)
        if self._runner and known:
            self._tell_runner(known)

    def _tell_runner(self, known: tuple[Sensitive, ...]) -> None:
        if _runner_listens(self._egress):
            self._egress.mask(mask_commands(one for one in known if not self._egress.wall.lets_pass(one.reveal())))
        else:
            self._runner = False
            message = "secrets are not registered with the runner, because standard error does not lead to it alone"
            self._egress.note(f"note: {message}")


def _runner_listens(egress: Egress) -> bool:
    """Commands hold the secrets themselves: they may go nowhere but to the runner. It reads both streams through pipes
    of its own; a file, or one pipe for both (``2>&1 | tee``), is something else."""
    with suppress(OSError, ValueError):
        out, err = (os.fstat(stream.fileno()) for stream in (egress.stdout, egress.stderr))
        return stat.S_ISFIFO(err.st_mode) and (out.st_dev, out.st_ino) != (err.st_dev, err.st_ino)
    return False


def warn(shell: Shell, where: Place, settings: Settings, desired: tuple[Desired, ...]) -> None:
    """Say what is odd about the variables that were read: by name and place, never by value."""
    judged = {name: value for name, value in settings.variables.items() if value}  # and not the samples of a target
    judges = [(UNGUARDED, shell.egress.wall.lets_pass)]
    if settings.fingerprint_key is None and not where.target.emulator:  # whose state stays on this machine
        judges.append((GUESSABLE, cache(is_guessable)))
    found = (*odd(desired, judged, judges), *_reused(where, settings, desired))
    alike: Counter[str] = Counter()
    for problem in found:
        alike[problem.rule] += 1
        if alike[problem.rule] <= MOST_ALIKE:
            shell.egress.note(problems.as_warning(problem, shell.note_style))
    for rule, number in alike.items():
        if number > MOST_ALIKE:
            shell.egress.note(f"{count(number - MOST_ALIKE, 'warning')} more ({rule})")


def _reused(where: Place, settings: Settings, desired: tuple[Desired, ...]) -> Iterator[Problem]:
    """The same secret in the state of another target, as far as that lies here and was made with the team's key."""
    if settings.fingerprint_key is None:
        return
    compared = where.fingerprinter("")
    for target in where.project.targets.values():
        path = where.project.folder / target.state
        if target.name != where.target.name and not target.emulator and path.is_file():
            with suppress(StateError, OSError):  # a run for that target will say what is wrong with it
                yield from reused(desired, target.name, state_from_bytes(path.read_bytes(), str(path)), compared)
