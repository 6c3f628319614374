"""The server of the explorer: who is answered, who is not, and how it begins and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import request, serving

from scalargrad.cli import main as cli
from scalargrad.explorer.loopback import LONGEST, Loopback

SHOW = {"version": 1, "kind": "show"}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with serving("(x + y) * z", y="3", z="-3") as server:
        yield server


def test_page_and_messages_are_given_to_who_knows_the_token(server: Loopback) -> None:
    status, html, headers = request(server, "GET", f"/?token={server.token}")
    answered, said, _ = request(server, "POST", "/message", SHOW)

    assert (status, answered) == (200, 200)
    assert json.loads(said)["result"] == "−12"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert not re.search(r"""\son\w+=|style=["']|https?://(?!www\.w3\.org/)""", html)
    assert len(html.encode()) <= 70_000


@pytest.mark.parametrize(
    ("method", "path", "changed", "status"),
    [
        ("GET", "/", {}, 403),
        ("GET", "/?token=", {}, 403),
        ("GET", "/?token=é", {}, 403),
        ("GET", "/?token={token}", {"Host": "evil.test"}, 403),
        ("GET", "/?token={token}", {"Host": None}, 403),
        ("GET", "/?token={token}", {"Origin": "null"}, 403),
        ("GET", "/../../etc/passwd?token={token}", {}, 404),
        ("POST", "/message", {"X_Scalargrad_Token": None}, 403),
        ("POST", "/message", {"X_Scalargrad_Token": "x" * 32}, 403),
        ("POST", "/message", {"Host": "localhost.evil.test:80"}, 403),
        ("POST", "/message", {"Origin": "https://evil.test"}, 403),
        ("POST", "/message", {"Content_Type": "text/plain"}, 415),
        ("POST", "/message", {"Content_Length": None}, 411),
        ("POST", "/message", {"Content_Length": "-1"}, 411),
        ("POST", "/message", {"Content_Length": str(LONGEST + 1)}, 413),
        ("POST", "/message", {"Content_Length": "9" * 30}, 411),
        ("POST", "/elsewhere", {}, 404),
        ("PUT", "/message", {}, 501),
    ],
)  # fmt: skip
def test_others_are_refused(
    server: Loopback, method: str, path: str, changed: dict[str, str | None], status: int
) -> None:
    path = path.format(token=server.token).replace("é", "%C3%A9")
    answered, said, headers = request(server, method, path, SHOW, **changed)

    assert answered == status
    assert "x + y" not in said
    assert server.token not in said
    assert headers.get("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 200_000, b"1" * 10_000, b'"\\ud800"'])
def test_what_is_no_message_ends_nothing(server: Loopback, body: bytes) -> None:
    status, said, _ = request(server, "POST", "/message", body)

    assert status == 400 or json.loads(said)["kind"] == "error"
    assert request(server, "POST", "/message", SHOW)[0] == 200


def test_it_listens_on_the_loopback_address_only(server: Loopback) -> None:
    assert server.server_address[0] == "127.0.0.1"


def heed_interrupts() -> None:
    """Let Ctrl-C arrive also where the tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "scalargrad", "explore", "--no-browser", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=heed_interrupts if os.name == "posix" else None,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent by a signal")
def test_command_prints_an_address_and_ends_with_one_line() -> None:
    with start("g = x * y", "x=2", "y=1/4") as process:
        assert process.stdout is not None
        first, second = (process.stdout.readline().strip() for _ in range(2))
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=20)

    assert re.fullmatch(r"explore: http://127\.0\.0\.1:\d+/\?token=[\w-]{32}", first)
    assert second == "Ctrl-C ends it."
    assert rest.strip() == "explore has ended."
    assert (process.returncode, complaints) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x +"], "expression: a number, a name, a function or '(' must come at column 4"),
        (["1 + 2"], "'1 + 2' depends on no name here, so it has no graph"),
        (["x * 2", "y=3"], "y: the names of the expression are x; got 'y=3'"),
        (["x * 2", "x=three"], "x: a number is wanted; got 'three'"),
        (["x * 2", "--port", "70000"], "--port: a number from 0 to 65535 is wanted; got '70000'"),
        (["x * 2", "--prot", "8000"], "did you mean --port?"),
        (["x * 2", "--port"], "run scalargrad explore --help for the options"),
    ],
)  # fmt: skip
def test_command_refuses_in_one_sentence(
    capsys: pytest.CaptureFixture[Any], arguments: list[str], said: str
) -> None:
    status = cli.main(["explore", *arguments])
    out, err = capsys.readouterr()

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_command_tells_what_it_does(
    capsys: pytest.CaptureFixture[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["explore", "--help"]) == 0
    said = capsys.readouterr().out
    assert "Ctrl-C ends it" in said
    assert max(map(len, said.splitlines())) <= 80
