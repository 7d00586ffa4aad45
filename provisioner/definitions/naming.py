"""Names and descriptions on one target -> warnings: which may not come back as sent, and which read alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provisioner.definitions.desired import Desired
from provisioner.model import Problem, Severity
from provisioner.text import instability, lookalikes, stabilized


def name_warnings(desired: Iterable[Desired]) -> Iterator[Problem]:
    """Yield what is doubtful about names, in a pair that reads alike about the later one.

    A name whose value is not known here, or not to be shown, is not judged.
    """
    by_file = {one.location.file: one for one in desired if "name" in one.texts}
    others = lookalikes({file: one.name for file, one in by_file.items()})
    earlier = set[str]()
    for file, one in by_file.items():
        reason = instability(one.name)
        if reason:
            message = f"the name {reason}, and may come back otherwise than it was sent"
            yield _warning(one, "name.unstable", message, _remedy(one.name))
        if others.get(file) in earlier:
            message = (
                f"the name reads like that of {others[file]}, and differs only in what is easily changed or unseen"
            )
            yield _warning(one, "name.lookalike", message, "give each base connection a name that reads otherwise")
        earlier.add(file)


def description_warnings(desired: Iterable[Desired]) -> Iterator[Problem]:
    """Yield a warning for each description with white space at its ends, as a block scalar leaves it.

    Assumed, not documented: a service that trims texts would make every later plan show it as changed.
    """
    for one in desired:
        text = one.texts.get("description", "")
        if text != text.strip():
            message = "the description begins or ends with white space, and may come back without it"
            remedy = "remove it; in a block, `|-` and `>-` add no line break at the end"
            at = one.location_of("description")
            yield Problem(at, "description.unstable", message, remedy, severity=Severity.WARNING)


def _remedy(name: str) -> str:
    written = stabilized(name)
    return f"write `{written}`" if written else "write a shorter name, of characters that are seen"


def _warning(one: Desired, rule: str, message: str, remedy: str) -> Problem:
    return Problem(one.location_of("name"), rule, message, remedy, severity=Severity.WARNING)
