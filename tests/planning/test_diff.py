"""The fast path of the comparison with a record gives the same result as the comparison field by field."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from provisioner.planning.diff import compare, differences, is_as_recorded
from provisioner.secrets import Sensitive, Symbolic, Value

from .examples import FINGERPRINTER, UNSET, desired, record, secret

ANOTHER = Sensitive("first-secret", "env(MYSQL_OTHER)", ("MYSQL_OTHER",))
PATHS = ("name", "description", "auth__params__server", "auth__params__password")
values: st.SearchStrategy[Value | None] = st.sampled_from(
    [None, "", "one", "two", secret("first-secret"), secret("second-secret"), ANOTHER, UNSET]
)
declared = st.fixed_dictionaries(dict.fromkeys(PATHS, values))


@given(before=declared, changed=declared, kept=st.sets(st.sampled_from(PATHS)), empty=st.booleans())
def test_both_ways_of_comparing_agree(
    before: dict[str, Value | None], changed: dict[str, Value | None], kept: set[str], empty: bool
) -> None:
    wanted = desired(**{**changed, **{path: before[path] for path in kept}})
    remembered = record(desired(**before))
    if empty:  # as a state has it that was edited by hand
        remembered = replace(remembered, texts={"auth.params.sslMode": "", **remembered.texts})
    found = differences(wanted, remembered, FINGERPRINTER)
    assert compare(wanted, remembered, FINGERPRINTER) == found
    if is_as_recorded(wanted, remembered, FINGERPRINTER):
        assert not found
    elif not found:
        assert empty or "" in changed.values() or "" in before.values() or any(map(is_unset, before.values()))


def is_unset(value: Value | None) -> bool:
    return isinstance(value, Symbolic) and not isinstance(value, Sensitive)
