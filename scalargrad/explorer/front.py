"""The page of the explorer as one file: what a server on this machine gives to a browser."""

from __future__ import annotations

from typing import Any

from ..drawing.page.document import as_json, content_policy, filled, joined

#: the front end, the same in every host, and what fetches its answers here
_SCRIPTS = (
    "exchange.js", "steps.js", "stage.js", "inputs.js", "descent.js", "share.js", "card.js",
    "explorer.js",
)  # fmt: skip
_HOST = "loopback.js"


def front(state: dict[str, Any], token: str) -> tuple[str, str]:
    """Return a page that begins with a state, and the policy by which it may ask its server."""
    shared = "scalargrad.drawing.page"
    style = joined("paper.css", package=shared) + _joined("explorer.css")
    script = "\n".join(
        ['"use strict";', joined("elements.js", package=shared), _joined(*_SCRIPTS, _HOST)]
    )
    parts = {
        "style": style,
        "skeleton": _joined("skeleton.html"),
        "data": as_json({"state": state, "token": token}),
        "script": script,
    }
    more = "connect-src 'self'", "img-src data:", "frame-ancestors 'none'"
    return filled(_joined("explorer.html"), parts), content_policy(script, style, *more)


def _joined(*names: str) -> str:
    return joined(*(f"page/{name}" for name in names), package=__package__)
