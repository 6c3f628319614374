"""Run pyodide.py in Chromium, with the wheels of a folder, and look at what it shows there."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

ARGUMENTS = ["--disable-background-networking", "--disable-sync"]


class Quiet(SimpleHTTPRequestHandler):
    """Serve the files of a folder and say nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory="."))
threading.Thread(target=server.serve_forever, daemon=True).start()
wheels = urlencode([("wheel", path.name) for path in sorted(Path("wheels").iterdir())])
address = f"http://127.0.0.1:{server.server_port}/pyodide.html?{wheels}"

with (
    sync_playwright() as playwright,
    playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS) as browser,
):
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.wait_for_function("document.title !== 'scalargrad in Pyodide'", timeout=300_000)
    print(page.inner_text("#said"))
    assert page.title() == "done"
    picture = page.locator("#picture svg").bounding_box()
    assert picture is not None
    assert picture["width"] > 100
    walk = page.frame_locator("#page")
    before = walk.locator(".where").inner_text()
    walk.locator("[data-do=next]").click()
    after = walk.locator(".where").inner_text()
    assert before != after, before
    assert complaints == []
print(f"in Chromium: the picture is {picture['width']:.0f} pixels wide, the page says {after!r}")
