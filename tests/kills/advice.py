"""What a person does who reads what a plan says."""

from __future__ import annotations

from dataclasses import replace

from tests.kills.world import World


def follow(subject: World) -> int:
    """Do what the last plan advised. Return how much there was to do."""
    state = subject.state()
    names = {one.name for one in subject.declared.values()}
    done = subject.flows.end({one.id for one in subject.ours() if one.declared.name not in names})
    former = {record.texts["name"]: record.key for record in state.records if record.key not in subject.declared}
    for one in tuple(subject.declared.values()):
        old = former.get(one.name)
        if old and one.key not in state.by_key and one.moved_from != old:
            subject.write(replace(one, moved_from=old))
            done += 1
    return done + _care_for_orphans(subject)


def _care_for_orphans(subject: World) -> int:
    """Import what no record knows where it is declared and has no record, else delete it by hand."""
    state, told, orphans = subject.state(), subject.told(), subject.known.orphans
    ids = {record.id for record in state.records}
    unknown = [one for one in subject.ours() if one.id not in ids and (one.id in orphans or one.id in told)]
    wanted = {
        one.name: one.key
        for one in subject.declared.values()
        if one.key not in state.by_key and one.moved_from not in state.by_key
    }
    for one in unknown:
        if key := wanted.get(one.declared.name):
            assert subject.run("import", key, one.id)["code"] == 0, subject.said()
        else:
            subject.flows.end({one.id})
            subject.service.delete(one.id)
    return len(unknown)


def come_to_rest(subject: World, workers: int = 1) -> None:
    """Apply in peace, and follow the advice, until there is nothing to do."""
    for _ in range(12):
        code = subject.apply(workers=workers, more=("--overwrite-drift",))["code"]
        subject.check_always()
        if not follow(subject) and code == 0:
            return
    raise AssertionError(f"it does not come to rest, exit {code}: {subject.said()}")
