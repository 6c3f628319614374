"""The colours of a picture on white, on black, and on whatever lies behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..layout.measures import BLACK, GREY, IDLE, PALE, RED, WHITE

#: what stands for the colours of a picture on white
THEMES: Mapping[str, Mapping[str, str]] = {
    "light": {},
    "dark": {
        WHITE: "#16171a", BLACK: "#f2f2f2", RED: "#ff6b6b", GREY: "#b8b8b8", PALE: "#202226",
        IDLE: "#5a5a5a",
    },
    "transparent": {WHITE: "none", PALE: "none"},
}  # fmt: skip
_COLOUR = re.compile(r'(?<= )(fill|stroke)="(#[0-9a-f]{3,6})"')


def recoloured(svg: str, theme: str) -> str:
    """Return SVG text in the colours of a theme; what a label says is no attribute.

    >>> recoloured('<rect fill="#fff"/><text fill="#111">fill=&quot;#111&quot;</text>', "dark")
    '<rect fill="#16171a"/><text fill="#f2f2f2">fill=&quot;#111&quot;</text>'
    """
    colours = THEMES[theme]
    if not colours:
        return svg
    return _COLOUR.sub(lambda found: f'{found[1]}="{colours.get(found[2], found[2])}"', svg)
