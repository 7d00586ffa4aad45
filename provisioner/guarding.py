"""What a run says about the variables that it was given."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from provisioner.definitions.files import not_read
from provisioner.definitions.lint import odd
from provisioner.definitions.project import CONNECTIONS
from provisioner.report import problems
from provisioner.report.terminal import count

if TYPE_CHECKING:
    from provisioner.cli.context import Context
    from provisioner.cli.settings import Settings
    from provisioner.definitions.desired import Desired

MOST_ALIKE = 10
"""More warnings of one rule than this are counted, not listed."""


def warn(shell: Context, settings: Settings, desired: tuple[Desired, ...]) -> None:
    """Say which files were overlooked, and what is odd about the variables that were read: never by value."""
    judged = {name: value for name, value in settings.variables.items() if value}  # and not the samples of a target
    alike: Counter[str] = Counter()
    for problem in (*not_read(shell.folder, CONNECTIONS), *odd(desired, judged)):
        alike[problem.rule] += 1
        if alike[problem.rule] <= MOST_ALIKE:
            shell.console.err(problems.as_warning(problem, shell.note_style))
    for rule, number in alike.items():
        if number > MOST_ALIKE:
            shell.console.err(f"{count(number - MOST_ALIKE, 'warning')} more ({rule})")
