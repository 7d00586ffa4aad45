"""What is remembered, for the eye and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provisioner.apply.outcome import Rebuilt
from provisioner.model import Json
from provisioner.report.terminal import Style, count, json_text, safe
from provisioner.state.records import Intent, StateEntry


def as_list(entries: tuple[StateEntry, ...], style: Style) -> str:
    """A line a key, which says that its last test did not pass; below it one for each call with an unknown outcome."""
    if not entries:
        return "nothing is recorded"
    width = max(len(safe(entry.key)) for entry in entries)
    return style.fold("\n".join(line for entry in entries for line in _lines(entry, width, style)))


def _lines(entry: StateEntry, width: int, style: Style) -> Iterator[str]:
    record = entry.record
    what = f'{record.id}  "{record.texts.get("name", "")}"' if record else "no record"
    untested = f"  {style.paint('untested', 'yellow')}" if record and record.untested else ""
    yield f"{style.paint(f'{safe(entry.key):{width}}', 'bold')}  {safe(what)}{untested}"
    for intent in entry.intents:
        yield f"    {style.paint('open:', 'yellow')} {safe(_open(intent))}"


def _open(intent: Intent) -> str:
    whom = f" of {intent.id}" if intent.id else ""
    return f"a {intent.step}{whom}, sent at {intent.sent_at}, has no known outcome; the next apply finds out first"


def as_text(entry: StateEntry, style: Style) -> str:
    """Everything about one key; of a secret only where it came from."""
    rows = list(_rows(entry))
    width = max((len(name) for name, _ in rows), default=0)
    lines = [style.paint(safe(entry.key), "bold")]
    lines += [f"    {name:{width}}  {safe(value)}" for name, value in rows]
    lines += [f"    {style.paint('open:', 'yellow')} {safe(_open(intent))}" for intent in entry.intents]
    return style.fold("\n".join(lines))


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
    """``{format_version, entries: [{key, id, etag, fields, secrets: {path: origin}, open: [...]}]}``."""
    document = {"format_version": "1.0", "entries": [_json(entry) for entry in entries]}
    return json_text(document)


def _json(entry: StateEntry) -> Json:
    record = entry.record
    return {
        "key": entry.key,
        "id": record.id if record else None,
        "etag": record.etag if record else None,
        "untested": record.untested if record else False,
        "fields": dict(record.texts) if record else {},
        "secrets": {secret.path: secret.origin for secret in record.secrets} if record else {},
        "open": [{"step": one.step, "id": one.id, "sent_at": one.sent_at} for one in entry.intents],
    }


def rebuilt(result: Rebuilt, style: Style) -> str:
    """What was taken up, and what somebody has to decide on."""
    lines = [safe(note) for note in result.mended]
    lines += [f"{style.paint('taken up', 'green')}  {safe(one.key)}  {safe(one.id)}" for one in result.adopted]
    for change in result.open:
        lines.append(f"{style.paint('open', 'yellow')}      {safe(change.key)}  {safe(change.reason)}")
        lines.append(f"    {style.paint('remedy:', 'cyan')} {safe(change.remedy)}")
    kept = f"{count(result.kept, 'record')} kept, {len(result.adopted):,} taken up, {len(result.open):,} open."
    return style.fold("\n".join([*lines, style.paint(f"State rebuilt: {kept}", "bold")]))
