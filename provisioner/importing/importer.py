"""``import``: base connections that exist come under management. Never writes to the service.

1. Look, and choose: one by id, or all that no record and no other definition of the target is about.
2. For each a definition: the one of its name that is there, or a draft of what the service shows, checked like any.
3. Write the drafts, then the records. Run again, it finds what an earlier run has written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from provisioner.commands.plan import TargetContext, look
from provisioner.definitions.definition import KEY, DefinitionParser, ParsedDefinition
from provisioner.definitions.desired import Desired
from provisioner.definitions.fields import variables_of
from provisioner.definitions.lint import name_warnings
from provisioner.definitions.loader import parse
from provisioner.definitions.project import CONNECTIONS
from provisioner.definitions.read import Builder, read
from provisioner.errors import UsageError
from provisioner.importing.drafts import definition_text, key_for, make_draft, variable_for
from provisioner.model import Key, Problem
from provisioner.planning.diff import visible_record_of
from provisioner.planning.moves import moved
from provisioner.planning.observed import Observation, Observed, shown_otherwise
from provisioner.planning.recovery import resolve
from provisioner.service.client import FlowReader
from provisioner.state.records import Record, State
from provisioner.state.replay import replay


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What is to be imported: ``id`` None means all; ``key`` "" means one that is made of the name. ``folder`` is where
    drafts lie, below the folder of definitions."""

    id: str | None = None
    key: Key = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class ImportedConnection:
    """One that comes under management. ``text`` is the draft of its definition, "" where there was one; ``variables``
    are those that are to be set for it, ``unsaid`` is what the definition does not say as it is."""

    record: Record
    file: str
    text: str = ""
    variables: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedConnection:
    """One that does not, and why. ``managed``: because it is already, so that nothing is to be done."""

    id: str
    name: str
    reason: str
    managed: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import does. ``warnings`` are those about the names of its drafts."""

    taken: tuple[ImportedConnection, ...]
    skipped: tuple[SkippedConnection, ...]
    warnings: tuple[Problem, ...] = ()


def prepare(
    place: TargetContext,
    desired: tuple[Desired, ...],
    state: State,
    service: FlowReader,
    wanted: ImportOptions,
    new_id: Callable[[], str],
) -> Imported:
    """What would be written. Raises ``UsageError`` for an id that is not there, or a key that cannot be had."""
    _check(wanted)
    observation = look(service, state)
    settled = resolve(state, observation, place.client)
    known, _ = moved(replay(state, settled.entries), desired)
    chooser = _Chooser(place, desired, known, observation, wanted, new_id)
    found = [chooser.take(one) for one in chooser.chosen()]
    return Imported(
        tuple(one for one in found if isinstance(one, ImportedConnection)),
        tuple(one for one in found if isinstance(one, SkippedConnection)),
        chooser.warnings(),
    )


def _check(wanted: ImportOptions) -> None:
    if wanted.key and wanted.folder:
        raise UsageError("a KEY says the folder as well", "leave out --folder, or the KEY")
    for text in (wanted.key, wanted.folder):
        if text and not KEY.fullmatch(text):
            raise UsageError(f"{text} cannot be a key", "letters, digits, `.`, `_` and `-`, in parts separated by `/`")


class _Chooser:
    def __init__(
        self,
        place: TargetContext,
        desired: tuple[Desired, ...],
        state: State,
        observation: Observation,
        wanted: ImportOptions,
        new_id: Callable[[], str],
    ) -> None:
        self._place, self._state, self._observation = place, state, observation
        self._wanted, self._new_id = wanted, new_id
        self._declared = {one.key: one for one in desired}
        self._by_name = {one.name: one for one in desired}
        self._managed = {record.id: record.key for record in state.records}
        self._probes = {intent.name for intent in state.intents if intent.step == "probe"}
        there = read(place.project, (), {}, place.progress)
        keys = {
            *(name for one in there.definitions for name in one.key_and_path),
            *state.by_key,
            *(one.key for one in state.intents),
        }
        self._taken = {key.casefold() for key in keys}
        named = (variables_of(parse(file, text)) for file, text in there.texts.items())
        self._variables = {*place.environment, *chain.from_iterable(named)}
        self._definer = DefinitionParser(place.project)
        self._builder = Builder(place.target, {})
        self._drafted: list[Desired] = []

    def chosen(self) -> Iterable[Observed]:
        """Oldest first, so that the same sandbox gives the same keys."""
        if self._wanted.id is None:
            return sorted(self._observation.by_id.values(), key=lambda one: (one.created_at, one.id))
        if self._wanted.id not in self._observation.by_id:
            words = f"there is no base connection {self._wanted.id} of MySQL in sandbox {self._place.identity.sandbox}"
            raise UsageError(words, "take the id from Experience Platform, or import all: --all")
        return [self._observation.by_id[self._wanted.id]]

    def warnings(self) -> tuple[Problem, ...]:
        """Return what `validate` will warn of that concerns the names of drafts, at the drafts."""
        files = {one.location.file for one in self._drafted}
        found = name_warnings((*self._declared.values(), *self._drafted))
        return tuple(problem for problem in found if problem.location.file in files)

    def take(self, one: Observed) -> ImportedConnection | SkippedConnection:
        if one.id in self._managed:
            return self._recorded(one, self._managed[one.id])
        if one.name in self._probes:
            reason = "a probe that an earlier run has left; the next apply deletes it"
            return SkippedConnection(one.id, one.name, reason, managed=self._wanted.id is None)
        if one.etag is None:
            return SkippedConnection(
                one.id, one.name, f"its state is {one.state or 'unknown'}: import it once it is enabled"
            )
        number = sum(other.name == one.name for other in self._observation.named(one.name))
        if number > 1 and self._wanted.id is None:
            return SkippedConnection(
                one.id, one.name, f"{number} have this name: rename the others, or import one by its id"
            )
        declared = self._declared.get(self._wanted.key) if self._wanted.key else self._by_name.get(one.name)
        if declared is not None:
            return self._adopt(one, declared)
        namesake = self._by_name.get(one.name)
        if namesake is not None:
            return SkippedConnection(one.id, one.name, f"{namesake.location.file} has this name: rename one of the two")
        return self._draft(one)

    def _recorded(self, one: Observed, key: Key) -> SkippedConnection:
        as_asked = self._wanted.key in ("", key)
        if key in self._declared and as_asked:
            return SkippedConnection(one.id, one.name, f"already managed as {key}", managed=True)
        remedy = f"`state rm {key}` forgets that, then import it again" if as_asked else f"`state mv {key} NEW` renames"
        what = "already managed" if key in self._declared else "already recorded, without a definition,"
        # Of all that there are, what is unmanaged on purpose is no failure.
        return SkippedConnection(one.id, one.name, f"{what} as {key}: {remedy}", managed=self._wanted.id is None)

    def _adopt(self, one: Observed, declared: Desired) -> ImportedConnection | SkippedConnection:
        if declared.key in self._state.by_key:
            return SkippedConnection(
                one.id, one.name, f"{declared.key} is recorded as {self._state.by_key[declared.key].id}"
            )
        record = self._record(one, declared)
        differing = record.texts != declared.texts
        unsaid = (f"{declared.location.file} was there and says otherwise: `plan` shows what apply would change",)
        variables = tuple(name for _, symbol in declared.unset for name in symbol.names)
        return ImportedConnection(record, declared.location.file, "", variables, unsaid if differing else ())

    def _record(self, one: Observed, declared: Desired) -> Record:
        """What the service shows of what is declared: a plan then says what it would change, or send unseen."""
        record = visible_record_of(declared, one.id, one.etag, self._new_id())
        shown = one.as_dict
        seen = {
            path: shown.get(path, text)
            for path, text in record.texts.items()
            if path in shown or not path.startswith("auth.")
        }
        fields = {**seen, **dict(shown_otherwise(record.texts, one))}
        return replace(record, texts={path: text for path, text in fields.items() if text})

    def _draft(self, one: Observed) -> ImportedConnection | SkippedConnection:
        key = self._wanted.key or key_for(one.name, self._wanted.folder, self._taken)
        if key.casefold() in self._taken:
            raise UsageError(f"{key} is the key or the path of another definition or record", "choose another key")
        made = make_draft(one, lambda what: self._variable(key, what), self._only_target())
        if made is None:
            spec = one.as_dict.get("auth.specName", "none that is shown")
            return SkippedConnection(one.id, one.name, f"its authentication is not known here: {spec}")
        file = f"{CONNECTIONS}/{key}.yaml"
        text = definition_text(made.data, f"{'../' * (key.count('/') + 1)}schemas/connection.schema.json")
        built = self._built(key, file, text)
        if isinstance(built, str):
            return SkippedConnection(one.id, one.name, f"cannot be written as a definition: {built}")
        self._drafted.append(built)
        self._taken.add(key.casefold())
        self._variables.update(made.variables)
        return ImportedConnection(self._record(one, built), file, text, made.variables, made.unsaid)

    def _built(self, key: Key, file: str, text: str) -> Desired | str:
        """The draft as ``plan`` will read it, or what is wrong with it."""
        declared = self._definer.parse(parse(file, text), key)
        found = declared.problems if isinstance(declared, ParsedDefinition) else declared
        if isinstance(declared, ParsedDefinition) and not found:
            built = self._builder.build(declared)
            if built.desired:
                return built.desired[0]
            found = built.problems
        renaming = ": rename it in Experience Platform" if found[0].rule == "yaml.character" else ""
        return f"{found[0].message} ({found[0].rule}){renaming}"

    def _only_target(self) -> str | None:
        """A definition of what is in one sandbox is not for another one."""
        return self._place.target.name if len(self._place.project.targets) > 1 else None

    def _variable(self, key: Key, what: str) -> str:
        patterns = [one for one in self._place.project.admitted_patterns((key, key)) if one.endswith("*")]
        return variable_for(key, what, patterns[0].rstrip("*") if patterns else "MYSQL_", self._variables)


def drafts(imported: Imported) -> Iterator[ImportedConnection]:
    """Those whose definition is to be written."""
    yield from (one for one in imported.taken if one.text)
