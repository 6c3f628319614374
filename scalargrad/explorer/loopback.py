"""The explorer's server: on the loopback address only, for the browser of whoever started it.

It answers whoever knows the token, which stands in the address that is printed and in the page,
and whose request names this very server: a page of elsewhere has another origin, and a name of
elsewhere that leads here is another host. Every message brings its own state, so that several
pages may be open; a page that is opened anew begins with what was seen last.
"""

from __future__ import annotations

import json
import secrets
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..errors import InputError, unwanted
from .explorer import Explorer
from .front import front

ADDRESS = "127.0.0.1"
#: bytes of a message, and seconds that a silent connection is kept
LONGEST, PATIENCE = 1_000_000, 60
_HEADER = "X-Scalargrad-Token"


class Loopback(ThreadingHTTPServer):
    """A server for one explorer; `address` is what a browser opens.

    Raises: `ValueError` for a port that cannot be had.
    """

    daemon_threads = True  # a browser that keeps a connection does not keep the process

    def __init__(self, explorer: Explorer, port: int = 0) -> None:
        self.explorer = explorer
        self.token: str = secrets.token_urlsafe(24)
        self.lock: Lock = Lock()
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            must = f"the port must be free ({error.strerror or error})"
            raise InputError(unwanted("explore", must, port, "leave --port out")) from error

    @property
    def origin(self) -> str:
        """What its pages come from."""
        return f"http://{ADDRESS}:{self.server_port}"

    @property
    def address(self) -> str:
        """The address of its page."""
        return f"{self.origin}/?token={self.token}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone; anything else is a fault, and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def answer(self, message: Any) -> dict[str, Any]:
        """Answer a message; one at a time, as several pages may be open."""
        with self.lock:
            return self.explorer.receive(message)


class _Handler(BaseHTTPRequestHandler):
    server: Loopback
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server_version = "scalargrad"
    sys_version = ""

    def do_GET(self) -> None:
        """Give the page to whoever has the token."""
        where = urlsplit(self.path)
        if where.path != "/":
            self._deny(HTTPStatus.NOT_FOUND, "There is one page here: /")
        elif self._is_known(parse_qs(where.query).get("token", [""])[-1]):
            html, policy = front(self.server.explorer.state.plain(), self.server.token)
            self._send(HTTPStatus.OK, "text/html", html, policy)

    def do_POST(self) -> None:
        """Answer a message of the page."""
        content = self._content()
        if content is None or not self._is_known(self.headers.get(_HEADER, "")):
            return
        if self.path != "/message":
            self._deny(HTTPStatus.NOT_FOUND, "Messages go to /message")
        elif self.headers.get_content_type() != "application/json":
            self._deny(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A message is application/json")
        else:
            try:
                message = json.loads(content)
            except (ValueError, RecursionError):
                self._deny(HTTPStatus.BAD_REQUEST, "A message is JSON")
                return
            try:
                reply = json.dumps(self.server.answer(message), allow_nan=False)
            except Exception:  # a fault of ours: the page hears of it, the terminal shows it
                self._deny(HTTPStatus.INTERNAL_SERVER_ERROR, "A fault; the terminal tells of it")
                raise
            self._send(HTTPStatus.OK, "application/json", reply)

    def _content(self) -> bytes | None:
        """Return what was sent, or refuse it without reading."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 12):
            self._deny(HTTPStatus.LENGTH_REQUIRED, "A message says its length")
        elif int(length) > LONGEST:
            self._deny(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {LONGEST:,} bytes")
        else:
            return self.rfile.read(int(length))
        return None

    def _is_known(self, token: str) -> bool:
        """Tell whether a request is of the browser that was meant; refuse it otherwise."""
        own = self.server.origin
        origin = self.headers.get("Origin", own)
        same = self.headers.get_all("Host") == [own.removeprefix("http://")] and origin == own
        if same and secrets.compare_digest(token.encode(), self.server.token.encode()):
            return True
        self._deny(HTTPStatus.FORBIDDEN, "Open the address that scalargrad explore printed")
        return False

    def _deny(self, status: HTTPStatus, said: str) -> None:
        self.close_connection = True
        self._send(status, "text/plain", f"{said}\n")

    def _send(self, status: HTTPStatus, kind: str, text: str, policy: str = "") -> None:
        content = text.encode()
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy or "default-src 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if self.close_connection:
            headers["Connection"] = "close"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal shows the address."""
