"""``provisioner emulator --faults FILE``: fault configuration from a file."""

import io
import json
import re
import signal
import subprocess
import sys

import pytest
import requests

from provisioner import cli
from provisioner.cli.console import Console
from provisioner.cli.emulator import read_faults, run
from provisioner.errors import UsageError


def command(*arguments):
    return [sys.executable, "-m", "provisioner", "emulator", "--port", "0", *map(str, arguments)]


def test_faults_from_a_file(tmp_path):
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"kind": "status", "status": 500, "path": "/ims/*"}]))
    with subprocess.Popen(command("--faults", path), stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        try:
            assert requests.post(url + "/ims/token/v3", timeout=5).status_code == 500
            assert requests.get(url + "/_emulator/faults", timeout=5).json()["injected"] == 1
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "faults.json:1:2: not JSON: "),
        ('[{"kind": "reset"}, {"kind": "slow"}]', "faults[1].kind: the value is none of status, reset"),
        ('{"existing": [{"name": "x", "org": "o", "params": {"sslMode": "no"}}]}', "existing[0]: "),
    ],
)
def test_a_file_that_cannot_be_used_is_wrong_usage(tmp_path, text, says):
    path = tmp_path / "faults.json"
    path.write_text(text)
    done = subprocess.run(command("--faults", path), capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 64
    assert says in done.stderr
    assert "docs/emulator.md lists the faults" in done.stderr


PASTED = {
    "[\n<<<<<<< HEAD\n=======\n>>>>>>> b\n]": "faults.json:2:1: an unresolved merge conflict",
    "[\n>>>>>>> b\n]": "faults.json:2:1: an unresolved merge conflict",
    "\ufeff[]": "faults.json:1:1: begins with a byte order mark",
    "[{“kind”: 1}]": "faults.json:1:3: a typographic quote where JSON needs a plain one",
    '[{"kind": ‘reset’}]': "faults.json:1:11: a typographic quote where JSON needs a plain one",
    "[\u00a0]": "faults.json:1:2: U+00A0 (no-break space) where JSON needs a space",
    '[{"kind":\u3000"reset"}]': "faults.json:1:10: U+3000 (ideographic space) where JSON needs a space",
}


@pytest.mark.parametrize("text", PASTED)
@pytest.mark.parametrize("option", ["behaviour", "faults"])
def test_what_was_merged_or_pasted_is_named(tmp_path, option, text):
    path = tmp_path / "faults.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=re.escape(PASTED[text])):
        run(0, None, **{"behaviour": None, option: path}, announce=print)


def test_read_faults_names_the_entry():
    assert read_faults([{"kind": "reset"}]).faults[0].kind == "reset"
    with pytest.raises(UsageError, match=r"faults\[0\]"):
        read_faults([{"kind": "slow"}])


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_on_a_terminal_it_says_how_to_reach_it(monkeypatch, stream):
    monkeypatch.setattr("provisioner.cli.emulator.run", lambda *args: args[3]("http://127.0.0.1:9"))
    out, err = stream(), io.StringIO()
    assert cli.run(["emulator"], {}, None, Console(out, err)) == 0
    assert out.getvalue() == "http://127.0.0.1:9\n"
    said = " ".join(err.getvalue().split())
    assert ("`endpoint: http://127.0.0.1:9`" in said and "Ctrl-C ends it" in said) == (stream is Terminal)
