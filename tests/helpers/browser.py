"""Opens a page in headless Chromium, off the network: what it does, complains of and asks for.

A page that a server on this machine gives may ask that server; nothing else is reached.

A test file takes the fixture over by its name, then opens a file or a text of HTML::

    import browser

    open_page = browser.open_page

    def test_page_counts(open_page):
        with open_page(path) as visit:
            visit.page.click("text=Next")
            assert visit.complaints == visit.requests == []
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, Route, WebSocket, sync_playwright

#: a Path of a file, the text of one, or a `Served` address; more arguments are Playwright's for a
#: new context
Opener = Callable[..., AbstractContextManager["Visit"]]

ARGUMENTS = [  # Chromium's own errands would wait for a network that is not there
    "--disable-background-networking",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
SETTLE = 100  # milliseconds in which what a page has just said or asked for arrives here


class Served(str):
    """The address of a page on the loopback address, whose server it may ask."""

    __slots__ = ()


@dataclass
class Visit:
    """A page that is open."""

    page: Page
    _url: str
    _server: str | None = None
    _complaints: list[str] = field(default_factory=list)
    _requests: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings of the console so far; what a content policy forbids is one too."""
        self.page.wait_for_timeout(SETTLE)
        return self._complaints

    @property
    def requests(self) -> list[str]:
        """Addresses of all that the page asked for so far, but the file itself; it got none."""
        self.page.wait_for_timeout(SETTLE)
        return self._requests

    @property
    def is_quiet(self) -> bool:
        """Whether the page complained of nothing and asked for nothing so far."""
        return self.complaints == self._requests == []  # heard by now: complaints wait for them

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self._complaints.append(f"{message.type}: {message.text}")

    def _count(self, request: Request | WebSocket) -> None:
        if self._is_outside(request.url):
            self._requests.append(request.url)

    def _answer(self, route: Route) -> None:
        if self._is_outside(route.request.url):
            route.abort()
        else:
            route.continue_()

    def _is_outside(self, url: str) -> bool:
        if self._server is not None and url.startswith(self._server):
            return False
        return url.partition("#")[0] != self._url and not url.startswith(("data:", "blob:"))


@pytest.fixture(scope="module")
def open_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    """Start Chromium once for a test file; `with open_page(source) as visit` opens a page."""
    if "SCALARGRAD_SANITIZED" in os.environ:
        pytest.skip("no browser under the sanitizers, which would run in all its processes")
    chromium = shutil.which("chromium")
    if chromium is None:
        assert not os.environ.get("CI"), "CI must have Chromium"
        pytest.skip("Chromium is not installed; pages are tested in it")

    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS) as browser,
    ):

        @contextmanager
        def opened(source: Path | str, **options: Any) -> Iterator[Visit]:
            server = None
            if isinstance(source, Served):
                url, server = str(source), source.partition("?")[0]
                assert server.startswith("http://127.0.0.1:")
            else:
                path = source
                if isinstance(path, str):
                    path = tmp_path_factory.mktemp("page") / "page.html"
                    path.write_text(source, encoding="utf-8")
                url = path.resolve().as_uri()
            with browser.new_context(offline=server is None, **options) as context:
                context.set_default_timeout(60_000)  # where others are at work
                visit = Visit(context.new_page(), url, server)
                context.route("**/*", visit._answer)
                context.on("request", visit._count)
                context.on("console", visit._hear)
                visit.page.on("websocket", visit._count)
                visit.page.on("pageerror", lambda error: visit._complaints.append(str(error)))
                visit.page.goto(visit._url)
                yield visit

        yield opened
