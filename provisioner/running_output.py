"""``output`` as the command line runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from provisioner import running
from provisioner.cli.settings import read_settings
from provisioner.errors import NotWritten
from provisioner.report import ids
from provisioner.state.records import Record, record_of

if TYPE_CHECKING:
    from provisioner.cli.context import Context

FORMS: Mapping[str, Callable[[Iterable[Record]], str]] = {
    "json": ids.as_json,
    "env": ids.as_env,
    "github": ids.as_github,
}


def output(shell: Context, name: str | None, form: str, key: str | None) -> int:
    """The ids of what is recorded; of one key its id alone."""
    settings = read_settings(shell.environ)
    _, store = running.place_of(shell, settings, name)
    state = store.load()
    if key is not None:
        shell.console.out(ids.as_id(record_of(state, key)))
        return 0
    text = FORMS[form](state.records)
    if form != "github" or settings.github_output is None:
        shell.console.out(text)
        return 0
    try:
        shell.console.append(settings.github_output, f"{text}\n")
    except OSError as error:
        raise NotWritten(
            f"{settings.github_output} cannot be written: {error.strerror}", "check the file that GITHUB_OUTPUT names"
        ) from None
    return 0
