"""Import of existing base connections: their records, and drafts of their definitions. Never writes to the service.

1. Select one base connection by its id, or all.
2. For each, use the definition that has its name, or draft one from what the service shows; check the draft as any.
3. The caller writes the drafts, then the records. A second run finds what an earlier one has written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from provisioner.definitions.check import name_warnings
from provisioner.definitions.definition import DefinitionParser, ParsedDefinition, check_key
from provisioner.definitions.desired import Desired
from provisioner.definitions.fields import variables_of
from provisioner.definitions.project import CONNECTIONS
from provisioner.definitions.render import DefinitionRenderer, read
from provisioner.definitions.yaml_loader import parse
from provisioner.errors import UsageError
from provisioner.importing.drafts import definition_text, key_for, make_draft, variable_for
from provisioner.model import Key, Problem
from provisioner.planning.diff import visible_record_of
from provisioner.planning.lookup import look
from provisioner.planning.moves import apply_moves
from provisioner.planning.observed import Observation, Observed, shown_otherwise
from provisioner.planning.recovery import resolve
from provisioner.planning.target_context import TargetContext
from provisioner.service.client import FlowReader
from provisioner.state.records import Record, State
from provisioner.state.replay import replay


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import.

    ``id`` None imports all base connections. ``key`` "" derives keys from names. Drafts are written to ``folder``,
    below the folder of definitions.
    """

    id: str | None = None
    key: Key = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class ImportedConnection:
    """A base connection that gets a record.

    ``text`` is the draft of its definition, "" if it has one already. ``variables`` have to be set for the definition,
    ``unsaid`` are notes on what the definition may lack or say otherwise.
    """

    record: Record
    file: str
    text: str = ""
    variables: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedConnection:
    """A base connection that is not imported. ``managed``: nothing has to be done about it."""

    id: str
    name: str
    reason: str
    managed: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import. ``warnings`` are about the names of its drafts."""

    taken: tuple[ImportedConnection, ...]
    skipped: tuple[SkippedConnection, ...]
    warnings: tuple[Problem, ...] = ()


def prepare(
    target: TargetContext,
    desired: tuple[Desired, ...],
    state: State,
    service: FlowReader,
    options: ImportOptions,
    new_id: Callable[[], str],
) -> Imported:
    """Return what is to be written. Raise ``UsageError`` for an unknown id, or a key that is invalid or in use."""
    if options.key and options.folder:
        raise UsageError("a KEY includes the folder", "leave out --folder, or the KEY")
    for text in (options.key, options.folder):
        if text:
            check_key(text)
    observation = look(service, state)
    resolved = resolve(state, observation, target.client)
    recovered, _ = apply_moves(replay(state, resolved.entries), desired)
    importer = _Importer(target, desired, recovered, observation, options, new_id)
    results = [importer.import_connection(observed) for observed in importer.selected()]
    return Imported(
        tuple(result for result in results if isinstance(result, ImportedConnection)),
        tuple(result for result in results if isinstance(result, SkippedConnection)),
        importer.warnings(),
    )


def connections_to_define(imported: Imported) -> Iterator[ImportedConnection]:
    """Yield the base connections whose definitions are to be written."""
    yield from (connection for connection in imported.taken if connection.text)


class _Importer:
    """Imports base connections one by one, so that no key or variable is used twice."""

    def __init__(
        self,
        target: TargetContext,
        desired: tuple[Desired, ...],
        state: State,
        observation: Observation,
        options: ImportOptions,
        new_id: Callable[[], str],
    ) -> None:
        self._target, self._state, self._observation = target, state, observation
        self._options, self._new_id = options, new_id
        self._declared = {definition.key: definition for definition in desired}
        self._by_name = {definition.name: definition for definition in desired}
        self._managed = {record.id: record.key for record in state.records}
        self._probe_names = {intent.name for intent in state.intents if intent.step == "probe"}
        all_targets = read(target.project, (), {}, target.progress)
        keys = {
            *(key for definition in all_targets.definitions for key in definition.key_and_path),
            *state.by_key,
            *(intent.key for intent in state.intents),
        }
        self._taken_keys = {key.casefold() for key in keys}
        variables = (variables_of(parse(file, text)) for file, text in all_targets.texts.items())
        self._taken_variables = {*target.environment, *chain.from_iterable(variables)}
        self._parser = DefinitionParser(target.project)
        self._renderer = DefinitionRenderer(target.target, {})
        self._drafted: list[Desired] = []

    def selected(self) -> Iterable[Observed]:
        """Return the selected base connections, oldest first, so that the same sandbox always gives the same keys."""
        ident, by_id = self._options.id, self._observation.by_id
        if ident is None:
            return sorted(by_id.values(), key=lambda observed: (observed.created_at, observed.id))
        if ident not in by_id:
            message = f"there is no MySQL base connection with id {ident} in sandbox {self._target.identity.sandbox}"
            raise UsageError(message, "take the id from Experience Platform, or use --all")
        return [by_id[ident]]

    def warnings(self) -> tuple[Problem, ...]:
        """Return the warnings of ``validate`` about the names of drafts, at the drafts."""
        files = {draft.location.file for draft in self._drafted}
        problems = name_warnings((*self._declared.values(), *self._drafted))
        return tuple(problem for problem in problems if problem.location.file in files)

    def import_connection(self, observed: Observed) -> ImportedConnection | SkippedConnection:
        imports_all = self._options.id is None
        if observed.id in self._managed:
            return self._skip_recorded(observed, self._managed[observed.id])
        if observed.name in self._probe_names:
            reason = "a probe left over from an earlier run; the next apply deletes it"
            return SkippedConnection(observed.id, observed.name, reason, managed=imports_all)
        if observed.etag is None:
            return _skip(observed, f"its state is {observed.state or 'unknown'}: import it once it is enabled")
        number = sum(other.name == observed.name for other in self._observation.named(observed.name))
        if number > 1 and imports_all:
            return _skip(observed, f"{number} have this name: rename the others, or import one by its id")
        namesake = self._by_name.get(observed.name)
        definition = self._declared.get(self._options.key) if self._options.key else namesake
        if definition is not None:
            return self._adopt(observed, definition)
        if namesake is not None:
            return _skip(observed, f"{namesake.location.file} has this name: rename one of the two")
        return self._draft(observed)

    def _skip_recorded(self, observed: Observed, key: Key) -> SkippedConnection:
        has_requested_key = self._options.key in ("", key)
        if key in self._declared and has_requested_key:
            return SkippedConnection(observed.id, observed.name, f"already managed as {key}", managed=True)
        status = (
            f"already managed as {key}"
            if key in self._declared
            else f"already recorded as {key}, but without a definition"
        )
        remedy = f"to rename it, run `state mv {key} NEW`"
        if has_requested_key:
            remedy = f"run `state rm {key}`, then import it again"
        # If all are imported, one that is recorded without a definition on purpose is no failure.
        reason = f"{status}: {remedy}"
        return SkippedConnection(observed.id, observed.name, reason, managed=self._options.id is None)

    def _adopt(self, observed: Observed, definition: Desired) -> ImportedConnection | SkippedConnection:
        if record := self._state.record(definition.key):
            return _skip(observed, f"{definition.key} is recorded as {record.id}")
        record, file = self._record(observed, definition), definition.location.file
        unsaid = f"{file} was there and says otherwise: `plan` shows what apply would change"
        variables = tuple(name for _, symbol in definition.unset for name in symbol.names)
        return ImportedConnection(record, file, "", variables, (unsaid,) if record.texts != definition.texts else ())

    def _record(self, observed: Observed, definition: Desired) -> Record:
        """Return a record of what the service shows, so that a plan shows what it would change or send unseen."""
        record = visible_record_of(definition, observed.id, observed.etag, self._new_id())
        shown = observed.as_dict
        texts = {
            path: shown.get(path, text)
            for path, text in record.texts.items()
            if path in shown or not path.startswith("auth.")
        }
        texts |= dict(shown_otherwise(record.texts, observed))
        return replace(record, texts={path: text for path, text in texts.items() if text})

    def _draft(self, observed: Observed) -> ImportedConnection | SkippedConnection:
        key = self._options.key or key_for(observed.name, self._options.folder, self._taken_keys)
        if key.casefold() in self._taken_keys:
            raise UsageError(f"{key} is the key or the path of another definition or record", "choose another key")
        # A definition of a base connection in one sandbox is not meant for the sandboxes of other targets.
        only_target = self._target.name if len(self._target.project.targets) > 1 else None
        draft = make_draft(observed, lambda parameter: self._variable(key, parameter), only_target)
        if draft is None:
            spec_name = observed.as_dict.get("auth.specName", "none that is shown")
            return _skip(observed, f"its authentication is not known here: {spec_name}")
        file = f"{CONNECTIONS}/{key}.yaml"
        text = definition_text(draft.data, f"{'../' * (key.count('/') + 1)}schemas/connection.schema.json")
        definition = self._checked(key, file, text)
        if isinstance(definition, Problem):
            renaming = ": rename it in Experience Platform" if definition.rule == "yaml.character" else ""
            return _skip(
                observed, f"cannot be written as a definition: {definition.message} ({definition.rule}){renaming}"
            )
        self._drafted.append(definition)
        self._taken_keys.add(key.casefold())
        self._taken_variables.update(draft.variables)
        return ImportedConnection(self._record(observed, definition), file, text, draft.variables, draft.unsaid)

    def _variable(self, key: Key, parameter: str) -> str:
        patterns = [name for name in self._target.project.admitted_patterns((key, key)) if name.endswith("*")]
        prefix = patterns[0].rstrip("*") if patterns else "MYSQL_"
        return variable_for(key, parameter, prefix, self._taken_variables)

    def _checked(self, key: Key, file: str, text: str) -> Desired | Problem:
        """Return the definition as ``plan`` would read it, or its first problem."""
        parsed = self._parser.parse(parse(file, text), key)
        if not isinstance(parsed, ParsedDefinition):
            return parsed[0]
        if parsed.problems:
            return parsed.problems[0]
        built = self._renderer.render(parsed)
        return built.desired[0] if built.desired else built.problems[0]


def _skip(observed: Observed, reason: str) -> SkippedConnection:
    return SkippedConnection(observed.id, observed.name, reason)
