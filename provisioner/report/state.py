"""The recorded state as text and as JSON, and the result of rebuilding it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provisioner.apply.outcome import Rebuilt
from provisioner.model import Json
from provisioner.report.terminal import Style, count, json_text, safe
from provisioner.state.records import Intent, StateEntry


def as_list(entries: tuple[StateEntry, ...], style: Style) -> str:
    """Return a line for each key, followed by its calls with an unknown outcome."""
    if not entries:
        return "nothing is recorded"
    width = max(len(safe(entry.key)) for entry in entries)
    lines: list[str] = []
    for entry in entries:
        record = entry.record
        id_and_name = f'{record.id}  "{record.texts.get("name", "")}"' if record else "no record"
        untested = f"  {style.paint('untested', 'yellow')}" if record and record.untested else ""
        lines.append(f"{style.paint(f'{safe(entry.key):{width}}', 'bold')}  {safe(id_and_name)}{untested}")
        lines += [_open_line(intent, style) for intent in entry.intents]
    return style.fold("\n".join(lines))


def as_text(entry: StateEntry, style: Style) -> str:
    """Return everything about one key; of secrets only their origin."""
    rows = list(_rows(entry))
    width = max((len(name) for name, _ in rows), default=0)
    lines = [style.paint(safe(entry.key), "bold")]
    lines += [f"    {name:{width}}  {safe(value)}" for name, value in rows]
    lines += [_open_line(intent, style) for intent in entry.intents]
    return style.fold("\n".join(lines))


def _open_line(intent: Intent, style: Style) -> str:
    of = f" of {intent.id}" if intent.id else ""
    text = f"a {intent.step}{of}, sent at {intent.sent_at}, has no known outcome; the next apply determines it first"
    return f"    {style.paint('open:', 'yellow')} {safe(text)}"


def _rows(entry: StateEntry) -> Iterator[tuple[str, str]]:
    record = entry.record
    if record is None:
        return
    yield "id", record.id
    yield "etag", record.etag or "(none)"
    if record.untested:
        yield "test", "not passed; `apply --test` tests again"
    for path, value in record.texts.items():
        yield path, f'"{value}"'
    for secret in record.secrets:
        yield secret.path, f"{secret.origin}, fingerprint by {secret.fingerprint.alg}"


def as_json(entries: Iterable[StateEntry]) -> str:
    """Return ``{format_version, entries: [{key, id, etag, fields, secrets: {path: origin}, open: [...]}]}``."""
    return json_text({"format_version": "1.0", "entries": [_as_dict(entry) for entry in entries]})


def _as_dict(entry: StateEntry) -> Json:
    record = entry.record
    return {
        "key": entry.key,
        "id": record.id if record else None,
        "etag": record.etag if record else None,
        "untested": record.untested if record else False,
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
