"""White space that a file puts around a secret from the environment, which would be sent with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.definitions.support import brief, check, project

ENV = "{{ env('MYSQL_P') }}"
BASIC = "name: Orders\ntargets: [azure]\nauth:\n  specName: Basic Authentication\n  params:\n    server: s\n"
BASIC += "    database: d\n    username: u\n    password: "
STRING = "name: Orders\ntargets: [azure]\nauth:\n  specName: Connection String Based Authentication\n  params:\n"
STRING += "    connectionString: "
PARTS = STRING + "\n      server: s\n      database: d\n      username: u\n      password: "
OPTION = PARTS + f'"{ENV}"\n      options:\n        SshPassPhrase: '
TEXT = "Server=s;Database=d;UID=u;"

# a name; what the file holds from the secret on
PADDED = {
    "literal": f"|\n          {ENV}\n",
    "literal, kept": f"|+\n          {ENV}\n\n",
    "folded": f">\n          {ENV}\n",
    "folded, kept": f">+\n          {ENV}\n",
    "blank behind": f'"{ENV} "\n',
    "blank before": f'" {ENV}"\n',
    "blank before, in single quotes": f"' {ENV.replace(chr(39), chr(39) * 2)}'\n",
    "tab, escaped": f'"{ENV}\\t"\n',
    "line break, escaped": f'"{ENV}\\n"\n',
    "quoted over lines": f'"\n          {ENV}\n          "\n',
    "indented by an indicator": f"|2-\n            {ENV}\n",
    "in the template": "\"{{ ' ' }}{{ env('MYSQL_P') }}\"\n",
    "by ~": "\"{{ env('MYSQL_P') ~ ' ' }}\"\n",
    "from the project file": "\"{{ env('MYSQL_P') }}{{ var('blank') }}\"\n",
    "around two": "\"{{ env('MYSQL_P') }}{{ env('MYSQL_Q') }} \"\n",
}
NOT_PADDED = {
    "plain": f'"{ENV}"\n',
    "literal, stripped": f"|-\n          {ENV}\n",
    "folded, stripped": f">-\n          {ENV}\n",
    "inside the braces": "\"{{   env('MYSQL_P')   }}\"\n",
    "between two": "\"{{ env('MYSQL_P') }} {{ env('MYSQL_Q') }}\"\n",
    "trimmed": "\"{{ (' ' ~ env('MYSQL_P')) | trim }}\"\n",
    "allowed": f'"{ENV} "  # provisioner: allow secret.literal\n',
}
WHOLE = {
    "literal": f"{STRING}|\n          {ENV}\n",
    "blank": f'{STRING}" {ENV}"\n',
    "quoted part": f"{STRING}\"{TEXT}PWD=' {ENV}'\"\n",
    "quoted part, line break": f'{STRING}"{TEXT}PWD=\\"{ENV}\\n\\""\n',
    "quoted option": f"{STRING}\"{TEXT}PWD={ENV};SshPassword=' {ENV}'\"\n",
}
WHOLE_RIGHT = {
    "stripped": f"{STRING}|-\n          {ENV}\n",
    "around a part without quotes": f'{STRING}"{TEXT} PWD = {ENV} ; "\n',
    "text as a block": f"{STRING}|\n        {TEXT}PWD={ENV}\n",
}


def rules(tmp_path: Path, text: str) -> list[str]:
    return [brief(problem).split(" ")[1] for problem in check(project(tmp_path, {"a.yaml": text})).problems]


@pytest.mark.parametrize("head", [BASIC, PARTS, OPTION], ids=["basic", "parts", "option"])
@pytest.mark.parametrize("value", PADDED.values(), ids=PADDED)
def test_padded(head: str, value: str, tmp_path: Path) -> None:
    (problem,) = check(project(tmp_path, {"a.yaml": head + value})).problems
    assert problem.rule == "secret.literal"
    assert "white space" in problem.message
    assert "{{ env('MYSQL_P') }}" in problem.remedy


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_padded_in_a_connection_string(text: str, tmp_path: Path) -> None:
    assert rules(tmp_path, text) == ["secret.literal"]


@pytest.mark.parametrize("head", [BASIC, PARTS, OPTION], ids=["basic", "parts", "option"])
@pytest.mark.parametrize("value", NOT_PADDED.values(), ids=NOT_PADDED)
def test_not_padded(head: str, value: str, tmp_path: Path) -> None:
    assert rules(tmp_path, head + value) == []


@pytest.mark.parametrize("text", WHOLE_RIGHT.values(), ids=WHOLE_RIGHT)
def test_not_padded_in_a_connection_string(text: str, tmp_path: Path) -> None:
    assert rules(tmp_path, text) == []


@pytest.mark.parametrize("blank", ["\u00a0", "\u2003", "\u202f", "\u3000"])
def test_invisible_blanks_are_refused_first(blank: str, tmp_path: Path) -> None:
    assert rules(tmp_path, f'{BASIC}"{ENV}{blank}"\n') == ["yaml.character"]
