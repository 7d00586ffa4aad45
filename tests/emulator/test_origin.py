"""Requests from browser pages are refused; those of programs on this machine are not."""

import shutil
import subprocess

import pytest
import requests

from .support import CALLER

LISTING = "/data/foundation/flowservice/connections"
CONTROL = [("GET", "/health"), ("GET", "/requests"), ("POST", "/reset"), ("PUT", "/faults"), ("DELETE", "/faults")]
CONTROL += [("POST", "/faults"), ("GET", "/faults"), ("GET", "/health?x=1"), ("GET", "/nothing")]

HOSTS = {
    "127.0.0.1": True,
    "127.0.0.1:8765": True,
    "127.8.8.8:1": True,
    "localhost": True,
    "LOCALHOST:8765": True,
    "localhost.:80": True,
    "[::1]:8765": True,
    "[::ffff:127.0.0.1]": True,
    "evil.example": False,
    "evil.example:8765": False,
    "127.0.0.1.evil.example": False,
    "localhost.evil.example": False,
    "evil.example#127.0.0.1": False,
    "user@127.0.0.1": False,
    "127.0.0.1@evil.example": False,
    "10.0.0.1": False,
    "0.0.0.0": False,
    "[::]": False,
    "192.168.1.2:8765": False,
    "xn--lcalhost-9ya": False,
    "127.0.0.1 evil.example": False,
    "": False,
}


@pytest.mark.parametrize("path", ["/_emulator/requests", "/_emulator/health", LISTING, "/ims/token/v3", "/elsewhere"])
@pytest.mark.parametrize(("host", "answers"), HOSTS.items())
def test_only_loopback_names_are_answered_to(api, host, answers, path):
    answer = requests.get(api.emulator.url + path, headers={**CALLER, "Host": host}, timeout=5)
    assert (answer.status_code != 403) == answers
    if not answers:
        assert "not-to-be-seen" not in answer.text
        logged = requests.get(api.emulator.url + "/_emulator/requests", timeout=5).json()
        assert logged == []


# headers of a request; whether its path may be one of the control
VISITORS = [
    ({}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"User-Agent": "curl/8.5.0", "Accept": "*/*"}, True),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": "http://127.0.0.1:8765"}, False),
    ({"origin": "http://localhost", "Sec-Fetch-Site": "none"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"sec-fetch-site": "CROSS-SITE", "Sec-Fetch-Mode": "no-cors"}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({"Sec-Fetch-Site": "none, cross-site"}, False),
]


@pytest.mark.parametrize(("method", "path"), CONTROL)
@pytest.mark.parametrize(("headers", "may"), VISITORS, ids=repr)
def test_the_control_is_not_for_pages(api, method, path, headers, may):
    api.made()
    answer = requests.request(method, f"{api.emulator.url}/_emulator{path}", headers=headers, data="[]", timeout=5)
    assert (answer.status_code != 403) == may
    if not may:
        assert "not-to-be-seen" not in answer.text
        assert api.names() == ["Orders"]


def test_the_path_may_be_written_otherwise(api):
    api.made()
    answer = requests.post(api.emulator.url + "/%5Femulator/reset", headers={"Origin": "https://e.example"}, timeout=5)
    assert answer.status_code == 403
    assert api.names() == ["Orders"]


def test_it_holds_with_faults_active(api):
    rule = {"kind": "status", "status": 500, "times": 5}
    assert requests.put(api.emulator.url + "/_emulator/faults", json=[rule], timeout=5).status_code in (200, 400)
    answer = requests.get(api.emulator.url + LISTING, headers={**CALLER, "Host": "evil.example"}, timeout=5)
    assert answer.status_code == 403


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_plain_curl_works(api):
    command = ["curl", "-sS", "--noproxy", "*", "-o", "-", "-w", "%{http_code}", "-X", "POST"]
    done = subprocess.run([*command, api.emulator.url + "/_emulator/reset"], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("200")
