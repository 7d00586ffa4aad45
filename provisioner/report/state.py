"""The recorded state as text and as JSON, and the result of rebuilding it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from provisioner.apply.outcome import Rebuilt
from provisioner.definitions.desired import CONNECTION_STRING
from provisioner.model import Json
from provisioner.planning.impact import servers_of
from provisioner.report.tables import aligned, fitted
from provisioner.report.terminal import Style, json_text, safe
from provisioner.state.records import Intent, Record, StateEntry
from provisioner.text import count

FORMAT_VERSION = "1.1"

_HEAD = ("KEY", "NAME", "ID", "SERVER", "TESTED (UTC)", "LAST APPLIED (UTC)")
_LEAST = {"ID": 11, "SERVER": 15, "NAME": 15}
"""The widths that columns keep on a narrow terminal. Ids are cut first, since people compare only their beginning. Keys
stay whole, since people type them."""

_NONE = "-"
_NEVER, _PASSED, _NOT_PASSED = "never", "passed", "not passed"


def as_list(entries: tuple[StateEntry, ...], target: str, style: Style) -> str:
    """Return a table with a row for each key, followed by its calls with an unknown outcome."""
    if not entries:
        return style.fold(
            f"nothing is recorded for target {target}: run `provisioner apply --target {target}` to create base "
            f"connections as defined, or `provisioner import --all --target {target}` to import existing ones"
        )
    whole = [_HEAD, *map(_cells, entries)]
    table = fitted(whole, _LEAST, style.width)
    head, *rows = aligned(table[0], table[1:], style, _roles_of).split("\n")
    lines = [head]
    for entry, row in zip(entries, rows, strict=True):
        lines += [row, *(style.fold(_open_line(intent, style)) for intent in entry.intents)]
    if table is not whole:
        note = f"cut to {style.width} columns: `state show KEY` or `--format json` has everything"
        lines.append(style.paint(style.fold(note), "dim"))
    return "\n".join(lines)


def _cells(entry: StateEntry) -> tuple[str, ...]:
    record = entry.record
    if record is None:
        return (entry.key, *[_NONE] * (len(_HEAD) - 1))
    test = _test(record)
    times = (_utc(record.tested_at) if test == _PASSED else test, _utc(record.applied_at))
    cells = (record.texts.get("name"), record.id, _server(record), *(time.removesuffix(" UTC") for time in times))
    return (entry.key, *(cell or _NONE for cell in cells))


def _roles_of(title: str, text: str) -> tuple[str, ...]:
    if title == "KEY":
        return ("bold",)
    return ("yellow",) if (title, text) == (_HEAD[-2], _NOT_PASSED) else ()


def _server(record: Record) -> str:
    """Return the server; where nobody may read it, the origin of what holds it; "" if it is not recorded."""
    string = record.secrets_as_dict.get(CONNECTION_STRING)
    return ", ".join(servers_of(record)) or (string.origin if string else "")


def _test(record: Record) -> str:
    """Return the result of the last test of the present credentials."""
    return _NOT_PASSED if record.untested else _PASSED if record.tested_at else _NEVER


def _utc(time: str) -> str:
    """Return a recorded time, to be read by people; a text that is no time as it is."""
    try:
        moment = datetime.fromisoformat(time)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return time
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def as_text(entry: StateEntry, style: Style) -> str:
    """Return everything about one key; of secrets only their origin."""
    rows = list(_rows(entry))
    width = max((len(name) for name, _ in rows), default=0)
    lines = [style.paint(safe(entry.key), "bold")]
    lines += [f"    {name:{width}}  {safe(value)}" for name, value in rows]
    lines += [_open_line(intent, style) for intent in entry.intents]
    return style.fold("\n".join(lines))


def _open_line(intent: Intent, style: Style) -> str:
    call = f"{intent.step} of " + (intent.id or f'"{intent.name}"')
    text = f"a {call}, sent at {_utc(intent.sent_at)}, has no known outcome; the next apply determines it first"
    return f"    {style.paint('open:', 'yellow')} {safe(text)}"


def _rows(entry: StateEntry) -> Iterator[tuple[str, str]]:
    record = entry.record
    if record is None:
        return
    yield "id", record.id
    yield "etag", record.etag or "(none)"
    yield "last applied", _utc(record.applied_at) or "(not recorded)"
    tested = f"{_NOT_PASSED}; `apply --test` tests again" if record.untested else _utc(record.tested_at)
    yield "tested", tested or "never with these credentials"
    for path, value in record.texts.items():
        yield path, f'"{value}"'
    for secret in record.secrets:
        yield secret.path, f"{secret.origin}, fingerprint by {secret.fingerprint.alg}"


def as_json(entries: Iterable[StateEntry]) -> str:
    """Return ``{format_version, entries: [{key, id, etag, server, test, untested, tested_at, applied_at,
    fields, secrets: {path: origin}, open: [...]}]}``. ``test``: never, passed or not passed."""
    return json_text({"format_version": FORMAT_VERSION, "entries": [_as_dict(entry) for entry in entries]})


def _as_dict(entry: StateEntry) -> Json:
    record = entry.record
    return {
        "key": entry.key,
        "id": record.id if record else None,
        "etag": record.etag if record else None,
        "server": (_server(record) or None) if record else None,
        "test": _test(record) if record else None,
        "untested": record.untested if record else False,
        "tested_at": (record.tested_at or None) if record else None,
        "applied_at": (record.applied_at or None) if record else None,
        "fields": dict(record.texts) if record else {},
        "secrets": {secret.path: secret.origin for secret in record.secrets} if record else {},
        "open": [{"step": intent.step, "id": intent.id, "sent_at": intent.sent_at} for intent in entry.intents],
    }


def rebuild_as_text(result: Rebuilt, style: Style) -> str:
    """Return the result of rebuilding the state: the adopted records, and the open cases with remedies."""
    lines = [safe(note) for note in result.mended]
    lines += [f"{style.paint('adopted', 'green')}  {safe(each.key)}  {safe(each.id)}" for each in result.adopted]
    for change in result.open:
        lines.append(f"{style.paint('open', 'yellow')}     {safe(change.key)}  {safe(change.reason)}")
        lines.append(f"    {style.paint('remedy:', 'cyan')} {safe(change.remedy)}")
    numbers = f"{count(result.kept, 'record')} kept, {len(result.adopted):,} adopted, {len(result.open):,} open."
    return style.fold("\n".join([*lines, style.paint(f"State rebuilt: {numbers}", "bold")]))
