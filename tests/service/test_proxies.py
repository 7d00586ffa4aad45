"""Proxies that requests would refuse: reported at once, by variable name and without the value."""

from __future__ import annotations

import os

import pytest

from provisioner.service.messages import HeldBack, HttpRequest
from provisioner.service.origin import check_origin
from provisioner.service.retry import GiveUp, Policy, decide
from provisioner.service.transport import HttpTransport, proxy_problem, proxy_variable, real_timing

from .fakes import ADOBE, HERE

SOCKS = "SOCKS is not supported without PySocks"
BLANK = "it holds a blank or an invisible character"
PORT = "its port is not a number from 0 to 65535"
HOST = "it has no valid host"
SCHEME = "its scheme is neither http nor https"
LETTERS = "its user name or password holds letters that no header can carry"

REFUSED = [
    ("socks5://127.0.0.1:1080", SOCKS),
    ("socks5h://127.0.0.1:1080", SOCKS),
    ("socks4a://me:hunter22@proxy:1080", SOCKS),
    ("SOCKS5://127.0.0.1:1080", SOCKS),
    ("http://me:hun#ter22@127.0.0.1:8080", "its user name or password holds `#`"),
    ("http://me:hun/ter22@127.0.0.1:8080", "its user name or password holds `/`"),
    ("http://me:hun?ter22@127.0.0.1:8080", "its user name or password holds `?`"),
    ("http://me:hun[ter22@127.0.0.1:8080", "its user name or password holds `[`"),
    ("http://日本:hunter22€@127.0.0.1:1", LETTERS),
    ("http://127.0.0.1:8080 ", BLANK),
    (" http://127.0.0.1:8080", BLANK),
    ("http://127.0.0.1:8080\n", BLANK),
    ("http://\u200b127.0.0.1:8080", BLANK),
    ("http://127.0.0.1:port", PORT),
    ("http://127.0.0.1:99999", PORT),
    ("http://127.0.0.1:-1", PORT),
    ("http:127.0.0.1:1", PORT),
    ("http://", HOST),
    ("http:///", HOST),
    ("http://[::1", HOST),
    ("http://.:1", HOST),
    ("http://a..b:1", HOST),
    ("ftp://127.0.0.1:1", SCHEME),
]

USABLE = [
    "http://127.0.0.1:8080",
    "https://proxy.example.com",
    "127.0.0.1:8080",
    "proxy",
    "http://me:hunter22@127.0.0.1:8080/path",
    "http://me:hun@ter22@127.0.0.1:8080",
    "http://me:hun%23ter22@[::1]:8080",
    "http://proxy.example.com.:3128",
]


@pytest.mark.parametrize(("proxy", "reason"), REFUSED)
def test_an_invalid_proxy_is_reported_once_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, proxy: str, reason: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with HttpTransport(real_timing(), environ=os.environ) as transport:
        outcome = transport.send(HttpRequest("GET", ADOBE, "/x", within=5))
    assert isinstance(outcome, HeldBack)
    assert outcome.reason == f"HTTPS_PROXY: {reason}"
    assert outcome.remedy
    assert "ter22" not in repr(outcome)
    assert decide("GET", outcome, 1, 0, Policy(), 0) == GiveUp()


@pytest.mark.parametrize("proxy", USABLE)
def test_valid_proxies_have_no_problem(proxy: str) -> None:
    assert proxy_problem(proxy) == ("", "")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "a"}, "HTTPS_PROXY"),
        ({"https_proxy": "a"}, "https_proxy"),
        ({"HTTPS_PROXY": "a", "https_proxy": "b"}, "https_proxy"),
        ({"ALL_PROXY": "a"}, "ALL_PROXY"),
        ({"all_proxy": "a", "HTTPS_PROXY": "b"}, "HTTPS_PROXY"),
        ({"HTTP_PROXY": "a"}, ""),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "adobe.io"}, ""),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "*"}, ""),
    ],
)
def test_the_effective_proxy_variable(environ: dict[str, str], named: str) -> None:
    assert proxy_variable(ADOBE, environ) == named
    assert proxy_variable(HERE, environ) == ""


def test_a_request_that_cannot_be_sent_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("hunter22")

    monkeypatch.setattr("requests.PreparedRequest.prepare", refuse)
    with HttpTransport(real_timing(), environ=os.environ) as transport:
        outcome = transport.send(HttpRequest("GET", check_origin("https://platform.adobe.io"), "/x"))
    assert isinstance(outcome, HeldBack)
    assert outcome.reason == "the request cannot be sent (ValueError)"
