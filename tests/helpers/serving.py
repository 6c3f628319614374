"""A server of the explorer in this process, and requests to it that no browser would make."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import browser

from scalargrad.explorer.explorer import Explorer
from scalargrad.explorer.loopback import ADDRESS, Loopback
from scalargrad.explorer.messages import State


@contextmanager
def serving(text: str, **values: str) -> Iterator[Loopback]:
    """Serve an explorer of an expression while the block runs."""
    with Loopback(Explorer(State(text, values))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def request(
    server: Loopback, method: str, path: str, body: Any = None, **changed: str | None
) -> tuple[int, str, http.client.HTTPMessage]:
    """Send a request as the page does, but for some headers: None leaves one out."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    usual: dict[str, str | None] = {
        "Host": server.origin.removeprefix("http://"),
        "Origin": server.origin,
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "X-Scalargrad-Token": server.token,
    }
    headers = {**usual, **{name.replace("_", "-"): value for name, value in changed.items()}}
    connection = http.client.HTTPConnection(ADDRESS, server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(content if method == "POST" else None)
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, said, answer.headers


def is_shown(visit: browser.Visit, text: str) -> None:
    """Wait until the page shows an expression, and nothing is wrong."""
    visit.page.wait_for_function(
        """text => document.title === `${text} · scalargrad`
            && document.querySelector("[name=text]").ariaInvalid === "false" """,
        arg=text,
    )


def says(visit: browser.Visit, selector: str, text: str) -> None:
    """Wait until an element says something."""
    visit.page.wait_for_function(
        """([selector, text]) => document.querySelector(selector)?.textContent.includes(text)""",
        arg=[selector, text],
    )


def has_value(visit: browser.Visit, label: str, value: str) -> None:
    """Wait until a field has a value."""
    visit.page.wait_for_function(
        """([label, value]) => document.querySelector(`[aria-label="${label}"]`).value === value""",
        arg=[label, value],
    )
