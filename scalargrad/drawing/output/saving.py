"""Picture files: the format by suffix, and the bytes of each."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

from ...core.whole_files import path_text
from ...errors import InputError, missing_extra, unwanted

#: pixels of a .png
LARGEST = 40e6
SUFFIXES = (".svg", ".dot", ".png", ".pdf", ".html", ".tex", ".typ")

# a page that can load and run nothing
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<title>scalargrad</title>
SVG</html>
"""


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the suffix of a picture file, or refuse one that is unknown."""
    name = path_text("save", "path", path, "graph.svg")
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        must = f"the file must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise InputError(unwanted("save", must, name, "change the suffix"))
    return suffix


def encode(svg: str, suffix: str) -> bytes:
    """Return an SVG as the bytes of a picture file: .svg, .html, .png or .pdf."""
    if suffix == ".svg":
        return svg.encode()
    if suffix == ".html":
        return _PAGE.replace("SVG", svg).encode()
    try:
        import vl_convert
    except ImportError:
        raise missing_extra(f"save {suffix}", "vl-convert-python", "pictures") from None
    if suffix == ".png":
        return bytes(vl_convert.svg_to_png(svg, scale=_scale(svg)))
    return bytes(vl_convert.svg_to_pdf(svg))


def _scale(svg: str) -> float:
    """Return how many pixels a unit gets: two, in huge pictures fewer."""
    wide, tall = map(float, re.findall(r'^<svg [^>]* width="([^"]+)" height="([^"]+)"', svg)[0])
    return min(2.0, math.sqrt(LARGEST / (wide * tall)))
